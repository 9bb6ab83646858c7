"""Settings of the model server that follow from a profile, each with its reason.

Takes a `Profile`, gives what `serving.environment` of a spec takes. They are for as many CPUs as
were measured. Where the server would decide the same by itself, they say so in writing. Pure.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from modelway.profile.measurement import Cell, Profile

SHORT_RUN_US = 1000
"""A run of one row that takes less is answered by more processes, not by more threads (the server's
own rule, `process.plan`: Python's part of such a request is a tenth at least)."""

WORTH_A_THREAD = 0.9
"""More threads must cut the time of a run to this share at most; less is within what one
measurement differs from the next, and threads of one run keep processors from other requests."""

NEARLY_ALL = 0.9
"""Of the greatest throughput: more rows than bring that only make each answer later."""

WORTH_JOINING = 1.2
"""Times the throughput of single rows; a joined run makes its first request wait for the others."""


@dataclass(frozen=True)
class Setting:
    """One variable of the server's environment."""

    name: str
    value: str
    reason: str


def advise(profile: Profile) -> tuple[Setting, ...]:
    """Decide."""
    single = [cell for cell in profile.cells if cell.rows == 1]
    if not single:
        return ()
    return (*_processes(profile, single), *_batching(profile, _threads(single)))


def _threads(single: Sequence[Cell]) -> int:
    """Give the threads of one run."""
    ordered = sorted(single, key=lambda cell: cell.threads)
    chosen = ordered[0]
    if chosen.p50_us < SHORT_RUN_US:
        return chosen.threads
    for cell in ordered[1:]:
        if cell.p50_us <= WORTH_A_THREAD * chosen.p50_us:
            chosen = cell
    return chosen.threads


def _processes(profile: Profile, single: Sequence[Cell]) -> Iterator[Setting]:
    threads = _threads(single)
    one = min(single, key=lambda cell: cell.threads)
    chosen = next(cell for cell in single if cell.threads == threads)
    if profile.cpus == 1:
        why = "there is one CPU, and a second thread on it halves the speed"
    elif one.p50_us < SHORT_RUN_US:
        why = f"a row takes {one.p50_us:.0f} us, under {SHORT_RUN_US}: processes answer more"
    elif threads > one.threads:
        why = f"{threads} threads take {chosen.p50_us / one.p50_us:.0%} of the time of one"
    else:
        why = f"more threads do not cut the {one.p50_us:.0f} us of a row by a tenth"
    yield Setting("MODEL_SERVER_THREADS", str(threads), why)
    workers = max(1, profile.cpus // threads)
    yield Setting(
        "MODEL_SERVER_WORKERS",
        str(workers),
        f"{profile.cpus} CPUs, {threads} a run: more would take time from each other",
    )


def _batching(profile: Profile, threads: int) -> Iterator[Setting]:
    if not profile.joins:
        yield Setting(
            "MODEL_SERVER_BATCHING",
            "false",
            "a row's answer depends on the rows beside it, so requests may not share a run",
        )
        return
    cells = sorted(
        (cell for cell in profile.cells if cell.threads == threads), key=lambda cell: cell.rows
    )
    best = max(cell.rows_per_second for cell in cells)
    single = cells[0]
    if best < WORTH_JOINING * single.rows_per_second:
        yield Setting(
            "MODEL_SERVER_BATCHING",
            "false",
            f"joined runs answer {best / single.rows_per_second:.2f} times as many rows, under "
            f"{WORTH_JOINING}: requests would wait for each other for nothing",
        )
        return
    enough = next(cell for cell in cells if cell.rows_per_second >= NEARLY_ALL * best)
    yield Setting(
        "MODEL_SERVER_MAX_BATCH_ROWS",
        str(enough.rows),
        f"a run of {enough.rows} rows answers {enough.rows_per_second / single.rows_per_second:.1f}"
        f" times as many rows as runs of one, in {enough.p50_us / 1000:.3g} ms",
    )
