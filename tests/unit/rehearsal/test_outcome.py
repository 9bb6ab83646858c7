"""What became of one `pulumi up`."""

import pytest

from modelway.rehearsal.outcome import (
    outcome_of,
    rolled_back_by,
    seconds_to_roll_back,
    settled,
)
from modelway.rehearsal.record import Event


def events(*kinds):
    return [Event(float(at), kind, kind) for at, kind in enumerate(kinds)]


@pytest.mark.parametrize(
    ("exit_status", "kinds", "interrupted", "outcome"),
    [
        (0, ["update-started", "promoted"], False, "promoted"),
        (0, [], False, "unchanged"),
        (255, ["update-started", "rollback-started", "rolled-back"], False, "rolled-back"),
        (255, [], False, "refused"),
        (255, ["update-started"], False, "failed"),
        (255, ["update-started"], True, "failed"),
        (-9, [], True, "failed"),
    ],
)
def test_the_outcome_follows_from_exit_status_and_events(exit_status, kinds, interrupted, outcome):
    found = outcome_of(exit_status, events(*kinds), created=False, interrupted=interrupted)

    assert found == outcome


def test_a_first_up_that_succeeds_is_promoted():
    assert outcome_of(0, events("create-started"), created=True, interrupted=False) == "promoted"


@pytest.mark.parametrize(
    ("kinds", "index"),
    [
        (["update-started", "promoted", "scaled", "fleet-ended"], 2),
        (["alarm", "update-started", "rollback-started", "rolled-back"], 4),
        (["create-started", "create-ended", "alarm"], 2),
        (["alarm", "scaled"], None),
    ],
)
def test_an_update_is_settled_when_sagemaker_has_ended_it(kinds, index):
    assert settled(events(*kinds)) == index


def test_a_roll_back_names_the_alarm_of_its_reason_or_what_had_just_fired():
    reason = "Alarm greeter-local-rollout-new-error-rate is firing"
    rolled = Event(5, "rollback-started", "back", {"reason": reason})
    fired = Event(4, "alarm", "a", {"name": "greeter-local-rollout-new-p99-latency", "to": "ALARM"})

    assert rolled_back_by([rolled]) == reason
    assert rolled_back_by([fired]) == ""
    silent = Event(5, "rollback-started", "alarms fired", {})
    assert "greeter-local-rollout-new-p99-latency" in rolled_back_by([fired, silent])


def test_time_to_roll_back_counts_from_the_fault_or_else_from_the_bake():
    bake = Event(100, "bake-started", "")
    fault = Event(130, "fault", "", {"kind": "slow", "action": "begins"})
    ended = Event(140, "fault", "", {"kind": "slow", "action": "ends"})
    rolled = Event(300, "rollback-started", "")

    assert seconds_to_roll_back([bake, fault, ended, rolled]) == 170
    assert seconds_to_roll_back([bake, rolled]) == 200
    assert seconds_to_roll_back([bake, fault]) is None
    assert seconds_to_roll_back([rolled]) is None
