"""The endpoint as a Pulumi resource: a thin dynamic provider around `EndpointDeployment`.

Takes the inputs that `modelway.sagemaker.inputs` makes, gives the endpoint's outputs. The provider
holds no state, so that the state of a stack keeps only its name (this module and class) and no
code; it must do nothing that `EndpointDeployment` could do.

Other languages cannot load dynamic resources (pulumi/pulumi issue 5455).
"""

from collections.abc import Mapping
from typing import Any

import pulumi
from pulumi import dynamic
from pulumi.output import UNKNOWN
from pulumi.runtime import rpc

from modelway import engine_log
from modelway.aws_client import aws_client
from modelway.plain_failure import told_plainly
from modelway.poll import poll_seconds
from modelway.sagemaker.desired import INPUTS, DesiredEndpoint
from modelway.sagemaker.live import derived_names
from modelway.sagemaker.told import Told

REPLACED_BY = ("endpoint_name", "region")
"""Inputs that an endpoint cannot change."""


class EndpointProvider(dynamic.ResourceProvider):
    """Serves the resource; made once per plugin process, and pickled by reference."""

    serialize_as_secret_always = False
    _profile: str | None = None

    def configure(self, req: dynamic.ConfigureRequest) -> None:
        """Take the profile from the stack's configuration, as pulumi-aws does."""
        self._profile = req.config.get("aws:profile")

    def check(self, _olds: dict[str, Any], news: dict[str, Any]) -> dynamic.CheckResult:
        """Add the names that follow from the content, so that a preview shows them."""
        inputs = dict(news)
        if rpc.contains_unknowns(_inputs(inputs)):
            names = {"endpoint_config_name": UNKNOWN, "model_names": UNKNOWN}
        else:
            names = derived_names(DesiredEndpoint.from_inputs(inputs))
        return dynamic.CheckResult({**inputs, **names}, [])

    def diff(self, _id: str, olds: dict[str, Any], news: dict[str, Any]) -> dynamic.DiffResult:
        """Compare what was last seen on AWS with what is wanted."""
        changed = [key for key in INPUTS if olds.get(key) != news.get(key)]
        broken = olds.get("endpoint_status", "InService") != "InService"
        _foretell(olds, news)
        return dynamic.DiffResult(
            changes=bool(changed) or broken,
            replaces=[key for key in REPLACED_BY if key in changed],
            delete_before_replace=False,
        )

    def create(self, props: dict[str, Any]) -> dynamic.CreateResult:
        """Create the endpoint and wait until it serves."""
        inputs = _inputs(props)
        return dynamic.CreateResult(inputs["endpoint_name"], self._run("create", inputs))

    def update(self, _id: str, olds: dict[str, Any], news: dict[str, Any]) -> dynamic.UpdateResult:
        """Update the endpoint and verify what is live."""
        inputs = _inputs(news)
        return dynamic.UpdateResult(self._run("update", inputs, olds))

    def read(self, id_: str, props: dict[str, Any]) -> dynamic.ReadResult:
        """Read what is live."""
        outputs = self._run("read", props)
        return dynamic.ReadResult(None, {}) if outputs is None else dynamic.ReadResult(id_, outputs)

    def delete(self, _id: str, props: dict[str, Any]) -> None:
        """Delete the endpoint with everything that was made for it."""
        self._run("delete", props)

    def _run(self, operation: str, props: dict[str, Any], *more: dict[str, Any]) -> Any:
        with told_plainly():
            return getattr(_deployment(props["region"], self._profile), operation)(props, *more)


class Endpoint(dynamic.Resource, module="modelway", name="Endpoint"):
    """A SageMaker endpoint with its models and configurations, kept as one unit.

    Args:
        name: the resource's name.
        inputs: what `modelway.sagemaker.inputs.endpoint_inputs` gives.
        opts: the usual options. The endpoint depends on whatever must exist before its model:
            role policies, artifact, image, alarms, log group.
    """

    endpoint_name: pulumi.Output[str]
    endpoint_arn: pulumi.Output[str]
    endpoint_config_name: pulumi.Output[str]
    """The configuration that is live."""
    model_names: pulumi.Output[list[str]]
    """The models that are live."""
    history: pulumi.Output[list[dict[str, Any]]]
    """Roll-back targets, the newest first: `endpoint_config_name` and `model_names` of each."""

    def __init__(
        self, name: str, inputs: Mapping[str, Any], opts: pulumi.ResourceOptions | None = None
    ) -> None:
        computed = ("endpoint_arn", "endpoint_config_name", "model_names", "history")
        props = {**inputs, **dict.fromkeys(computed)}
        super().__init__(EndpointProvider(), name, props, opts)


def _foretell(olds: dict[str, Any], news: dict[str, Any]) -> None:
    """Say in a preview how the update will go, as far as the state knows what is live."""
    name = news.get("endpoint_config_name")
    if not isinstance(name, str) or name == olds.get("endpoint_config_name"):
        return
    # Half a second to import, which only an update needs.
    from modelway.plan.update import plan_update
    from modelway.sagemaker import update_plan

    desired = DesiredEndpoint.from_inputs(_inputs(news))
    plan = plan_update(update_plan.remembered(olds), update_plan.wanted(desired))
    for line in update_plan.in_words(plan):
        engine_log.note(f"{desired.name}: {line}")


def _inputs(props: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in props.items() if key in INPUTS}


def _deployment(region: str, profile: str | None) -> Any:
    client = aws_client("sagemaker", region, profile)
    # botocore takes a tenth of a second to import, which a preview does not need.
    from modelway.sagemaker.api import SageMakerApi
    from modelway.sagemaker.calls import Calls
    from modelway.sagemaker.endpoint import EndpointDeployment

    pause = poll_seconds()
    return EndpointDeployment(
        SageMakerApi(client, pause),
        lambda service: Calls(aws_client(service, region, profile), pause),
        Told(engine_log.step, engine_log.note),
    )
