"""What a rehearsal costs beside its waits, and how soon a bad canary is found.

Prints a table; asserts nothing. Rehearses the scenarios that ship, each on an emulator of its own:

- the waits of a canary are virtual, so they cost their length over the time scale;
- the engine's own time is that of the same `pulumi up`s (the last one, which must change nothing,
  too) all at once, without traffic, less the provisioning that is a wait as well;
- a bad canary can be known when the data says so: when the second minute with failures is over.
"""

import argparse
import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from rich.console import Console
from rich.table import Table

from modelway.emulator.hosting import timing
from modelway.plan.rollback_alarms import REGRESSION_DATAPOINTS
from modelway.rehearsal.record import Rehearsed
from modelway.rehearsal.run import rehearse
from modelway.rehearsal.scenario import Expectation
from modelway.rehearsal.scenario_file import LoadedScenario, find_scenario, load_scenario
from modelway.spec.model import Rollout
from modelway.spec.rules.bake import METRIC_PERIOD_SECONDS

BAKES_SECONDS = 2 * 300
"""Of the canary that ships."""

talk = Console(stderr=True, highlight=False)


def main() -> None:
    """Measure, then print one table (or JSON)."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    parser.add_argument("--runs", type=int, default=3, help="of each (%(default)s)")
    options = parser.parse_args()
    rows = list(measure(options.runs))
    if options.json:
        print(json.dumps(rows, indent=2))  # noqa: T201 - the result
        return
    table = Table("what", "measured", "beside", "ratio", "aim")
    for row in rows:
        table.add_row(row["what"], row["measured"], row["beside"], row["ratio"], row["aim"])
    Console(highlight=False).print(table)


def measure(runs: int) -> Iterator[dict[str, Any]]:
    """Give a row for each figure; medians of some runs."""
    canary = load_scenario(find_scenario("healthy-canary"))
    scale = canary.scenario.time_scale
    whole = median(run(canary, runs, "canary"))
    engine = median(run(without_waits(canary), runs, "all at once"))
    provisioning = 2 * timing.PROVISION_VIRTUAL_SECONDS / scale
    waits = BAKES_SECONDS / scale + provisioning
    beside = engine - provisioning + waits
    yield {
        "what": "rehearsal of a canary (s)",
        "measured": f"{whole:.1f}",
        "beside": f"{beside:.1f} = engine {engine - provisioning:.1f} + waits {waits:.1f}",
        "ratio": f"{whole / beside:.2f}",
        "aim": "1.15",
    }
    bad = load_scenario(find_scenario("errors-in-green"))
    delays = [detection_seconds(rehearse(bad)) for _ in range(runs)]
    talk.print(f"detection of a bad canary: {', '.join(f'{each:.0f} s' for each in delays)}")
    worst = max(delays)
    yield {
        "what": "detection of a bad canary (virtual s, the longest)",
        "measured": f"{worst:.0f}",
        "beside": f"{METRIC_PERIOD_SECONDS}, one period after the data shows it",
        "ratio": f"{worst / METRIC_PERIOD_SECONDS:.2f}",
        "aim": "1",
    }


def run(loaded: LoadedScenario, runs: int, what: str) -> list[float]:
    """Give the real seconds of some rehearsals."""
    seconds = [rehearse(loaded).seconds for _ in range(runs)]
    talk.print(f"{what}: {', '.join(f'{each:.1f} s' for each in seconds)}")
    return seconds


def without_waits(loaded: LoadedScenario) -> LoadedScenario:
    """Give the same ups all at once and without clients."""
    rollout = Rollout(timeout_seconds=1800)
    last = Expectation(next_up_changes_nothing=loaded.scenario.expect.next_up_changes_nothing)
    return replace(
        loaded,
        scenario=loaded.scenario.model_copy(update={"traffic": None, "expect": last}),
        specs=tuple(spec.model_copy(update={"rollout": rollout}) for spec in loaded.specs),
    )


def detection_seconds(done: Rehearsed) -> float:
    """Give the virtual seconds from the end of the second bad minute to the roll-back.

    A minute is bad when a client saw a failure in it: in the one in which the fault begins there
    may be no request any more.
    """
    rolled = next(event.at for event in done.events if event.kind == "rollback-started")
    scale = done.scenario.time_scale
    failures = [each for each in done.calls if each.call.error and each.sent < rolled]
    answered = [each.sent + each.call.latency_ms / 1000 * scale for each in failures]
    minutes = sorted({at // METRIC_PERIOD_SECONDS for at in answered})
    return rolled - (minutes[REGRESSION_DATAPOINTS - 1] + 1) * METRIC_PERIOD_SECONDS


def median(values: list[float]) -> float:
    """Give the middle one."""
    return sorted(values)[len(values) // 2]


if __name__ == "__main__":
    main()
