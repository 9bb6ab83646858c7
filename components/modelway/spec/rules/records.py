"""Rules of what is recorded: logs and captured data.

Takes the spec of one environment, gives `Problem`s.
"""

import re
from collections.abc import Iterator

from modelway.errors import Problem
from modelway.spec.model import RETENTION_DAYS, ModelSpec

CAPTURE_URI_LIMIT = 512
"""Characters of the destination (botocore sagemaker: DestinationS3Uri)."""

_S3_PREFIX = re.compile(r"s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/\S*)?\Z")


def record_problems(spec: ModelSpec) -> Iterator[Problem]:
    """Check the retention of logs, then data capture."""
    days = spec.logging.retention_days
    if days not in RETENTION_DAYS:
        yield Problem(
            path="logging.retention_days",
            message="is not a retention that CloudWatch Logs offers",
            value=days,
            allowed=", ".join(str(choice) for choice in RETENTION_DAYS),
            source="CloudWatch Logs PutRetentionPolicy.retentionInDays",
        )
    capture = spec.data_capture
    if capture is None:
        return
    if not capture.capture or len(set(capture.capture)) < len(capture.capture):
        yield Problem(
            path="data_capture.capture",
            message="must name each side once",
            value=list(capture.capture),
            allowed="[input], [output] or [input, output]",
            source="SageMaker DataCaptureConfig.CaptureOptions",
        )
    destination = capture.destination
    if destination is None:
        return
    if _S3_PREFIX.match(destination) is None or len(destination) > CAPTURE_URI_LIMIT:
        yield Problem(
            path="data_capture.destination",
            message="is not an S3 URI that SageMaker writes to",
            value=destination,
            allowed=f"s3://BUCKET/PREFIX of at most {CAPTURE_URI_LIMIT} characters",
            source="SageMaker DataCaptureConfig.DestinationS3Uri",
        )
