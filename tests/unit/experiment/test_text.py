"""Lines of files and folders."""

import gzip

import pytest

from modelway.errors import ExperimentError
from modelway.experiment.text import lines_in_files


def test_a_folder_is_read_in_the_order_of_names_gzipped_or_not(tmp_path):
    (tmp_path / "green" / "10").mkdir(parents=True)
    (tmp_path / "green" / "10" / "b.jsonl.gz").write_bytes(gzip.compress(b"3\n"))
    (tmp_path / "green" / "a.jsonl").write_bytes(b"4\r\n5")
    (tmp_path / "blue.csv").write_bytes(b"1\n2\n")
    (tmp_path / "notes.txt").write_bytes(b"not read\n")

    lines = list(lines_in_files(tmp_path))

    assert [(line.path, line.number, line.text) for line in lines] == [
        ("blue.csv", 1, "1"),
        ("blue.csv", 2, "2"),
        ("green/10/b.jsonl.gz", 1, "3"),
        ("green/a.jsonl", 1, "4"),
        ("green/a.jsonl", 2, "5"),
    ]


def test_a_file_keeps_its_path_so_that_its_folders_tell_the_variant(tmp_path):
    path = tmp_path / "blue" / "a.jsonl"
    path.parent.mkdir()
    path.write_bytes(b"1\n")

    assert [line.path for line in lines_in_files(path)] == [path.as_posix()]


def test_bytes_that_are_no_text_spoil_one_line_only(tmp_path):
    (tmp_path / "a.jsonl").write_bytes(b"\xff\xfe\n{}\n")

    assert [line.text for line in lines_in_files(tmp_path)] == ["\ufffd\ufffd", "{}"]


def test_nothing_to_read_is_refused_with_what_would_be(tmp_path):
    with pytest.raises(ExperimentError, match=r"no file in this folder ends with \.jsonl"):
        list(lines_in_files(tmp_path))
    with pytest.raises(ExperimentError, match="No such file or directory; give a file or a folder"):
        list(lines_in_files(tmp_path / "none"))


@pytest.mark.parametrize(
    "content",
    [gzip.compress(b"1\n" * 9999)[:-20], b"not gzip"],
    # Names of our own: gzip writes the time of day, and workers must collect equal names.
    ids=["cut off", "not gzip"],
)
def test_a_gzip_file_that_is_cut_off_or_none_is_refused_by_name(tmp_path, content):
    (tmp_path / "a.jsonl.gz").write_bytes(content)

    with pytest.raises(ExperimentError, match=r"a\.jsonl\.gz: .*it is no whole gzip file"):
        list(lines_in_files(tmp_path))
