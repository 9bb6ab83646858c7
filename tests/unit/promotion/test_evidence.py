"""Evidence says how it went, and of what."""

import hashlib

import pytest

from modelway.errors import PromotionError
from modelway.promotion.evidence import read_evidence

MODEL = f"sha256:{'1' * 64}"
JUNIT = (
    '<?xml version="1.0"?><testsuites><testsuite tests="3" failures="{}" errors="{}"/></testsuites>'
)


@pytest.fixture
def read(tmp_path):
    def run(content, kind="tests"):
        path = tmp_path / "file"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        (found,) = read_evidence([f"{kind}={path}"], {MODEL})
        return found

    return run


@pytest.mark.parametrize(
    ("content", "outcome"),
    [
        ('{"outcome": "passed"}', "passed"),
        ('{"outcome": "failed", "passed": true}', "failed"),
        ('{"passed": true}', "passed"),
        ('{"held": false, "scenario": "healthy-canary"}', "failed"),
        (f'{{"outcome": "passed", "subject": "{MODEL}"}}', "passed"),
        (JUNIT.format(0, 0), "passed"),
        (JUNIT.format(1, 0), "failed"),
        (JUNIT.format(0, 1), "failed"),
    ],
)
def test_a_file_says_how_it_went(read, content, outcome):
    found = read(content)

    assert found.evidence.outcome == outcome
    assert found.evidence.kind == "tests"
    assert found.evidence.sha256 == "sha256:" + hashlib.sha256(content.encode()).hexdigest()
    assert found.suffix == (".xml" if content[0] == "<" else ".json")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{}", "does not say how it went"),
        ("[true]", "does not say how it went"),
        ('{"outcome": "good"}', "does not say how it went"),
        ('{"passed": "yes"}', "does not say how it went"),
        ('{"outcome": "passed", "subject": "sha256:2"}', "speaks of sha256:2, which is not in"),
        ("hello", "is neither JSON nor JUnit XML"),
        ("<a>", "is not XML"),
        ("<a/>", "is no JUnit report with tests in it"),
        ('<testsuite tests="0"/>', "is no JUnit report with tests in it"),
        ('<testsuite tests="many"/>', "`tests` is 'many', not a number"),
    ],
)
def test_a_file_that_says_nothing_or_speaks_of_something_else_is_refused(read, content, message):
    with pytest.raises(PromotionError, match=message):
        read(content)


def test_every_problem_is_told_at_once(tmp_path):
    with pytest.raises(PromotionError) as failure:
        read_evidence(["tests", "x=", f"parity={tmp_path / 'none'}"], set())

    assert str(failure.value) == (
        "reading the evidence: --evidence tests: allowed: KIND=FILE, such as tests=junit.xml\n"
        "  --evidence x=: allowed: KIND=FILE, such as tests=junit.xml\n"
        f"  --evidence parity={tmp_path / 'none'}: No such file or directory"
    )


def test_a_kind_that_is_no_name_is_refused(read):
    with pytest.raises(PromotionError, match="kind: has characters or a form"):
        read('{"passed": true}', kind="My Tests")
