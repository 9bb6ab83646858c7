"""Make the plan of one model in one environment.

Takes a spec, an environment and the artifact as `modelway.package` read it, gives a
`DeploymentPlan` in which nothing is left to decide. Checks every rule first, so that a plan that
exists can be declared. Must not read files or ask AWS.
"""

from modelway.errors import SpecError
from modelway.naming import endpoint_name, own_tags
from modelway.plan.alarms import plan_alarms
from modelway.plan.dashboard import plan_dashboard
from modelway.plan.decide import chosen
from modelway.plan.model import (
    Artifact,
    ContainerPlan,
    DataCapturePlan,
    Decision,
    DeploymentPlan,
    Names,
    NetworkPlan,
)
from modelway.plan.rollout import plan_rollout
from modelway.plan.scaling import plan_scaling
from modelway.plan.variant import plan_variant
from modelway.spec import rules
from modelway.spec.instances import instance_type
from modelway.spec.model import DataCapture, Logging, ModelSpec, Network

PROTECTED_ENVIRONMENTS = ("prod", "production")
"""Where stateful resources cannot be destroyed by mistake."""

ARCHIVE_NAME = "model.tar.gz"
"""The name that SageMaker expects of a packed model."""


def plan_deployment(spec: ModelSpec, environment: str, artifact: Artifact) -> DeploymentPlan:
    """Decide everything that is declared.

    Args:
        spec: the whole spec, overrides included.
        environment: the stack's name.
        artifact: from `modelway.package.read_artifact`, for the same environment's model.

    Raises:
        SpecError: with every rule that the spec breaks in this environment.
    """
    spec = spec.for_environment(environment)
    problems = rules.check(spec, environment)
    if problems:
        raise SpecError(problems)
    return decide_deployment(spec, environment, artifact)


def decide_deployment(spec: ModelSpec, environment: str, artifact: Artifact) -> DeploymentPlan:
    """Decide everything without checking first, for showing a plan that is not ready.

    Args:
        spec: of this environment alone, as `ModelSpec.for_environment` gives it.
        environment: the stack's name.
        artifact: from `modelway.package.read_artifact`.
    """
    names = plan_names(spec.name, environment)
    variant, variant_reasons = plan_variant(spec, artifact)
    scaling, scaling_reasons = plan_scaling(spec, names.endpoint, variant.name)
    alarms, alarm_reasons = plan_alarms(spec, names.endpoint, variant.name)
    rollout, rollout_reasons = plan_rollout(spec, alarms)
    capture, other_reasons = _data_capture(spec, names.endpoint)
    key, key_reason = _volume_key(spec)
    protect = environment in PROTECTED_ENVIRONMENTS
    tags = {**spec.tags, **own_tags(spec.name, environment, spec.model.version)}
    return DeploymentPlan(
        name=spec.name,
        environment=environment,
        protect=protect,
        names=names,
        container=_container(spec, artifact),
        variant=variant,
        network=NetworkPlan(
            subnet_ids=spec.network.subnet_ids,
            security_group_ids=spec.network.security_group_ids,
            isolation=spec.network.isolation,
        ),
        kms_key_arn=spec.encryption.kms_key_arn,
        volume_encryption=key,
        scaling=scaling,
        alarms=alarms,
        notify=spec.alarms.notify,
        rollout=rollout,
        data_capture=capture,
        log_retention_days=spec.logging.retention_days,
        dashboard_body=plan_dashboard(spec, environment, names.endpoint, variant.name, alarms),
        tags=dict(sorted(tags.items())),
        decisions=(
            *variant_reasons,
            *scaling_reasons,
            *alarm_reasons,
            *rollout_reasons,
            *other_reasons,
            key_reason,
            _protection(protect, environment),
        ),
    )


def plan_names(name: str, environment: str) -> Names:
    """Give the names that stay the same at every update."""
    endpoint = endpoint_name(name, environment)
    return Names(
        endpoint=endpoint,
        role=f"{endpoint}-execution",
        log_group=f"/aws/sagemaker/Endpoints/{endpoint}",
        dashboard=endpoint,
    )


def _container(spec: ModelSpec, artifact: Artifact) -> ContainerPlan:
    """Say what SageMaker starts."""
    digest = artifact.content_digest.removeprefix("sha256:")
    key = "" if artifact.uri is not None else f"models/{spec.name}/{digest}/{ARCHIVE_NAME}"
    return ContainerPlan(
        image=spec.image,
        environment=dict(sorted(spec.serving.environment.items())),
        artifact=artifact,
        artifact_key=key,
    )


def _data_capture(spec: ModelSpec, endpoint: str) -> tuple[DataCapturePlan | None, list[Decision]]:
    """Decide what is captured, and how long logs stay."""
    decisions = [
        chosen(
            "log_retention_days",
            spec.logging.retention_days,
            Logging().retention_days,
            "a quarter: long enough to look into an incident, short enough to pay for",
        ),
        chosen(
            "network.isolation",
            spec.network.isolation,
            Network().isolation,
            "a model server needs no outbound calls; SageMaker moves requests and the model",
        ),
    ]
    capture = spec.data_capture
    if capture is None:
        return None, decisions
    decisions.append(
        chosen(
            "data_capture.sampling_percent",
            capture.sampling_percent,
            DataCapture().sampling_percent,
            "every request, until its volume is known",
        )
    )
    plan = DataCapturePlan(
        sampling_percent=capture.sampling_percent,
        capture_modes=tuple(mode.capitalize() for mode in capture.capture),
        destination=capture.destination,
        destination_prefix=f"data-capture/{endpoint}",
    )
    return plan, decisions


def _volume_key(spec: ModelSpec) -> tuple[bool, Decision]:
    """Decide whether the instances' volumes are encrypted with a key of ours."""
    machine = instance_type(spec.serving.instance_type)
    takes_key = machine is not None and machine.takes_volume_key
    if takes_key:
        reason = "the instances' EBS volumes are encrypted with the deployment's key"
    else:
        reason = (
            f"{spec.serving.instance_type} has local NVMe storage, which its hardware encrypts; "
            "SageMaker refuses a key for it"
        )
    source = "SageMaker CreateEndpointConfig.KmsKeyId"
    return takes_key, Decision("volume_encryption", takes_key, reason, source)


def _protection(protect: bool, environment: str) -> Decision:
    """Explain whether stateful resources are protected."""
    if protect:
        reason = f"{environment} is a production environment: destroying it takes two steps"
    else:
        reason = f"only {' and '.join(PROTECTED_ENVIRONMENTS)} are protected"
    return Decision("protect", protect, reason, "modelway")
