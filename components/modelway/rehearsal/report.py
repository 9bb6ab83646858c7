"""Writes what came of a rehearsal: Markdown for people, JSON for programs, and the plot beside.

Takes a finished rehearsal and its verdicts, gives texts, and writes them into a folder. Must not
judge.
"""

import json
import math
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from modelway.errors import RehearsalError
from modelway.rehearsal.calls import longest_unavailability_seconds, quantile
from modelway.rehearsal.expectations import Verdict
from modelway.rehearsal.plot import plot
from modelway.rehearsal.record import Event, Rehearsed, UpRecord
from modelway.rehearsal.series import shares, slices, spans

MARKDOWN, JSON, PLOT = "report.md", "report.json", "plot.svg"


def held(verdicts: Sequence[Verdict]) -> bool:
    """Tell whether all expectations held."""
    return all(verdict.held for verdict in verdicts)


def write_report(folder: Path, rehearsed: Rehearsed, verdicts: Sequence[Verdict]) -> None:
    """Write the report, the plot and what each `pulumi up` printed.

    Raises:
        RehearsalError: the folder cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / MARKDOWN).write_text(markdown(rehearsed, verdicts, plot_file=PLOT), "utf-8")
        document = json.dumps(as_json(rehearsed, verdicts), indent=2)
        (folder / JSON).write_text(document + "\n", "utf-8")
        (folder / PLOT).write_text(plot(rehearsed), "utf-8")
        for number, record in enumerate(rehearsed.ups):
            (folder / f"up-{number}.log").write_text(record.output, "utf-8")
    except OSError as error:
        raise RehearsalError(
            f"writing the report to {folder}: {error.strerror}; give --out a folder that you may "
            "write to"
        ) from None


def markdown(
    rehearsed: Rehearsed, verdicts: Sequence[Verdict], plot_file: str | None = None
) -> str:
    """Give the report for people."""
    scenario = rehearsed.scenario
    broken = sum(not verdict.held for verdict in verdicts)
    lines = [
        f"# Rehearsal: {scenario.name}",
        "",
        *([scenario.description, ""] if scenario.description else []),
        (
            (f"**{broken} of " if broken else "**All ")
            + f"{len(verdicts)} expectations {'did not hold' if broken else 'held'}.** "
            f"Endpoint `{rehearsed.endpoint}`, "
            f"{rehearsed.seconds:.1f} s at {scenario.time_scale:g} times real time."
        ),
        "",
        "## Expectations",
        "",
        "| | expectation | expected | found |",
        "|---|---|---|---|",
        *(
            f"| {'held' if v.held else '**not held**'} | `{v.path}` | {_cell(v.expected)} | "
            f"{_cell(v.found)} |"
            for v in verdicts
        ),
        "",
        "## Ups",
        "",
        "| up | outcome | exit status | took | serves after it |",
        "|---|---|---|---|---|",
        *(
            f"| {_title(number, record)} | {record.outcome} | {record.exit_status} | "
            f"{record.seconds:.1f} s | `{record.config_after or 'nothing'}` |"
            for number, record in enumerate(rehearsed.ups)
        ),
        "",
        "## Requests",
        "",
        *_requests(rehearsed),
        "",
    ]
    if plot_file is not None:
        lines += [f"![requests, latency and traffic over virtual time]({plot_file})", ""]
    lines += ["## Timeline", "", "| virtual seconds | event | what |", "|---:|---|---|"]
    lines += [
        f"| {event.at - rehearsed.began:.0f} | {event.kind} | {_cell(event.text)} |"
        for event in rehearsed.events
    ]
    return "\n".join(lines) + "\n"


def as_json(rehearsed: Rehearsed, verdicts: Sequence[Verdict]) -> dict[str, Any]:
    """Give the report for programs. Times are virtual seconds since the beginning."""
    began = rehearsed.began
    return {
        "scenario": rehearsed.scenario.name,
        "description": rehearsed.scenario.description,
        "held": held(verdicts),
        "endpoint": rehearsed.endpoint,
        "time_scale": rehearsed.scenario.time_scale,
        "real_seconds": round(rehearsed.seconds, 3),
        "virtual_seconds": round(rehearsed.ended - began, 3),
        "expectations": [
            {"path": v.path, "expected": v.expected, "found": v.found, "held": v.held}
            for v in verdicts
        ],
        "ups": [
            {
                "title": _title(number, record),
                "outcome": record.outcome,
                "exit_status": record.exit_status,
                "real_seconds": round(record.seconds, 3),
                "began": round(record.began - began, 3),
                "ended": round(record.ended - began, 3),
                "config_before": record.config_before,
                "config_after": record.config_after,
            }
            for number, record in enumerate(rehearsed.ups)
        ],
        "requests": _figures(rehearsed),
        "events": [_event(event, began) for event in rehearsed.events],
        "slices": [
            {
                "begins": round(each.begins, 3),
                "per_second": round(each.per_second, 3),
                "errors_per_second": round(each.errors_per_second, 3),
                "p50_ms": _number(each.p50_ms),
                "p99_ms": _number(each.p99_ms),
                "versions": dict(each.versions),
            }
            for each in slices(rehearsed)
        ],
        "traffic": [
            {"begins": round(each.begins, 3), "shares": dict(each.shares)}
            for each in shares(rehearsed)
        ],
        "spans": [
            {
                "kind": span.kind,
                "name": span.name,
                "begins": round(span.begins, 3),
                "ends": round(span.ends, 3),
            }
            for span in spans(rehearsed)
        ],
    }


def _figures(rehearsed: Rehearsed) -> dict[str, Any]:
    calls = [sent.call for sent in rehearsed.calls]
    latencies = sorted(call.latency_ms for call in calls)
    return {
        "sent": len(calls),
        "failed": sum(1 for call in calls if call.error),
        "errors": dict(Counter(call.error for call in calls if call.error)),
        "versions": dict(Counter(call.version for call in calls if call.version)),
        "p50_ms": _number(quantile(latencies, 0.50)),
        "p99_ms": _number(quantile(latencies, 0.99)),
        "latest_ms": _number(max((call.late_ms for call in calls), default=math.nan)),
        "longest_unavailability_seconds": round(longest_unavailability_seconds(calls), 3),
    }


def _requests(rehearsed: Rehearsed) -> list[str]:
    figures = _figures(rehearsed)
    if not figures["sent"]:
        return ["None were sent."]
    versions = ", ".join(
        f"{count} by version {version}" for version, count in sorted(figures["versions"].items())
    )
    errors = ", ".join(f"{count} {code}" for code, count in sorted(figures["errors"].items()))
    return [
        f"- {figures['sent']} sent, {figures['failed']} failed"
        + (f" ({errors})" if errors else ""),
        f"- answered: {versions or 'none'}",
        f"- latency: p50 {figures['p50_ms']} ms, p99 {figures['p99_ms']} ms",
        f"- longest unavailability: {figures['longest_unavailability_seconds']:.2f} s",
        f"- the latest left {figures['latest_ms']} ms after its time",
    ]


def _title(number: int, record: UpRecord) -> str:
    title = "the first version" if record.up is None else record.up.title
    return f"{number}" + (f": {title}" if title else "")


def _event(event: Event, began: float) -> dict[str, Any]:
    return {
        "at": round(event.at - began, 3),
        "kind": event.kind,
        "text": event.text,
        "data": dict(event.data),
    }


def _number(value: float) -> float | None:
    """JSON has no NaN."""
    return None if math.isnan(value) else round(value, 2)


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
