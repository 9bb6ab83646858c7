"""Both sides of an update of an endpoint: what is live, and what is wanted."""

from dataclasses import replace

from modelway.plan.live import (
    LiveEndpoint,
    LiveVariant,
    ScalableTarget,
    VariantConfig,
    WantedEndpoint,
)
from modelway.plan.model import AlarmPlan, RolloutPlan
from modelway.spec import Strategy

PRIMARY = VariantConfig("primary", model="fraud-1", instance_type="ml.m5.large")
SERVERLESS = replace(PRIMARY, instance_type=None)
CANARY_CONFIG = {"BlueGreenUpdatePolicy": {"TrafficRoutingConfiguration": {"Type": "CANARY"}}}
PLAIN = RolloutPlan(deployment_config=None, history=3, timeout_seconds=3600)
TARGET = ScalableTarget(
    variant="primary",
    register={"MinCapacity": 2, "MaxCapacity": 6, "SuspendedState": {}},
    policies=({"PolicyName": "fraud-target", "PolicyType": "TargetTrackingScaling"},),
    scheduled_actions=({"ScheduledActionName": "day", "Schedule": "rate(1 day)"},),
)
SCALED = {"scaled_variants": frozenset({"primary"})}


def alarm(key):
    return AlarmPlan(key, f"fraud-rollout-{key}", "", (), None, 60, 3, 2, 1.0, ">", "notBreaching")


CANARY = replace(
    PLAIN,
    deployment_config=CANARY_CONFIG,
    rollback_alarms=(alarm("new-error-rate"), alarm("too-few-requests")),
    guard_alarms=("fraud-error-rate",),
    strategy=Strategy.CANARY,
    step_percent=10,
    wait_seconds=600,
    termination_wait_seconds=300,
)
ROLLING = replace(PLAIN, strategy=Strategy.ROLLING, step_percent=50, deployment_config={"R": 1})


def live(*variants, count=2, **changes):
    served = [LiveVariant(v, desired_instance_count=count) for v in variants or (PRIMARY,)]
    return LiveEndpoint(
        **{
            "name": "fraud",
            "status": "InService",
            "config_name": "fraud-a",
            "variants": tuple(served),
            **changes,
        }
    )


def wanted(*variants, rollout=PLAIN, config_name="fraud-b", **changes):
    given_variants = variants or (replace(PRIMARY, initial_instance_count=2),)
    return WantedEndpoint(config_name, given_variants, rollout, **changes)


TWO = replace(PRIMARY, initial_instance_count=2)
SECOND = replace(TWO, model="fraud-2")


def kinds(plan):
    return [type(step).__name__ for step in plan.steps]
