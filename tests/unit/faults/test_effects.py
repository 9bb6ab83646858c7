"""What each fault does to hosting."""

import pytest

from modelway.emulator.cloudwatch.alarms import Rule, evaluate
from modelway.emulator.cloudwatch.definition import Definition, datapoints_of
from modelway.emulator.cloudwatch.metrics import MetricStore
from modelway.emulator.faults.effects import Effects
from modelway.emulator.hosting.deployment import Container, ModelData, Variant
from modelway.emulator.services import Disturbance

DIMENSIONS = {"EndpointName": "fraud", "VariantName": "primary"}


@pytest.fixture
def effects(world):
    return Effects(world.registry)


def variant(model_data=None):
    return Variant(
        name="primary",
        container=Container("image", "image@sha256:1", model_data=model_data),
        instance_type="ml.m5.large",
        initial_instance_count=1,
        initial_weight=1.0,
        startup_seconds=5.0,
        volume_gib=30,
        source={},
    )


class Running:
    def __init__(self, pids=(17,)):
        self.killed = 0
        self._pids = list(pids)

    @property
    def pid(self):
        return self._pids.pop(0) if len(self._pids) > 1 else self._pids[0]

    def exit_status(self):
        return -9 if self.killed else None

    def kill(self):
        self.killed += 1


def test_without_a_fault_nothing_goes_wrong(effects, hand):
    running, metrics = Running(), MetricStore(hand.clock)

    effects.container_started("fraud", "one", running, lambda _lines: None)

    assert effects.provisioning("fraud", "one", variant()) is None
    assert effects.disturbance("fraud", "one") is None
    assert effects.sink(metrics, "fraud", "one") is metrics
    assert running.killed == 0


def test_no_capacity_is_awss_reason(effects, add, world):
    add("capacity", endpoint="fraud", fleet="two")

    assert effects.provisioning("fraud", "two", variant()) == (
        "Unable to provision requested ML compute capacity due to InsufficientInstanceCapacity "
        "error. Please retry using a different ML instance type or after some time."
    )
    assert effects.provisioning("fraud", "one", variant()) is None
    assert world.registry.describe()[0]["hits"] == 1


def test_a_missing_image_is_awss_reason_with_the_variants_name(effects, add):
    add("image-missing")

    assert effects.provisioning("fraud", "one", variant()) == (
        "Please make sure all images included in the model for the production variant primary "
        "exist, and that the execution role used to create the model has permissions to access "
        "them."
    )


def test_a_missing_artifact_is_awss_reason_with_its_address(effects, add):
    add("artifact-missing")
    data = ModelData("s3://models/fraud/model.tar.gz")

    assert effects.provisioning("fraud", "one", variant(data)) == (
        'Failed to download model data for container "container_1" from URL: '
        '"s3://models/fraud/model.tar.gz". Please ensure that there is an object located at the '
        "URL and that the role passed to CreateModel has permissions to download the object."
    )


def test_a_model_without_data_does_not_miss_any(effects, add):
    add("artifact-missing")

    assert effects.provisioning("fraud", "one", variant()) is None


def test_a_crash_loop_kills_what_has_just_started_and_says_so_in_its_log(effects, add):
    add("crash-loop", fleet="two")
    started, spared, lines = Running(), Running(), []

    effects.container_started("fraud", "two", started, lines.extend)
    effects.container_started("fraud", "one", spared, lines.extend)

    assert (started.killed, spared.killed) == (1, 0)
    assert lines == ["fault crash-loop: the container is killed soon after its start"]


def test_a_container_is_killed_only_once_it_has_a_process(effects, add):
    add("crash-loop")
    slow_to_appear = Running(pids=(0, 0, 17))

    effects.container_started("fraud", "one", slow_to_appear, lambda _lines: None)

    assert slow_to_appear.pid == 17
    assert slow_to_appear.killed == 1


