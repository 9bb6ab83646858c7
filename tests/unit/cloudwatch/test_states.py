"""Alarm states as SageMaker's guardrails read them."""

import pytest
from moto.cloudwatch.models import CloudWatchBackend

from modelway.emulator.clock import Clock
from modelway.emulator.cloudwatch import states as states_module
from modelway.emulator.cloudwatch.evaluator import AlarmEvaluator
from modelway.emulator.cloudwatch.metrics import MetricStore
from modelway.emulator.cloudwatch.states import AlarmStates
from modelway.emulator.cloudwatch.transition import change_state
from modelway.emulator.services import Services, Settings

ACCOUNT, REGION = "123456789012", "us-east-1"
NOON = 1_800_000_000.0 // 60 * 60


@pytest.fixture
def clock():
    made = Clock(origin=NOON)
    with made.pinned(NOON):
        yield made


@pytest.fixture
def services(tmp_path, clock):
    made = Services(Settings(port=0, state_dir=tmp_path), clock)
    made.metrics = MetricStore(clock)
    return made


@pytest.fixture
def states(services):
    return AlarmStates(AlarmEvaluator(services))


@pytest.fixture
def backend(monkeypatch):
    found = CloudWatchBackend(REGION, ACCOUNT)
    elsewhere = CloudWatchBackend("us-west-2", ACCOUNT)
    stores = {ACCOUNT: {REGION: found, "us-west-2": elsewhere}}
    monkeypatch.setattr(states_module, "cloudwatch_backends", stores)
    found.put_metric_alarm(
        name="errors",
        namespace="AWS/SageMaker",
        metric_name="Invocation5XXErrors",
        comparison_operator="GreaterThanThreshold",
        evaluation_periods=1,
        period=60,
        threshold=0.0,
        statistic="Sum",
        description="",
        dimensions=[{"Name": "EndpointName", "Value": "fraud"}],
        alarm_actions=[],
        treat_missing_data="notBreaching",
    )
    return found


@pytest.mark.usefixtures("backend")
def test_an_alarm_that_does_not_exist_in_the_region_has_no_state(states):
    assert states.state(ACCOUNT, REGION, "absent") is None
    assert states.state(ACCOUNT, "us-west-2", "errors") is None
    assert states.fired_since(ACCOUNT, REGION, "absent", 0.0) is False


def test_an_evaluation_that_is_due_is_made_before_the_state_is_given(
    states, backend, services, clock
):
    first = states.state(ACCOUNT, REGION, "errors")
    services.metrics.record(
        "AWS/SageMaker", "Invocation5XXErrors", {"EndpointName": "fraud"}, 1.0, "None", NOON + 5
    )
    with clock.pinned(NOON + 30):
        same_period = states.state(ACCOUNT, REGION, "errors")
    with clock.pinned(NOON + 60):
        next_period = states.state(ACCOUNT, REGION, "errors")

    assert (first, same_period, next_period) == ("OK", "OK", "ALARM")
    assert [(event.endpoint, event.data) for event in services.events.since(0)[0]][-1] == (
        "fraud",
        {"name": "errors", "from": "OK", "to": "ALARM"},
    )


def test_an_alarm_that_fired_and_recovered_has_fired_since_then(states, backend, services, clock):
    states.state(ACCOUNT, REGION, "errors")
    alarm = backend.alarms["errors"]
    with clock.pinned(NOON + 10):
        change_state(services, backend, alarm, "ALARM", "a test", "{}")
    with clock.pinned(NOON + 11):
        change_state(services, backend, alarm, "OK", "a test", "{}")

    assert states.fired_since(ACCOUNT, REGION, "errors", NOON + 10)
    assert not states.fired_since(ACCOUNT, REGION, "errors", NOON + 12)
