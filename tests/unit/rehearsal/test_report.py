"""The report: Markdown for people, JSON for programs, files beside each other."""

import json

import pytest

from modelway.errors import RehearsalError
from modelway.rehearsal.expectations import Verdict
from modelway.rehearsal.record import Event
from modelway.rehearsal.report import as_json, held, markdown, write_report

HELD = Verdict("change.expect.outcome", "promoted", "promoted", held=True)
BROKEN = Verdict("expect.client_errors", "none", "3 of 9 (3 ModelError|x)", held=False)


@pytest.fixture
def finished(rehearsed, call):
    """A rehearsal with three requests and a timeline."""
    return rehearsed(
        {"description": "It shows a report."},
        calls=[
            (1200.0, call(0.0, version="1", latency_ms=10)),
            (1260.0, call(1.0, version="2", latency_ms=30)),
            (1320.0, call(2.0, error="ModelError", version="", latency_ms=20)),
        ],
        events=[
            Event(1130.0, "update-started", "Updating to new.", {"config": "new"}),
            Event(1200.0, "traffic", "Half | half", {"shares": {"old": 0.5, "new": 0.5}}),
        ],
        up={"output": "it went well\n"},
    )


def test_markdown_says_first_whether_the_expectations_held(finished):
    text = markdown(finished, [HELD, BROKEN])

    assert text.startswith("# Rehearsal: try\n\nIt shows a report.\n\n")
    assert "**1 of 2 expectations did not hold.** Endpoint" in text
    assert "| held | `change.expect.outcome` | promoted | promoted |" in text
    assert "| **not held** | `expect.client_errors` | none | 3 of 9 (3 ModelError\\|x) |" in text
    assert "**All 3 expectations held.** Endpoint" in markdown(finished, [HELD] * 3)


def test_markdown_has_ups_requests_and_the_timeline(finished):
    text = markdown(finished, [HELD], plot_file="plot.svg")

    assert "| 0: the first version | promoted | 0 | 5.0 s | `old` |" in text
    assert "| 1 | promoted | 0 | 6.0 s | `new` |" in text
    assert "- 3 sent, 1 failed (1 ModelError)" in text
    assert "- answered: 1 by version 1, 1 by version 2" in text
    assert "- latency: p50 20.0 ms, p99 29.8 ms" in text
    assert "| 130 | update-started | Updating to new. |" in text
    assert "| 200 | traffic | Half \\| half |" in text
    assert "](plot.svg)" in text


def test_json_has_the_same_figures_with_times_since_the_beginning(finished):
    found = json.loads(json.dumps(as_json(finished, [HELD, BROKEN]), allow_nan=False))

    assert found["held"] is False
    assert found["virtual_seconds"] == 600.0
    assert found["requests"]["errors"] == {"ModelError": 1}
    assert found["requests"]["versions"] == {"1": 1, "2": 1}
    assert found["events"][0] == {
        "at": 130.0,
        "kind": "update-started",
        "text": "Updating to new.",
        "data": {"config": "new"},
    }
    assert found["traffic"] == [{"begins": 200.0, "shares": {"old": 0.5, "new": 0.5}}]
    assert found["slices"][0]["begins"] == 200.0
    assert len(found["slices"]) == 60


def test_a_rehearsal_without_requests_has_a_report_too(rehearsed):
    empty = rehearsed({"traffic": None})

    assert "None were sent." in markdown(empty, [])
    assert as_json(empty, [])["requests"]["p99_ms"] is None


def test_no_expectation_at_all_is_one_that_held():
    assert held([])
    assert not held([HELD, BROKEN])


def test_all_files_are_written(finished, tmp_path):
    write_report(tmp_path / "out", finished, [HELD])

    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "plot.svg",
        "report.json",
        "report.md",
        "up-0.log",
        "up-1.log",
    ]
    assert (tmp_path / "out" / "up-1.log").read_text() == "it went well\n"


def test_a_folder_that_cannot_be_written_is_told(finished, tmp_path):
    (tmp_path / "out").write_text("a file")

    with pytest.raises(RehearsalError, match="give --out a folder"):
        write_report(tmp_path / "out", finished, [HELD])
