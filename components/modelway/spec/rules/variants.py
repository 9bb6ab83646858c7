"""Rules of challengers and shadows: names, shares, and what SageMaker has no variants for.

Takes the spec of one environment, gives `Problem`s. What holds for any variant's model, instances
and bounds is checked by the champion's own rules. Limits are those of SageMaker's
CreateEndpointConfig (botocore service model) and of the developer guide's pages on shadow tests and
deployment guardrails.
"""

from collections.abc import Iterator
from dataclasses import replace

from modelway.errors import Problem
from modelway.spec.alone import alone
from modelway.spec.instances import instance_type
from modelway.spec.model import ModelSpec, Strategy
from modelway.spec.rules.artifact import model_problems
from modelway.spec.rules.rollout import LEAST_INSTANCES
from modelway.spec.rules.scaling import scaling_problems
from modelway.spec.rules.serving import serving_problems
from modelway.spec.variants import Challenger, Shadow

CHAMPION = "primary"
"""Name of the variant that runs the spec's own model. Roll-outs need it to stay."""

MOST_VARIANTS = 10
"""Production variants of a configuration (botocore sagemaker: ProductionVariantList)."""

_MOVED = {
    "serving.instance_type": "instance_type",
    "serving.environment": "environment",
    "scaling.min_instances": "min_instances",
    "scaling.max_instances": "max_instances",
    "scaling.target_invocations_per_instance_per_minute": (
        "target_invocations_per_instance_per_minute"
    ),
    "model": "model",
}
"""Where a challenger has what the champion has elsewhere."""

_CONFIGURATION = "SageMaker CreateEndpointConfig"
_GUARDRAILS = "SageMaker developer guide, deployment guardrails, exclusions"
_SHADOW_TESTS = "SageMaker developer guide, shadow tests, exclusions"


def variant_problems(spec: ModelSpec) -> Iterator[Problem]:
    """Check what stands beside the champion."""
    yield from _name_problems(spec)
    yield from _share_problems(spec)
    yield from _rollout_problems(spec)
    if spec.shadow is not None:
        yield from _shadow_problems(spec, spec.shadow)
    for place, variant in _placed(spec):
        yield from _own_problems(spec, place, variant)


def _placed(spec: ModelSpec) -> list[tuple[str, Challenger | Shadow]]:
    """Give each variant beside the champion with its place in the spec."""
    found: list[tuple[str, Challenger | Shadow]] = [
        (f"challengers[{index}]", each) for index, each in enumerate(spec.challengers)
    ]
    return found if spec.shadow is None else [*found, ("shadow", spec.shadow)]


def _name_problems(spec: ModelSpec) -> Iterator[Problem]:
    """Check that names differ and that there are not too many."""
    owners = {CHAMPION: "the spec's own model"}
    for place, variant in _placed(spec):
        # Names also become parts of alarm names and of S3 keys, where case alone misleads people.
        owner = owners.setdefault(variant.name.lower(), f"`{place}`")
        if owner != f"`{place}`":
            yield Problem(
                path=f"{place}.name",
                message=f"is the variant name of {owner} already",
                value=variant.name,
                allowed="a name of its own; the case of letters makes no difference",
                source=_CONFIGURATION,
            )
    if len(spec.challengers) >= MOST_VARIANTS:
        yield Problem(
            path="challengers",
            message=f"holds {len(spec.challengers)} variants beside the champion",
            allowed=f"at most {MOST_VARIANTS - 1}, since a configuration takes {MOST_VARIANTS}",
            source="SageMaker ProductionVariantList",
        )


def _share_problems(spec: ModelSpec) -> Iterator[Problem]:
    """Check that the champion keeps a share."""
    total = sum(each.traffic_percent for each in spec.challengers)
    if total >= 100:  # noqa: PLR2004 - per cent
        yield Problem(
            path="challengers",
            message=f"take {total:g} % of the traffic together and leave the champion none",
            allowed=(
                "`traffic_percent` of less than 100 together; to promote a challenger, make it the "
                "spec's own `model`"
            ),
            source="modelway",
        )


def _rollout_problems(spec: ModelSpec) -> Iterator[Problem]:
    """Check that several variants can be rolled out so."""
    strategy = spec.rollout.strategy
    placed = _placed(spec)
    if not placed or strategy is Strategy.ALL_AT_ONCE:
        return
    if strategy is Strategy.ROLLING:
        yield Problem(
            path="rollout.strategy",
            message="is not for an endpoint with several variants",
            value=strategy.value,
            allowed="all-at-once, canary or linear, or no `challengers` and no `shadow`",
            source=_GUARDRAILS,
        )
        return
    for place, variant in placed:
        least = alone(spec, variant).scaling.min_instances
        if least < LEAST_INSTANCES:
            field = "instance_count" if isinstance(variant, Shadow) else "min_instances"
            yield Problem(
                path=f"{place}.{field}",
                message=f"is too few for {strategy.value}: a step is at most half of each variant",
                value=least,
                allowed=f"{LEAST_INSTANCES} or more, or `rollout.strategy` all-at-once",
                source="SageMaker TrafficRoutingConfig",
            )


def _shadow_problems(spec: ModelSpec, shadow: Shadow) -> Iterator[Problem]:
    """Check what a shadow stands beside, and that its answers can be compared."""
    if spec.challengers:
        yield Problem(
            path="shadow",
            message=f"cannot stand beside {len(spec.challengers)} challenger(s)",
            allowed="a shadow with the champion alone, or challengers without a shadow",
            source="SageMaker CreateEndpointConfig.ShadowProductionVariants",
        )
    places = (
        ("serving.instance_type", spec.serving.instance_type),
        ("shadow.instance_type", shadow.instance_type),
    )
    for path, name in places:
        machine = None if name is None else instance_type(name)
        if machine is not None and machine.inf1:
            yield Problem(
                path=path,
                message="is an Inf1 instance, which shadow variants do not support",
                value=name,
                allowed="another instance type such as ml.inf2",
                source=_SHADOW_TESTS,
            )
    capture = spec.data_capture
    if capture is None:
        return
    if "output" not in capture.capture:
        yield Problem(
            path="data_capture.capture",
            message="leaves out the answers: a shadow's are seen nowhere else",
            value=list(capture.capture),
            allowed="[output] or [input, output]",
            source=_SHADOW_TESTS,
        )
    if capture.sampling_percent == 0:
        yield Problem(
            path="data_capture.sampling_percent",
            message="captures nothing, so there is nothing to compare the shadow by",
            value=0,
            allowed="1 to 100",
            source=_SHADOW_TESTS,
        )


def _own_problems(spec: ModelSpec, place: str, variant: Challenger | Shadow) -> Iterator[Problem]:
    """Check one variant by the champion's rules, and tell what it does not share with it."""
    single = alone(spec, variant)
    rules = (model_problems, serving_problems, scaling_problems)
    known = {(each.path, each.message) for rule in rules for each in rule(spec)}
    for rule in rules:
        for problem in rule(single):
            moved = _moved(problem.path)
            if moved is not None and (problem.path, problem.message) not in known:
                yield replace(problem, path=f"{place}.{moved}")


def _moved(path: str) -> str | None:
    """Give a field's place within a challenger; None for one that only the champion has."""
    for old, new in _MOVED.items():
        if path == old or path.startswith((f"{old}.", f"{old}[")):
            return new + path.removeprefix(old)
    return None
