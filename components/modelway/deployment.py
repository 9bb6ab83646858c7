"""ModelDeployment: one model in production.

Takes a spec and its wiring, makes the plan, declares what the plan says. It holds no number and no
choice about numbers, only which resources exist and what depends on what.
"""

import os
from collections.abc import Mapping
from typing import Any, cast

import pulumi
from pulumi_aws import iam

from modelway.args import ModelDeploymentArgs
from modelway.builders import BuiltImage, declare_image
from modelway.iam.declare import declare_execution_role
from modelway.iam.needs import execution_needs
from modelway.iam.statements import allow, as_json
from modelway.image.extras import read_extras
from modelway.image.reference import digest_of
from modelway.monitoring.alarms import declare_alarms, declare_composite_alarms
from modelway.monitoring.dashboard import dashboard_url, declare_dashboard
from modelway.monitoring.endpoint_metrics import EndpointMetrics
from modelway.monitoring.log_group import declare_log_group
from modelway.monitoring.notifications import declare_topic, subscribe
from modelway.plan import ContainerPlan, DeploymentPlan, plan_deployment
from modelway.platform import ModelPlatform
from modelway.promotion.apply import pinned, wanted
from modelway.promotion.ledger import RELEASES
from modelway.registry import ModelReader, Pins
from modelway.registry.sagemaker import SageMakerRegistry
from modelway.sagemaker.artifact import declare_artifacts
from modelway.sagemaker.endpoint_resource import Endpoint
from modelway.sagemaker.inputs import EndpointWiring, endpoint_inputs
from modelway.sagemaker.scaling import declare_scaling
from modelway.spec import ModelSpec
from modelway.wiring import PlatformWiring, given_platform, given_spec


