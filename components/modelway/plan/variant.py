"""Decide a production variant: instances, start-up and download time-outs.

Takes a spec and the artifact as found, gives a `VariantPlan` and its decisions.
"""

from decimal import Decimal

from modelway.plan.decide import SPEC_SOURCE, chosen
from modelway.plan.model import Artifact, Decision, VariantPlan
from modelway.spec.model import ModelSpec, Serving
from modelway.spec.rules.variants import CHAMPION

HIGHEST_TIMEOUT_SECONDS = 3600
"""Of start-up and download (SageMaker ProductionVariant)."""

STARTUP_BASE_SECONDS = 120
"""A Python server with onnxruntime answers in seconds; the rest is room for a busy instance."""

LOAD_MIB_PER_SECOND = 25
"""Reading and preparing a model, slow on purpose: a time-out costs nothing until it is needed."""

DOWNLOAD_BASE_SECONDS = 120
"""Room for the first connection to S3 and for unpacking."""

DOWNLOAD_MIB_PER_SECOND = 10
"""From S3 within a region, slow on purpose."""

UNREAD_TIMEOUT_SECONDS = 1800
"""For an artifact in S3 whose size modelway does not read."""

_MIB = 1024 * 1024


def plan_variant(spec: ModelSpec, artifact: Artifact) -> tuple[VariantPlan, list[Decision]]:
    """Decide the variant of one environment's spec."""
    serving = spec.serving
    startup = _timeout(
        "variant.startup_timeout_seconds",
        serving.startup_timeout_seconds,
        artifact,
        STARTUP_BASE_SECONDS,
        LOAD_MIB_PER_SECOND,
    )
    download = _timeout(
        "variant.download_timeout_seconds",
        serving.download_timeout_seconds,
        artifact,
        DOWNLOAD_BASE_SECONDS,
        DOWNLOAD_MIB_PER_SECOND,
    )
    variant = VariantPlan(
        name=CHAMPION,
        instance_type=serving.instance_type,
        initial_instance_count=spec.scaling.min_instances,
        initial_weight=champion_weight(spec),
        volume_gib=serving.volume_gib,
        startup_timeout_seconds=int(str(startup.value)),
        download_timeout_seconds=int(str(download.value)),
        inference_ami_version=serving.inference_ami_version,
    )
    return variant, [*_choices(spec, variant), startup, download]


def champion_weight(spec: ModelSpec) -> float:
    """Give the weight of the spec's own model: 1 alone, else what challengers leave of 100."""
    if not spec.challengers:
        return 1.0
    # In decimals, as written: 100 - 33.3 is 66.7 and no other float.
    taken = sum((Decimal(str(each.traffic_percent)) for each in spec.challengers), Decimal(0))
    return float(100 - taken)


def _choices(spec: ModelSpec, variant: VariantPlan) -> list[Decision]:
    """Explain what is not worked out."""
    decisions = [
        chosen(
            "variant.instance_type",
            variant.instance_type,
            Serving().instance_type,
            "two vCPUs and 8 GiB serve most ONNX models",
        ),
        chosen(
            "variant.initial_instance_count",
            variant.initial_instance_count,
            type(spec.scaling)().min_instances,
            "the least that serves; two or more survive the loss of a zone",
        ),
        Decision(
            "variant.initial_weight",
            variant.initial_weight,
            "what the challengers leave, in per cent"
            if spec.challengers
            else "one variant takes all traffic",
            "SageMaker ProductionVariant.InitialVariantWeight",
        ),
    ]
    if variant.volume_gib is not None:
        decisions.append(
            Decision("variant.volume_gib", variant.volume_gib, "as the spec says", SPEC_SOURCE)
        )
    return decisions


def _timeout(
    path: str, given: int | None, artifact: Artifact, base_seconds: int, mib_per_second: int
) -> Decision:
    """Decide a time-out from the artifact's size, unless the spec gives one."""
    if given is not None:
        return Decision(path, given, "as the spec says", SPEC_SOURCE)
    if artifact.uri is not None:
        reason = "the artifact lies in S3 and its size was not read, so this is generous"
        return Decision(path, UNREAD_TIMEOUT_SECONDS, reason, "modelway")
    size_mib = artifact.size_bytes / _MIB
    seconds = base_seconds + int(size_mib / mib_per_second)
    value = min(HIGHEST_TIMEOUT_SECONDS, seconds)
    reason = f"{base_seconds} s and 1 s per {mib_per_second} MiB of a model of {size_mib:.1f} MiB"
    source = f"modelway, within SageMaker's {HIGHEST_TIMEOUT_SECONDS} s"
    return Decision(path, value, reason, source)
