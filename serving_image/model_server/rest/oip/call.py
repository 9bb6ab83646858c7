"""One inference as the protocol asks for it, read and not yet run."""

from dataclasses import dataclass
from typing import Any

from model_server.core.tensors import Array

Parameters = dict[str, Any]
"""The protocol's parameters: texts, numbers and booleans by name."""


@dataclass(slots=True)  # not frozen: that costs half a microsecond a request
class InferCall:
    """What a request asks for, and what its answer has to know again."""

    id: str | None
    """The caller's own id, which the answer repeats; None where the request has none."""

    inputs: dict[str, Array]
    """Tensors by name, with the datatypes and the numbers of axes of the model's inputs; whether
    their lengths and values fit is for `Model.problems`."""

    outputs: tuple[str, ...]
    """Names of the outputs wanted, in the order of the request, or else of the model."""

    binary: frozenset[str]
    """Those of them that are wanted as bytes."""

    parameters: Parameters
    """The request's own parameters."""
