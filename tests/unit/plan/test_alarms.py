"""Alarms: the right metric, unit, threshold and answer to missing data."""

from modelway.plan import AlarmPlan, MetricPlan

DIMENSIONS = {"EndpointName": "fraud-prod", "VariantName": "primary"}
QUIET = {
    "cpu_utilization_percent": None,
    "memory_utilization_percent": None,
    "disk_utilization_percent": None,
}


def by_key(plan):
    return {alarm.key: alarm for alarm in plan.alarms}


def test_utilisation_is_watched_without_being_asked(make_plan):
    assert list(by_key(make_plan())) == ["cpu", "memory", "disk"]


def test_an_alarm_set_to_null_is_not_declared(make_plan):
    assert make_plan({"alarms": QUIET}).alarms == ()


def test_latency_is_the_99th_percentile_in_microseconds(make_plan):
    plan = make_plan({"objectives": {"p99_latency_ms": 50}, "alarms": QUIET})

    assert plan.alarms == (
        AlarmPlan(
            key="p99-latency",
            name="fraud-prod-p99-latency",
            description=(
                "Endpoint fraud-prod: fires when this no longer holds: "
                "99 % of answers take less than 50 ms of the container's time."
            ),
            metrics=(
                MetricPlan(
                    "latency", "AWS/SageMaker", "ModelLatency", DIMENSIONS, "p99", "Microseconds"
                ),
            ),
            expression=None,
            period_seconds=60,
            evaluation_periods=3,
            datapoints_to_alarm=2,
            threshold=50_000.0,
            comparison_operator="GreaterThanThreshold",
            treat_missing_data="notBreaching",
        ),
    )


def test_the_error_rate_is_5xx_as_a_share_of_requests_and_zero_without_any(make_plan):
    alarm = by_key(make_plan({"objectives": {"error_rate_percent": 1}}))["error-rate"]

    assert alarm.expression == "IF(requests > 0, 100 * errors / requests, 0)"
    assert [(metric.id, metric.name, metric.statistic) for metric in alarm.metrics] == [
        ("errors", "Invocation5XXErrors", "Sum"),
        ("requests", "Invocations", "Sum"),
    ]
    assert {metric.namespace for metric in alarm.metrics} == {"AWS/SageMaker"}
    assert alarm.threshold == 1.0
    assert (alarm.datapoints_to_alarm, alarm.evaluation_periods) == (2, 3)
    assert alarm.treat_missing_data == "notBreaching"


def test_the_client_error_rate_counts_4xx(make_plan):
    alarm = by_key(make_plan({"alarms": {"client_error_rate_percent": 20}}))["client-error-rate"]

    assert alarm.metrics[0].name == "Invocation4XXErrors"
    assert alarm.threshold == 20.0


def test_cpu_is_summed_over_the_vcpus_of_the_instance(make_plan, decision):
    plan = make_plan(
        {"serving": {"instance_type": "ml.c5.9xlarge"}, "alarms": {"cpu_utilization_percent": 50}}
    )
    alarm = by_key(plan)["cpu"]

    assert alarm.threshold == 1800.0
    assert alarm.metrics == (
        MetricPlan(
            "cpu",
            "/aws/sagemaker/Endpoints",
            "CPUUtilization",
            DIMENSIONS,
            "Average",
            "Percent",
        ),
    )
    assert (alarm.datapoints_to_alarm, alarm.evaluation_periods) == (5, 5)
    assert decision(plan, "alarms.cpu.threshold")[1] == (
        "50 % as the spec says; ml.c5.9xlarge has 36 vCPUs and the metric is their sum"
    )


def test_memory_and_disk_are_those_of_the_fullest_instance(make_plan):
    alarms = by_key(make_plan())

    assert alarms["memory"].metrics[0].name == "MemoryUtilization"
    assert alarms["memory"].metrics[0].statistic == "Maximum"
    assert alarms["memory"].threshold == 90.0
    assert alarms["disk"].metrics[0].name == "DiskUtilization"
    assert alarms["disk"].metrics[0].statistic == "Maximum"
    assert alarms["disk"].threshold == 90.0


def test_gpu_figures_are_summed_over_the_gpus_of_the_instance(make_plan):
    alarms = by_key(
        make_plan(
            {
                "serving": {"instance_type": "ml.g5.12xlarge"},
                "alarms": {"gpu_utilization_percent": 90, "gpu_memory_utilization_percent": 80},
            }
        )
    )

    assert alarms["gpu"].threshold == 360.0
    assert alarms["gpu"].metrics[0].name == "GPUUtilization"
    assert alarms["gpu-memory"].threshold == 320.0
    assert alarms["gpu-memory"].metrics[0].id == "gpu_memory"
    assert alarms["gpu-memory"].metrics[0].name == "GPUMemoryUtilization"


def test_no_invocations_fires_when_nothing_is_published(make_plan):
    alarm = by_key(make_plan({"alarms": {"no_invocations_minutes": 30}}))["no-invocations"]

    assert alarm.metrics[0].name == "Invocations"
    assert alarm.metrics[0].statistic == "Sum"
    assert (alarm.threshold, alarm.comparison_operator) == (1.0, "LessThanThreshold")
    assert (alarm.datapoints_to_alarm, alarm.evaluation_periods) == (30, 30)
    assert alarm.treat_missing_data == "breaching"


def test_names_of_alarms_fit_with_the_longest_endpoint(make_plan):
    plan = make_plan(
        {
            "name": "a" * 45,
            "objectives": {"p99_latency_ms": 1, "error_rate_percent": 1},
            "alarms": {"no_invocations_minutes": 1, "client_error_rate_percent": 1},
        }
    )

    assert max(len(alarm.name) for alarm in plan.alarms) <= 255
    assert len({alarm.name for alarm in plan.alarms}) == 7
