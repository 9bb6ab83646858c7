"""Rollouts in any order of events: deployments, faults, kills, hand edits and time.

The emulator's own control plane, alarms, faults and hosting run in process on a clock that the test
drives, and the endpoint resource's own logic deploys. What must hold is in `rollout_model.checks`;
what can happen is in `rollout_model.machine`. `make rollouts` makes 10,000 steps, `make test` a
tenth of them. `ROLLOUT_EXPLORE=1` looks for what no run has tried yet.
"""

import os

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from rollout_model.machine import RolloutMachine

FULL = os.environ.get("ROLLOUTS") == "full"
STEPS, EXAMPLES = (10_000, 290) if FULL else (1_000, 35)
STEPS_AN_EXAMPLE = 50
"""At most; hypothesis ends some sooner."""


@pytest.mark.timeout(1800)
def test_whatever_happens_rollouts_tell_the_truth_and_keep_a_way_back(world, capsys):
    RolloutMachine.world = world
    RolloutMachine.steps, RolloutMachine.runs = 0, {}
    shrinks = os.environ.get("ROLLOUT_SHRINK", "1") == "1"

    run_state_machine_as_test(
        RolloutMachine,
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=STEPS_AN_EXAMPLE,
            deadline=None,
            derandomize=os.environ.get("ROLLOUT_EXPLORE") != "1",
            database=None,
            report_multiple_bugs=False,
            phases=[Phase.generate, *([Phase.shrink] if shrinks else [])],
            suppress_health_check=list(HealthCheck),
        ),
    )

    with capsys.disabled():
        print(f"\nrollouts: {RolloutMachine.steps} steps, runs: {RolloutMachine.runs}")  # noqa: T201
    assert RolloutMachine.steps >= STEPS
    for kind in ("up succeeded", "up failed", "up killed", "destroy succeeded"):
        assert RolloutMachine.runs[kind] > 0
