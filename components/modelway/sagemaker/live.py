"""What is live, compared with what is wanted, and read back into the resource's own form.

Takes what SageMaker describes, gives plain values. Must not change anything on AWS.
"""

from collections.abc import Mapping
from typing import Any

from modelway.sagemaker import rollout_log
from modelway.sagemaker.api import SageMakerApi
from modelway.sagemaker.desired import (
    ENDPOINT_TAG,
    OWNER_TAG,
    DesiredEndpoint,
    all_variants,
    autoscaled_variants,
)
from modelway.sagemaker.revisions import Revision


def serves(desired: DesiredEndpoint, found: Mapping[str, Any] | None) -> bool:
    """Tell whether the wanted configuration is the one that is live: the status alone lies."""
    return (
        found is not None
        and found["EndpointStatus"] == "InService"
        and found["EndpointConfigName"] == desired.config_name
    )


def retained(desired: DesiredEndpoint) -> dict[str, Any]:
    """Give UpdateEndpoint's retain parameters.

    By default each update sets counts back to the configuration's initial ones, which undoes
    autoscaling (UpdateEndpointInput). So the counts of an autoscaled endpoint are retained. Its
    weights, and everything of any other endpoint, are what the spec says.
    """
    if not desired.autoscaled:
        return {"RetainAllVariantProperties": False}
    return {
        "RetainAllVariantProperties": True,
        "ExcludeRetainedVariantProperties": [{"VariantPropertyType": "DesiredWeight"}],
    }


def wrong_capacities(
    desired: DesiredEndpoint, found: Mapping[str, Any]
) -> list[dict[str, str | int | float]]:
    """Give UpdateEndpointWeightsAndCapacities' list for variants that were changed by hand."""
    described = {variant["VariantName"]: variant for variant in all_variants(found)}
    wrong = []
    for variant in desired.all_variants:
        name, count = variant["VariantName"], variant["InitialInstanceCount"]
        weight = variant["InitialVariantWeight"]
        has = described.get(name, {})
        change: dict[str, str | int | float] = {}
        owned = name in desired.autoscaled_variants
        if not owned and has.get("DesiredInstanceCount", count) != count:
            change["DesiredInstanceCount"] = count
        if has.get("DesiredWeight", weight) != weight:
            change["DesiredWeight"] = weight
        if change:
            wrong.append({"VariantName": name, **change})
    return wrong


def derived_names(desired: DesiredEndpoint) -> dict[str, Any]:
    """Give the part of the outputs that follows from the inputs alone."""
    return {
        "endpoint_config_name": desired.config_name,
        "model_names": sorted(desired.model_names),
    }


def read_outputs(api: SageMakerApi, outputs: Mapping[str, Any]) -> dict[str, Any] | None:
    """Give a resource's outputs as AWS has them now; None when the endpoint is gone.

    What nobody changed comes back exactly as it was. Configurations and models cannot be changed,
    only exchanged or deleted; so a hand edit shows as another configuration name, as a missing
    name, as other counts or weights, as other tags, or as another status.
    """
    desired = DesiredEndpoint.from_inputs(outputs)
    found = api.endpoint(desired.name)
    if found is None:
        return None
    config = api.config(found["EndpointConfigName"])
    used = [] if config is None else [v.get("ModelName") for v in all_variants(config)]
    models = sorted({name for name in used if name and api.model(name) is not None})
    history = list(outputs["history"])
    if found["EndpointConfigName"] != outputs["endpoint_config_name"]:
        former = Revision.of_outputs(outputs).as_output()
        history.insert(0, former)
    history = [
        revision for revision in history if api.config(revision["endpoint_config_name"]) is not None
    ]
    return {
        **outputs,
        "endpoint_arn": found["EndpointArn"],
        "endpoint_status": found["EndpointStatus"],
        "endpoint_config_name": "" if config is None else found["EndpointConfigName"],
        "model_names": models,
        **_with_live_capacities(outputs, found),
        "tags": _live_tags(api.tags(found["EndpointArn"])),
        "history": history,
    }


def _with_live_capacities(
    outputs: Mapping[str, Any], found: Mapping[str, Any]
) -> dict[str, list[dict[str, Any]]]:
    described = {variant["VariantName"]: variant for variant in all_variants(found)}
    owned = autoscaled_variants(outputs)

    def live(variant: Mapping[str, Any]) -> dict[str, Any]:
        has = described.get(variant["name"], {})
        now = dict(variant)
        if variant["name"] not in owned and "DesiredInstanceCount" in has:
            now["initial_instance_count"] = has["DesiredInstanceCount"]
        if "DesiredWeight" in has:
            now["initial_weight"] = has["DesiredWeight"]
        return now

    kinds = ("variants", "shadow_variants")
    return {kind: [live(each) for each in outputs[kind]] for kind in kinds if outputs.get(kind)}


def _live_tags(tags: Mapping[str, str]) -> dict[str, str]:
    own = {ENDPOINT_TAG, OWNER_TAG}
    return {key: value for key, value in rollout_log.without(tags).items() if key not in own}
