"""All rules together."""

from modelway.errors import Problem
from modelway.spec import parse_spec, rules


def test_every_broken_rule_is_found_at_once_with_its_source(problems):
    found = problems(
        {
            "name": "a" * 60,
            "image": "server:latest",
            "serving": {"instance_type": "ml.t2.medium"},
            "scaling": {"min_instances": 1, "max_instances": 3},
            "rollout": {"strategy": "canary", "step_percent": 60, "timeout_seconds": 600},
            "alarms": {"notify": ["me"]},
            "logging": {"retention_days": 45},
            "network": {"subnet_ids": ["subnet-01234567"]},
        }
    )

    assert [problem.path for problem in found] == [
        "name",
        "image",
        "scaling.target_invocations_per_instance_per_minute",
        "serving.instance_type",
        "rollout.step_percent",
        "rollout.strategy",
        "objectives",
        "rollout.timeout_seconds",
        "alarms.notify[0]",
        "logging.retention_days",
        "network.security_group_ids",
    ]
    assert all(isinstance(problem, Problem) and problem.source for problem in found)


def test_a_whole_spec_is_checked_with_its_overrides_applied():
    data = {
        "name": "fraud",
        "model": {"path": "/fraud.onnx"},
        "environments": {"local": {"logging": {"retention_days": 2}}},
    }

    found = rules.check(parse_spec(data), "local")

    assert [problem.path for problem in found] == ["logging.retention_days"]
