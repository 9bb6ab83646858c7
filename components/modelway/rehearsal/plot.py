"""Draws a rehearsal as one SVG: requests, errors, latency and traffic per fleet over virtual time.

Takes a finished rehearsal, gives the text of an SVG file without outside parts. Bakes, alarms and
faults are marked across all panels. Must not judge.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from xml.sax.saxutils import escape, quoteattr

from modelway.rehearsal.record import Rehearsed
from modelway.rehearsal.series import Share, Slice, Span, shares, slices, spans

WIDTH = 960
LEFT, RIGHT = 70, 20
PANEL, GAP, TOP, BOTTOM = 120, 34, 92, 42
"""Sizes in pixels: a panel's height, between panels, above the first, below the last."""

COLORS = ("#0b6e99", "#d9730d", "#0f7b6c", "#6940a5", "#ad1a72", "#64473a")
MARKS = {"bake": "#e8d9b5", "alarm": "#e03e3e", "fault": "#64473a"}
ERRORS = "#e03e3e"

_TICKS = 8

_LABEL_ROWS = 4
_CHARACTER = 6.2
"""Pixels of a character at 11 pixels, on the safe side."""


@dataclass(frozen=True)
class _Line:
    name: str
    color: str
    points: Sequence[tuple[float, float]]
    """Virtual seconds and value; NaN makes a gap."""
    steps: bool = False


@dataclass
class _Panel:
    title: str
    lines: list[_Line] = field(default_factory=list[_Line])
    top: float | None = None
    """The greatest value of the axis; default: of the lines."""


def plot(rehearsed: Rehearsed) -> str:
    """Draw it."""
    begins, ends = 0.0, max(rehearsed.ended - rehearsed.began, 1.0)
    cut = slices(rehearsed)
    panels = [
        _requests(cut),
        _latency(cut),
        _versions(cut),
        _fleets(shares(rehearsed), ends),
    ]
    height = TOP + len(panels) * (PANEL + GAP) + BOTTOM

    def x(seconds: float) -> float:
        return LEFT + (seconds - begins) / (ends - begins) * (WIDTH - LEFT - RIGHT)

    scenario = rehearsed.scenario
    parts = [
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" '
            f'width="{WIDTH}" height="{height}" font-family="sans-serif" font-size="11">'
        ),
        f"<title>{escape(scenario.name)}</title>",
        f"<desc>{escape(scenario.description)}</desc>",
        f'<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>',
        _text(LEFT, 20, scenario.name, size=15, weight="bold"),
        *_marks(spans(rehearsed), x, height, rehearsed.endpoint),
    ]
    for number, panel in enumerate(panels):
        parts += _draw(panel, TOP + number * (PANEL + GAP), x)
    parts += _ups(rehearsed, x, height)
    parts += _axis(ends, x, height - BOTTOM + 6)
    return "\n".join([*parts, "</svg>"]) + "\n"


def _requests(cut: Sequence[Slice]) -> _Panel:
    return _Panel(
        "requests per second",
        [
            _Line("requests", COLORS[0], [(each.begins, each.per_second) for each in cut]),
            _Line("errors", ERRORS, [(each.begins, each.errors_per_second) for each in cut]),
        ],
    )


def _latency(cut: Sequence[Slice]) -> _Panel:
    return _Panel(
        "latency of clients in ms",
        [
            _Line("p50", COLORS[0], [(each.begins, each.p50_ms) for each in cut]),
            _Line("p99", COLORS[1], [(each.begins, each.p99_ms) for each in cut]),
        ],
    )


def _versions(cut: Sequence[Slice]) -> _Panel:
    names = list(dict.fromkeys(name for each in cut for name in each.versions))
    return _Panel(
        "answers by version in %",
        [
            _Line(
                f"version {name}",
                COLORS[number % len(COLORS)],
                [
                    (
                        each.begins,
                        100 * each.versions.get(name, 0) / sum(each.versions.values())
                        if each.versions
                        else math.nan,
                    )
                    for each in cut
                ],
            )
            for number, name in enumerate(names)
        ],
        top=100,
    )


def _fleets(found: Sequence[Share], ends: float) -> _Panel:
    names = list(dict.fromkeys(name for share in found for name in share.shares))
    lines = []
    for number, name in enumerate(names):
        points = [(share.begins, 100 * share.shares.get(name, 0.0)) for share in found]
        points.append((ends, points[-1][1]))
        lines.append(_Line(name, COLORS[number % len(COLORS)], points, steps=True))
    return _Panel("traffic by fleet in %", lines, top=100)


