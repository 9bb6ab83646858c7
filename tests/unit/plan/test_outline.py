"""What a plan declares, in rows for people."""

from modelway.plan.outline import outline


def test_everything_that_is_declared_has_a_row(make_plan):
    day = {"name": "day", "schedule": "rate(1 day)", "min_instances": 3}
    plan = make_plan(
        {
            "scaling": {
                "min_instances": 2,
                "max_instances": 4,
                "target_invocations_per_instance_per_minute": 100,
                "schedules": [day],
            },
            "objectives": {"error_rate_percent": 1},
            "alarms": {"notify": ["team@example.com"], "no_invocations_minutes": 30},
            "rollout": {"strategy": "canary"},
            "data_capture": {"sampling_percent": 5},
        }
    )

    rows = {(kind, name): details for kind, name, details in outline(plan)}

    assert rows == {
        ("artifact", f"models/fraud/{'c' * 64}/model.tar.gz"): f"sha256:{'c' * 64}, 1.0 KiB",
        ("image", "repository.example/server@sha256:" + "a" * 64): "by digest",
        ("role", "fraud-prod-execution"): "least privilege, assumed by SageMaker alone",
        ("model", "fraud-prod-<content hash>"): "isolated: yes",
        (
            "endpoint configuration",
            "fraud-prod-<content hash>",
        ): "2 x ml.m5.large, variant `primary`",
        ("endpoint", "fraud-prod"): (
            "updated blue/green, rolled back by new-error-rate, too-few-requests of the new fleet"
        ),
        ("scalable target", "endpoint/fraud-prod/variant/primary"): "2 to 4 instances",
        ("scaling policy", "fraud-prod-target"): "100 invocations per instance per minute",
        ("scheduled action", "day"): "rate(1 day) UTC: at least 3 instances",
        ("alarm", "fraud-prod-error-rate"): (
            "IF(requests > 0, 100 * errors / requests, 0) > 1 %, 2 of 3 x 60 s, "
            "missing data notBreaching"
        ),
        ("alarm", "fraud-prod-no-invocations"): (
            "Sum of Invocations < 1, 30 of 30 x 60 s, missing data breaching"
        ),
        ("alarm", "fraud-prod-cpu"): (
            "Average of CPUUtilization > 180 %, 5 of 5 x 60 s, missing data notBreaching"
        ),
        ("alarm", "fraud-prod-memory"): (
            "Maximum of MemoryUtilization > 90 %, 5 of 5 x 60 s, missing data notBreaching"
        ),
        ("alarm", "fraud-prod-disk"): (
            "Maximum of DiskUtilization > 90 %, 5 of 5 x 60 s, missing data notBreaching"
        ),
        ("subscription", "team@example.com"): "told by every alarm",
        ("dashboard", "fraud-prod"): "traffic, latency, errors, utilisation",
        ("log group", "/aws/sagemaker/Endpoints/fraud-prod"): "kept 90 days",
        (
            "data capture",
            "data-capture/fraud-prod in the platform's bucket",
        ): "5 % of input and output",
    }