class ModelDeployment(pulumi.ComponentResource, EndpointMetrics):
    """One model's endpoint with all that production needs.

    Artifact, image by digest, least-privilege role, endpoint, scaling, alarms, dashboard and log
    group, from one spec.

    The endpoint itself is deployed through boto3 with the credentials of the environment, or with
    the profile of the stack's `aws:profile`; an explicit provider's credentials do not reach it.
    """

    endpoint_name: pulumi.Output[str]
    """The endpoint's name, `<name>-<environment>`. It never changes."""
    endpoint_arn: pulumi.Output[str]
    """The endpoint's ARN."""
    endpoint_config_name: pulumi.Output[str]
    """The endpoint configuration that is live."""
    invocation_url: pulumi.Output[str]
    """Where InvokeEndpoint takes requests, signed with AWS Signature Version 4."""
    image_digest: pulumi.Output[str]
    """Digest of the serving image."""
    model_digest: pulumi.Output[str]
    """Digest of the model file."""
    role_arn: pulumi.Output[str]
    """The execution role."""
    log_group_name: pulumi.Output[str]
    """The log group of the endpoint's containers."""
    dashboard_url: pulumi.Output[str]
    """The dashboard's page in the AWS console."""
    alarm_arns: pulumi.Output[list[str]]
    """The alarms' ARNs, in the order of the plan."""

    def __init__(
        self,
        name: str,
        args: ModelDeploymentArgs = cast("ModelDeploymentArgs", None),  # noqa: B008 - see below
        opts: pulumi.ResourceOptions | None = None,
        *,
        spec: ModelSpec | None = None,
        platform: ModelPlatform | PlatformWiring | None = None,
        rollback: Mapping[str, Any] | None = None,
        releases: str | os.PathLike[str] = RELEASES,
    ) -> None:
        """Declare one model's deployment.

        Args:
            name: of the component; usually the spec's name.
            args: spec and wiring as plain values. Pulumi's component host, which serves other
                languages, needs it annotated with the plain TypedDict.
            opts: the usual options.
            spec: in Python, instead of `args["spec"]`: what `load_spec` gives.
            platform: in Python, instead of the names in `args`.
            rollback: in Python, instead of `args["rollback"]`: what `load_rollback` gives.
            releases: in Python, instead of `args["releases"]`: the folder of release records.

        Raises:
            SpecError: with every problem of the spec in this environment, before any resource.
            ArtifactError: the model is not what the spec says.
            ModelRegistryError: the spec names a version of a registry that is not there, that
                nobody approved, or whose archive is not what was registered.
            PromotionError: the stack has release records, and this is not what the newest says.
        """
        given: dict[str, Any] = dict(args or {})
        spec = given_spec(name, given, spec)
        environment = given.get("environment") or pulumi.get_stack()
        merged = spec.for_environment(environment)
        records = given.get("releases", releases)
        told: list[str] = []
        named = any(model.registry for _place, model in merged.models())
        pins = pinned(records, environment, spec.name) if named else Pins()
        artifact, beside = ModelReader(_registry, told.append).read(merged, pins)
        plan = plan_deployment(spec, environment, artifact, beside, read_extras(merged.image))
        release = wanted(records, spec, plan, given.get("rollback", rollback))
        wiring = given_platform(name, given, has_platform=platform is not None) or platform
        super().__init__("modelway:index:ModelDeployment", name, None, opts)
        self.plan = plan
        for said in (*told, release.said):
            pulumi.log.info(said, self)
        given["rollback"] = release.rollback
        given["image_digest"] = None if release.entry is None else release.entry.record.image
        self._declare(wiring or _private_platform(name, plan, self), given)

    def grant_invoke(
        self, role: iam.Role | pulumi.Input[str], name: str | None = None
    ) -> iam.RolePolicy:
        """Let a role send requests to this endpoint, and nothing else.

        Args:
            role: the role, or its physical name.
            name: of the policy resource. Default: made of the deployment's and the role's names;
                needed when the role is given as an output.
        """
        if name is None:
            label = role.pulumi_resource_name if isinstance(role, iam.Role) else role
            name = (
                f"{self.pulumi_resource_name}-invoke-{label if isinstance(label, str) else 'role'}"
            )
        policy = self.endpoint_arn.apply(
            lambda arn: as_json([allow("InvokeEndpoint", ["sagemaker:InvokeEndpoint"], [arn])])
        )
        return iam.RolePolicy(
            name,
            role=role.name if isinstance(role, iam.Role) else role,
            policy=policy,
            opts=pulumi.ResourceOptions(parent=self),
        )

    def _declare(self, platform: ModelPlatform | PlatformWiring, given: Mapping[str, Any]) -> None:
        plan, name = self.plan, self.pulumi_resource_name
        tags = dict(plan.tags)
        child = pulumi.ResourceOptions(parent=self)
        keep = pulumi.ResourceOptions(parent=self, protect=plan.protect)
        scope = platform.scope
        region = scope.apply(lambda known: known.region)
        key = platform.kms_key_arn if plan.kms_key_arn is None else plan.kms_key_arn
        artifacts = declare_artifacts(name, plan, platform.bucket_name, key, child)
        image, built = self._image(platform, given["image_digest"])
        logs = declare_log_group(name, plan, platform.kms_key_arn, tags, keep)
        topics: list[pulumi.Input[str]] = [platform.alarm_topic_arn]
        if plan.notify:
            account = scope.apply(lambda known: known.account)
            own = declare_topic(f"{name}-alarms", platform.kms_key_arn, account, tags, child)
            subscribe(f"{name}-alarms", own, plan.notify, child)
            topics.append(own.arn)
        alarms = declare_alarms(name, plan.alarms, topics, tags, child)
        burn_rates = declare_composite_alarms(name, plan.composite_alarms, topics, tags, child)
        model_data_urls = {
            variant: _model_data_url(container, platform.bucket_name)
            for variant, container in plan.containers.items()
        }
        capture = _capture_destination(plan, platform.bucket_name)
        existing_role: pulumi.Input[str] | None = given.get("role_arn")
        before: list[pulumi.Resource] = [logs, *alarms, *artifacts]
        before += [] if built is None else [built.resource]
        if existing_role is None:
            needs = pulumi.Output.all(
                scope=scope,
                image=image,
                model_data_urls=list(model_data_urls.values()),
                kms_key_arn=key,
                capture_destination=capture,
            ).apply(lambda known: execution_needs(plan, **known))
            boundary: pulumi.Input[str] | None = given.get("permissions_boundary_arn")
            role, policy = declare_execution_role(plan, needs, scope, boundary, tags, child)
            role_arn: pulumi.Input[str] = role.arn
            # SageMaker reads the artifact when the model is created, and needs the role until the
            # endpoint is gone: the policy comes before the endpoint and goes after it.
            before.append(policy)
        else:
            role_arn = existing_role
        endpoint = Endpoint(
            f"{name}-endpoint",
            endpoint_inputs(
                plan,
                EndpointWiring(
                    region=region,
                    owner=f"{pulumi.get_organization()}/{pulumi.get_project()}/{pulumi.get_stack()}",
                    image=image,
                    model_data_urls=model_data_urls,
                    execution_role_arn=role_arn,
                    kms_key_arn=key,
                    data_capture_destination=capture,
                    extra_tags=_default_tags(),
                    rollback=given["rollback"],
                ),
            ),
            pulumi.ResourceOptions(parent=self, depends_on=before),
        )
        after = pulumi.ResourceOptions(parent=self, depends_on=[endpoint])
        if plan.scaling is not None:
            declare_scaling(name, plan.scaling, tags, after)
        for variant, scaling in plan.challenger_scalings.items():
            declare_scaling(f"{name}-{variant}", scaling, tags, after)
        declare_dashboard(name, plan, region, child)
        self._metric_dimensions = {
            "EndpointName": plan.names.endpoint,
            "VariantName": plan.variant.name,
        }
        self.endpoint_name = endpoint.endpoint_name
        self.endpoint_arn = endpoint.endpoint_arn
        self.endpoint_config_name = endpoint.endpoint_config_name
        self.invocation_url = pulumi.Output.all(region, endpoint.endpoint_name).apply(
            lambda known: invocation_url(known[0], known[1], os.environ)
        )
        self.image_digest = pulumi.Output.from_input(image).apply(digest_of)
        self.model_digest = pulumi.Output.from_input(plan.container.artifact.digest)
        self.role_arn = pulumi.Output.from_input(role_arn)
        self.log_group_name = logs.name
        self.dashboard_url = region.apply(lambda known: dashboard_url(known, plan.names.dashboard))
        arns = [alarm.arn for alarm in (*alarms, *burn_rates)]
        self.alarm_arns = pulumi.Output.all(*arns).apply(list)
        self.register_outputs(
            {
                "endpointName": self.endpoint_name,
                "endpointArn": self.endpoint_arn,
                "endpointConfigName": self.endpoint_config_name,
                "invocationUrl": self.invocation_url,
                "imageDigest": self.image_digest,
                "modelDigest": self.model_digest,
                "roleArn": self.role_arn,
                "logGroupName": self.log_group_name,
                "dashboardUrl": self.dashboard_url,
                "alarmArns": self.alarm_arns,
            }
        )

    def _image(
        self, platform: ModelPlatform | PlatformWiring, recorded: str | None
    ) -> tuple[pulumi.Input[str], BuiltImage | None]:
        container = self.plan.container
        if container.image is not None:
            return container.image, None
        if container.build is not None and recorded is not None:
            # Built once, where releases begin: a record moves the digest, and nothing is rebuilt.
            return pulumi.Output.concat(platform.repository_url, "@", recorded), None
        built = declare_image(self, container.build, platform, self.plan.tags)
        return built.uri, built


