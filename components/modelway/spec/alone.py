"""One variant beside the champion, as though it were the only one.

Takes a spec of one environment and one of its challengers or its shadow, gives the spec that would
deploy it alone: so rules and numbers of a single variant are written once. Must not check anything.
"""

import math

from modelway.spec.model import ModelSpec, Scaling, Serving
from modelway.spec.variants import Challenger, Shadow


def alone(spec: ModelSpec, variant: Challenger | Shadow) -> ModelSpec:
    """Give the spec of one variant.

    Volume and driver go with the instance type: a variant with another type than the champion's has
    SageMaker's own.
    """
    return spec.model_copy(
        update={
            "model": variant.model,
            "serving": _serving(spec.serving, variant),
            "scaling": _scaling(spec.scaling, variant),
            "challengers": (),
            "shadow": None,
        }
    )


def _serving(champion: Serving, variant: Challenger | Shadow) -> Serving:
    """Give what the variant's container and instances are."""
    update: dict[str, object] = {"environment": {**champion.environment, **variant.environment}}
    if variant.instance_type not in (None, champion.instance_type):
        update |= {
            "instance_type": variant.instance_type,
            "volume_gib": None,
            "inference_ami_version": None,
        }
    return champion.model_copy(update=update)


def _scaling(champion: Scaling, variant: Challenger | Shadow) -> Scaling:
    """Give how many instances the variant has."""
    if isinstance(variant, Shadow):
        count = variant.instance_count
        if count is None:
            count = math.ceil(champion.min_instances * variant.sampling_percent / 100)
        return champion.model_copy(
            update={
                "min_instances": count,
                "max_instances": None,
                "target_invocations_per_instance_per_minute": None,
                "schedules": (),
            }
        )
    least = champion.min_instances if variant.min_instances is None else variant.min_instances
    target = variant.target_invocations_per_instance_per_minute
    if target is None:
        target = champion.target_invocations_per_instance_per_minute
    return champion.model_copy(
        update={
            "min_instances": least,
            "max_instances": variant.max_instances,
            "target_invocations_per_instance_per_minute": target,
            "schedules": (),
        }
    )
