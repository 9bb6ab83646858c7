"""Rules of the instances and of the container's environment.

Takes the spec of one environment, gives `Problem`s.
"""

import re
from collections.abc import Iterator

from modelway.errors import Problem
from modelway.spec.instances import InstanceType, instance_type, nearest_types
from modelway.spec.model import ModelSpec
from modelway.spec.paths import path_text

ENVIRONMENT_ENTRY_LIMIT = 100
"""Entries of a container's environment (botocore sagemaker: EnvironmentMap)."""

ENVIRONMENT_TEXT_LIMIT_BYTES = 1024
"""Of a key and of a value (botocore sagemaker: EnvironmentKey, EnvironmentValue)."""

ENVIRONMENT_TOTAL_LIMIT_BYTES = 32 * 1024
"""Of all keys and values together (SageMaker CreateModel, ContainerDefinition.Environment)."""

GPU_AMI_VERSIONS = (
    "al2-ami-sagemaker-inference-gpu-2",
    "al2-ami-sagemaker-inference-gpu-2-1",
    "al2-ami-sagemaker-inference-gpu-3-1",
    "al2023-ami-sagemaker-inference-gpu-4-1",
)
"""Driver pins for NVIDIA GPUs (botocore sagemaker: ProductionVariantInferenceAmiVersion)."""

NEURON_AMI_VERSIONS = ("al2-ami-sagemaker-inference-neuron-2",)
"""Driver pins for Inferentia and Trainium (botocore sagemaker, the same shape)."""

_KEY = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*\Z")


def serving_problems(spec: ModelSpec) -> Iterator[Problem]:
    """Check the instance type and what is set for it, then the environment."""
    machine = instance_type(spec.serving.instance_type)
    if machine is None:
        near = nearest_types(spec.serving.instance_type)
        hint = f"; did you mean {' or '.join(f'`{name}`' for name in near)}?" if near else ""
        yield Problem(
            path="serving.instance_type",
            message=f"is not an instance type that SageMaker hosts endpoints on{hint}",
            value=spec.serving.instance_type,
            allowed="ml.FAMILY.SIZE, such as ml.m5.large, ml.c7i.xlarge or ml.g5.xlarge",
            source="SageMaker ProductionVariantInstanceType (botocore 1.44.5)",
        )
    else:
        yield from _volume_problems(spec, machine)
        yield from _driver_problems(spec, machine)
    yield from _environment_problems(spec.serving.environment)


def _volume_problems(spec: ModelSpec, machine: InstanceType) -> Iterator[Problem]:
    """Check the volume's size: instances with local storage have that and no other."""
    size, local = spec.serving.volume_gib, machine.local_storage_gb
    if size is not None and local is not None and 0 < local < size:
        yield Problem(
            path="serving.volume_gib",
            message=f"is more than the local storage that {machine.name} has instead of a volume",
            value=size,
            allowed=f"at most {local}, or leave it out",
            source="SageMaker ResourceConfig.VolumeSizeInGB, host instance storage volumes",
        )


def _driver_problems(spec: ModelSpec, machine: InstanceType) -> Iterator[Problem]:
    """Check the driver pin: it must exist and fit the accelerator."""
    version = spec.serving.inference_ami_version
    if version is None:
        return
    if machine.neuron:
        allowed, kind = NEURON_AMI_VERSIONS, "Inferentia or Trainium chips"
    elif machine.gpus == 0:
        allowed, kind = (), "no accelerator"
    else:
        allowed, kind = GPU_AMI_VERSIONS, "NVIDIA GPUs"
    if version not in allowed:
        yield Problem(
            path="serving.inference_ami_version",
            message=f"is not a driver version for {machine.name}, which has {kind}",
            value=version,
            allowed=", ".join(allowed) if allowed else "leave it out",
            source="SageMaker ProductionVariantInferenceAmiVersion",
        )


def _environment_problems(environment: dict[str, str]) -> Iterator[Problem]:
    """Check number and sizes of the entries."""
    path = "serving.environment"
    if len(environment) > ENVIRONMENT_ENTRY_LIMIT:
        yield Problem(
            path=path,
            message=f"holds {len(environment)} entries",
            allowed=f"at most {ENVIRONMENT_ENTRY_LIMIT}",
            source="SageMaker EnvironmentMap",
        )
    total = 0
    for key, value in environment.items():
        key_bytes, value_bytes = len(key.encode()), len(value.encode())
        total += key_bytes + value_bytes
        place = path_text(("serving", "environment", key))
        if _KEY.match(key) is None or key_bytes > ENVIRONMENT_TEXT_LIMIT_BYTES:
            yield Problem(
                path=place,
                message="has a name that a container's environment does not take",
                value=key,
                allowed=(
                    "letters, digits and underscores, no digit first, at most "
                    f"{ENVIRONMENT_TEXT_LIMIT_BYTES} bytes"
                ),
                source="SageMaker EnvironmentKey",
            )
        if value_bytes > ENVIRONMENT_TEXT_LIMIT_BYTES:
            yield Problem(
                path=place,
                message=f"has a value of {value_bytes} bytes",
                allowed=f"at most {ENVIRONMENT_TEXT_LIMIT_BYTES} bytes",
                source="SageMaker EnvironmentValue",
            )
    if total > ENVIRONMENT_TOTAL_LIMIT_BYTES:
        yield Problem(
            path=path,
            message=f"has {total} bytes of keys and values",
            allowed=f"at most {ENVIRONMENT_TOTAL_LIMIT_BYTES} bytes together",
            source="SageMaker ContainerDefinition.Environment",
        )
