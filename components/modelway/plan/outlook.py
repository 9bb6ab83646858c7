"""How an update of a deployment will go: stages, time, instances, and what its alarms can detect.

Takes a `DeploymentPlan`, gives a `RolloutOutlook` and rows of it for people. Without knowledge of
what is live: it takes both fleets to be as large as the plan's first one. Must not decide anything.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from modelway.plan.detection import DetectionLimit, detection_limits
from modelway.plan.model import DeploymentPlan
from modelway.plan.outline import describe_alarm
from modelway.plan.stages import (
    PROVISIONING_SECONDS,
    Stage,
    duration_seconds,
    peak_instances,
    rollout_stages,
    waits_seconds,
)
from modelway.spec.rules.bake import NEW_P99_LATENCY, TOO_FEW_REQUESTS

STAGE_COLUMNS = ("stage", "traffic", "wait", "ends after", "new + old instances")
ALARM_COLUMNS = ("roll-back alarm on the new fleet", "fires when")
LIMIT_COLUMNS = (
    "roll-back alarm",
    "requests a minute",
    "smallest regression",
    "if it watched both fleets",
    "healthy fleet (a tenth of what is allowed) rolled back",
    "note",
)


NEEDLESS_PERCENT = 5.0
"""Above this chance of a needless roll-back in the first bake, the plan says what helps."""

_SMALLEST_PERCENT = 0.01


@dataclass(frozen=True)
class RolloutOutlook:
    """One update, foreseen."""

    stages: tuple[Stage, ...]
    waits_seconds: int
    """Exact."""
    duration_seconds: tuple[int, int]
    """Waits, and what starting instances is assumed to take."""
    peak_instances: int
    """Both fleets at the least number of instances."""
    greatest_peak_instances: int
    """Both fleets at the most that autoscaling may have."""
    detection_limits: tuple[DetectionLimit, ...]
    """Of the first bake; empty when the traffic is unknown or nothing is watched."""


def rollout_outlook(plan: DeploymentPlan) -> RolloutOutlook:
    """Foresee an update of this deployment."""
    least = plan.variant.initial_instance_count
    most = least if plan.scaling is None else max(least, _most(plan))
    stages = rollout_stages(plan.rollout, least, least)
    return RolloutOutlook(
        stages=stages,
        waits_seconds=waits_seconds(stages),
        duration_seconds=duration_seconds(stages),
        peak_instances=peak_instances(stages),
        greatest_peak_instances=peak_instances(rollout_stages(plan.rollout, most, most)),
        detection_limits=detection_limits(plan.rollout, stages),
    )


def summary_lines(plan: DeploymentPlan, outlook: RolloutOutlook) -> list[str]:
    """Say duration, instances and whatever the tables cannot say."""
    low, high = outlook.duration_seconds
    starting = f"{PROVISIONING_SECONDS[0]} to {PROVISIONING_SECONDS[1]} s"
    rounds = sum(1 for stage in outlook.stages if stage.provisioned_instances > 0)
    times = f"{rounds} times " if rounds > 1 else ""
    length = f"An update takes {low} to {high} s: waits of {outlook.waits_seconds} s, and {times}"
    lines = [f"{length}{starting} for starting instances, which is assumed."]
    peak = f"At most {outlook.peak_instances} instances run at one time"
    if outlook.greatest_peak_instances > outlook.peak_instances:
        peak += f"; {outlook.greatest_peak_instances} while autoscaling is at its most"
    lines.append(f"{peak}.")
    if high >= plan.rollout.timeout_seconds:
        lines.append(
            f"SageMaker rolls back after {plan.rollout.timeout_seconds} s "
            "(rollout.timeout_seconds), which may come before the end."
        )
    if not plan.rollout.rollback_alarms:
        lines.append("NOTHING ROLLS BACK A BAD MODEL: this roll-out has no alarm.")
    elif not outlook.detection_limits:
        lines.append(
            "What the alarms can detect is unknown without the traffic: say "
            "rollout.expected_requests_per_minute."
        )
    lines += [
        f"{limit.alarm} rolls {limit.false_alarm_percent:.2g} % of healthy fleets back at "
        f"{limit.requests_per_minute:g} requests a minute: {_help(limit)}."
        for limit in outlook.detection_limits
        if limit.false_alarm_percent > NEEDLESS_PERCENT
    ]
    return lines


def stage_rows(outlook: RolloutOutlook) -> list[tuple[str, ...]]:
    """Give a row for each stage; times count from the call of UpdateEndpoint."""
    rows: list[tuple[str, ...]] = []
    for index, stage in enumerate(outlook.stages):
        low, high = duration_seconds(outlook.stages[: index + 1])
        rows.append(
            (
                stage.name,
                f"{stage.traffic_percent:g} %",
                f"{stage.wait_seconds} s",
                f"{low} to {high} s",
                f"{stage.new_instances} + {stage.old_instances}",
            )
        )
    return rows


def alarm_rows(plan: DeploymentPlan) -> list[tuple[str, ...]]:
    """Give a row for each roll-back alarm."""
    return [(alarm.name, describe_alarm(alarm)) for alarm in plan.rollout.rollback_alarms]


def limit_rows(limits: Sequence[DetectionLimit]) -> list[tuple[str, ...]]:
    """Give a row for each detection limit."""
    return [
        (
            limit.alarm,
            f"{limit.requests_per_minute:g} during {limit.stage}",
            _share(limit, limit.smallest_percent),
            _share(limit, limit.fleet_wide_percent),
            _chance(limit.false_alarm_percent),
            limit.note,
        )
        for limit in limits
    ]


def _help(limit: DetectionLimit) -> str:
    """Say what makes a needless roll-back less likely."""
    if limit.alarm == TOO_FEW_REQUESTS:
        return (
            "take a greater rollout.step_percent, or a smaller rollout.minimum_requests_per_minute"
        )
    return "with a greater rollout.step_percent one bad request counts for less"


def _share(limit: DetectionLimit, percent: float | None) -> str:
    """Write a share of bad requests; too few requests are not about bad ones."""
    if limit.alarm == TOO_FEW_REQUESTS:
        return "-"
    if percent is None:
        return "cannot tell"
    return f"{percent:.3g} % {'slow' if limit.alarm == NEW_P99_LATENCY else 'failed'}"


def _chance(percent: float) -> str:
    """Write the chance of a needless roll-back."""
    return f"{percent:.2g} %" if percent >= _SMALLEST_PERCENT else f"below {_SMALLEST_PERCENT:g} %"


def _most(plan: DeploymentPlan) -> int:
    """Give the greatest upper bound that any time of the week may have."""
    scaling = plan.scaling
    if scaling is None:
        return 0
    bounds = [scaling.max_capacity]
    for schedule in scaling.schedules:
        bounds += [b for b in (schedule.min_capacity, schedule.max_capacity) if b is not None]
    return max(bounds)
