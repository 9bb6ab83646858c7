"""What a SageMaker batch transform job says of itself.

Takes the variables that SageMaker sets in a job's containers, gives the limits that follow. Must
not decide what the server does with them.

https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-batch-code.html and
https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateTransformJob.html
(read 2026-11).
"""

from dataclasses import dataclass

from model_server.settings.reader import Reader

MIB = 2**20

MAX_PAYLOAD_MB = 100
"""Most that a job may set as MaxPayloadInMB, and as its product with MaxConcurrentTransforms."""

DEFAULT_PAYLOAD_MB = 6
"""MaxPayloadInMB of a job that does not set it."""

STREAMED_BODY_BYTES = 2**30
"""Body limit where MaxPayloadInMB is 0, which says that bodies of any size come in chunks."""

INVOKE_SECONDS = 3598.0
"""A job waits for each answer as long as its InvocationsTimeoutInSeconds, 3600 s at most, and does
not tell the container; a clean 504 has to leave before that."""


@dataclass(frozen=True)
class TransformLimits:
    """Limits of a request in a job, in place of those of an endpoint."""

    max_body_bytes: int
    """``SAGEMAKER_MAX_PAYLOAD_IN_MB``, in bytes."""

    invoke_seconds: float = INVOKE_SECONDS

    @classmethod
    def read(cls, reader: Reader) -> "TransformLimits | None":
        """Give the job's limits, or None where ``SAGEMAKER_BATCH`` does not say that this is one.

        ``SAGEMAKER_BATCH_STRATEGY`` and ``SAGEMAKER_MAX_CONCURRENT_TRANSFORMS`` are not read: one
        record or many, the answer has one prediction for each, and more requests at once than a
        job may send are served anyway.
        """
        if not reader.flag("SAGEMAKER_BATCH", default=False):
            return None
        payload = reader.number(
            "SAGEMAKER_MAX_PAYLOAD_IN_MB", int, DEFAULT_PAYLOAD_MB, 0, MAX_PAYLOAD_MB
        )
        return cls(payload * MIB if payload else STREAMED_BODY_BYTES)


def execution_parameters(max_body_bytes: int, cpus: int) -> dict[str, int | str]:
    """Give what a job uses where its own request says nothing.

    Args:
        max_body_bytes: largest body the server takes.
        cpus: that the server may use.

    Returns:
        ``MaxPayloadInMB``, 1 to 100: what the server takes. ``MaxConcurrentTransforms``: two for a
        CPU, so that one request is read while another runs, and as many as may be with that
        payload. ``BatchStrategy``: many records a request, for a run of many rows costs far less
        than many runs.
    """
    payload = min(max(1, max_body_bytes // MIB), MAX_PAYLOAD_MB)
    return {
        "MaxConcurrentTransforms": max(1, min(2 * cpus, MAX_PAYLOAD_MB // payload)),
        "BatchStrategy": "MULTI_RECORD",
        "MaxPayloadInMB": payload,
    }
