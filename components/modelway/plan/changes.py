"""Which kinds of change lie between an endpoint as it is live and as it is wanted.

Takes both sides, gives `Change`s. Pure. What follows from a change is in `modelway.plan.update`.
"""

from enum import StrEnum

from modelway.plan.live import LiveEndpoint, LiveVariant, VariantConfig, WantedEndpoint


class Change(StrEnum):
    """A kind of change, by what AWS makes of it."""

    MODEL = "model"
    """Another model on the same variant: allowed while auto scaling is registered."""
    INSTANCE_TYPE = "instance type"
    """Refused by AWS while the variant is a scalable target."""
    HOSTING_KIND = "hosting kind"
    """Between instances and serverless: only the way to instances exists."""
    VARIANT_SET = "variant set"
    """Variants come, go or change their names: no deployment guardrails."""
    COUNT_OR_WEIGHT = "count or weight"
    SETTINGS = "variant settings"
    """Time-outs, volume, driver version, keys."""
    DATA_CAPTURE = "data capture"
    POLICY = "alarms or policy"
    """Arguments of the next UpdateEndpoint; nothing changes on AWS before that."""


def find_changes(live: LiveEndpoint, wanted: WantedEndpoint) -> tuple[Change, ...]:
    """Give the kinds of change in a fixed order; none when nothing differs."""
    found: set[Change] = set()
    if {variant.config.name for variant in live.variants} != {v.name for v in wanted.variants}:
        found.add(Change.VARIANT_SET)
    by_name = {variant.config.name: variant for variant in live.variants}
    for variant in wanted.variants:
        has = by_name.get(variant.name)
        if has is not None:
            found |= _variant_changes(has, variant, scaled=variant.name in wanted.scaled_variants)
    if live.data_capture != wanted.data_capture:
        found.add(Change.DATA_CAPTURE)
    if live.config_name != wanted.config_name and not found:
        # Configurations are immutable, so another name means another content.
        found.add(Change.SETTINGS)
    rollout = wanted.rollout
    alarms_differ = live.rollback_alarms not in ((), rollout.rollback_alarms)
    if live.deployment_config != rollout.deployment_config or alarms_differ:
        found.add(Change.POLICY)
    return tuple(change for change in Change if change in found)


def moved_variants(live: LiveEndpoint, wanted: WantedEndpoint) -> frozenset[str]:
    """Give the live variants that lose their scalable target: removed, or on another instance type.

    Source: SageMaker developer guide, "Update endpoints that use auto scaling": steps 1 and 7.
    """
    wanted_types = {variant.name: variant.instance_type for variant in wanted.variants}
    return frozenset(
        variant.config.name
        for variant in live.variants
        if variant.config.name not in wanted_types
        or wanted_types[variant.config.name] != variant.config.instance_type
    )


def to_serverless(live: LiveEndpoint, wanted: WantedEndpoint) -> list[str]:
    """Give the variants that would go from instances to serverless, which AWS refuses."""
    by_name = {variant.config.name: variant.config for variant in live.variants}
    return [
        variant.name
        for variant in wanted.variants
        if variant.serverless and variant.name in by_name and not by_name[variant.name].serverless
    ]


def _variant_changes(has: LiveVariant, wanted: VariantConfig, *, scaled: bool) -> set[Change]:
    config = has.config
    found: set[Change] = set()
    if config.serverless != wanted.serverless:
        found.add(Change.HOSTING_KIND)
    elif config.instance_type != wanted.instance_type:
        found.add(Change.INSTANCE_TYPE)
    if config.model != wanted.model:
        found.add(Change.MODEL)
    if config.settings != wanted.settings:
        found.add(Change.SETTINGS)
    counts = {config.initial_instance_count, wanted.initial_instance_count}
    if not scaled:
        # Where auto scaling owns the count, the live one is right whatever it is.
        counts.add(has.desired_instance_count)
    weights = {config.initial_weight, wanted.initial_weight, has.current_weight}
    if len(weights) > 1 or (len(counts) > 1 and not wanted.serverless):
        found.add(Change.COUNT_OR_WEIGHT)
    return found
