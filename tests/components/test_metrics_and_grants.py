"""The helpers that only Python has: metrics and grants."""

import json

import pytest
from pulumi_aws import cloudwatch, iam

from modelway.deployment import ModelDeployment


@pytest.fixture
def deployed(declare, spec):
    """Declare a deployment, then whatever the test adds to it."""

    def run(addition):
        return declare(lambda: addition(ModelDeployment("fraud", spec=spec())))

    return run


@pytest.mark.parametrize(
    ("method", "namespace", "name", "statistic", "unit"),
    [
        ("metric_invocations", "AWS/SageMaker", "Invocations", "Sum", None),
        ("metric_model_latency", "AWS/SageMaker", "ModelLatency", "p99", "Microseconds"),
        ("metric_overhead_latency", "AWS/SageMaker", "OverheadLatency", "p99", "Microseconds"),
        ("metric_invocation_4xx_errors", "AWS/SageMaker", "Invocation4XXErrors", "Sum", None),
        ("metric_invocation_5xx_errors", "AWS/SageMaker", "Invocation5XXErrors", "Sum", None),
        (
            "metric_invocations_per_instance",
            "AWS/SageMaker",
            "InvocationsPerInstance",
            "Sum",
            None,
        ),
        (
            "metric_cpu_utilization",
            "/aws/sagemaker/Endpoints",
            "CPUUtilization",
            "Average",
            "Percent",
        ),
        (
            "metric_gpu_memory_utilization",
            "/aws/sagemaker/Endpoints",
            "GPUMemoryUtilization",
            "Average",
            "Percent",
        ),
    ],
)
def test_a_metric_knows_its_namespace_and_unit(deployed, method, namespace, name, statistic, unit):
    seen = []

    deployed(lambda deployment: seen.append(getattr(deployment, method)()))

    (metric,) = seen
    assert (metric.namespace, metric.name, metric.statistic, metric.unit) == (
        namespace,
        name,
        statistic,
        unit,
    )
    assert metric.dimensions == {"EndpointName": "fraud-local", "VariantName": "primary"}


def test_a_metric_makes_an_alarm(deployed):
    program = deployed(
        lambda deployment: cloudwatch.MetricAlarm(
            "slow",
            **deployment.metric_model_latency(statistic="p90", period_seconds=300).alarm_args(),
            comparison_operator="GreaterThanThreshold",
            threshold=100_000,
            evaluation_periods=3,
        )
    )

    alarm = program.named("slow").inputs
    assert alarm["extendedStatistic"] == "p90"
    assert alarm["period"] == 300
    assert alarm["unit"] == "Microseconds"
    assert "statistic" not in alarm


def test_a_metric_can_be_had_with_another_statistic(deployed):
    seen = []

    deployed(
        lambda deployment: seen.append(
            deployment.metric_invocations().having(statistic="SampleCount", period_seconds=10)
        )
    )

    assert (seen[0].statistic, seen[0].period_seconds) == ("SampleCount", 10)


def test_a_role_may_invoke_this_endpoint_and_nothing_else(deployed):
    program = deployed(
        lambda deployment: deployment.grant_invoke(iam.Role("web", assume_role_policy="{}"))
    )

    policy = program.named("fraud-invoke-web").inputs
    assert policy["role"] == "web"
    assert json.loads(policy["policy"])["Statement"] == [
        {
            "Sid": "InvokeEndpoint",
            "Effect": "Allow",
            "Action": ["sagemaker:InvokeEndpoint"],
            "Resource": ["arn:aws:sagemaker:us-east-1:123456789012:endpoint/fraud-endpoint"],
        }
    ]


def test_a_role_may_be_given_by_name(deployed):
    program = deployed(lambda deployment: deployment.grant_invoke("batch-jobs"))

    assert program.named("fraud-invoke-batch-jobs").inputs["role"] == "batch-jobs"
