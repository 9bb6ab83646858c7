"""The benchmark's result: one table a cell with ratios and aims, or one JSON document.

Takes `Figures`, gives rich tables or plain data. Medians over the repeats; a cell of a server that
failed in any repeat does not count, and says why.
"""

import statistics
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from cells import (
    LIMITED_CAPACITY,
    MEMORY_BEYOND_MODEL_MIB,
    START_BEYOND_LOAD_SECONDS,
    Aim,
    Cell,
)
from figures import Figures, Result
from limits import Limited
from rich.console import Console
from rich.table import Table
from servers import SERVERS

OURS = "ours"
TRITON_NOTE = (
    "Triton runs with its Python backend (PyTriton): its own ONNX backend in C++ is on no package "
    "registry and was not measured. It would be faster than this."
)


@dataclass(frozen=True)
class Verdict:
    """One aim beside what was reached."""

    cell: str
    aim: str
    got: str
    met: bool
    rough: bool = False
    """Whether the machine was busy with other things meanwhile."""

    @property
    def said(self) -> str:
        """What the table says of it."""
        words = ("" if self.met else "MISSED", "rough" if self.rough else "")
        return ", ".join(word for word in words if word)


@dataclass(frozen=True)
class Report:
    """Everything that is printed."""

    conditions: Mapping[str, str]
    cells: list[Cell]
    figures: Figures
    model_mib: Mapping[str, float]
    limited: list[Limited]

    def print(self, console: Console) -> None:
        """Print the tables."""
        for name, value in self.conditions.items():
            console.print(f"{name}: {value}")
        for cell in self.cells:
            console.print(self._cell_table(cell))
        console.print(self._start_table())
        if self.limited:
            console.print(self._limits_table())
        table = Table(title="aims", title_justify="left")
        for column in ("cell", "aim", "got", ""):
            table.add_column(column)
        for verdict in self.verdicts():
            table.add_row(verdict.cell, verdict.aim, verdict.got, verdict.said)
        console.print(table)
        console.print(TRITON_NOTE)

    def data(self) -> dict[str, Any]:
        """Give everything as plain data."""
        return {
            "conditions": dict(self.conditions),
            "results": [asdict(result) for result in self.figures.results],
            "medians": [
                asdict(median)
                for cell in self.cells
                for median in self._medians(cell.name).values()
            ],
            "starts": [asdict(start) for start in self.figures.starts],
            "prediction_log": [asdict(count) for count in self.figures.log_counts],
            "limited": [asdict(row) for row in self.limited],
            "raw": [asdict(raw) for raw in self.figures.raw],
            "aims": [asdict(verdict) for verdict in self.verdicts()],
            "note": TRITON_NOTE,
        }

    def verdicts(self) -> Iterator[Verdict]:
        """Give every aim that could be judged."""
        for cell in self.cells:
            medians = self._medians(cell.name)
            mine = medians.get(OURS)
            if mine is None:
                continue
            if mine.problem:
                yield Verdict(cell.title, "an answer that counts", mine.problem, met=False)
                continue
            for aim in cell.aims:
                value = self._value(aim, cell, medians)
                if value is not None:
                    compared = (mine, medians.get(aim.against, mine))
                    rough = any(median.disturbance for median in compared)
                    yield _verdict(cell.title, aim, value, rough=rough)
        yield from self._start_verdicts()
        yield from self._limit_verdicts()
        yield from self._log_verdict()

    def _medians(self, cell: str) -> dict[str, Result]:
        medians = {}
        for server in SERVERS:
            mine = [
                result
                for result in self.figures.results
                if result.cell == cell and result.server == server
            ]
            if mine:
                medians[server] = _median(mine)
        return medians

    def _value(self, aim: Aim, cell: Cell, medians: Mapping[str, Result]) -> float | None:
        mine = medians[OURS]
        if aim.figure == "p99_ms":
            return mine.p99_ms
        if aim.against == "raw":
            return self.figures.raw_of(cell.model).run_us / mine.cpu_us
        theirs = medians.get(aim.against)
        if theirs is None or theirs.problem:
            return None
        if aim.figure == "p50":
            return mine.p50_ms / theirs.p50_ms
        return theirs.cpu_us / mine.cpu_us

    def _cell_table(self, cell: Cell) -> Table:
        medians = self._medians(cell.name)
        mine = medians.get(OURS)
        aims = {aim.against: aim for aim in cell.aims if aim.against}
        table = Table(title=cell.title, title_justify="left")
        table.add_column("server")
        for column in ("CPU us", "capacity/s", "ours is", "aim", "measured/s", "p50 ms", "p99 ms"):
            table.add_column(column, justify="right")
        for column in ("CPUs", "machine", "others"):
            table.add_column(column, justify="right")
        for name, median in medians.items():
            title = SERVERS[name].title
            if not median.cpu_us:
                table.add_row(f"{title} (not counted: {median.problem[:60]})")
                continue
            comparable = mine is not None and not mine.problem and not median.problem
            ratio = "" if name == OURS or not comparable else f"{median.cpu_us / mine.cpu_us:.1f}x"
            table.add_row(
                title + (f" ({median.problem})" if median.problem else ""),
                f"{median.cpu_us:.0f}",
                f"{1e6 / median.cpu_us:,.0f}".replace(",", " "),
                ratio,
                _aim_text(aims[name]) if name in aims else "",
                f"{median.per_second:,.0f}".replace(",", " "),
                f"{median.p50_ms:.2f}",
                f"{median.p99_ms:.2f}",
                f"{median.busy:.2f}",
                f"{1 / median.slowness:.0%}",
                f"{median.others:.2f}",
            )
        if cell.model == "tfm" and mine is not None and not mine.problem:
            run = self.figures.raw_of("tfm").run_us
            table.add_row(
                "onnxruntime without a server",
                f"{run:.0f}",
                f"{1e6 / run:.0f}",
                f"{run / mine.cpu_us:.2f}x",
                _aim_text(aims["raw"]),
            )
        return table

    def _start_table(self) -> Table:
        table = Table(title="start to ready, and memory after all cells", title_justify="left")
        table.add_column("server")
        for column in ("ready s", "resident MiB"):
            table.add_column(column, justify="right")
        for name, server in SERVERS.items():
            starts = [start for start in self.figures.starts if start.server == name]
            if starts:
                ready = statistics.median(start.ready_seconds for start in starts)
                rss = statistics.median(start.rss_mib for start in starts)
                table.add_row(server.title, f"{ready:.2f}", f"{rss:.0f}")
        return table

    def _log_verdict(self) -> Iterator[Verdict]:
        counts = self.figures.log_counts
        if not counts:
            return
        wrong = [count for count in counts if not count.complete or count.dropped]
        got = f"complete after each of {len(counts)} cells" if not wrong else str(wrong[0])
        aim = "a line for every answer, none dropped, in closed loops"
        yield Verdict("prediction log", aim, got, not wrong)

    def _start_verdicts(self) -> Iterator[Verdict]:
        starts = [start for start in self.figures.starts if start.server == OURS]
        if not starts:
            return
        beyond = (
            statistics.median(start.ready_seconds for start in starts)
            - self.figures.raw_of("mlp").load_seconds
        )
        yield Verdict(
            "start",
            f"ready {START_BEYOND_LOAD_SECONDS} s beyond the model's own load",
            f"{beyond:.2f} s",
            beyond <= START_BEYOND_LOAD_SECONDS,
        )
        rss = statistics.median(start.rss_mib for start in starts) - self.model_mib["mlp"]
        yield Verdict(
            "memory",
            f"at most {MEMORY_BEYOND_MODEL_MIB:.0f} MiB beyond the model",
            f"{rss:.0f} MiB",
            rss <= MEMORY_BEYOND_MODEL_MIB,
        )

    def _limits_table(self) -> Table:
        table = Table(title="limits of CPU, MLP, 1 JSON row, 8 connections", title_justify="left")
        table.add_column("limit")
        for column in ("CPU us", "measured/s", "p99 ms"):
            table.add_column(column, justify="right")
        for row in self.limited:
            figures = (f"{row.cpu_us:.0f}", f"{row.per_second:.0f}", f"{row.p99_ms:.2f}")
            table.add_row(row.title, *((row.problem,) if row.problem else figures))
        return table

    def _limit_verdicts(self) -> Iterator[Verdict]:
        for row in self.limited[1:3]:
            if not row.problem:
                value = self.limited[0].cpu_us / row.cpu_us
                yield Verdict(
                    row.title,
                    f"{LIMITED_CAPACITY} of the capacity with 1 thread set by hand",
                    f"{value:.2f}",
                    value >= LIMITED_CAPACITY,
                )


def _median(results: list[Result]) -> Result:
    problems = [result.problem for result in results if result.problem]
    figures = {
        name: statistics.median(getattr(result, name) for result in results)
        for name in ("cpu_us", "per_second", "p50_ms", "p99_ms", "busy", "slowness", "others")
    }
    return Result(
        cell=results[0].cell,
        server=results[0].server,
        answers=sum(result.answers for result in results),
        problem=problems[0] if problems else "",
        **figures,
    )


def _verdict(title: str, aim: Aim, value: float, *, rough: bool) -> Verdict:
    met = aim.met(value)
    if aim.figure == "p99_ms":
        return Verdict(title, f"p99 under {aim.bound} ms", f"{value:.2f} ms", met, rough)
    against = SERVERS[aim.against].title if aim.against in SERVERS else "raw onnxruntime"
    return Verdict(title, f"{_aim_text(aim)} {against}", f"{value:.2f}x", met, rough)


def _aim_text(aim: Aim) -> str:
    if aim.figure == "p50":
        return f"p50 {aim.bound}x"
    return f"{aim.bound}x"