def test_delays_add_up_and_errors_are_spread_evenly(effects, add, world):
    add("slow", delay_ms=100)
    add("slow", delay_ms=50)
    add("errors", percent=50, status=503)

    assert [effects.disturbance("fraud", "one") for _ in range(4)] == [
        Disturbance(150, None),
        Disturbance(150, 503),
        Disturbance(150, None),
        Disturbance(150, 503),
    ]
    assert [each["hits"] for each in world.registry.describe()] == [4, 4, 2]


def test_each_fleets_errors_are_counted_apart(effects, add):
    add("errors", percent=50)

    found = [effects.disturbance("fraud", config) for config in ("one", "two", "one", "two")]

    assert found == [None, None, Disturbance(0, 500), Disturbance(0, 500)]


def recorded(store, hand):
    periods = store.periods(
        "AWS/SageMaker", "Invocations", DIMENSIONS, start=999_960, end=1_000_200, period_seconds=60
    )
    return {start: samples.values for start, samples in periods.items()}


def test_missing_metrics_never_arrive_but_those_of_other_fleets_do(effects, add, hand):
    add("metrics-missing", fleet="two", for_seconds=60)
    store = MetricStore(hand.clock)

    def record(config, value):
        sink = effects.sink(store, "fraud", config)
        sink.record("AWS/SageMaker", "Invocations", DIMENSIONS, value, "None")

    record("two", 1.0)
    record("one", 2.0)
    hand.set(60)
    record("two", 3.0)

    assert recorded(store, hand) == {999_960: [2.0], 1_000_020: [3.0]}


def test_delayed_metrics_arrive_late_under_their_own_time(effects, add, hand):
    add("metrics-delayed", delay_seconds=120, for_seconds=30)
    store = MetricStore(hand.clock)
    effects.sink(store, "fraud", "one").record(
        "AWS/SageMaker", "Invocations", DIMENSIONS, 1.0, "None"
    )

    seen = {}
    for seconds in (0, 119, 120):
        hand.set(seconds)
        seen[seconds] = recorded(store, hand)

    assert seen == {0: {}, 119: {}, 120: {999_960: [1.0]}}


def test_a_missing_metric_is_not_reported_as_zero_for_a_scalable_target(add, hand, world):
    store = MetricStore(hand.clock)
    store.reported_by = lambda dimensions, at, now: world.registry.measured(
        dimensions["EndpointName"], at, now
    )
    store.report_zero("AWS/SageMaker", "Invocations", DIMENSIONS, since=999_900)
    hand.set(20)
    add("metrics-missing", endpoint="fraud", for_seconds=60)
    hand.set(300)

    assert recorded(store, hand) == {
        999_960: [0.0],
        1_000_080: [0.0],
        1_000_140: [0.0],
    }


def test_an_alarm_sees_delayed_metrics_late(effects, add, hand):
    add("metrics-delayed", delay_seconds=90)
    store = MetricStore(hand.clock)
    rule = Rule("GreaterThanThreshold", 0.5, evaluation_periods=1, datapoints_to_alarm=1)
    metric = {
        "Metric": {
            "Namespace": "AWS/SageMaker",
            "MetricName": "Invocation5XXErrors",
            "Dimensions": [{"Name": name, "Value": value} for name, value in DIMENSIONS.items()],
        },
        "Period": 60,
        "Stat": "Sum",
    }
    alarm = Definition(rule, 60, metric, ())
    hand.set(10)
    effects.sink(store, "fraud", "one").record(
        "AWS/SageMaker", "Invocation5XXErrors", DIMENSIONS, 1.0, "None"
    )

    states = {}
    for seconds in (20, 80, 140):
        hand.set(seconds)
        points = datapoints_of(alarm, store, "us-east-1", 1_000_000 + seconds)
        states[seconds] = str(evaluate(rule, points).state)

    assert states == {20: "INSUFFICIENT_DATA", 80: "INSUFFICIENT_DATA", 140: "ALARM"}
