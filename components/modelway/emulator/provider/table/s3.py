"""Amazon S3: buckets and what is configured of them. Objects are in `s3_object`."""

from collections.abc import Sequence
from typing import Any

from modelway.emulator.provider.entry import AutoName, Call, Entry, Read, Tagging
from modelway.emulator.provider.target import AwsError, Gone, Target

_BUCKET = {"Bucket": "id"}
_OWNER = {"Bucket": "bucket", "ExpectedBucketOwner": "expectedBucketOwner"}
_FIXED_REGION = "us-east-1"
_HOSTED_ZONES = {
    # https://docs.aws.amazon.com/general/latest/gr/s3.html, read 2026-11
    "ap-northeast-1": "Z2M4EHUR26P7ZW",
    "ap-southeast-1": "Z3O0J2DXBE1FTB",
    "eu-central-1": "Z21DNDUVLTQW6Q",
    "eu-west-1": "Z1BKCTXD74EZPE",
    "us-east-1": "Z3AQBSTGFJSTF",
    "us-east-2": "Z2O1EMRO9K5GLX",
    "us-west-1": "Z2F56UZL2M1ACD",
    "us-west-2": "Z3BJ6K6RIION7M",
}


def _of_bucket(target: Target, state: dict[str, Any], raws: Sequence[Any]) -> None:
    del raws
    state["bucket"] = target.id


def _refuse_existing(target: Target) -> None:
    """In us-east-1 AWS answers 200 for a bucket one owns already; the official provider refuses."""
    if target.region != _FIXED_REGION:
        return
    try:
        target.aws("HeadBucket", Bucket=target.get("bucket"))
    except AwsError:
        return
    raise AwsError(
        "CreateBucket",
        "BucketAlreadyExists",
        f"the bucket {target.get('bucket')} exists already; import it or choose another name",
    )


def _bucket_request(target: Target, parameters: dict[str, Any]) -> None:
    if target.region != _FIXED_REGION:
        parameters["CreateBucketConfiguration"] = {"LocationConstraint": target.region}


def _bucket_state(target: Target, state: dict[str, Any], raws: Sequence[Any]) -> None:
    del raws
    name, region = target.id, target.region
    state["bucket"] = name
    state["arn"] = f"arn:aws:s3:::{name}"
    state["bucketRegion"] = region
    state["bucketDomainName"] = f"{name}.s3.amazonaws.com"
    state["bucketRegionalDomainName"] = f"{name}.s3.{region}.amazonaws.com"
    state["hostedZoneId"] = _HOSTED_ZONES.get(region, "")


def _empty_bucket(target: Target) -> None:
    """With `forceDestroy`, delete every version of every object; AWS deletes only empty buckets."""
    if not target.get("forceDestroy"):
        return
    for page in target.pages("ListObjectVersions", Bucket=target.id):
        found = [*page.get("Versions", ()), *page.get("DeleteMarkers", ())]
        objects = [{"Key": each["Key"], "VersionId": each["VersionId"]} for each in found]
        if objects:
            target.aws(
                "DeleteObjects", Bucket=target.id, Delete={"Objects": objects, "Quiet": True}
            )


def _separately(name: str) -> str:
    return f"declare it with aws.s3.{name}, which replaces this property"


BUCKET = Entry(
    type="aws:s3/bucket:Bucket",
    service="s3",
    create=Call("CreateBucket"),
    id_property="bucket",
    before_create=_refuse_existing,
    request=_bucket_request,
    reads=(Read(Call("HeadBucket", _BUCKET), properties=()),),
    not_found=("404", "NoSuchBucket"),
    before_delete=_empty_bucket,
    delete=Call("DeleteBucket", _BUCKET),
    names={"objectLockEnabled": "ObjectLockEnabledForBucket"},
    tagging=Tagging(
        listing=Call("GetBucketTagging", _BUCKET),
        tag=Call("PutBucketTagging", _BUCKET),
        untag=Call("DeleteBucketTagging", _BUCKET),
        result="TagSet",
        tags_member="Tagging.TagSet",
        keys_member="",
    ),
    state=_bucket_state,
    auto_name=AutoName(limit=63, property="bucket", lower=True),
    replaces=frozenset({"bucket", "bucketPrefix", "objectLockEnabled"}),
    local=frozenset({"bucketPrefix", "forceDestroy"}),
    untold=frozenset({"objectLockEnabled"}),
    refused={
        "accelerationStatus": _separately("BucketAccelerateConfiguration"),
        "acl": _separately("BucketAcl"),
        "bucketNamespace": "buckets of the emulator are all in the global namespace",
        "corsRules": _separately("BucketCorsConfiguration"),
        "grants": _separately("BucketAcl"),
        "lifecycleRules": _separately("BucketLifecycleConfiguration"),
        "logging": _separately("BucketLogging"),
        "objectLockConfiguration": _separately("BucketObjectLockConfiguration"),
        "policy": _separately("BucketPolicy"),
        "replicationConfiguration": _separately("BucketReplicationConfig"),
        "requestPayer": _separately("BucketRequestPaymentConfiguration"),
        "serverSideEncryptionConfiguration": _separately("BucketServerSideEncryptionConfiguration"),
        "versioning": _separately("BucketVersioning"),
        "website": _separately("BucketWebsiteConfiguration"),
    },
)


def _versioning_state(target: Target, state: dict[str, Any], raws: Sequence[Any]) -> None:
    status = raws[0].get("Status")
    wanted = (target.get("versioningConfiguration") or {}).get("status")
    if not status and wanted != "Disabled":
        raise Gone(f"{target.id} has no versioning")
    state["bucket"] = target.id
    state["versioningConfiguration"] = {"status": status or "Disabled"}
    if raws[0].get("MFADelete"):
        state["versioningConfiguration"]["mfaDelete"] = raws[0]["MFADelete"]


