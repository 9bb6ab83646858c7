"""Expectations against records of rehearsals that were not run."""

import pytest

from modelway.rehearsal.expectations import judge
from modelway.rehearsal.record import EndpointInState, Event, Leftovers


def verdicts(rehearsed):
    """Give what was judged, by place, without what every rehearsal with traffic is judged by."""
    return {
        verdict.path: (verdict.held, verdict.found)
        for verdict in judge(rehearsed)
        if verdict.path != "expect.only_known_answers"
    }


def up(**expect):
    return {"change": {"expect": expect}}


def test_what_is_not_expected_is_not_judged(rehearsed):
    assert verdicts(rehearsed()) == {}


@pytest.mark.parametrize("outcome", ["promoted", "rolled-back"])
def test_the_outcome_of_the_change(rehearsed, outcome):
    found = verdicts(rehearsed(up(outcome="promoted"), up={"outcome": outcome}))

    assert found == {"change.expect.outcome": (outcome == "promoted", outcome)}


@pytest.mark.parametrize(("status", "held"), [(255, True), (-9, True), (0, False)])
def test_an_exit_status_that_must_not_be_zero(rehearsed, status, held):
    found = verdicts(rehearsed(up(exit_status="non-zero"), up={"exit_status": status}))

    assert found == {"change.expect.exit_status": (held, str(status))}


def test_a_message_may_be_broken_into_lines_by_the_engine(rehearsed):
    output = "error: SageMaker rolled the\n    update back\n"

    found = verdicts(
        rehearsed(up(message=["rolled the update back", "capacity"]), up={"output": output})
    )

    assert found["change.expect.message"] == (False, "error: SageMaker rolled the")
    (first, _) = judge(rehearsed(up(message=["rolled the update back"]), up={"output": output}))
    assert first.held


def alarm_events(reason, fired=""):
    events = [Event(1200, "bake-started", "baking", {"seconds": 300})]
    if fired:
        events.append(Event(1300, "alarm", "fired", {"name": fired, "to": "ALARM"}))
    return [*events, Event(1320, "rollback-started", "back", {"reason": reason})]


@pytest.mark.parametrize(
    ("reason", "fired", "held"),
    [
        ("alarm greeter-local-rollout-new-error-rate is firing.", "", True),
        ("alarms fired", "greeter-local-rollout-new-error-rate", True),
        ("the fleet never became healthy", "", False),
        ("alarm greeter-local-rollout-too-few-requests is firing.", "", False),
    ],
)
def test_the_alarm_that_rolled_back(rehearsed, reason, fired, held):
    found = verdicts(rehearsed(up(alarm="new-error-rate"), events=alarm_events(reason, fired)))

    assert found["change.expect.alarm"][0] is held


def test_an_alarm_without_a_roll_back_did_not_roll_back(rehearsed):
    found = verdicts(rehearsed(up(alarm="new-error-rate")))

    assert found == {"change.expect.alarm": (False, "no roll-back began")}


@pytest.mark.parametrize(("limit", "held"), [(120, True), (119, False)])
def test_the_time_until_the_roll_back(rehearsed, limit, held):
    found = verdicts(rehearsed(up(rolled_back_within_seconds=limit), events=alarm_events("alarm")))

    assert found == {"change.expect.rolled_back_within_seconds": (held, "120 s")}


def test_no_client_error_is_proved_by_requests_only(rehearsed, call):
    wanted = {"expect": {"client_errors": "none"}}

    assert verdicts(rehearsed(wanted)) == {"expect.client_errors": (False, "0 of 0")}
    assert verdicts(rehearsed(wanted, calls=[(1200, call(0.0))])) == {
        "expect.client_errors": (True, "0 of 1")
    }
    failed = [(1200, call(0.0)), (1201, call(1.0, error="ModelError"))]
    assert verdicts(rehearsed(wanted, calls=failed)) == {
        "expect.client_errors": (False, "1 of 2 (1 ModelError)")
    }


def test_bounds_of_client_errors_are_judged_each(rehearsed, call):
    calls = [(1200, call(float(n), error="ModelError" if n < 2 else "")) for n in range(10)]
    bounds = {"at_least": 3, "at_most": 2, "at_most_percent": 19.9}

    found = verdicts(rehearsed({"expect": {"client_errors": bounds}}, calls=calls))

    assert {path.rpartition(".")[2]: held for path, (held, _) in found.items()} == {
        "at_most": True,
        "at_most_percent": False,
        "at_least": False,
    }


