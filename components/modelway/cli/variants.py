"""The table of a model's variants, as `modelway package` and `modelway inspect` show it."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.table import Table

    from modelway.package.optimise.run import Optimised

COLUMNS = (
    "variant",
    "KiB",
    "points lost",
    "largest difference",
    "1 row, p50 us",
    "32 rows, p50 us",
    "joined",
    "load ms",
    "peak MiB",
)


def print_variants(found: "Optimised") -> None:
    """Draw the table on stderr, with what was chosen and why."""
    from rich.console import Console
    from rich.text import Text

    from modelway.package.optimise.evidence import plain

    console = Console(stderr=True, highlight=False)
    if not console.is_terminal:
        console = Console(stderr=True, width=240, no_color=True, highlight=False)
    said = plain(found, "", {})
    console.print(variants_table(said))
    one = 100 / found.evaluation_rows
    if found.measure.kind != "number" and one > found.max_lost_points:
        console.print(
            Text(
                f"note: one of {found.evaluation_rows} rows is {one:.2g} points: give more samples "
                f"to see a loss of {found.max_lost_points:g}"
            )
        )
    console.print(Text(f"chosen: {said['chosen']}: {said['reason']}"))


def variants_table(said: Mapping[str, Any]) -> "Table":
    """Draw the evidence.

    Args:
        said: as `optimise.evidence` has it.
    """
    from rich.table import Table
    from rich.text import Text

    title = (
        f"variants: {said['measure']} of `{said['output']}` on {said['evaluation_rows']} rows, "
        f"calibrated on {said['calibration_rows']} others; one thread"
    )
    table = Table(title=Text(title), title_justify="left")
    for at, column in enumerate(COLUMNS):
        table.add_column(column, justify="right" if at else "left", overflow="fold")
    refused: list[str] = []
    for each in said["variants"]:
        name = f"{each['variant']} *" if each["variant"] == said["chosen"] else each["variant"]
        if "refused" in each:
            refused.append(f"{each['variant']}: {each['refused']}")
            continue
        row = (
            name,
            f"{each['size_bytes'] / 1024:.1f}",
            _number(each["lost_points"], ".2f"),
            _number(each["largest_difference"], ".2g"),
            _number(each.get("row_p50_us"), ".1f"),
            _number(each.get("batch_p50_us"), ".1f"),
            "yes" if each["joins"] else "no",
            _number(each.get("load_ms"), ".1f"),
            _number(each.get("peak_memory_mib"), ".1f"),
        )
        table.add_row(*map(Text, row))
    if refused:
        table.caption = Text("not made: " + "; ".join(refused))
        table.caption_justify = "left"
    return table


def _number(value: float | None, form: str) -> str:
    return "-" if value is None else format(value, form)