def _draw(panel: _Panel, y: float, x: Callable[[float], float]) -> Iterable[str]:
    values = [v for line in panel.lines for _, v in line.points if not math.isnan(v)]
    top = panel.top if panel.top is not None else _round_up(max(values, default=1.0))
    yield _text(LEFT, y - 6, panel.title, weight="bold")
    for share in (0.0, 0.5, 1.0):
        height = y + PANEL * (1 - share)
        yield (
            f'<line x1="{LEFT}" y1="{height:.1f}" x2="{WIDTH - RIGHT}" y2="{height:.1f}" '
            'stroke="#dddddd"/>'
        )
        yield _text(LEFT - 6, height + 4, f"{top * share:g}", anchor="end")
    right = WIDTH - RIGHT
    for line in reversed(panel.lines):
        yield _text(right, y - 6, line.name, color=line.color, anchor="end")
        right -= 7 * len(line.name) + 14
    for line in panel.lines:
        for piece in _pieces(line):
            points = " ".join(
                f"{x(at):.1f},{y + PANEL * (1 - min(value / top, 1.0)):.1f}" for at, value in piece
            )
            yield (
                f'<polyline points="{points}" fill="none" stroke="{line.color}" '
                f'stroke-width="1.6"><title>{escape(line.name)}</title></polyline>'
            )


def _pieces(line: _Line) -> Iterable[list[tuple[float, float]]]:
    """Give a line's parts between gaps; a point alone becomes a short stroke."""
    piece: list[tuple[float, float]] = []
    for at, value in [*line.points, (math.nan, math.nan)]:
        if math.isnan(value):
            if piece:
                yield piece if len(piece) > 1 else [piece[0], piece[0]]
            piece = []
            continue
        if line.steps and piece:
            piece.append((at, piece[-1][1]))
        piece.append((at, value))


def _marks(
    found: Sequence[Span], x: Callable[[float], float], height: int, endpoint: str
) -> Iterable[str]:
    taken: list[list[tuple[float, float]]] = [[] for _ in range(_LABEL_ROWS)]
    for span in found:
        left, width = x(span.begins), max(x(span.ends) - x(span.begins), 1.0)
        color = MARKS[span.kind]
        opacity = 0.5 if span.kind == "bake" else 0.13
        yield (
            f'<rect class="{span.kind}" x="{left:.1f}" y="{TOP}" width="{width:.1f}" '
            f'height="{height - TOP - BOTTOM}" fill="{color}" fill-opacity="{opacity}">'
            f"<title>{escape(_label(span, endpoint))}</title></rect>"
        )
        yield from _mark_label(_label(span, endpoint), left, _darker(color), span.kind, taken)


def _mark_label(
    label: str, left: float, color: str, kind: str, taken: list[list[tuple[float, float]]]
) -> Iterable[str]:
    """Write a mark's label in the first row where there is room; its title says it as well."""
    length = _CHARACTER * len(label)
    at_end = left + length > WIDTH
    begins, ends = (left - length, left) if at_end else (left, left + length)
    for number, row in enumerate(taken):
        if all(ends < other_begins or begins > other_ends for other_begins, other_ends in row):
            row.append((begins, ends))
            anchor = "end" if at_end else "start"
            yield _text(left, 36 + 12 * number, label, color=color, anchor=anchor, data=kind)
            return


def _label(span: Span, endpoint: str) -> str:
    if span.kind == "bake":
        return "bake"
    return f"{span.kind} {span.name.removeprefix(f'{endpoint}-')}"


def _darker(color: str) -> str:
    return "#8a6d1d" if color == MARKS["bake"] else color


def _ups(rehearsed: Rehearsed, x: Callable[[float], float], height: int) -> Iterable[str]:
    for number, record in enumerate(rehearsed.ups):
        at = x(record.ended - rehearsed.began)
        yield (
            f'<line class="up" x1="{at:.1f}" y1="{TOP}" x2="{at:.1f}" y2="{height - BOTTOM}" '
            'stroke="#999999" stroke-dasharray="3 3"/>'
        )
        yield _text(at - 3, height - BOTTOM - 4, f"up {number}: {record.outcome}", anchor="end")


def _axis(ends: float, x: Callable[[float], float], y: float) -> Iterable[str]:
    step = _round_up(ends / _TICKS)
    for number in range(int(ends / step) + 1):
        yield _text(x(number * step), y + 8, f"{number * step:g}", anchor="middle")
    yield _text(WIDTH - RIGHT, y + 24, "virtual seconds", anchor="end")


def _round_up(value: float) -> float:
    """Give the next of 1, 2, 5, 10, 20, 50 ..."""
    if value <= 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(value))
    return next(power * factor for factor in (1, 2, 5, 10) if value <= power * factor * 1.000001)


def _text(
    x: float,
    y: float,
    text: str,
    *,
    color: str = "#333333",
    anchor: str = "start",
    size: int = 11,
    weight: str = "normal",
    data: str = "text",
) -> str:
    return (
        f'<text class={quoteattr(data)} x="{x:.1f}" y="{y:.1f}" fill="{color}" '
        f'text-anchor="{anchor}" font-size="{size}" font-weight="{weight}">{escape(text)}</text>'
    )
