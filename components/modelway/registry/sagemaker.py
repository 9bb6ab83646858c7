"""SageMaker's Model Registry, by boto3.

Takes a region and a profile, gives a `Registry`: a group is a model package group, a version a
model package of it, the archive an object in the group's bucket. Must not decide which version is
deployed.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from modelway.errors import ModelRegistryError
from modelway.naming import TAG_PREFIX
from modelway.package.packing import pack_artifact
from modelway.registry import sagemaker_form as form
from modelway.registry.version import Candidate, Status, Version
from modelway.sagemaker.calls import error_code, error_message, is_denied

BUCKET_TAG = f"{TAG_PREFIX}bucket"
"""On a group that a ModelPlatform declares: the bucket of its versions' archives."""

READY_SECONDS = 300.0
"""How long SageMaker may look at a new version; usually it takes seconds."""

POLL_SECONDS = 2.0


@dataclass
class SageMakerRegistry:
    """The registry of one account and region.

    Args:
        region: default: boto3's own.
        profile: of the user's AWS configuration. Default: boto3's own choice.
        bucket: where archives of new versions go. Default: what the group's tag says.
        sleep: waits for some seconds.
    """

    region: str | None = None
    profile: str | None = None
    bucket: str | None = None
    sleep: Callable[[float], None] = time.sleep
    _clients: dict[str, Any] = field(default_factory=dict[str, Any])
    _arns: dict[str, str] = field(default_factory=dict[str, str])

    def versions(self, group: str) -> Iterator[Version]:
        """Give every version of a group, the newest first."""
        for summary in self._summaries(group, f"reading the group {group}"):
            yield self.version(group, summary["ModelPackageVersion"])

    def find(self, group: str, package: str) -> Version | None:
        """Give the newest version with a package, by its digest."""
        for summary in self._summaries(group, f"looking for {package} in the group {group}"):
            described = form.describes(summary.get("ModelPackageDescription", ""), package)
            if described and summary["ModelPackageStatus"] != "Failed":
                version = self.version(group, summary["ModelPackageVersion"])
                if version.package == package:
                    return version
        return None

    def version(self, group: str, number: int) -> Version:
        """Give one version."""
        return form.version_of(self._described(group, number))

    def create_group(self, group: str) -> None:
        """Create a group, unless it is there."""
        doing = f"creating the group {group}"
        with _asking(doing):
            try:
                self._client("sagemaker").describe_model_package_group(ModelPackageGroupName=group)
            except self._client("sagemaker").exceptions.ClientError as error:
                if error_code(error) != "ValidationException":
                    raise
                tags = [] if self.bucket is None else [{"Key": BUCKET_TAG, "Value": self.bucket}]
                self._client("sagemaker").create_model_package_group(
                    ModelPackageGroupName=group, Tags=tags
                )

    def register(self, group: str, candidate: Candidate) -> tuple[Version, bool]:
        """Add a version, unless the group has the package; tell whether it is new."""
        package = candidate.package
        doing = f"registering {package.folder} in the group {group}"
        there = self.find(group, package.digest)
        if there is not None:
            _check_signer(there, candidate, doing)
            return there, False
        bucket = self._bucket(group, doing)
        with _asking(doing):
            self._upload(bucket, group, candidate)
            made = self._client("sagemaker").create_model_package(
                **form.creation(group, candidate, bucket)
            )
        number = int(made["ModelPackageArn"].rpartition("/")[2])
        self._wait(group, number, doing)
        return self.version(group, number), True

    def decide(self, group: str, number: int, status: Status, reason: str) -> Version:
        """Approve or reject a version, in the name of whoever calls."""
        verb = "approving" if status is Status.APPROVED else "rejecting"
        doing = f"{verb} {group}/{number}"
        described = self._described(group, number)
        with _asking(
            doing, "the policy of the group, or IAM, lets others decide: ask one of its approvers"
        ):
            who = self._client("sts").get_caller_identity()["Arn"]
            # All of the metadata: the API reference does not say what becomes of the rest.
            metadata = {
                **(described.get("CustomerMetadataProperties") or {}),
                form.DECIDED_BY_KEY: form.metadata_value(who),
            }
            self._client("sagemaker").update_model_package(
                ModelPackageArn=described["ModelPackageArn"],
                ModelApprovalStatus=status,
                ApprovalDescription=reason,
                CustomerMetadataProperties=metadata,
            )
        return self.version(group, number)

    def fetch(self, version: Version, archive: Path) -> None:
        """Copy a version's archive to a file; whether it is the right one is not looked at."""
        doing = f"fetching {version.name} from {version.location}"
        bucket, _, key = version.location.removeprefix("s3://").partition("/")
        if not version.location.startswith("s3://") or not key:
            raise ModelRegistryError(f"{doing}: this is no object in S3")
        with _asking(doing):
            self._client("s3").download_file(bucket, key, str(archive))

    def _described(self, group: str, number: int) -> dict[str, Any]:
        with _asking(f"reading version {number} of the group {group}"):
            arn = self._group_arn(group).replace(":model-package-group/", ":model-package/")
            described = self._client("sagemaker").describe_model_package(
                ModelPackageName=f"{arn}/{number}"
            )
        return dict(described)

    def _summaries(self, group: str, doing: str) -> Iterator[dict[str, Any]]:
        """Give the listing's entries, the newest version first."""
        with _asking(doing):
            sagemaker = self._client("sagemaker")
            pages = sagemaker.get_paginator("list_model_packages").paginate(
                ModelPackageGroupName=self._group_arn(group),  # refuses a group that is not there
                SortBy="CreationTime",
                SortOrder="Descending",
            )
            found = [each for page in pages for each in page["ModelPackageSummaryList"]]
        yield from sorted(found, key=lambda each: -each["ModelPackageVersion"])

    def _group_arn(self, group: str) -> str:
        if group not in self._arns:
            described = self._client("sagemaker").describe_model_package_group(
                ModelPackageGroupName=group
            )
            self._arns[group] = described["ModelPackageGroupArn"]
        return self._arns[group]

    def _bucket(self, group: str, doing: str) -> str:
        if self.bucket is not None:
            return self.bucket
        with _asking(doing):
            pages = (
                self._client("sagemaker")
                .get_paginator("list_tags")
                .paginate(ResourceArn=self._group_arn(group))
            )
            tags = {each["Key"]: each["Value"] for page in pages for each in page["Tags"]}
        if BUCKET_TAG not in tags:
            raise ModelRegistryError(
                f"{doing}: the group has no tag {BUCKET_TAG}, which a ModelPlatform gives it, so "
                "nobody knows where the archive goes. Give --bucket NAME"
            )
        return tags[BUCKET_TAG]

    def _upload(self, bucket: str, group: str, candidate: Candidate) -> None:
        """Put the archive and the metrics where they are not yet: keys name their content."""
        key = form.artifact_key(group, candidate)
        if not self._has(bucket, key):
            with TemporaryDirectory(prefix="modelway-register-") as temporary:
                archive = Path(temporary) / "model.tar.gz"
                pack_artifact(candidate.artifact, archive)
                how = {"ContentType": "application/gzip"}
                self._client("s3").upload_file(str(archive), bucket, key, ExtraArgs=how)
        manifest, metrics = candidate.package.manifest, form.metrics_key(group, candidate)
        if manifest.metrics and not self._has(bucket, metrics):
            self._client("s3").put_object(
                Bucket=bucket,
                Key=metrics,
                Body=form.metrics_file(manifest),
                ContentType="application/json",
            )

    def _has(self, bucket: str, key: str) -> bool:
        s3 = self._client("s3")
        try:
            s3.head_object(Bucket=bucket, Key=key)
        except s3.exceptions.ClientError as error:
            if error_code(error) in {"404", "NoSuchKey", "NotFound"}:
                return False
            raise
        return True

    def _wait(self, group: str, number: int, doing: str) -> None:
        """Wait until SageMaker has looked at a new version."""
        waited = 0.0
        while (described := self._described(group, number))["ModelPackageStatus"] != "Completed":
            status = described["ModelPackageStatus"]
            if status == "Failed" or waited >= READY_SECONDS:
                details = described.get("ModelPackageStatusDetails") or {}
                reasons = [
                    each["FailureReason"]
                    for part in details.values()
                    for each in part
                    if each.get("FailureReason")
                ]
                raise ModelRegistryError(
                    f"{doing}: version {number} is {status}: {'; '.join(reasons) or 'no reason'}"
                )
            self.sleep(POLL_SECONDS)
            waited += POLL_SECONDS

    def _client(self, service: str) -> Any:
        if service not in self._clients:
            from boto3.session import Session

            session = Session(region_name=self.region, profile_name=self.profile)
            self._clients[service] = session.client(service)
        return self._clients[service]


def _check_signer(there: Version, candidate: Candidate, doing: str) -> None:
    """Refuse another signer's package: what a version holds never changes."""
    if there.signed_by == candidate.signed_by:
        return
    was = f"signed with the key {there.signed_by[:16]}" if there.signed_by else "unsigned"
    now = f"signed with {candidate.signed_by[:16]}" if candidate.signed_by else "unsigned"
    raise ModelRegistryError(
        f"{doing}: version {there.number} has this package {was}, and here it is {now}; a version "
        "never changes. Sign before you register: delete that version, or make another package"
    )


@contextmanager
def _asking(doing: str, denied: str = "") -> Iterator[None]:
    """Turn what AWS refuses into one message."""
    from boto3.exceptions import Boto3Error
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
    except (BotoCoreError, ClientError, Boto3Error) as error:
        hint = f" ({denied})" if denied and is_denied(error) else ""
        raise ModelRegistryError(f"{doing}: {error_message(error)}{hint}") from error
