"""Where a rollout is, in a phrase: what SageMaker describes, told for the engine's status line.

Takes DescribeEndpoint's answer, the policy and the alarms' states, gives text. Pure; it must not
call AWS, and must not decide anything about the rollout.
"""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

TRAFFIC_STATUSES = ("ActivatingTraffic", "Baking")
"""Variant statuses in which the new fleet has, or is being given, requests (VariantStatus)."""


@dataclass(frozen=True)
class Stage:
    """One moment of an update."""

    config_name: str
    """The configuration on its way; empty when SageMaker names none."""
    status: str
    """The endpoint's status, such as `Updating` or `RollingBack`."""
    variant_status: str
    """The newest status of the variants on their way, such as `Creating` or `Baking`; or empty."""
    began: datetime | None
    """When that status began."""

    @property
    def has_traffic(self) -> bool:
        """Whether the new fleet may have requests already."""
        return self.variant_status in TRAFFIC_STATUSES

    @property
    def provisions(self) -> bool:
        """Whether the new fleet is still being made, so that it cannot have requests."""
        return self.status == "Updating" and bool(self.config_name) and not self.has_traffic


def stage_of(found: Mapping[str, Any]) -> Stage:
    """Read the stage from DescribeEndpoint's answer."""
    pending = found.get("PendingDeploymentSummary") or {}
    statuses = [
        status
        for variant in pending.get("ProductionVariants") or []
        for status in (variant.get("VariantStatus") or [])[-1:]
    ]
    # Variants may differ for a moment; the one that is furthest decides whether there is traffic.
    furthest = max(statuses, key=_order, default={})
    return Stage(
        config_name=str(pending.get("EndpointConfigName") or ""),
        status=str(found["EndpointStatus"]),
        variant_status=str(furthest.get("Status") or ""),
        began=furthest.get("StartTime"),
    )


def phrase(
    stage: Stage,
    policy: Mapping[str, Any] | None,
    step: int,
    alarms: Sequence[Mapping[str, Any]],
    now: datetime,
) -> str:
    """Say where the rollout is.

    Args:
        stage: from `stage_of`.
        policy: UpdateEndpoint's DeploymentConfig; None for plain all-at-once.
        step: which bake this is, from 1; 0 when it is not known.
        alarms: the rollback alarms as DescribeAlarms gives them.
        now: the time by the same clock as the stage's.
    """
    parts = [_doing(stage, policy, step)]
    left = _left_minutes(stage, policy, now)
    if left is not None:
        parts.append(f"{left} min left" if left > 1 else "less than a minute left")
    if alarms:
        states = Counter(alarm["StateValue"] for alarm in alarms)
        parts.append("alarms " + ", ".join(f"{n} {state}" for state, n in sorted(states.items())))
    return ", ".join(parts)


def shares_percent(policy: Mapping[str, Any] | None) -> list[int]:
    """Give the new fleet's share of the traffic in each bake, where the policy says percents."""
    policy = policy or {}
    rolling = policy.get("RollingUpdatePolicy")
    if rolling:
        return _steps(rolling["MaximumBatchSize"])
    routing = (policy.get("BlueGreenUpdatePolicy") or {}).get("TrafficRoutingConfiguration") or {}
    if routing.get("CanarySize"):
        size = routing["CanarySize"]
        return [int(size["Value"]), 100] if size["Type"] == "CAPACITY_PERCENT" else []
    if routing.get("LinearStepSize"):
        return _steps(routing["LinearStepSize"])
    return [100]


def wait_seconds(policy: Mapping[str, Any] | None) -> int:
    """Give how long each bake lasts."""
    policy = policy or {}
    rolling = policy.get("RollingUpdatePolicy")
    if rolling:
        return int(rolling["WaitIntervalInSeconds"])
    routing = (policy.get("BlueGreenUpdatePolicy") or {}).get("TrafficRoutingConfiguration") or {}
    return int(routing.get("WaitIntervalInSeconds") or 0)


def _steps(size: Mapping[str, Any]) -> list[int]:
    if size["Type"] != "CAPACITY_PERCENT":
        return []
    percent = int(size["Value"])
    return [min(100, percent * step) for step in range(1, math.ceil(100 / percent) + 1)]


def _doing(stage: Stage, policy: Mapping[str, Any] | None, step: int) -> str:
    if stage.status != "Updating":
        return {"RollingBack": "rolling back to the old fleet"}.get(stage.status, stage.status)
    if stage.variant_status not in TRAFFIC_STATUSES:
        return "provisioning the new fleet"
    shares = shares_percent(policy)
    known = 1 <= step <= len(shares)
    share = f" {shares[step - 1]} % of the traffic" if known else " traffic"
    if stage.variant_status == "ActivatingTraffic":
        return "shifting traffic to the new fleet"
    count = f" (step {step} of {len(shares)})" if known and len(shares) > 1 else ""
    return f"baking{share} on the new fleet{count}"


def _left_minutes(stage: Stage, policy: Mapping[str, Any] | None, now: datetime) -> int | None:
    if stage.status != "Updating" or stage.variant_status != "Baking" or stage.began is None:
        return None
    wait = wait_seconds(policy)
    left = (stage.began + timedelta(seconds=wait) - now).total_seconds()
    # Outside of the bake the two clocks are not the same one: say nothing rather than a wrong time.
    # In minutes: each change is a line in the log of a run without a terminal.
    return math.ceil(left / 60) if 0 < left <= wait else None


def _order(status: Mapping[str, Any]) -> int:
    name = status.get("Status")
    return TRAFFIC_STATUSES.index(name) + 1 if name in TRAFFIC_STATUSES else 0
