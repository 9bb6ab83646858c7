"""What all scaling policies of one target want together.

Takes moto's policies, the metrics and the alarms; gives one wish and its cause, as
DescribeScalingActivities words it. Changes nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from moto.cloudwatch.models import cloudwatch_backends

from modelway.emulator.autoscaling.policy_metric import PERIOD_SECONDS, queries_of
from modelway.emulator.autoscaling.step import step_capacity
from modelway.emulator.autoscaling.target_tracking import (
    DEFAULT_COOLDOWN_SECONDS,
    Decision,
    Limits,
    Past,
    Policy,
    combine,
    datapoints_needed,
    decide,
)
from modelway.emulator.cloudwatch.alarms import Datapoint
from modelway.emulator.cloudwatch.definition import reader
from modelway.emulator.cloudwatch.metrics import MetricStore
from modelway.emulator.cloudwatch.query import evaluate_queries, is_returned
from modelway.emulator.cloudwatch.transition import actions_for


@dataclass(frozen=True)
class Wish:
    """Another capacity, and why."""

    capacity: int
    cause: str


def wish_of(
    policies: Sequence[Any],
    backend: Any,
    store: MetricStore,
    *,
    capacity: int,
    limits: Limits,
    past: Past,
    now: float,
    minute: float,
) -> Wish | None:
    """Ask every policy at a full minute; None when the capacity shall stay."""
    decided = list[tuple[Decision | None, str]]()
    for policy in policies:
        if policy.policy_type == "TargetTrackingScaling":
            configuration = policy.target_tracking_scaling_policy_configuration
            tracking = tracking_policy(configuration)
            points = _datapoints(configuration, policy.resource_id, backend, store, minute)
            decision = decide(
                tracking, points, capacity=capacity, limits=limits, past=past, now=now
            )
            if decision is not None or not tracking.scale_in_disabled:
                decided.append((decision, _tracking_cause(policy, decision)))
            continue
        for alarm in _alarms_calling(policy, backend):
            wanted = _stepped(policy, alarm, capacity, limits, past, now)
            if wanted is not None:
                cause = (
                    f"monitor alarm {alarm.name} in state {alarm.state_value} "
                    f"triggered policy {policy.policy_name}"
                )
                decided.append((Decision(wanted, high=wanted > capacity), cause))
    index = combine([decision for decision, _ in decided])
    if index is None:
        return None
    decision, cause = decided[index]
    return None if decision is None else Wish(decision.capacity, cause)


def tracking_policy(configuration: dict[str, Any]) -> Policy:
    """Read a TargetTrackingScalingPolicyConfiguration."""
    out, back = configuration.get("ScaleOutCooldown"), configuration.get("ScaleInCooldown")
    return Policy(
        target_value=float(configuration["TargetValue"]),
        scale_out_cooldown_seconds=DEFAULT_COOLDOWN_SECONDS if out is None else float(out),
        scale_in_cooldown_seconds=DEFAULT_COOLDOWN_SECONDS if back is None else float(back),
        scale_in_disabled=bool(configuration.get("DisableScaleIn")),
    )


def _datapoints(
    configuration: dict[str, Any],
    resource_id: str,
    backend: Any,
    store: MetricStore,
    minute: float,
) -> list[Datapoint]:
    count = datapoints_needed()
    starts = [minute - (count - index) * PERIOD_SECONDS for index in range(count)]
    queries = queries_of(configuration, resource_id)
    read = reader(store, backend.region_name)
    results = evaluate_queries(queries, read, starts[0], minute)
    returned = [result for result in results.values() if is_returned(result.query)]
    series = returned[-1].series[0] if returned and returned[-1].series else {}
    return [Datapoint(start, series.get(start)) for start in starts]


def _tracking_cause(policy: Any, decision: Decision | None) -> str:
    kind = "AlarmHigh" if decision is not None and decision.high else "AlarmLow"
    name = next((a.name for a in policy.alarms if f"-{kind}-" in a.name), kind)
    return f"monitor alarm {name} in state ALARM triggered policy {policy.policy_name}"


def _alarms_calling(policy: Any, backend: Any) -> list[Any]:
    """The alarms whose present state has this policy among its actions."""
    alarms: Any = cloudwatch_backends[backend.account_id][backend.region_name].alarms
    return [
        alarm
        for alarm in list(alarms.values())
        if alarm.actions_enabled and policy.policy_arn in actions_for(alarm, alarm.state_value)
    ]


def _stepped(
    policy: Any, alarm: Any, capacity: int, limits: Limits, past: Past, now: float
) -> int | None:
    configuration = policy.step_scaling_policy_configuration
    cooldown = configuration.get("Cooldown")
    seconds = DEFAULT_COOLDOWN_SECONDS if cooldown is None else float(cooldown)
    recent = alarm.__dict__.get("recent_datapoints") or (alarm.threshold,)
    wanted = step_capacity(
        configuration,
        capacity=capacity,
        limits=limits,
        above_threshold=float(recent[-1]) - float(alarm.threshold or 0.0),
    )
    if wanted is None:
        return None
    last = past.last_out if wanted > capacity else past.last_in
    cooling = last is not None and now < last.ended_at + seconds
    # While scaling out cools down, only a larger step counts (user guide, step scaling cooldown).
    if cooling and (wanted < capacity or last is None or wanted - capacity <= last.change):
        return None
    return wanted
