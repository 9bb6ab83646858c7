"""Copies a model artifact from one account's bucket to another's, and verifies its digest.

Takes two addresses in S3, streams the object from one to the other: it is never in memory as a
whole. An object whose bytes are not what was promised never appears; one that is there already,
with the same bytes, is left. Must not look into the artifact.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from modelway.aws_client import aws_client
from modelway.errors import ArtifactError

SCHEME = "s3://"
CHUNK_BYTES = 1024 * 1024

Tell = Callable[[str, int, int], None]
"""Called as bytes arrive: what, bytes so far, bytes in all."""


@dataclass(frozen=True)
class ObjectAddress:
    """One object, as its account sees it."""

    bucket: str
    key: str
    region: str
    profile: str | None = None
    """Of the user's AWS configuration; None: boto3's own choice."""

    def __str__(self) -> str:
        """Give it as it is written."""
        return f"{SCHEME}{self.bucket}/{self.key}"

    @property
    def client(self) -> Any:
        """S3 of its account."""
        return aws_client("s3", self.region, self.profile)


@dataclass(frozen=True)
class CopiedArtifact:
    """What a copy did."""

    digest: str
    """Of the object: `sha256:` and 64 hexadecimal digits."""
    size_bytes: int
    skipped: bool
    """It was there."""


class _Hashed:
    """A stream that hashes what is read, and refuses to end with another digest than wanted."""

    def __init__(self, body: Any, wanted: str | None, tell: Callable[[int], None]) -> None:
        self._body, self._wanted, self._tell = body, wanted, tell
        self._sha256 = hashlib.sha256()
        self.size_bytes = 0

    @property
    def digest(self) -> str:
        return f"sha256:{self._sha256.hexdigest()}"

    def read(self, size: int = -1) -> bytes:
        content: bytes = self._body.read(None if size < 0 else size)
        self._sha256.update(content)
        self.size_bytes += len(content)
        self._tell(self.size_bytes)
        if (not content or size < 0) and self._wanted not in (None, self.digest):
            raise ArtifactError(
                f"its digest is {self.digest}, not {self._wanted}: it is another artifact"
            )
        return content


def copy_artifact(
    source: ObjectAddress, target: ObjectAddress, digest: str | None, tell: Tell
) -> CopiedArtifact:
    """Copy an object and verify it.

    Args:
        source: where it is.
        target: where it is to be; the bucket exists.
        digest: what it must have. Default: whatever the source has.
        tell: hears of progress.

    Raises:
        ArtifactError: S3 refuses, or the digest is another one.
    """
    from boto3.exceptions import S3UploadFailedError
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        return _copy(source, target, digest, tell)
    except ArtifactError as error:
        raise ArtifactError(f"copying {source} to {target}: {error}") from None
    except (BotoCoreError, ClientError, S3UploadFailedError) as error:
        raise ArtifactError(f"copying {source} to {target}: {error}") from None


def _copy(
    source: ObjectAddress, target: ObjectAddress, digest: str | None, tell: Tell
) -> CopiedArtifact:
    size_bytes = int(
        source.client.head_object(Bucket=source.bucket, Key=source.key)["ContentLength"]
    )
    if _size_bytes(target) == size_bytes:
        wanted = digest or _digest(source, tell)
        if _digest(target, tell) == wanted:
            return CopiedArtifact(wanted, size_bytes, skipped=True)
    body = source.client.get_object(Bucket=source.bucket, Key=source.key)["Body"]
    stream = _Hashed(body, digest, lambda done: tell("copying", done, size_bytes))
    target.client.upload_fileobj(stream, target.bucket, target.key)
    there = _digest(target, tell)
    if there != stream.digest:
        raise ArtifactError(f"the copy has the digest {there}, not {stream.digest}; copy it again")
    return CopiedArtifact(there, stream.size_bytes, skipped=False)


def _size_bytes(place: ObjectAddress) -> int | None:
    from botocore.exceptions import ClientError

    try:
        return int(place.client.head_object(Bucket=place.bucket, Key=place.key)["ContentLength"])
    except ClientError as error:
        if error.response["ResponseMetadata"]["HTTPStatusCode"] == 404:  # noqa: PLR2004
            return None
        raise


def _digest(place: ObjectAddress, tell: Tell) -> str:
    answer = place.client.get_object(Bucket=place.bucket, Key=place.key)
    size_bytes = int(answer["ContentLength"])
    stream = _Hashed(answer["Body"], None, lambda done: tell("verifying", done, size_bytes))
    while stream.read(CHUNK_BYTES):
        pass
    return stream.digest
