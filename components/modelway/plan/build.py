"""Make the plan of one model in one environment.

Takes a spec, an environment and the artifact as `modelway.package` read it, gives a
`DeploymentPlan` in which nothing is left to decide. Checks every rule first, so that a plan that
exists can be declared. Must not read files or ask AWS.
"""

from collections.abc import Mapping
from pathlib import PurePath

from modelway.errors import SpecError
from modelway.naming import endpoint_name, own_tags
from modelway.plan.alarms import plan_alarms
from modelway.plan.beside import plan_beside
from modelway.plan.burn_rate import plan_burn_rates
from modelway.plan.dashboard import plan_dashboard
from modelway.plan.decide import chosen
from modelway.plan.model import (
    Artifact,
    ContainerPlan,
    DataCapturePlan,
    Decision,
    DeploymentPlan,
    Extras,
    ImagePlan,
    Names,
    NetworkPlan,
)
from modelway.plan.rollout import plan_rollout
from modelway.plan.scaling import plan_scaling
from modelway.plan.variant import plan_variant
from modelway.spec import rules
from modelway.spec.alone import alone
from modelway.spec.image import ImageBuild
from modelway.spec.instances import instance_type
from modelway.spec.model import DataCapture, Logging, ModelSpec, Network
from modelway.spec.rules.image import HANDLER_VARIABLE, architecture

PROTECTED_ENVIRONMENTS = ("prod", "production")
"""Where stateful resources cannot be destroyed by mistake."""

ARCHIVE_NAME = "model.tar.gz"
"""The name that SageMaker expects of a packed model."""


def plan_deployment(
    spec: ModelSpec,
    environment: str,
    artifact: Artifact,
    beside: Mapping[str, Artifact] | None = None,
    extras: Extras | None = None,
) -> DeploymentPlan:
    """Decide everything that is declared.

    Args:
        spec: the whole spec, overrides included.
        environment: the stack's name.
        artifact: from `modelway.package.read_artifact`, for the same environment's model.
        beside: the same for each challenger and the shadow, by variant name.
        extras: from `modelway.image.extras.read_extras`, where the spec says how its image is
            built. Default: nothing is added to it.

    Raises:
        SpecError: with every rule that the spec breaks in this environment.
    """
    spec = spec.for_environment(environment)
    problems = rules.check(spec, environment)
    if problems:
        raise SpecError(problems)
    return decide_deployment(spec, environment, artifact, beside, extras)


def decide_deployment(
    spec: ModelSpec,
    environment: str,
    artifact: Artifact,
    beside: Mapping[str, Artifact] | None = None,
    extras: Extras | None = None,
) -> DeploymentPlan:
    """Decide everything without checking first, for showing a plan that is not ready.

    Args:
        spec: of this environment alone, as `ModelSpec.for_environment` gives it.
        environment: the stack's name.
        artifact: from `modelway.package.read_artifact`.
        beside: the same for each challenger and the shadow, by variant name.
        extras: as for `plan_deployment`.
    """
    image = _image(spec, extras)
    artifacts = dict[str, Artifact]() if beside is None else beside
    names = plan_names(spec.name, environment)
    variant, variant_reasons = plan_variant(spec, artifact)
    scaling, scaling_reasons = plan_scaling(spec, names.endpoint, variant.name)
    alarms, alarm_reasons = plan_alarms(spec, names.endpoint, variant.name)
    burn_rates, burn_rate_reasons = plan_burn_rates(spec, names.endpoint, variant.name)
    rollout, rollout_reasons = plan_rollout(spec, names.endpoint, variant.name, alarms)
    others = plan_beside(spec, names.endpoint, artifacts)
    containers = {variant.name: _container(spec, artifact, image)}
    for each in spec.beside:
        containers[each.name] = _container(alone(spec, each), artifacts[each.name], image)
    capture, other_reasons = _data_capture(spec, names.endpoint)
    key, key_reason = _volume_key(spec)
    protect = environment in PROTECTED_ENVIRONMENTS
    tags = {**spec.tags, **own_tags(spec.name, environment, spec.model.version)}
    return DeploymentPlan(
        name=spec.name,
        environment=environment,
        protect=protect,
        names=names,
        containers=containers,
        variants=(variant, *others.challengers),
        shadow=others.shadow,
        network=NetworkPlan(
            subnet_ids=spec.network.subnet_ids,
            security_group_ids=spec.network.security_group_ids,
            isolation=spec.network.isolation,
        ),
        kms_key_arn=spec.encryption.kms_key_arn,
        volume_encryption=key,
        scaling=scaling,
        challenger_scalings=others.scalings,
        alarms=(*alarms, *others.alarms),
        composite_alarms=burn_rates,
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
            *burn_rate_reasons,
            *rollout_reasons,
            *others.decisions,
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


def _image(spec: ModelSpec, extras: Extras | None) -> ImagePlan | None:
    """Say what is built, where the spec says how."""
    image = spec.image
    if not isinstance(image, ImageBuild):
        return None
    return ImagePlan(
        builder=image.builder,
        variant=image.variant,
        platform=f"linux/{architecture(spec)}",
        base=image.base,
        extras=Extras() if extras is None else extras,
    )


def _container(spec: ModelSpec, artifact: Artifact, build: ImagePlan | None) -> ContainerPlan:
    """Say what SageMaker starts."""
    environment = dict(spec.serving.environment)
    if isinstance(spec.image, ImageBuild) and spec.image.handler is not None:
        environment[HANDLER_VARIABLE] = PurePath(spec.image.handler).stem
    digest = artifact.content_digest.removeprefix("sha256:")
    key = "" if artifact.uri is not None else f"models/{spec.name}/{digest}/{ARCHIVE_NAME}"
    return ContainerPlan(
        image=spec.image if isinstance(spec.image, str) else None,
        environment=dict(sorted(environment.items())),
        artifact=artifact,
        artifact_key=key,
        build=build,
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
    if capture is None and spec.shadow is not None:
        capture = DataCapture()
        reason = "SageMaker discards a shadow's answers: only captured data can compare it"
        source = "SageMaker developer guide, shadow variants"
        decisions.append(Decision("data_capture", "on", reason, source))
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
    types = [spec.serving.instance_type]
    types += [alone(spec, each).serving.instance_type for each in spec.beside]
    machines = {name: instance_type(name) for name in types}
    without = [
        name for name, known in machines.items() if known is None or not known.takes_volume_key
    ]
    takes_key = not without
    if takes_key:
        reason = "the instances' EBS volumes are encrypted with the deployment's key"
    else:
        reason = (
            f"{without[0]} has local NVMe storage, which its hardware encrypts; "
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
