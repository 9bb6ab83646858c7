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
    "data_capture",
    "kms_key_arn",
    "autoscaled",
    "deployment_config",
    "history_limit",
    "tags",
    "timeout_seconds",
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
    """Whether Application Auto Scaling owns the instance counts."""
    deployment_config: Mapping[str, Any] | None
    """UpdateEndpoint's DeploymentConfig; None for plain all-at-once."""
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
    def tags(self) -> dict[str, str]:
        """Every tag of the endpoint, its models and its configurations."""
        return {**self.user_tags, ENDPOINT_TAG: self.name, OWNER_TAG: self.owner}

    @classmethod
    def from_inputs(cls, inputs: Mapping[str, Any]) -> "DesiredEndpoint":
        """Read the endpoint resource's inputs, as `modelway.sagemaker.inputs` makes them."""
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
            deployment_config=inputs.get("deployment_config"),
            history=int(inputs["history_limit"]),
            timeout_seconds=float(inputs["timeout_seconds"]),
            user_tags=dict(inputs.get("tags") or {}),
        )


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


def _given(values: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in values.items() if value is not None}