def test_the_longest_unavailability(rehearsed, call):
    calls = [(1200, call(0.0, error="x")), (1300, call(2.0))]

    found = verdicts(rehearsed({"expect": {"longest_unavailability_seconds": 2}}, calls=calls))

    assert found == {"expect.longest_unavailability_seconds": (False, "2.01 s")}


def test_versions_at_the_end_are_those_of_requests_sent_after_the_last_up(rehearsed, call):
    wanted = {"expect": {"versions_at_end": ["2"]}}
    before = (1499.0, call(8.0, version="1"))
    after = (1501.0, call(9.0, version="2"))

    assert verdicts(rehearsed(wanted, calls=[before, after])) == {
        "expect.versions_at_end": (True, "2 (1)")
    }
    stale = (1502.0, call(9.5, version="1"))
    assert verdicts(rehearsed(wanted, calls=[before, after, stale])) == {
        "expect.versions_at_end": (False, "1 (1), 2 (1)")
    }
    assert verdicts(rehearsed(wanted, calls=[before])) == {
        "expect.versions_at_end": (False, "none")
    }


def test_an_answer_that_two_versions_give_counts_for_the_wanted_one(rehearsed, call):
    found = verdicts(
        rehearsed(
            {"expect": {"versions_at_end": ["2"]}}, calls=[(1501.0, call(9.0, version="1|2"))]
        )
    )

    assert found["expect.versions_at_end"][0]


def test_an_answer_of_no_version_is_told_without_being_asked(rehearsed, call):
    calls = [(1200.0, call(0.0)), (1201.0, call(0.1, version="unknown"))]

    (verdict,) = judge(rehearsed(calls=calls))

    assert (verdict.path, verdict.held) == ("expect.only_known_answers", False)
    assert verdict.found == "1 of 2 are not"


def test_what_is_left_is_named(rehearsed):
    wanted = {"expect": {"nothing_left": True}}
    left = Leftovers(replicas=("i-1 of new",), alarms=("greeter-local-rollout-x",))

    assert verdicts(rehearsed(wanted, leftovers=Leftovers())) == {
        "expect.nothing_left": (True, "nothing")
    }
    assert verdicts(rehearsed(wanted, leftovers=left)) == {
        "expect.nothing_left": (False, "replica i-1 of new, alarm greeter-local-rollout-x")
    }


def test_the_end_of_a_scaled_endpoint(rehearsed):
    wanted = {"expect": {"instances_at_end": 2, "scaling_kept": True}}

    found = verdicts(rehearsed(wanted, instances_at_end=1, scaling_changes=("target x is gone",)))

    assert found == {
        "expect.instances_at_end": (False, "1"),
        "expect.scaling_kept": (False, "target x is gone"),
    }


@pytest.mark.parametrize(
    ("changes", "held"), [({"same": 9}, True), ({"same": 8, "update": 1}, False)]
)
def test_a_following_up_must_find_nothing_to_do(rehearsed, changes, held):
    found = verdicts(rehearsed({"expect": {"next_up_changes_nothing": True}}, next_changes=changes))

    assert found["expect.next_up_changes_nothing"][0] is held


@pytest.mark.parametrize(("operations", "held"), [((), True), (("update",), False)])
def test_a_following_up_must_leave_the_endpoint_alone(rehearsed, operations, held):
    found = verdicts(
        rehearsed(
            {"expect": {"next_up_leaves_endpoint": True}},
            next_changes={"same": 9, "update": 2},
            next_endpoint_operations=operations,
        )
    )

    assert found == {
        "expect.next_up_leaves_endpoint": (held, "update" if operations else "nothing")
    }


@pytest.mark.parametrize(
    ("fields", "held"),
    [
        ({"predictions.label": True, "predictions.score": False}, True),
        ({"predictions.label": True, "predictions.score": True}, False),
        ({"predictions.label": False}, False),
        ({}, False),
    ],
)
def test_a_shadow_must_differ_in_the_named_fields_and_in_no_other(rehearsed, fields, held):
    wanted = {"expect": {"shadow_differs_in": ["predictions.label"]}}

    found = verdicts(rehearsed(wanted, shadow_fields=fields))

    assert found["expect.shadow_differs_in"][0] is held


@pytest.mark.parametrize(
    ("named", "found"),
    [
        ("new", (True, "it does")),
        ("old", (False, "after step 1 it names old, new serves")),
        ("", (False, "after step 1 it names nothing, new serves")),
    ],
)
def test_the_state_must_name_what_serves_unless_nobody_wants_to_know(rehearsed, named, found):
    state = EndpointInState(named, ())

    assert verdicts(rehearsed(up={"state": state})) == {"expect.state_is_true": found}
    assert verdicts(rehearsed({"expect": {"state_is_true": False}}, up={"state": state})) == {}
