"""What a change would do to one stack, as Markdown for a pull request.

Takes the plans of the stack's models and what `pulumi preview --json` printed, gives text that fits
into a comment. Must not decide numbers, read files or run the engine. modelway knows no prices:
what a change costs at its peak is told in instances.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from modelway.plan.model import DeploymentPlan
from modelway.plan.outlook import (
    ALARM_COLUMNS,
    STAGE_COLUMNS,
    RolloutOutlook,
    alarm_rows,
    rollout_outlook,
    stage_rows,
    summary_lines,
)

LISTED = 40
"""So many resources and messages are listed, the rest counted: GitHub takes 65,536 characters in a
comment, and three stacks share one."""

_UNCHANGED = frozenset({"same", "read", "refresh"})


@dataclass(frozen=True)
class PlannedModel:
    """One model of the stack."""

    plan: DeploymentPlan
    release: str
    """What the release records say of it."""
    problems: tuple[str, ...] = ()
    """Why it cannot be deployed as it is."""


def stack_comment(
    stack: str, models: Sequence[PlannedModel], preview: Mapping[str, Any] | None = None
) -> str:
    """Give the comment of one stack.

    Args:
        stack: its name.
        models: what is declared in it.
        preview: what `pulumi preview --json` printed; without it only the plans are told.
    """
    outlooks = [rollout_outlook(each.plan) for each in models]
    parts = [f"### Stack `{stack}`", _peak(models, outlooks)]
    if preview is not None:
        parts += _preview(preview)
    for each, outlook in zip(models, outlooks, strict=True):
        parts += _model(each, outlook)
    return "\n\n".join(part for part in parts if part) + "\n"


def _peak(models: Sequence[PlannedModel], outlooks: Sequence[RolloutOutlook]) -> str:
    """Say how many instances the stack has, and has at most, by instance type."""
    rows: dict[str, list[int]] = {}
    for each, outlook in zip(models, outlooks, strict=True):
        variant = each.plan.variant
        count = rows.setdefault(variant.instance_type, [0, 0, 0])
        count[0] += variant.initial_instance_count
        count[1] += outlook.peak_instances
        count[2] += outlook.greatest_peak_instances
    columns = (
        "instance type",
        "instances at rest",
        "peak while every model is updated",
        "the same, scaled out to the most",
    )
    cells = [(name, *map(str, counts)) for name, counts in sorted(rows.items())]
    return _table(columns, cells)


def _preview(preview: Mapping[str, Any]) -> Iterator[str]:
    """Say what the engine would change, and what was said meanwhile."""
    steps = [
        (str(step.get("op", "")), str(step.get("urn", "")))
        for step in preview.get("steps", [])
        if step.get("op") not in _UNCHANGED
    ]
    summary: Mapping[str, int] = preview.get("changeSummary") or {}
    counts = ", ".join(f"{count} {kind}" for kind, count in sorted(summary.items()))
    yield f"`pulumi preview`: {counts or 'no resources'}."
    errors = [each for each in preview.get("diagnostics", []) if each.get("severity") == "error"]
    if errors:
        yield "**The preview was refused.**"
    told = [str(each.get("message", "")).strip() for each in preview.get("diagnostics", [])]
    yield _quoted(dict.fromkeys(text for text in told if text))
    yield _table(("change", "resource", "name"), [(op, *_named(urn)) for op, urn in steps])


def _model(model: PlannedModel, outlook: RolloutOutlook) -> Iterator[str]:
    plan = model.plan
    yield f"#### `{plan.name}`"
    yield _cell(model.release) + "."
    for problem in model.problems:
        yield f"**Not ready to deploy**: {_cell(problem)}"
    lines = [_cell(line) for line in summary_lines(plan, outlook)]
    yield "\n".join(lines)
    tables = (
        _table(STAGE_COLUMNS, stage_rows(outlook)),
        _table(ALARM_COLUMNS, alarm_rows(plan)),
    )
    shown = "\n\n".join(table for table in tables if table)
    if shown:
        yield f"<details><summary>An update, stage by stage</summary>\n\n{shown}\n\n</details>"


def _named(urn: str) -> tuple[str, str]:
    """Give type and name of a resource; the type alone, without those of its parents."""
    *_front, types, name = urn.split("::")
    return f"`{types.rpartition('$')[2]}`", name


def _table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Write a table; without rows nothing."""
    if not rows:
        return ""
    head = [_row(columns), _row(["---"] * len(columns))]
    body = [_row([_cell(cell) for cell in row]) for row in rows[:LISTED]]
    left = len(rows) - LISTED
    more = f"\n\nand {left} more" if left > 0 else ""
    return "\n".join([*head, *body]) + more


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _cell(text: str) -> str:
    """Keep a value one line, and what it holds from being Markdown's or HTML's own."""
    plain = " ".join(text.split())
    return plain.replace("&", "&amp;").replace("<", "&lt;").replace("|", "\\|")


def _quoted(messages: Iterable[str]) -> str:
    """Write what was said as it was said: indented text is no Markdown."""
    lines = [f"    {line}" for text in messages for line in text.splitlines()]
    left = len(lines) - LISTED
    shown = lines[:LISTED] + ([f"    and {left} lines more"] if left > 0 else [])
    return "\n".join(shown)
