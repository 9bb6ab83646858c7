"""The demo's last step: two rollouts, rehearsed. A good version comes, a bad one goes back.

Takes where reports go, gives what became of each. Both are scenarios that ship, with an emulator of
their own; it must not touch the demo's.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from modelway.rehearsal.calls import summarize
from modelway.rehearsal.expectations import judge
from modelway.rehearsal.outcome import seconds_to_roll_back
from modelway.rehearsal.record import Rehearsed
from modelway.rehearsal.report import held, write_report
from modelway.rehearsal.run import rehearse
from modelway.rehearsal.scenario_file import find_scenario, load_scenario

SCENARIOS = ("healthy-canary", "errors-in-green")

TOLD = frozenset({"update-started", "traffic", "rollback-started", "promoted"})
"""Events that say how a rollout goes."""


@dataclass(frozen=True)
class Rollout:
    """One rehearsed rollout."""

    scenario: str
    outcome: str
    """`promoted` or `rolled-back`, in the first place."""
    requests: int
    failed: int
    """Requests without an answer of status 200."""
    rolled_back_after_seconds: float | None
    """Virtual seconds from the fault to the roll-back; None without one."""
    held: bool
    """Whether all of the scenario's expectations did."""


def rehearse_rollouts(folder: Path, progress: Callable[[str], None]) -> list[Rollout]:
    """Run the scenarios, one after the other.

    Args:
        folder: where each scenario's report goes, in a folder of its own.
        progress: told what happens.
    """
    return [_rehearse(name, folder / name, progress) for name in SCENARIOS]


def _rehearse(name: str, folder: Path, progress: Callable[[str], None]) -> Rollout:
    done: Rehearsed = rehearse(
        load_scenario(find_scenario(name)),
        progress=progress,
        listener=lambda event: progress(event.text) if event.kind in TOLD else None,
    )
    verdicts = judge(done)
    write_report(folder, done, verdicts)
    sent = [each.call for each in done.calls]
    summary = summarize(sent, (done.ended - done.began) / 60)
    change = done.ups[-1]
    return Rollout(
        scenario=name,
        outcome=change.outcome,
        requests=summary.calls,
        failed=summary.errors,
        rolled_back_after_seconds=seconds_to_roll_back(change.events),
        held=held(verdicts),
    )
