"""The journal: what is kept, what is left out, and what survives a torn end."""

import json

import pytest

from modelway.emulator.journal import Entry, Journal
from modelway.errors import EmulatorError


@pytest.fixture
def journal_in():
    journals = []

    def opened(folder):
        journals.append(Journal(folder))
        return journals[-1]

    yield opened
    for journal in journals:
        journal.close()


def entry(**changes):
    values = {
        "at": 1_700_000_000.25,
        "seed": 42,
        "method": "POST",
        "url": "/",
        "headers": {"X-Amz-Target": "TrentService.CreateKey"},
        "body": b"{}",
    }
    return Entry(**(values | changes))


def test_an_entry_comes_back_as_it_was(tmp_path, journal_in):
    written = entry(url="/bucket/a%20b?versionId=1", body=b"\x00\xff binary")
    journal = journal_in(tmp_path)
    journal.append(written)
    journal.close()

    assert list(journal_in(tmp_path).entries()) == [written]


def test_entries_keep_their_order_across_restarts(tmp_path, journal_in):
    for number in range(3):
        journal = journal_in(tmp_path)
        journal.append(entry(seed=number))
        journal.close()

    assert [each.seed for each in journal_in(tmp_path).entries()] == [0, 1, 2]


def test_a_large_body_lies_beside_the_journal_once(tmp_path, journal_in):
    body = b"x" * 100_000
    journal = journal_in(tmp_path)
    journal.append(entry(body=body))
    journal.append(entry(body=body))

    assert [each.body == body for each in journal.entries()] == [True, True]
    assert len(list((tmp_path / "blobs").iterdir())) == 1
    assert (tmp_path / "journal.jsonl").stat().st_size < 2000


def test_no_signature_and_no_session_token_is_written(tmp_path, journal_in):
    headers = {
        "Authorization": "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20261123/us-east-1/s3/"
        "aws4_request, SignedHeaders=host, Signature=5ec2e7",
        "X-Amz-Security-Token": "token-7f3a",
    }
    url = "/b/k?X-Amz-Security-Token=token-7f3a&X-Amz-Signature=5ec2e7&x=1"
    journal = journal_in(tmp_path)
    journal.append(entry(headers=headers, url=url))

    text = (tmp_path / "journal.jsonl").read_text()
    kept = next(journal.entries())
    assert "5ec2e7" not in text
    assert "token-7f3a" not in text
    assert (
        "Credential=AKIDEXAMPLE/20261123/us-east-1/s3/aws4_request"
        in (kept.headers["Authorization"])
    )
    assert kept.url == "/b/k?X-Amz-Security-Token=0&X-Amz-Signature=0&x=1"


def test_an_entry_torn_by_a_dying_process_is_dropped_and_said(tmp_path, journal_in):
    journal = journal_in(tmp_path)
    journal.append(entry(seed=1))
    journal.append(entry(seed=2))
    journal.close()
    path = tmp_path / "journal.jsonl"
    path.write_bytes(path.read_bytes()[:-20])

    reopened = journal_in(tmp_path)
    reopened.append(entry(seed=3))

    assert "incomplete entry" in reopened.repaired
    assert [each.seed for each in reopened.entries()] == [1, 3]


def test_a_journal_of_another_format_is_refused(tmp_path, journal_in):
    (tmp_path / "journal.jsonl").write_text(json.dumps({"format": 99}) + "\n")

    with pytest.raises(EmulatorError, match="has format 99; this version reads 1"):
        journal_in(tmp_path)


def test_a_broken_line_is_named(tmp_path, journal_in):
    journal = journal_in(tmp_path)
    journal.append(entry())
    journal.close()
    with (tmp_path / "journal.jsonl").open("a") as file:
        file.write("not json\n")

    with pytest.raises(EmulatorError, match="line 3 cannot be read"):
        list(journal_in(tmp_path).entries())


def test_a_cleared_journal_is_as_new(tmp_path, journal_in):
    journal = journal_in(tmp_path)
    journal.append(entry(body=b"x" * 100_000))

    journal.clear()
    journal.append(entry(seed=7))

    assert [each.seed for each in journal.entries()] == [7]
    assert not (tmp_path / "blobs").exists()
