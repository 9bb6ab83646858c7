"""What the page shows, from one reading of the emulator's parts."""

import json

import pytest

from modelway.emulator.page.figures import Line, window_at
from modelway.emulator.page.view import Reading, ShownAlarm, page_data

NOW = 1_700_000_041.0
OLD, NEW = "fraud-1", "fraud-2"


class NoFigures:
    def lines(self, endpoint_name, window):
        return []


def replica(config, state="healthy"):
    return {"variant": "primary", "config": config, "instance_id": "i-1", "state": state}


def endpoint(**changes):
    return {
        "name": "fraud",
        "account": "123456789012",
        "region": "us-east-1",
        "status": "InService",
        "config": OLD,
        "failure_reason": None,
        "variants": [{"name": "primary", "weight": 1.0, "instances": 2, "desired_instances": 2}],
        "replicas": [],
        "log_group": "/aws/sagemaker/Endpoints/fraud",
        "last_failure_log": [],
        "traffic": {OLD: 1.0},
        "rollout": None,
    } | changes


def alarm(name, state="OK", endpoint="fraud", region="us-east-1"):
    return ShownAlarm(name, region, state, "errors > 1", "Threshold Crossed", NOW, endpoint)


@pytest.fixture
def data_of():
    def data(*endpoints, alarms=(), figures=None, time_scale=60.0):
        window = window_at(NOW, time_scale)
        return page_data(Reading(window, endpoints, alarms, figures or NoFigures()))

    return data


def test_an_endpoint_in_service_has_one_serving_fleet_with_all_traffic(data_of):
    shown = data_of(endpoint(replicas=[replica(OLD), replica(OLD, "starting")]))

    (one,) = shown["endpoints"]
    assert one["fleets"] == [
        {
            "config": "fraud-1",
            "role": "serving",
            "traffic_percent": 100.0,
            "replicas": 2,
            "healthy_replicas": 1,
        }
    ]
    assert one["rollout"] is None


def test_during_a_rollout_the_fleets_are_old_and_new_with_their_shares(data_of):
    shown = data_of(
        endpoint(
            traffic={NEW: 0.1, OLD: 0.9},
            rollout={"stage": "baking", "config": NEW, "until": NOW + 120},
            replicas=[replica(OLD), replica(NEW)],
        )
    )

    (one,) = shown["endpoints"]
    fleets = [(each["config"], each["role"], each["traffic_percent"]) for each in one["fleets"]]
    assert fleets == [("fraud-1", "old", 90.0), ("fraud-2", "new", 10.0)]


def test_a_fleet_that_is_still_to_come_is_there_with_nothing(data_of):
    rollout = {"stage": "provisioning", "config": NEW, "until": None}

    (one,) = data_of(endpoint(rollout=rollout))["endpoints"]

    assert one["fleets"][1] == {
        "config": "fraud-2",
        "role": "new",
        "traffic_percent": 0.0,
        "replicas": 0,
        "healthy_replicas": 0,
    }


def test_the_time_left_of_a_stage_is_virtual_and_real(data_of):
    rollout = {"stage": "baking", "config": NEW, "until": NOW + 120}

    (one,) = data_of(endpoint(rollout=rollout), time_scale=60.0)["endpoints"]

    assert one["rollout"] == {
        "stage": "baking",
        "config": "fraud-2",
        "seconds_left": 120.0,
        "real_seconds_left": 2.0,
    }


def test_a_stage_without_an_end_has_no_time_left_and_one_past_its_end_has_none_over(data_of):
    open_end = {"stage": "provisioning", "config": NEW, "until": None}
    over = {"stage": "baking", "config": NEW, "until": NOW - 5}

    first, second = data_of(endpoint(name="a", rollout=open_end), endpoint(name="b", rollout=over))[
        "endpoints"
    ]

    assert (first["rollout"]["seconds_left"], first["rollout"]["real_seconds_left"]) == (None, None)
    assert second["rollout"]["seconds_left"] == 0.0


def test_an_endpoint_that_never_served_has_no_fleet(data_of):
    (one,) = data_of(endpoint(status="Failed", traffic={}, failure_reason="no ping"))["endpoints"]

    assert one["fleets"] == []
    assert one["failure_reason"] == "no ping"


def test_endpoints_are_in_the_order_of_their_names(data_of):
    shown = data_of(endpoint(name="b"), endpoint(name="a"))

    assert [each["name"] for each in shown["endpoints"]] == ["a", "b"]


def test_an_alarm_is_beside_the_endpoint_that_it_watches_the_loudest_first(data_of):
    shown = data_of(
        endpoint(),
        alarms=[
            alarm("quiet"),
            alarm("unknown", "INSUFFICIENT_DATA"),
            alarm("loud", "ALARM"),
            alarm("billing", "ALARM", endpoint=None),
            alarm("elsewhere", region="eu-west-1"),
        ],
    )

    (one,) = shown["endpoints"]
    assert [each["name"] for each in one["alarms"]] == ["loud", "unknown", "quiet"]
    assert [each["name"] for each in shown["alarms"]] == ["billing", "elsewhere"]


def test_lines_are_short_numbers_and_gaps(data_of):
    class OneLine:
        def lines(self, endpoint_name, window):
            assert endpoint_name == "fraud"
            return [Line(NEW, "primary", [None, 1 / 3], [None, 0.0], [None, 2.0], [None, 4.5678])]

    (one,) = data_of(endpoint(), figures=OneLine())["endpoints"]

    assert one["series"] == {
        "start": 1_699_992_900.0,
        "period_seconds": 60.0,
        "lines": [
            {
                "config": "fraud-2",
                "variant": "primary",
                "requests_per_second": [None, 0.333],
                "errors_per_second": [None, 0.0],
                "p50_ms": [None, 2.0],
                "p99_ms": [None, 4.568],
            }
        ],
    }
    assert json.loads(json.dumps(one)) == one