def invocation_url(region: str, endpoint_name: str, environ: Mapping[str, str]) -> str:
    """Give the URL of InvokeEndpoint, where boto3 would send it too.

    Args:
        region: of the endpoint.
        endpoint_name: its name.
        environ: with `AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME` or `AWS_ENDPOINT_URL` when requests do
            not go to AWS, as with the emulator.
    """
    base = environ.get("AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME") or environ.get("AWS_ENDPOINT_URL")
    if not base:
        suffix = "amazonaws.com.cn" if region.startswith("cn-") else "amazonaws.com"
        base = f"https://runtime.sagemaker.{region}.{suffix}"
    return f"{base.rstrip('/')}/endpoints/{endpoint_name}/invocations"


def _registry() -> SageMakerRegistry:
    """Give the registry of the stack's region, with the credentials that deploy the endpoint."""
    configured = pulumi.Config("aws")
    return SageMakerRegistry(configured.get("region"), configured.get("profile"))


def _private_platform(name: str, plan: DeploymentPlan, parent: pulumi.Resource) -> ModelPlatform:
    return ModelPlatform(
        f"{name}-platform",
        {"protect": plan.protect, "tags": dict(plan.tags)},
        pulumi.ResourceOptions(parent=parent),
    )


def _model_data_url(container: ContainerPlan, bucket_name: pulumi.Input[str]) -> pulumi.Input[str]:
    if container.artifact.uri is not None:
        return container.artifact.uri
    return pulumi.Output.concat("s3://", bucket_name, "/", container.artifact_key)


def _capture_destination(
    plan: DeploymentPlan, bucket_name: pulumi.Input[str]
) -> pulumi.Input[str] | None:
    if plan.data_capture is None:
        return None
    if plan.data_capture.destination is not None:
        return plan.data_capture.destination
    return pulumi.Output.concat("s3://", bucket_name, "/", plan.data_capture.destination_prefix)


def _default_tags() -> dict[str, str]:
    configured = pulumi.Config("aws").get_object("defaultTags") or {}
    return dict(configured.get("tags") or {})
