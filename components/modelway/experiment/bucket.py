"""Lines of objects in S3: the only part of this package that knows AWS.

Takes `s3://BUCKET/PREFIX`, gives lines. boto3 is imported when it is used. Must not know what the
lines mean.
"""

from collections.abc import Iterator
from typing import Any

from modelway.errors import ExperimentError
from modelway.experiment.line import Line
from modelway.experiment.text import lines_of


def lines_in_bucket(uri: str, region: str | None = None) -> Iterator[Line]:
    """Give the lines of every object under a prefix, or of one object, in the order of keys.

    Args:
        uri: such as `s3://bucket/captured/fraud-prod`.
        region: default: boto3's own.

    Raises:
        ExperimentError: there is nothing, AWS refused, or could not be reached.
    """
    from boto3.session import Session
    from botocore.exceptions import BotoCoreError, ClientError

    bucket, _, prefix = uri.removeprefix("s3://").partition("/")
    try:
        client = Session(region_name=region).client("s3")
        keys = list(_keys(client, bucket, prefix))
        if not keys:
            raise ExperimentError(
                f"reading {uri}: there is no object; give a prefix that has some, such as "
                "s3://BUCKET/PREFIX/ENDPOINT of data capture"
            )
        for key in keys:
            body = client.get_object(Bucket=bucket, Key=key)["Body"]
            yield from lines_of(key, body, f"s3://{bucket}/{key}")
    except (BotoCoreError, ClientError) as error:
        raise ExperimentError(
            f"reading {uri}: {error}. Reading needs s3:ListBucket and s3:GetObject; for AWS set "
            "AWS_REGION and your credentials, for the emulator run "
            '`eval "$(modelway emulator env)"`'
        ) from error


def _keys(client: Any, bucket: str, prefix: str) -> Iterator[str]:
    pages = client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
    for page in pages:
        for found in page.get("Contents", ()):
            key = found["Key"]
            # A prefix is a folder or one object: `captured/a` must not read `captured/ab`.
            inside = not prefix or key.startswith(prefix.rstrip("/") + "/")
            if (inside or key == prefix) and not key.endswith("/"):
                yield key
