"""Amazon SageMaker: model package groups, and for hand-written programs what they deploy."""

import hashlib
import time
from collections.abc import Sequence
from typing import Any

from modelway.emulator.provider.entry import AutoName, Call, Change, Entry, Read, Tagging
from modelway.emulator.provider.target import AwsError, Target

_POLL_SECONDS = 0.2
"""Short, since the emulator is next door; AWS's own waiters poll every 30 s."""
_WAIT_SECONDS = 3600.0
"""How long the official provider waits for an endpoint."""
_GONE = ("ValidationException", "ResourceNotFound")
_TAGGING = Tagging(
    listing=Call("ListTags", {"ResourceArn": "arn"}),
    tag=Call("AddTags", {"ResourceArn": "arn"}),
    untag=Call("DeleteTags", {"ResourceArn": "arn"}),
)
_NAME = AutoName(limit=63)  # CreateModel, CreateEndpointConfig and CreateEndpoint: ModelName etc.


MODEL = Entry(
    type="aws:sagemaker/model:Model",
    service="sagemaker",
    create=Call("CreateModel"),
    id_property="name",
    reads=(Read(Call("DescribeModel", {"ModelName": "id"})),),
    not_found=_GONE,
    delete=Call("DeleteModel", {"ModelName": "id"}),
    names={"arn": "ModelArn", "name": "ModelName"},
    tagging=_TAGGING,
    auto_name=_NAME,
    replaces=frozenset(
        {
            "containers",
            "enableNetworkIsolation",
            "executionRoleArn",
            "inferenceExecutionConfig",
            "name",
            "primaryContainer",
            "vpcConfig",
        }
    ),
    computed=frozenset(
        {
            "containers.additionalModelDataSources",
            "containers.mode",
            "containers.modelDataSource",
            "inferenceExecutionConfig",
            "primaryContainer.additionalModelDataSources",
            "primaryContainer.mode",
            "primaryContainer.modelDataSource",
        }
    ),
    unordered=frozenset({"vpcConfig.securityGroupIds", "vpcConfig.subnets"}),
)


def _variant_names(target: Target, parameters: dict[str, Any]) -> None:
    """Name the variants that a program leaves nameless, as the official provider does."""
    for member in ("ProductionVariants", "ShadowProductionVariants"):
        for index, variant in enumerate(parameters.get(member) or ()):
            seed = f"{target.get('name')}/{member}/{index}"
            name = f"variant-{hashlib.sha256(seed.encode()).hexdigest()[:7]}"
            variant.setdefault("VariantName", name)


_VARIANT_COMPUTED = ("initialVariantWeight", "variantName", "volumeSizeInGb")

ENDPOINT_CONFIGURATION = Entry(
    type="aws:sagemaker/endpointConfiguration:EndpointConfiguration",
    service="sagemaker",
    create=Call("CreateEndpointConfig"),
    id_property="name",
    reads=(Read(Call("DescribeEndpointConfig", {"EndpointConfigName": "id"})),),
    not_found=_GONE,
    delete=Call("DeleteEndpointConfig", {"EndpointConfigName": "id"}),
    names={"arn": "EndpointConfigArn", "kmsKeyArn": "KmsKeyId", "name": "EndpointConfigName"},
    tagging=_TAGGING,
    request=_variant_names,
    auto_name=_NAME,
    replaces=frozenset(
        {
            "asyncInferenceConfig",
            "dataCaptureConfig",
            "executionRoleArn",
            "kmsKeyArn",
            "name",
            "namePrefix",
            "productionVariants",
            "shadowProductionVariants",
        }
    ),
    computed=frozenset(
        f"{variants}.{name}"
        for variants in ("productionVariants", "shadowProductionVariants")
        for name in _VARIANT_COMPUTED
    ),
)


def _wait_in_service(target: Target) -> None:
    """Wait until the endpoint serves.

    Raises:
        AwsError: it failed, with AWS's reason, or it took too long, or the engine cancelled.
    """
    limit = target.timeout_seconds or _WAIT_SECONDS
    until = time.monotonic() + limit
    while True:
        told = target.aws("DescribeEndpoint", EndpointName=target.id)
        status = told["EndpointStatus"]
        if status == "InService":
            return
        if status in {"Failed", "OutOfService", "UpdateRollbackFailed"}:
            reason = told.get("FailureReason", "AWS gave no reason")
            raise AwsError("DescribeEndpoint", status, reason)
        _pause(target, until, f"endpoint {target.id} is still {status} after {limit:g} s")


