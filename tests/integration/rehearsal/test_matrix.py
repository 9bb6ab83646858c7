"""Every strategy with every fault, under the real engine: what is promoted, and what goes back.

`make rollouts` tries all strategies, `make test` a canary. One rehearsal a strategy, with an update
for each fault, so that a stack is made only once for all of them. After each fault the old version
must serve, with nothing left of the new fleet.
"""

import os

import pytest
import yaml

from modelway.rehearsal.scenario_file import SHIPPED

pytestmark = [
    pytest.mark.integration,
    pytest.mark.timeout(1200),
    pytest.mark.xdist_group("rehearsal"),
]

FULL = os.environ.get("ROLLOUTS") == "full"

STRATEGIES = {
    # A termination wait is what all-at-once can be watched in.
    "all-at-once": {"strategy": "all-at-once", "termination_wait_seconds": 300},
    "canary": {"strategy": "canary", "step_percent": 50, "wait_seconds": 300},
    "linear": {"strategy": "linear", "step_percent": 50, "wait_seconds": 300},
    "rolling": {"strategy": "rolling", "step_percent": 50, "wait_seconds": 300},
}
STARTING_SECONDS = 300
"""Longer than a fleet takes to start, and over when the next update begins."""

IN_THE_BAKE = {"event": "bake-started"}
GOES_BACK = {"outcome": "rolled-back", "exit_status": "non-zero"}
FAULTS = [
    (
        "crash loop",
        {"kind": "crash-loop", "fleet": "new", "for_seconds": STARTING_SECONDS},
        GOES_BACK | {"message": ["did not pass the ping health check"]},
    ),
    (
        "no capacity",
        {"kind": "capacity", "fleet": "new", "for_seconds": STARTING_SECONDS},
        GOES_BACK | {"message": ["InsufficientInstanceCapacity"]},
    ),
    (
        "no image",
        {"kind": "image-missing", "fleet": "new", "for_seconds": STARTING_SECONDS},
        GOES_BACK | {"message": ["make sure all images"]},
    ),
    (
        "no artifact",
        {"kind": "artifact-missing", "fleet": "new", "for_seconds": STARTING_SECONDS},
        GOES_BACK,
    ),
    (
        "errors",
        {"kind": "errors", "fleet": "new", "percent": 60, "at": IN_THE_BAKE, "for_seconds": 600},
        GOES_BACK | {"alarm": "new-error-rate", "rolled_back_within_seconds": 300},
    ),
    (
        "slow answers",
        {"kind": "slow", "fleet": "new", "delay_ms": 1500, "at": IN_THE_BAKE, "for_seconds": 600},
        GOES_BACK | {"alarm": "new-p99-latency", "rolled_back_within_seconds": 300},
    ),
    (
        "no metrics",
        # From the bake on: until then the fleet is vouched for, however long it takes to start.
        {"kind": "metrics-missing", "fleet": "new", "at": IN_THE_BAKE, "for_seconds": 600},
        GOES_BACK | {"alarm": "too-few-requests"},
    ),
    (
        "throttling",
        {"kind": "throttling", "service": "sagemaker", "percent": 30, "for_seconds": 300},
        {"outcome": "promoted", "exit_status": "zero"},
    ),
]


@pytest.mark.parametrize("strategy", STRATEGIES if FULL else ["canary"])
def test_every_fault_ends_as_it_should_with_every_strategy(strategy, tmp_path, rehearsed):
    models = SHIPPED / "models"
    one = {"model": {"path": str(models / "one.onnx"), "version": "1"}}
    two = {"model": {"path": str(models / "two.onnx"), "version": "2"}}
    ups = [
        {"title": title, "set": two, "faults": [fault], "expect": expect}
        for title, fault, expect in FAULTS
    ]
    scenario = {
        "name": f"matrix-{strategy}",
        "spec": {
            "name": "greeter",
            **one,
            "scaling": {"min_instances": 2},
            "objectives": {"p99_latency_ms": 1000, "error_rate_percent": 5},
            "rollout": {**STRATEGIES[strategy], "timeout_seconds": 3600},
        },
        "change": ups[0],
        "then": ups[1:],
        "expect": {"versions_at_end": ["2"], "nothing_left": True},
    }
    path = tmp_path / "matrix.yaml"
    path.write_text(yaml.safe_dump(scenario))

    done, broken, _said = rehearsed(path)

    timeline = "\n".join(
        f"{event.at - done.began:7.0f} {event.kind} {event.text}" for event in done.events
    )
    assert broken == [], timeline
    served = [record.config_after for record in done.ups]
    assert len(set(served[: len(FAULTS)])) == 1  # the first version, until the last up
    assert served[-1] != served[0]
    unexplained = [
        each.call.error
        for each in done.calls
        if each.call.error not in {"", "ModelError"}  # the injected errors, and nothing else
    ]
    assert unexplained == []
