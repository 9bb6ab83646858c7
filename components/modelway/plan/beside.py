"""Decide the variants beside the champion: their weights, instances, scaling and alarms.

Takes a spec of one environment and the artifacts as found, gives plans and their decisions. Each is
decided as though it stood alone (`modelway.spec.alone`); only shares and names are decided here.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from modelway.plan.alarms import plan_alarms
from modelway.plan.model import AlarmPlan, Artifact, Decision, ScalingPlan, VariantPlan
from modelway.plan.scaling import plan_scaling
from modelway.plan.variant import plan_variant
from modelway.spec.alone import alone
from modelway.spec.model import ModelSpec
from modelway.spec.variants import Challenger, Shadow

_WEIGHT_SOURCE = "SageMaker ProductionVariant.InitialVariantWeight"


@dataclass(frozen=True)
class BesidePlan:
    """Everything that stands beside the champion."""

    challengers: tuple[VariantPlan, ...]
    shadow: VariantPlan | None
    scalings: Mapping[str, ScalingPlan]
    """By variant name; only those that scale."""
    alarms: tuple[AlarmPlan, ...]
    """On the challengers. A shadow answers nobody, so nobody is woken for it."""
    decisions: tuple[Decision, ...]


def plan_beside(spec: ModelSpec, endpoint: str, artifacts: Mapping[str, Artifact]) -> BesidePlan:
    """Decide challengers and shadow.

    Args:
        spec: of one environment.
        endpoint: the endpoint's name.
        artifacts: of each variant beside the champion, by its name.
    """
    variants: list[VariantPlan] = []
    scalings: dict[str, ScalingPlan] = {}
    alarms: list[AlarmPlan] = []
    decisions: list[Decision] = []
    for challenger in spec.challengers:
        name, place = challenger.name, f"challengers.{challenger.name}"
        variant, reasons = _variant(spec, challenger, artifacts[name], place)
        variants.append(variant)
        scaling, more = plan_scaling(alone(spec, challenger), endpoint, name)
        if scaling is not None:
            scalings[name] = scaling
        watched, alarm_reasons = _alarms(spec, challenger, endpoint)
        alarms += watched
        decisions += [*reasons, *_placed(more, place), *alarm_reasons]
    shadow: VariantPlan | None = None
    if spec.shadow is not None:
        shadow, reasons = _variant(spec, spec.shadow, artifacts[spec.shadow.name], "shadow")
        decisions += reasons
    return BesidePlan(tuple(variants), shadow, scalings, tuple(alarms), tuple(decisions))


def _variant(
    spec: ModelSpec, variant: Challenger | Shadow, artifact: Artifact, place: str
) -> tuple[VariantPlan, list[Decision]]:
    """Decide one variant; its weight is its share."""
    plan, reasons = plan_variant(alone(spec, variant), artifact)
    if isinstance(variant, Shadow):
        weight = variant.sampling_percent / 100
        reason = (
            f"{variant.sampling_percent:g} % of the requests are copied: SageMaker takes this "
            "weight as a share of the champion's, which is 1"
        )
    else:
        weight = variant.traffic_percent
        reason = "traffic_percent as the spec says; all weights together are 100"
    decision = Decision(f"{place}.initial_weight", weight, reason, _WEIGHT_SOURCE)
    others = [each for each in reasons if each.path != "variant.initial_weight"]
    named = replace(plan, name=variant.name, initial_weight=weight, model=variant.name)
    return named, [*_placed(others, place), decision]


def _alarms(
    spec: ModelSpec, challenger: Challenger, endpoint: str
) -> tuple[list[AlarmPlan], list[Decision]]:
    """Watch a challenger as the champion is watched.

    Only silence is no alarm: how many requests it gets is the experiment's own choice. A dot joins
    key and name, which no name has, so that two alarms never share a name.
    """
    single = alone(spec, challenger)
    quiet = single.alarms.model_copy(update={"no_invocations_minutes": None})
    single = single.model_copy(update={"alarms": quiet})
    alarms, decisions = plan_alarms(single, endpoint, challenger.name)
    named = [
        replace(
            alarm,
            key=f"{alarm.key}.{challenger.name}",
            name=f"{alarm.name}.{challenger.name}",
            description=f"Variant {challenger.name}. {alarm.description}",
        )
        for alarm in alarms
    ]
    return named, [
        replace(each, path=f"challengers.{challenger.name}.{each.path}") for each in decisions
    ]


def _placed(decisions: Iterable[Decision], place: str) -> list[Decision]:
    """Give decisions the place of the variant that they are about."""
    return [
        replace(each, path=f"{place}.{each.path.removeprefix('variant.')}") for each in decisions
    ]
