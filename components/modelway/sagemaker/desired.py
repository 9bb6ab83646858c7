"""What an endpoint is wanted to be, in the shapes that SageMaker's API takes.

Takes the endpoint resource's inputs (plain JSON values), gives API requests and content-derived
names. Pure: must not import Pulumi or boto3, so that names can be computed in a preview.

Models and endpoint configurations are immutable on AWS: every change makes a new one. Their names
follow from their content, so an identical one is found again under its own name. Field names are
those of CreateModel, CreateEndpointConfig and UpdateEndpoint in the botocore 1.44 service model.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from modelway.naming import content_name
from modelway.sagemaker.rollback import earlier_content

ENDPOINT_TAG = "modelway:endpoint"
"""On each model, configuration and endpoint: the endpoint that it was made for."""

OWNER_TAG = "modelway:owner"
"""On the same: the stack that made it. Nothing with another owner is adopted or deleted."""

CAPTURE_CONTENT_TYPES = {
    "CsvContentTypes": ["text/csv"],
    "JsonContentTypes": ["application/json"],
}
"""Captured as text; SageMaker writes every other content type as base64 (DataCaptureConfig)."""


INPUTS = (
    "endpoint_name",
    "region",
    "owner",
    "models",
    "variants",
    "shadow_variants",
    "data_capture",
    "kms_key_arn",
    "autoscaled",
    "autoscaled_variants",
    "deployment_config",
    "rollback_alarms",
    "guard_alarms",
    "repair",
    "history_limit",
    "tags",
    "timeout_seconds",
    "rollback",
    "endpoint_config_name",
    "model_names",
)
"""Every input of the endpoint resource; the last two follow from the others."""


@dataclass(frozen=True)
class DesiredEndpoint:
    """One endpoint with the models and the configuration that it shall serve."""

    name: str
    """The endpoint's fixed name."""
    owner: str
    """The stack that owns it, as `organization/project/stack`."""
    model_requests: Mapping[str, Mapping[str, Any]]
    """CreateModel's input, without its tags, by model name."""
    config_request: Mapping[str, Any]
    """CreateEndpointConfig's input, without its tags."""
    autoscaled: bool
    """Whether Application Auto Scaling owns the instance counts of any variant."""
    autoscaled_variants: frozenset[str]
    """The variants whose counts it owns."""
    deployment_config: Mapping[str, Any] | None
    """UpdateEndpoint's DeploymentConfig; None for plain all-at-once."""
    rollback_alarms: Sequence[Mapping[str, Any]]
    """Alarms on the new fleet that decide a rollout, as plain values of `AlarmPlan`."""
    guard_alarms: Sequence[str]
    """Names of alarms on the variant that must not fire when a rollout starts."""
    repair: bool
    """Whether a rollout may start although a guard alarm fires."""
    history: int
    """How many previous revisions are kept, 0 or more."""
    timeout_seconds: float
    """Longest wait for one create, update or delete."""
    user_tags: Mapping[str, str]
    """Tags beside modelway's own two."""

    @property
    def config_name(self) -> str:
        """The wanted endpoint configuration's name."""
        return str(self.config_request["EndpointConfigName"])

    @property
    def model_names(self) -> tuple[str, ...]:
        """The wanted models' names."""
        return tuple(self.model_requests)

    @property
    def variants(self) -> Sequence[Mapping[str, Any]]:
        """CreateEndpointConfig's ProductionVariants."""
        variants: Sequence[Mapping[str, Any]] = self.config_request["ProductionVariants"]
        return variants

    @property
    def all_variants(self) -> Sequence[Mapping[str, Any]]:
        """Production and shadow variants."""
        return all_variants(self.config_request)

    @property
    def tags(self) -> dict[str, str]:
        """Every tag of the endpoint, its models and its configurations."""
        return {**self.user_tags, ENDPOINT_TAG: self.name, OWNER_TAG: self.owner}

    @classmethod
    def from_inputs(cls, inputs: Mapping[str, Any]) -> "DesiredEndpoint":
        """Read the endpoint resource's inputs, as `modelway.sagemaker.inputs` makes them.

        Where they name an earlier version to go back to, that version is what is wanted; see
        `modelway.sagemaker.rollback`.
        """
        wanted = cls._of(inputs)
        content = earlier_content(inputs, wanted.config_name)
        return wanted if content is None else cls._of({**inputs, **content})

    @classmethod
    def _of(cls, inputs: Mapping[str, Any]) -> "DesiredEndpoint":
        name = str(inputs["endpoint_name"])
        names: dict[str, str] = {}
        requests: dict[str, Mapping[str, Any]] = {}
        for key, model in sorted(inputs["models"].items()):
            content = _model_content(model)
            names[key] = content_name(name, content)
            requests[names[key]] = {"ModelName": names[key], **content}
        config = _config_content(inputs, names)
        return cls(
            name=name,
            owner=str(inputs["owner"]),
            model_requests=requests,
            config_request={"EndpointConfigName": content_name(name, config), **config},
            autoscaled=bool(inputs.get("autoscaled")),
            autoscaled_variants=autoscaled_variants(inputs),
            deployment_config=_whole(inputs.get("deployment_config")),
            rollback_alarms=list(inputs.get("rollback_alarms") or ()),
            guard_alarms=list(inputs.get("guard_alarms") or ()),
            repair=bool(inputs.get("repair")),
            history=int(inputs["history_limit"]),
            timeout_seconds=float(inputs["timeout_seconds"]),
            user_tags=dict(inputs.get("tags") or {}),
        )


