"""Decide how an endpoint gets from what is live to what is wanted.

Takes a `LiveEndpoint` and a `WantedEndpoint`, gives an `UpdatePlan`: what changes, every step in
its order, what runs meanwhile and how long it takes, or why AWS will not do it. Pure: must not call
AWS, and carries nothing out. AWS's rules are those of the SageMaker developer guide: "Update
endpoints that use auto scaling", "Exclusions" of the deployment guardrails, and "Serverless
Inference feature exclusions"; and of botocore's texts of UpdateEndpoint (read 2026-11).
"""

from collections.abc import Iterator
from dataclasses import dataclass

from modelway.plan.changes import Change, find_changes, moved_variants, to_serverless
from modelway.plan.live import LiveEndpoint, WantedEndpoint
from modelway.plan.stages import (
    PROVISIONING_SECONDS,
    Stage,
    duration_seconds,
    peak_instances,
    rollout_stages,
    waits_seconds,
)
from modelway.plan.steps import (
    Bake,
    Capacity,
    ChangeCapacities,
    CheckGuardAlarms,
    DeleteRollbackAlarms,
    DeregisterScaling,
    PutRollbackAlarms,
    RegisterScaling,
    Step,
    UpdateEndpoint,
    WaitUntilSettled,
)
from modelway.spec.model import Strategy
from modelway.spec.rules.bake import MOST_ROLLBACK_ALARMS
from modelway.spec.rules.rollout import LEAST_INSTANCES

MOVING = frozenset({"Creating", "Updating", "SystemUpdating", "RollingBack", "Deleting"})
"""Statuses in which SageMaker takes no change (DescribeEndpoint, EndpointStatus)."""

CAPACITY_SECONDS = (15, 60)
"""Changing weights, or ending instances: nothing has to start. An assumption."""


@dataclass(frozen=True)
class Refusal:
    """Why an update cannot be done as it is wanted."""

    reason: str
    next: str
    """What to do instead."""
    needs_new_endpoint: bool = False
    """No update leads there: only another endpoint, or this one deleted and created again."""


@dataclass(frozen=True)
class UpdatePlan:
    """An update, decided."""

    changes: tuple[Change, ...]
    """Empty when nothing differs."""
    steps: tuple[Step, ...] = ()
    """In their order; empty when nothing is to be called, or when the update is refused."""
    refusals: tuple[Refusal, ...] = ()
    """All reasons at once."""
    warnings: tuple[str, ...] = ()
    stages: tuple[Stage, ...] = ()
    """The roll-out; empty when no new fleet is made."""
    peak_instances: int = 0
    """The most instances that run at one time."""
    duration_seconds: tuple[int, int] = (0, 0)
    """Least and usual greatest time. Waits in it are exact, starting instances is assumed."""

    @property
    def restoring(self) -> tuple[Step, ...]:
        """Steps that have to be taken however the update ends, a failure or a roll-back included.

        A scalable target that was deregistered would be lost otherwise, with its policies.
        """
        return tuple(
            step for step in self.steps if isinstance(step, (DeleteRollbackAlarms, RegisterScaling))
        )


def plan_update(live: LiveEndpoint, wanted: WantedEndpoint) -> UpdatePlan:
    """Decide an update."""
    changes = find_changes(live, wanted)
    running = sum(_live_counts(live).values())
    if live.status in MOVING and changes:
        # What is live when that has ended is not known now, so the rest is planned then.
        return UpdatePlan(changes, (WaitUntilSettled(live.status),), peak_instances=running)
    new_fleet = live.config_name != wanted.config_name
    counts = _new_counts(live, wanted)
    stages: tuple[Stage, ...] = ()
    if new_fleet:
        stages = rollout_stages(wanted.rollout, sum(counts.values()), running)
    refusals = tuple(_refusals(live, wanted, counts, stages, new_fleet=new_fleet))
    if refusals:
        return UpdatePlan(changes, refusals=refusals, peak_instances=running)
    if not new_fleet:
        drifted = _drifted(live, wanted)
        grown = max(running, sum(counts.values()))
        steps = (ChangeCapacities(drifted),) if drifted else ()
        starts = sum(counts.values()) > running
        time = (PROVISIONING_SECONDS if starts else CAPACITY_SECONDS) if drifted else (0, 0)
        return UpdatePlan(changes, steps, peak_instances=grown, duration_seconds=time)
    return UpdatePlan(
        changes=changes,
        steps=tuple(_steps(live, wanted, stages)),
        warnings=tuple(_warnings(live, wanted, stages)),
        stages=stages,
        peak_instances=peak_instances(stages),
        duration_seconds=duration_seconds(stages),
    )


