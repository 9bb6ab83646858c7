"""What of an update is refused before it begins, and what is said of one that is not."""

from dataclasses import replace

import pytest

from endpoint_sides import (
    CANARY,
    PRIMARY,
    ROLLING,
    SCALED,
    SECOND,
    SERVERLESS,
    TWO,
    alarm,
    live,
    wanted,
)
from modelway.plan.update import plan_update


@pytest.mark.parametrize(
    ("before", "after", "reason", "new_endpoint"),
    [
        (live(TWO, status="Failed"), wanted(SECOND), "nothing but deletion", True),
        (live(TWO), wanted(SERVERLESS), "does not turn those into a serverless", True),
        (
            live(TWO),
            wanted(replace(TWO, name="b"), rollout=CANARY),
            "primary would become b",
            False,
        ),
        (
            live(SERVERLESS),
            wanted(replace(SERVERLESS, model="fraud-2"), rollout=ROLLING),
            "no rolling update for serverless",
            False,
        ),
        (
            live(TWO, replace(TWO, name="b")),
            wanted(SECOND, replace(TWO, name="b"), rollout=ROLLING),
            "no rolling update for several variants",
            False,
        ),
        (
            live(TWO, count=1),
            wanted(SECOND, rollout=CANARY, **SCALED),
            "primary has one instance",
            False,
        ),
        (
            live(TWO),
            wanted(SECOND, rollout=replace(CANARY, rollback_alarms=(alarm("a"),) * 11)),
            "11 roll-back alarms, and SageMaker takes 10",
            False,
        ),
        (
            live(TWO),
            wanted(SECOND, rollout=replace(CANARY, timeout_seconds=1500)),
            "the waits are 1500 s, and the time-out is 1500 s",
            False,
        ),
    ],
)
def test_what_aws_refuses_is_refused_before_with_a_way_on(before, after, reason, new_endpoint):
    plan = plan_update(before, after)

    (refusal,) = plan.refusals
    assert reason in refusal.reason
    assert refusal.next != ""
    assert refusal.needs_new_endpoint is new_endpoint
    assert plan.steps == ()


def test_all_reasons_are_given_at_once():
    rollout = replace(ROLLING, timeout_seconds=600, wait_seconds=300)
    plan = plan_update(
        live(TWO, status="Failed"), wanted(PRIMARY, replace(PRIMARY, name="b"), rollout=rollout)
    )

    assert len(plan.refusals) == 5


@pytest.mark.parametrize(
    ("before", "after", "warning"),
    [
        (live(SERVERLESS), wanted(TWO, rollout=CANARY), "cannot be undone by an update"),
        (live(TWO), wanted(SECOND, rollout=CANARY, **SCALED), "auto scaling is paused for 1620 to"),
        (live(TWO), wanted(SECOND), "nothing rolls back a bad model"),
        (
            live(TWO),
            wanted(SECOND, rollout=replace(CANARY, timeout_seconds=2000)),
            "it may take 2100 s, and SageMaker rolls back after 2000 s",
        ),
        (
            live(TWO, status="UpdateRollbackFailed"),
            wanted(SECOND, rollout=CANARY),
            "a mix of two configurations serves now",
        ),
    ],
)
def test_what_may_surprise_is_said(before, after, warning):
    (found,) = plan_update(before, after).warnings

    assert warning in found
