"""A version in the words of SageMaker's Model Registry.

Takes a candidate, gives CreateModelPackage's parameters; takes DescribeModelPackage's answer, gives
a `Version`. Pure; shapes are those of botocore's service model, and the card is one of the "model
package model card schema" (SageMaker developer guide).

The digests are CustomerMetadataProperties, and the package's is also in the description, which
listings have and nobody can change.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any

from modelway.naming import TAG_PREFIX
from modelway.package.manifest import Manifest
from modelway.registry.version import Candidate, Status, Version

PACKAGE_KEY = f"{TAG_PREFIX}package"
CONTENT_KEY = f"{TAG_PREFIX}content"
SIGNED_BY_KEY = f"{TAG_PREFIX}signed-by"
DECIDED_BY_KEY = f"{TAG_PREFIX}decided-by"

TOKEN_DIGITS = 36
"""Longest client token."""

METADATA_VALUE_LIMIT = 256
"""Characters of one value of CustomerMetadataProperties."""

CARD_VALUE_LIMIT = 1024
"""Characters of one custom detail of a model card (its JSON schema)."""

CONTENT_TYPES = ("application/json", "application/jsonlines", "text/csv")
"""What every model is asked and answers in; the server's own documentation has the rest."""

_NOT_METADATA = re.compile(r"[^A-Za-z0-9_.:/=+\-@ ]")


def artifact_key(group: str, candidate: Candidate) -> str:
    """Give the key of the archive in the bucket: that of a deployment with the group's name."""
    digest = candidate.artifact.content_digest.removeprefix("sha256:")
    return f"models/{group}/{digest}/model.tar.gz"


def metrics_key(group: str, candidate: Candidate) -> str:
    """Give the key of the metrics in the bucket."""
    return f"registry/{group}/{candidate.package.digest.removeprefix('sha256:')}/metrics.json"


def metrics_file(manifest: Manifest) -> bytes:
    """Give a package's metrics as the file that ModelMetrics names."""
    metrics = {name: {"value": value} for name, value in sorted(manifest.metrics.items())}
    return json.dumps({"metrics": metrics}, indent=2).encode() + b"\n"


def creation(group: str, candidate: Candidate, bucket: str) -> dict[str, Any]:
    """Give CreateModelPackage's parameters."""
    manifest, digest = candidate.package.manifest, candidate.package.digest
    url = f"s3://{bucket}/{artifact_key(group, candidate)}"
    metadata = {PACKAGE_KEY: digest, CONTENT_KEY: candidate.artifact.content_digest}
    if candidate.signed_by:
        metadata[SIGNED_BY_KEY] = candidate.signed_by
    token = hashlib.sha256(f"{group} {digest} {url}".encode()).hexdigest()[:TOKEN_DIGITS]
    parameters: dict[str, Any] = {
        "ModelPackageGroupName": group,
        "ModelPackageDescription": description(manifest, digest),
        "InferenceSpecification": {
            "Containers": [{"Image": candidate.image, "ModelDataUrl": url}],
            "SupportedContentTypes": [*CONTENT_TYPES],
            "SupportedResponseMIMETypes": [*CONTENT_TYPES],
        },
        "ModelApprovalStatus": Status.PENDING,
        "CustomerMetadataProperties": metadata,
        "ModelCard": {"ModelCardContent": card(manifest, url), "ModelCardStatus": "Draft"},
        "ClientToken": token,
    }
    if manifest.metrics:
        content = metrics_file(manifest)
        statistics = {
            "ContentType": "application/json",
            "ContentDigest": f"sha256:{hashlib.sha256(content).hexdigest()}",
            "S3Uri": f"s3://{bucket}/{metrics_key(group, candidate)}",
        }
        parameters["ModelMetrics"] = {"ModelQuality": {"Statistics": statistics}}
    if manifest.lineage.training_job is not None:
        parameters["MetadataProperties"] = {"GeneratedBy": manifest.lineage.training_job}
    return parameters


def description(manifest: Manifest, digest: str) -> str:
    """Give a version's description; it ends with the package's digest."""
    return f"{manifest.name} {manifest.version[:200]}, package {digest}"


def describes(description: str, package: str) -> bool:
    """Tell whether a description is that of a package."""
    return description.endswith(f", package {package}")


def card(manifest: Manifest, url: str) -> str:
    """Give the model card, of what the manifest says and nothing else."""
    told = {
        "package name": manifest.name,
        "package version": manifest.version,
        "licence": manifest.licence,
        "trained as": manifest.source.class_name,
        "saved as": manifest.source.format,
        "sha256 of the source": manifest.source.sha256,
        "registered": manifest.lineage.registered,
        "training job": manifest.lineage.training_job,
        "data snapshot": manifest.lineage.data_snapshot,
        **{f"environment {name}": version for name, version in manifest.environment.items()},
    }
    metrics = [
        {"name": name, "type": "number", "value": value}
        for name, value in sorted(manifest.metrics.items())
    ]
    content: dict[str, Any] = {
        "model_overview": {"model_artifact": [url]},
        "additional_information": {
            "custom_details": {
                name: str(value)[:CARD_VALUE_LIMIT] for name, value in told.items() if value
            }
        },
    }
    if metrics:
        group = {"name": "metrics", "metric_data": metrics}
        content["evaluation_details"] = [{"name": "package", "metric_groups": [group]}]
    return json.dumps(content, sort_keys=True)


def metadata_value(text: str) -> str:
    """Give a text as a value of CustomerMetadataProperties: other characters become `_`."""
    return _NOT_METADATA.sub("_", text)[:METADATA_VALUE_LIMIT]


def version_of(described: Mapping[str, Any]) -> Version:
    """Read DescribeModelPackage's answer."""
    metadata: Mapping[str, str] = described.get("CustomerMetadataProperties") or {}
    containers = (described.get("InferenceSpecification") or {}).get("Containers") or [{}]
    status = Status(described.get("ModelApprovalStatus", Status.PENDING))
    package = metadata.get(PACKAGE_KEY, "")
    if not describes(described.get("ModelPackageDescription", ""), package):
        package = ""  # metadata can be changed; the description cannot
    return Version(
        group=described["ModelPackageGroupName"],
        number=described["ModelPackageVersion"],
        status=status,
        package=package,
        content=metadata.get(CONTENT_KEY, package),
        signed_by=metadata.get(SIGNED_BY_KEY, ""),
        location=containers[0].get("ModelDataUrl", ""),
        registered_at=described["CreationTime"],
        decided_by="" if status is Status.PENDING else metadata.get(DECIDED_BY_KEY, ""),
        reason=described.get("ApprovalDescription", ""),
        metrics=_metrics(described.get("ModelCard") or {}),
    )


def _metrics(card: Mapping[str, Any]) -> dict[str, str]:
    """Read the metrics of a card that modelway wrote; another's card has none that are shown."""
    try:
        details = json.loads(card["ModelCardContent"])["evaluation_details"]
        data = details[0]["metric_groups"][0]["metric_data"]
        return {str(each["name"]): f"{each['value']:g}" for each in data}
    except (ValueError, KeyError, TypeError, IndexError, AttributeError):
        return {}