def retention(live: LiveEndpoint, wanted: WantedEndpoint) -> tuple[bool, tuple[str, ...]]:
    """Decide RetainAllVariantProperties and ExcludeRetainedVariantProperties.

    By default each update sets counts back to the configuration's initial ones, which undoes auto
    scaling (UpdateEndpoint). So counts are retained where auto scaling owns one; weights are what
    the spec says. The third property, DataCaptureConfig, is "not currently supported"
    (VariantProperty).
    """
    names = {variant.config.name for variant in live.variants}
    if names & wanted.scaled_variants & {variant.name for variant in wanted.variants}:
        return True, ("DesiredWeight",)
    return False, ()


def _steps(live: LiveEndpoint, wanted: WantedEndpoint, stages: tuple[Stage, ...]) -> Iterator[Step]:
    rollout = wanted.rollout
    if rollout.guard_alarms and not rollout.repair:
        yield CheckGuardAlarms(rollout.guard_alarms)
    moved = moved_variants(live, wanted)
    targets = [target for target in live.scalable_targets if target.variant in moved]
    for target in targets:
        yield DeregisterScaling(target)
    alarms = tuple(alarm.name for alarm in rollout.rollback_alarms)
    if alarms:
        yield PutRollbackAlarms(alarms)
    retain, exclude = retention(live, wanted)
    yield UpdateEndpoint(wanted.config_name, retain, exclude, rollout.deployment_config)
    for stage in stages:
        yield Bake(stage)
    if alarms:
        yield DeleteRollbackAlarms(alarms)
    kept = {variant.name for variant in wanted.variants} & wanted.scaled_variants
    for target in targets:
        if target.variant in kept:
            yield RegisterScaling(target)
    drifted = _drifted(live, wanted, weights=False) if retain else ()
    if drifted:
        # Retention is all or nothing: counts that auto scaling does not own were kept as well.
        yield ChangeCapacities(drifted)


def _refusals(
    live: LiveEndpoint,
    wanted: WantedEndpoint,
    counts: dict[str, int],
    stages: tuple[Stage, ...],
    *,
    new_fleet: bool,
) -> Iterator[Refusal]:
    """Find everything that AWS would refuse, or that could not work."""
    if live.status == "Failed":
        yield Refusal(
            "the endpoint is Failed, and SageMaker allows nothing but deletion then",
            "delete it and create it again; nothing serves meanwhile, and nothing serves now",
            needs_new_endpoint=True,
        )
    changed = to_serverless(live, wanted)
    if changed:
        yield Refusal(
            f"variant {', '.join(changed)} runs on instances, and SageMaker does not turn those "
            "into a serverless variant",
            "deploy the serverless variant under another name, move the clients, then destroy this",
            needs_new_endpoint=True,
        )
    if not new_fleet:
        return
    rollout = wanted.rollout
    old_names = {variant.config.name for variant in live.variants}
    if rollout.deployment_config is not None and old_names != set(counts):
        yield Refusal(
            f"a roll-out with a policy keeps the variants' names, and {_names(old_names)} would "
            f"become {_names(set(counts))}",
            "update once with `rollout.strategy: all-at-once` and no termination wait",
        )
    if rollout.strategy is Strategy.ROLLING:
        kinds = ["serverless"] if any(variant.serverless for variant in wanted.variants) else []
        kinds += ["several variants"] if len(wanted.variants) > 1 else []
        if kinds:
            yield Refusal(
                f"SageMaker has no rolling update for {' and '.join(kinds)}",
                "use canary or linear",
            )
    yield from _number_refusals(wanted, counts, stages)


