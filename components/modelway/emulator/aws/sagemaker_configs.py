"""CreateEndpointConfig, DescribeEndpointConfig and DeleteEndpointConfig as AWS answers them.

Takes moto's SageMaker backend and parsed parameters, keeps the configuration whole. Deleting one
that a live endpoint uses is allowed, as on AWS: the API reference only warns against it, and
providers have been caught doing it (terraform-provider-aws issue 48997); UpdateEndpoint then
refuses. Must not start anything.
"""

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from moto.sagemaker.exceptions import ValidationError
from moto.sagemaker.models import SageMakerModelBackend
from moto.sagemaker.utils import arn_formatter

from modelway.emulator.aws.sagemaker_models import check_role, find_model

_SERVERLESS_MEMORY_MB = (1024, 2048, 3072, 4096, 5120, 6144)

_LOCAL_STORAGE = re.compile(r"ml\.(?:[a-z]+\d+[a-z]*d[a-z]*|(?:g[56]|gr6|p[45]|trn\d|i\d)[a-z]*)\.")
"""Instance families with local NVMe storage, which take no volume key (CreateEndpointConfig,
KmsKeyId): a `d` after the generation, and some accelerator families that say nothing of it."""


@dataclass
class EndpointConfig:
    """A configuration as it was created; moto keeps it and reads `tags` and the names."""

    params: dict[str, Any]
    endpoint_config_arn: str
    creation_time: datetime
    tags: list[dict[str, str]]

    @property
    def endpoint_config_name(self) -> str:
        """Its name."""
        return str(self.params["EndpointConfigName"])

    @property
    def variants(self) -> list[dict[str, Any]]:
        """Its production variants."""
        return list(self.params["ProductionVariants"])

    @property
    def shadow_variants(self) -> list[dict[str, Any]]:
        """Its shadow variants, one at most."""
        return list(self.params.get("ShadowProductionVariants") or [])

    @property
    def response_object(self) -> dict[str, Any]:
        """DescribeEndpointConfig's answer."""
        given = {
            name: value
            for name, value in self.params.items()
            if name != "Tags" and value is not None and value not in ([], {})
        }
        return given | self.summary()

    def summary(self) -> dict[str, Any]:
        """Give ListEndpointConfigs' entry; moto calls this."""
        return {
            "EndpointConfigName": self.endpoint_config_name,
            "EndpointConfigArn": self.endpoint_config_arn,
            "CreationTime": self.creation_time,
        }


def create_endpoint_config(
    backend: SageMakerModelBackend, params: dict[str, Any], at: datetime
) -> EndpointConfig:
    """Check and keep a new configuration."""
    name = params["EndpointConfigName"]
    arn = config_arn(backend, name)
    if name in backend.endpoint_configs:
        raise ValidationError(
            message=f'Cannot create already existing endpoint configuration "{arn}".'
        )
    variants = params["ProductionVariants"]
    shadows = params.get("ShadowProductionVariants") or []
    _check_names([*variants, *shadows])
    if shadows and (len(variants) != 1 or len(shadows) != 1):
        raise ValidationError(
            message="A configuration with shadow variants takes exactly one production variant "
            "and one shadow variant."
        )
    serverless = [each["VariantName"] for each in variants if each.get("ServerlessConfig")]
    if shadows and (serverless or any(each.get("ServerlessConfig") for each in shadows)):
        # Developer guide, "Shadow tests": excluded features.
        raise ValidationError(message="Shadow variants are not supported with serverless variants.")
    if len(variants) > 1 and serverless:
        raise ValidationError(
            message=f"Serverless variant {serverless[0]} cannot stand beside other variants."
        )
    if params.get("ExecutionRoleArn"):
        check_role(params["ExecutionRoleArn"], backend.region_name)
    for variant in [*variants, *shadows]:
        _check_variant(variant, params)
        if variant.get("ModelName"):
            find_model(backend, variant["ModelName"])
    config = EndpointConfig(dict(params), arn, at, list(params.get("Tags") or []))
    backend.endpoint_configs[name] = config  # type: ignore[assignment] - see EndpointConfig
    return config


def find_endpoint_config(backend: SageMakerModelBackend, name: str) -> EndpointConfig:
    """Give the configuration of that name."""
    config = backend.endpoint_configs.get(name)
    if config is None:
        raise ValidationError(
            message=f'Could not find endpoint configuration "{config_arn(backend, name)}".'
        )
    return config  # type: ignore[return-value] - see create_endpoint_config


def delete_endpoint_config(backend: SageMakerModelBackend, name: str) -> None:
    """Remove a configuration; an endpoint that uses it goes on."""
    find_endpoint_config(backend, name)
    del backend.endpoint_configs[name]


def config_arn(backend: SageMakerModelBackend, name: str) -> str:
    """Give the ARN of a configuration of that name."""
    return arn_formatter("endpoint-config", name, backend.account_id, backend.region_name)


def _check_names(variants: list[dict[str, Any]]) -> None:
    names = [variant["VariantName"] for variant in variants]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValidationError(message=f"Variant names must be unique; given twice: {twice}.")


def _check_variant(variant: dict[str, Any], params: dict[str, Any]) -> None:
    name = variant["VariantName"]
    serverless = variant.get("ServerlessConfig")
    if serverless:
        _check_serverless(name, variant, serverless)
        return
    if not variant.get("InstanceType") and not variant.get("InstancePools"):
        raise ValidationError(
            message=f"Production variant {name} needs an InstanceType or a ServerlessConfig."
        )
    if not variant.get("ModelName") and not params.get("ExecutionRoleArn"):
        raise ValidationError(
            message=f"Production variant {name} has no ModelName, as for inference components; "
            "then the endpoint configuration needs an ExecutionRoleArn."
        )
    if variant.get("ModelName") and not variant.get("InitialInstanceCount"):
        raise ValidationError(message=f"Production variant {name} needs InitialInstanceCount.")
    if params.get("KmsKeyId") and _LOCAL_STORAGE.match(variant.get("InstanceType") or ""):
        raise ValidationError(
            message=f"KmsKeyId is not supported for instance type {variant['InstanceType']}, "
            "which has local storage."
        )


def _check_serverless(name: str, variant: dict[str, Any], serverless: dict[str, Any]) -> None:
    extra = sorted({"InstanceType", "InitialInstanceCount", "VolumeSizeInGB"} & variant.keys())
    if extra:
        raise ValidationError(
            message=f"Production variant {name} has a ServerlessConfig and may not have {extra}."
        )
    if serverless["MemorySizeInMB"] not in _SERVERLESS_MEMORY_MB:
        raise ValidationError(
            message=f"Value '{serverless['MemorySizeInMB']}' at 'memorySizeInMB' failed to satisfy "
            f"constraint: Member must satisfy enum value set: {list(_SERVERLESS_MEMORY_MB)}"
        )
    provisioned = serverless.get("ProvisionedConcurrency")
    if provisioned is not None and provisioned > serverless["MaxConcurrency"]:
        raise ValidationError(
            message=f"ProvisionedConcurrency {provisioned} of production variant {name} is above "
            f"its MaxConcurrency {serverless['MaxConcurrency']}."
        )
