"""Amazon S3: objects, whose content a program hands over as text or as an asset."""

import base64
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode

from modelway.emulator.provider.asset import open_asset
from modelway.emulator.provider.entry import AutoName, Call, Change, Entry, Read, Tagging
from modelway.emulator.provider.tags import wanted_tags
from modelway.emulator.provider.target import Target

_OBJECT = {"Bucket": "bucket", "Key": "key"}
_WRITTEN = frozenset(
    {
        "checksumCrc32",
        "checksumCrc32c",
        "checksumCrc64nvme",
        "checksumSha1",
        "checksumSha256",
        "etag",
        "versionId",
    }
)


def _body(target: Target) -> Any:
    """Give the content: a file is streamed, never held in memory as a whole."""
    source = target.get("source")
    if source is not None:
        return target.files.enter_context(open_asset(source, target.setup.directory))
    encoded = target.get("contentBase64")
    if encoded is not None:
        return base64.b64decode(encoded)
    content = target.get("content")
    return b"" if content is None else content.encode()


def _request(target: Target, parameters: dict[str, Any]) -> None:
    # Writing an object again drops its tags unless they come along.
    wanted = wanted_tags(target.setup, target.inputs)
    if wanted:
        parameters["Tagging"] = urlencode(wanted)
    if parameters.get("SSEKMSKeyId"):
        parameters.setdefault("ServerSideEncryption", "aws:kms")


def _identify(target: Target) -> str:
    return f"{target.get('bucket')}/{target.get('key')}"


def _parse(id_: str) -> dict[str, Any]:
    bucket, _, key = id_.removeprefix("s3://").partition("/")
    return {"bucket": bucket, "key": key}


def _state(target: Target, state: dict[str, Any], raws: Sequence[Any]) -> None:
    state["bucket"], state["key"] = target.get("bucket"), target.get("key")
    state["arn"] = f"arn:aws:s3:::{state['bucket']}/{state['key']}"
    state["etag"] = raws[0].get("ETag", "").strip('"')
    state["storageClass"] = raws[0].get("StorageClass") or "STANDARD"


def _set_acl(target: Target) -> None:
    target.aws(
        "PutObjectAcl",
        Bucket=target.get("bucket"),
        Key=target.get("key"),
        ACL=target.get("acl") or "private",
    )


def _delete_object(target: Target) -> None:
    """Delete the object, in a versioned bucket with all its versions."""
    bucket, key = target.get("bucket"), target.get("key")
    if not target.state.get("versionId"):
        target.aws("DeleteObject", Bucket=bucket, Key=key)
        return
    pages = target.pages("ListObjectVersions", Bucket=bucket, Prefix=key)
    for page in pages:
        for each in (*page.get("Versions", ()), *page.get("DeleteMarkers", ())):
            if each["Key"] == key:
                target.aws(
                    "DeleteObject",
                    Bucket=bucket,
                    Key=key,
                    VersionId=each["VersionId"],
                    **({"BypassGovernanceRetention": True} if target.get("forceDestroy") else {}),
                )


BUCKET_OBJECT = Entry(
    type="aws:s3/bucketObjectv2:BucketObjectv2",
    service="s3",
    create=Call("PutObject", {"Body": _body}),
    put=True,
    identify=_identify,
    parse_id=_parse,
    request=_request,
    reads=(
        Read(
            Call(
                "HeadObject",
                {
                    **_OBJECT,
                    "ChecksumMode": lambda t: "ENABLED" if t.get("checksumAlgorithm") else None,
                },
            )
        ),
    ),
    not_found=("404", "NoSuchBucket", "NoSuchKey"),
    before_delete=_delete_object,
    delete=None,
    names={
        "acl": "ACL",
        "content": "",
        "contentBase64": "",
        "etag": "",
        "kmsKeyId": "SSEKMSKeyId",
        "source": "",
        "sourceHash": "",
        "websiteRedirect": "WebsiteRedirectLocation",
    },
    changes=(Change(("acl",), _set_acl),),
    tagging=Tagging(
        listing=Call("GetObjectTagging", _OBJECT),
        tag=Call("PutObjectTagging", _OBJECT),
        untag=Call("DeleteObjectTagging", _OBJECT),
        result="TagSet",
        tags_member="Tagging.TagSet",
        keys_member="",
    ),
    state=_state,
    auto_name=AutoName(limit=1024, property="key", suffix=False),
    replaces=frozenset({"bucket", "key"}),
    computed=frozenset(
        {
            "acl",
            "bucketKeyEnabled",
            "contentType",
            "etag",
            "kmsKeyId",
            "serverSideEncryption",
            "storageClass",
        }
    ),
    local=frozenset({"forceDestroy", "overrideProvider"}),
    untold=frozenset(
        {"acl", "checksumAlgorithm", "content", "contentBase64", "source", "sourceHash"}
    ),
    fresh=dict.fromkeys(("content", "contentBase64", "source", "sourceHash"), _WRITTEN),
)

ENTRIES = (BUCKET_OBJECT,)