def _number_refusals(
    wanted: WantedEndpoint, counts: dict[str, int], stages: tuple[Stage, ...]
) -> Iterator[Refusal]:
    """Check the figures that depend on what is live."""
    rollout = wanted.rollout
    single = [
        variant.name
        for variant in wanted.variants
        if not variant.serverless and counts[variant.name] < LEAST_INSTANCES
    ]
    if rollout.strategy is not Strategy.ALL_AT_ONCE and single:
        yield Refusal(
            f"variant {', '.join(single)} has one instance, and a step is at most half the fleet",
            f"have {LEAST_INSTANCES} instances or more, or use all-at-once",
        )
    if len(rollout.rollback_alarms) > MOST_ROLLBACK_ALARMS:
        yield Refusal(
            f"{len(rollout.rollback_alarms)} roll-back alarms, and SageMaker takes "
            f"{MOST_ROLLBACK_ALARMS}",
            "drop objectives until they fit",
        )
    waits = waits_seconds(stages)
    if waits >= rollout.timeout_seconds:
        yield Refusal(
            f"the waits are {waits} s, and the time-out is {rollout.timeout_seconds} s",
            f"set `rollout.timeout_seconds` above {waits}, with room for starting instances",
        )


def _warnings(
    live: LiveEndpoint, wanted: WantedEndpoint, stages: tuple[Stage, ...]
) -> Iterator[str]:
    """Say what goes through but may surprise."""
    least, greatest = duration_seconds(stages)
    limit = wanted.rollout.timeout_seconds
    if live.status == "UpdateRollbackFailed":
        yield "a mix of two configurations serves now, because an update and its roll-back failed"
    serverless = [v.config.name for v in live.variants if v.config.serverless]
    moved = [v.name for v in wanted.variants if v.name in serverless and not v.serverless]
    if moved:
        yield f"variant {', '.join(moved)} leaves serverless, which cannot be undone by an update"
    if wanted.scaled_variants:
        yield (
            f"auto scaling is paused for {least} to {greatest} s: raise the instance count first "
            "if traffic may grow meanwhile"
        )
    if greatest >= limit:
        yield (
            f"it may take {greatest} s, and SageMaker rolls back after {limit} s "
            "(rollout.timeout_seconds)"
        )
    if not wanted.rollout.rollback_alarms:
        yield "nothing rolls back a bad model: this roll-out has no alarm"


def _new_counts(live: LiveEndpoint, wanted: WantedEndpoint) -> dict[str, int]:
    """Give the instances of each wanted variant: the live count where it is retained."""
    retain, _ = retention(live, wanted)
    has = _live_counts(live)
    counts: dict[str, int] = {}
    for variant in wanted.variants:
        owned = variant.name in wanted.scaled_variants
        retained = owned or (retain and live.config_name != wanted.config_name)
        # A serverless variant has no count that could be retained.
        kept = has.get(variant.name, 0) if retained else 0
        count = kept if kept > 0 else variant.initial_instance_count
        counts[variant.name] = 0 if variant.serverless else count
    return counts


def _live_counts(live: LiveEndpoint) -> dict[str, int]:
    return {
        variant.config.name: 0 if variant.config.serverless else variant.desired_instance_count
        for variant in live.variants
    }


def _drifted(
    live: LiveEndpoint, wanted: WantedEndpoint, *, weights: bool = True
) -> tuple[Capacity, ...]:
    """Give what differs from the wanted counts and weights, as far as nobody else owns it."""
    has = {variant.config.name: variant for variant in live.variants}
    found: list[Capacity] = []
    for variant in wanted.variants:
        now = has.get(variant.name)
        if now is None:
            continue
        count: int | None = None
        fixed = not variant.serverless and variant.name not in wanted.scaled_variants
        if fixed and now.desired_instance_count != variant.initial_instance_count:
            count = variant.initial_instance_count
        weight = variant.initial_weight if now.current_weight != variant.initial_weight else None
        if count is not None or (weights and weight is not None):
            found.append(Capacity(variant.name, count, weight if weights else None))
    return tuple(found)


def _names(names: set[str]) -> str:
    return " and ".join(sorted(names))