def _suspend_versioning(target: Target) -> None:
    """Versioning cannot be taken off a bucket, only suspended."""
    if (target.get("versioningConfiguration") or {}).get("status") == "Enabled":
        target.aws(
            "PutBucketVersioning",
            Bucket=target.id,
            VersioningConfiguration={"Status": "Suspended"},
        )


BUCKET_VERSIONING = Entry(
    type="aws:s3/bucketVersioning:BucketVersioning",
    service="s3",
    create=Call("PutBucketVersioning"),
    put=True,
    id_property="bucket",
    reads=(Read(Call("GetBucketVersioning", _BUCKET), properties=()),),
    not_found=("NoSuchBucket",),
    before_delete=_suspend_versioning,
    delete=None,
    state=_versioning_state,
    replaces=frozenset({"bucket", "expectedBucketOwner"}),
    computed=frozenset({"versioningConfiguration.mfaDelete"}),
    untold=frozenset({"expectedBucketOwner", "mfa"}),
)

BUCKET_ENCRYPTION = Entry(
    type="aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration",
    service="s3",
    create=Call("PutBucketEncryption", _OWNER),
    envelope="ServerSideEncryptionConfiguration",
    put=True,
    id_property="bucket",
    reads=(Read(Call("GetBucketEncryption", _BUCKET), "ServerSideEncryptionConfiguration"),),
    not_found=("NoSuchBucket", "ServerSideEncryptionConfigurationNotFoundError"),
    delete=Call("DeleteBucketEncryption", _BUCKET),
    names={"rules.blockedEncryptionTypes": "BlockedEncryptionTypes.EncryptionType"},
    state=_of_bucket,
    replaces=frozenset({"bucket", "expectedBucketOwner"}),
    computed=frozenset({"rules.blockedEncryptionTypes", "rules.bucketKeyEnabled"}),
    untold=frozenset({"expectedBucketOwner"}),
    unordered=frozenset({"rules"}),
)

BUCKET_PUBLIC_ACCESS_BLOCK = Entry(
    type="aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock",
    service="s3",
    create=Call("PutPublicAccessBlock", {"Bucket": "bucket"}),
    envelope="PublicAccessBlockConfiguration",
    put=True,
    id_property="bucket",
    reads=(Read(Call("GetPublicAccessBlock", _BUCKET), "PublicAccessBlockConfiguration"),),
    not_found=("NoSuchBucket", "NoSuchPublicAccessBlockConfiguration"),
    delete=Call("DeletePublicAccessBlock", _BUCKET),
    state=_of_bucket,
    replaces=frozenset({"bucket"}),
    local=frozenset({"skipDestroy"}),
)

BUCKET_OWNERSHIP = Entry(
    type="aws:s3/bucketOwnershipControls:BucketOwnershipControls",
    service="s3",
    create=Call("PutBucketOwnershipControls", {"Bucket": "bucket"}),
    envelope="OwnershipControls",
    put=True,
    id_property="bucket",
    reads=(Read(Call("GetBucketOwnershipControls", _BUCKET), "OwnershipControls"),),
    not_found=("NoSuchBucket", "OwnershipControlsNotFoundError"),
    delete=Call("DeleteBucketOwnershipControls", _BUCKET),
    state=_of_bucket,
    replaces=frozenset({"bucket"}),
)


def _whole_filters(target: Target, parameters: dict[str, Any]) -> None:
    """A rule without a filter is for all objects, which AWS wants to be said."""
    del target
    for rule in parameters["LifecycleConfiguration"].get("Rules", ()):
        if not rule.get("Filter") and "Prefix" not in rule:
            rule["Filter"] = {"Prefix": ""}


BUCKET_LIFECYCLE = Entry(
    type="aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration",
    service="s3",
    create=Call(
        "PutBucketLifecycleConfiguration",
        {**_OWNER, "TransitionDefaultMinimumObjectSize": "transitionDefaultMinimumObjectSize"},
    ),
    envelope="LifecycleConfiguration",
    put=True,
    id_property="bucket",
    request=_whole_filters,
    reads=(Read(Call("GetBucketLifecycleConfiguration", _BUCKET)),),
    not_found=("NoSuchBucket", "NoSuchLifecycleConfiguration"),
    delete=Call("DeleteBucketLifecycle", _BUCKET),
    state=_of_bucket,
    replaces=frozenset({"bucket", "expectedBucketOwner"}),
    computed=frozenset(
        {
            "expectedBucketOwner",
            "rules.expiration.expiredObjectDeleteMarker",
            "rules.filter.prefix",
            "rules.prefix",
            "transitionDefaultMinimumObjectSize",
        }
    ),
    untold=frozenset({"expectedBucketOwner"}),
    unordered=frozenset({"rules.noncurrentVersionTransitions", "rules.transitions"}),
)

BUCKET_POLICY = Entry(
    type="aws:s3/bucketPolicy:BucketPolicy",
    service="s3",
    create=Call("PutBucketPolicy"),
    put=True,
    id_property="bucket",
    reads=(Read(Call("GetBucketPolicy", _BUCKET)),),
    not_found=("NoSuchBucket", "NoSuchBucketPolicy"),
    delete=Call("DeleteBucketPolicy", _BUCKET),
    state=_of_bucket,
    replaces=frozenset({"bucket"}),
    policies=frozenset({"policy"}),
)

ENTRIES = (
    BUCKET,
    BUCKET_VERSIONING,
    BUCKET_ENCRYPTION,
    BUCKET_PUBLIC_ACCESS_BLOCK,
    BUCKET_OWNERSHIP,
    BUCKET_LIFECYCLE,
    BUCKET_POLICY,
)