def all_variants(described: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Give production and shadow variants of a configuration or of a described endpoint."""
    return [
        *(described.get("ProductionVariants") or ()),
        *(described.get("ShadowProductionVariants") or ()),
    ]


def autoscaled_variants(inputs: Mapping[str, Any]) -> frozenset[str]:
    """Give the variants whose counts Application Auto Scaling owns; all, where none are named."""
    if not inputs.get("autoscaled"):
        return frozenset()
    named = inputs.get("autoscaled_variants")
    return frozenset(named or (variant["name"] for variant in inputs["variants"]))


def _model_content(model: Mapping[str, Any]) -> dict[str, Any]:
    vpc = model.get("vpc_config")
    return _given(
        {
            "PrimaryContainer": _given(
                {
                    "Image": model["image"],
                    "ModelDataUrl": model["model_data_url"],
                    "Environment": dict(model.get("environment") or {}) or None,
                }
            ),
            "ExecutionRoleArn": model["execution_role_arn"],
            "EnableNetworkIsolation": bool(model["enable_network_isolation"]),
            "VpcConfig": vpc
            and {
                "Subnets": list(vpc["subnet_ids"]),
                "SecurityGroupIds": list(vpc["security_group_ids"]),
            },
        }
    )


def _config_content(inputs: Mapping[str, Any], model_names: Mapping[str, str]) -> dict[str, Any]:
    capture = inputs.get("data_capture")
    return _given(
        {
            "ProductionVariants": [
                _variant(variant, model_names) for variant in inputs["variants"]
            ],
            "ShadowProductionVariants": [
                _variant(variant, model_names) for variant in inputs.get("shadow_variants") or ()
            ]
            or None,
            "KmsKeyId": inputs.get("kms_key_arn"),
            "DataCaptureConfig": capture and _data_capture(capture),
        }
    )


def _variant(variant: Mapping[str, Any], model_names: Mapping[str, str]) -> dict[str, Any]:
    # Numbers are cast because the engine hands 1.0 on as 1, and both must give one name.
    startup = variant.get("startup_timeout_seconds")
    download = variant.get("download_timeout_seconds")
    volume = variant.get("volume_gib")
    return _given(
        {
            "VariantName": variant["name"],
            "ModelName": model_names[variant["model"]],
            "InstanceType": variant["instance_type"],
            "InitialInstanceCount": int(variant["initial_instance_count"]),
            "InitialVariantWeight": float(variant["initial_weight"]),
            "VolumeSizeInGB": None if volume is None else int(volume),
            "ContainerStartupHealthCheckTimeoutInSeconds": None
            if startup is None
            else int(startup),
            "ModelDataDownloadTimeoutInSeconds": None if download is None else int(download),
            "InferenceAmiVersion": variant.get("inference_ami_version"),
        }
    )


def _data_capture(capture: Mapping[str, Any]) -> dict[str, Any]:
    return _given(
        {
            "EnableCapture": True,
            "InitialSamplingPercentage": int(capture["sampling_percent"]),
            "DestinationS3Uri": capture["destination"],
            "KmsKeyId": capture.get("kms_key_arn"),
            "CaptureOptions": [{"CaptureMode": mode} for mode in capture["capture_modes"]],
            "CaptureContentTypeHeader": CAPTURE_CONTENT_TYPES,
        }
    )


def _whole(value: Any) -> Any:
    """Give a value with whole numbers as integers: the engine hands all numbers on as floats."""
    if isinstance(value, Mapping):
        return {key: _whole(item) for key, item in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_whole(item) for item in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _given(values: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in values.items() if value is not None}
