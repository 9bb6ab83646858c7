"""The trained model in a spec: where it is, and what it takes and gives.

Frozen, validated values. Must not read the file (`modelway.package`).
"""

from enum import StrEnum
from typing import Literal

from pydantic import Field, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError

from modelway.spec.part import Part
from modelway.spec.registry import REFERENCE_PATTERN


class Datatype(StrEnum):
    """A tensor's element type, in the words of the Open Inference Protocol v2."""

    BOOL = "BOOL"
    UINT8 = "UINT8"
    UINT16 = "UINT16"
    UINT32 = "UINT32"
    UINT64 = "UINT64"
    INT8 = "INT8"
    INT16 = "INT16"
    INT32 = "INT32"
    INT64 = "INT64"
    FP16 = "FP16"
    FP32 = "FP32"
    FP64 = "FP64"
    BYTES = "BYTES"


class Tensor(Part):
    """One input or output of the model."""

    name: str
    """The tensor's name in the model file."""
    datatype: Datatype
    """Element type."""
    shape: tuple[int, ...]
    """Size of each axis; -1 for an axis that varies, such as the batch."""


class Model(Part):
    """Where the trained model is, and what it takes and gives."""

    registry: str | None = Field(default=None, pattern=REFERENCE_PATTERN)
    """A version of a SageMaker model package group instead of a path: `GROUP/VERSION`, or
    `GROUP@approved` for the newest approved one. Only approved versions are deployed, and a stack
    with release records deploys the package of its record. Default: none."""
    path: str = Field(default="", validate_default=True)
    """A file or a package's folder, relative to the spec's folder, or an `s3://bucket/key` URI of a
    `model.tar.gz`. Default: none, where `registry` names the model."""
    format: Literal["onnx"] = "onnx"
    """How the file is to be read."""
    version: str = "1"
    """The user's own label; goes into tags and the dashboard, never into names or hashes."""
    digest: str | None = Field(default=None, pattern=r"^sha256:[0-9a-f]{64}$")
    """`sha256:` and the digest of the file. Needed for an S3 URI, checked for a file. Default: read
    from the file."""
    inputs: tuple[Tensor, ...] = ()
    """Default: read from the file."""
    outputs: tuple[Tensor, ...] = ()
    """Default: read from the file."""
    input_rules: str | None = None
    """A JSON file of what values may go in, relative to the spec's folder; it is packed beside the
    model, and the server refuses requests by it. Default: only names, datatypes and shapes count.
    """
    generation: str | None = None
    """A JSON file of how the model emits a sequence, relative to the spec's folder; it is packed
    beside the model. Default: one answer a request."""

    @field_validator("path")
    @classmethod
    def _somewhere(cls, value: str, info: ValidationInfo) -> str:
        """Refuse a model that is nowhere; one in two places is refused by the rules."""
        if not value and "registry" in info.data and info.data["registry"] is None:
            raise PydanticCustomError("missing", "is missing")
        return value
