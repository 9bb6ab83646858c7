"""What must be true before a deployment begins: found out by looking, before anything changes.

Takes what is wanted, gives nothing or one `DeploymentError` with every reason at once. It must not
change anything on AWS.

SageMaker itself finds a missing image or artifact only after it has provisioned instances, minutes
later; and it starts a rollout while an alarm fires, so that nobody can tell afterwards whether the
new version is to blame.
"""

import re
from collections.abc import Iterator
from typing import Any

from botocore.exceptions import ClientError

from modelway.errors import DeploymentError
from modelway.image.reference import REGISTRY, digest_of
from modelway.sagemaker.calls import Service, error_code, error_message, is_denied
from modelway.sagemaker.desired import DesiredEndpoint
from modelway.sagemaker.rollback_alarms import found_alarms

_ROLE = re.compile(r"arn:[^:]+:iam::(?P<account>\d{12}):role/(?:.*/)?(?P<name>[^/]+)")

_MISSING_IMAGE = frozenset({"ImageNotFoundException", "RepositoryNotFoundException"})
_MISSING_OBJECT = frozenset({"404", "NoSuchKey", "NoSuchBucket", "NotFound"})


def check_parts(desired: DesiredEndpoint, service: Service, region: str, doing: str) -> None:
    """Check that image, artifact and role of every model exist.

    What belongs to another account or region, and what the deployer may not look at, is left to
    SageMaker.

    Raises:
        DeploymentError: something does not exist; everything that is missing is named.
    """
    _raise(doing, list(dict.fromkeys(_missing_parts(desired, service, region))))


def check_alarms(desired: DesiredEndpoint, service: Service, doing: str) -> None:
    """Check that the alarms that guard the endpoint exist, can be read, and do not fire.

    With `repair` an alarm may fire: the deployment is what will silence it.

    Raises:
        DeploymentError: one is missing, cannot be read or fires; all are named.
    """
    if not desired.guard_alarms:
        return
    try:
        found = found_alarms(service("cloudwatch"), desired.guard_alarms)
    except ClientError as error:
        if not is_denied(error):
            raise
        message = f"the alarms cannot be read: {error_message(error)}"
        raise DeploymentError(_refusal(doing, [message])) from error
    states = {alarm["AlarmName"]: alarm for alarm in found}
    reasons = [
        f"the alarm {name} does not exist; run `pulumi up --refresh` to make it again"
        for name in desired.guard_alarms
        if name not in states
    ]
    if not desired.repair:
        reasons += [
            f"the alarm {name} is firing ({alarm.get('StateReason') or 'no reason given'}); wait "
            "until it is over, or, if this change is what repairs it, set `rollout.repair: true`"
            for name, alarm in states.items()
            if alarm["StateValue"] == "ALARM"
        ]
    _raise(doing, reasons)


def _missing_parts(desired: DesiredEndpoint, service: Service, region: str) -> Iterator[str]:
    for request in desired.model_requests.values():
        container = request["PrimaryContainer"]
        role = _ROLE.fullmatch(request["ExecutionRoleArn"])
        account = role["account"] if role else None
        yield from _missing_image(container["Image"], service, account, region)
        yield from _missing_artifact(container.get("ModelDataUrl"), service)
        if role is not None:
            yield from _missing_role(role["name"], service)


def _missing_image(image: str, service: Service, account: str | None, region: str) -> Iterator[str]:
    known, digest = REGISTRY.match(image), digest_of(image)
    if known is None or not digest or (known["account"], known["region"]) != (account, region):
        return
    found = _looked_at(
        service,
        "ecr",
        "describe_images",
        _MISSING_IMAGE,
        repositoryName=known["name"],
        imageIds=[{"imageDigest": digest}],
    )
    if not found:
        yield f"the image {image} does not exist; push it, or name another by its digest"


def _missing_artifact(uri: str | None, service: Service) -> Iterator[str]:
    bucket, _, key = (uri or "").removeprefix("s3://").partition("/")
    if not key or key.endswith("/"):
        return
    if not _looked_at(service, "s3", "head_object", _MISSING_OBJECT, Bucket=bucket, Key=key):
        yield f"the model artifact {uri} does not exist; run `pulumi up --refresh` to upload it"


def _missing_role(name: str, service: Service) -> Iterator[str]:
    if not _looked_at(service, "iam", "get_role", frozenset({"NoSuchEntity"}), RoleName=name):
        yield f"the execution role {name} does not exist; give another, or let modelway make it"


def _looked_at(
    service: Service, name: str, operation: str, missing: frozenset[str], **parameters: Any
) -> bool:
    """Tell whether something exists, as far as the deployer may know."""
    try:
        service(name).call(operation, **parameters)
    except ClientError as error:
        if error_code(error) in missing:
            return False
        # S3 answers a HEAD without a body, so a denial is a bare 403.
        if not is_denied(error) and error_code(error) != "403":
            raise
    return True


def _raise(doing: str, reasons: list[str]) -> None:
    if reasons:
        raise DeploymentError(_refusal(doing, reasons))


def _refusal(doing: str, reasons: list[str]) -> str:
    listed = "".join(f"\n  - {reason}" for reason in reasons)
    return f"{doing}: not started, and nothing was changed:{listed}"