def _wait_deleted(target: Target) -> None:
    until = time.monotonic() + (target.timeout_seconds or _WAIT_SECONDS)
    while True:
        try:
            target.aws("DescribeEndpoint", EndpointName=target.id)
        except AwsError as error:
            if error.code in _GONE:
                return
            raise
        _pause(target, until, f"endpoint {target.id} is still being deleted")


def _pause(target: Target, until: float, message: str) -> None:
    if time.monotonic() > until:
        raise AwsError("DescribeEndpoint", "TimedOut", message)
    if target.setup.cancelled.wait(_POLL_SECONDS):
        raise AwsError("DescribeEndpoint", "Cancelled", f"the engine was cancelled; {message}")


ENDPOINT = Entry(
    type="aws:sagemaker/endpoint:Endpoint",
    service="sagemaker",
    create=Call("CreateEndpoint"),
    id_property="name",
    reads=(Read(Call("DescribeEndpoint", {"EndpointName": "id"})),),
    not_found=_GONE,
    delete=Call("DeleteEndpoint", {"EndpointName": "id"}),
    after_delete=_wait_deleted,
    names={
        "arn": "EndpointArn",
        "deploymentConfig": "DeploymentConfig|LastDeploymentConfig",
        "name": "EndpointName",
    },
    changes=(
        Change(
            ("deploymentConfig", "endpointConfigName"),
            Call(
                "UpdateEndpoint",
                {
                    "EndpointName": "id",
                    "EndpointConfigName": "endpointConfigName",
                    "DeploymentConfig": "deploymentConfig",
                },
            ),
        ),
    ),
    settle=_wait_in_service,
    tagging=_TAGGING,
    auto_name=_NAME,
    replaces=frozenset({"deploymentConfig.autoRollbackConfiguration", "name"}),
    computed=frozenset({"deploymentConfig.blueGreenUpdatePolicy.maximumExecutionTimeoutInSeconds"}),
    unordered=frozenset({"deploymentConfig.autoRollbackConfiguration.alarms"}),
)

_GROUP = {"ModelPackageGroupName": "id"}

MODEL_PACKAGE_GROUP = Entry(
    type="aws:sagemaker/modelPackageGroup:ModelPackageGroup",
    service="sagemaker",
    create=Call("CreateModelPackageGroup"),
    id_property="modelPackageGroupName",
    reads=(Read(Call("DescribeModelPackageGroup", _GROUP)),),
    not_found=_GONE,
    delete=Call("DeleteModelPackageGroup", _GROUP),
    names={"arn": "ModelPackageGroupArn"},
    tagging=_TAGGING,
    replaces=frozenset({"modelPackageGroupDescription", "modelPackageGroupName"}),
)


def _of_group(target: Target, state: dict[str, Any], _raw: Sequence[Any]) -> None:
    """Say whose policy it is: GetModelPackageGroupPolicy does not."""
    state["modelPackageGroupName"] = target.id


MODEL_PACKAGE_GROUP_POLICY = Entry(
    type="aws:sagemaker/modelPackageGroupPolicy:ModelPackageGroupPolicy",
    service="sagemaker",
    create=Call("PutModelPackageGroupPolicy"),
    id_property="modelPackageGroupName",
    put=True,
    reads=(Read(Call("GetModelPackageGroupPolicy", _GROUP)),),
    not_found=_GONE,
    delete=Call("DeleteModelPackageGroupPolicy", _GROUP),
    state=_of_group,
    replaces=frozenset({"modelPackageGroupName"}),
    policies=frozenset({"resourcePolicy"}),
)

ENTRIES = (
    MODEL,
    ENDPOINT_CONFIGURATION,
    ENDPOINT,
    MODEL_PACKAGE_GROUP,
    MODEL_PACKAGE_GROUP_POLICY,
)
