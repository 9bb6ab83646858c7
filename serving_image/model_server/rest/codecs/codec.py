"""What every format can do."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, runtime_checkable

import numpy as np

from model_server.core.tensors import Array, Contract, TensorSpec, Value, rows_of
from model_server.rest.media import MediaType

if TYPE_CHECKING:
    from model_server.core.model import Model
    from model_server.core.rules import InputRules
    from model_server.rest.oip.call import InferCall


@dataclass(slots=True)  # not frozen: that costs half a microsecond a request
class Decoded:
    """A request's tensors. Whether they fit the model is for `Model.problems` to say."""

    inputs: dict[str, Array]

    outputs: tuple[str, ...] | None = None
    """Names of the outputs that the body itself asks for; None: it does not say."""

    call: "InferCall | None" = None
    """What a body of the Open Inference Protocol asks for, which its answer has to know."""

    @property
    def rows(self) -> int:
        """The request's rows, as `rows_of` counts them."""
        return rows_of(self.inputs)


class Format(Protocol):
    """A format of request and answer bodies, as far as every one has it in common."""

    media_type: str
    """Its name in Content-Type and Accept, lower case."""

    charsets: frozenset[str]
    """Values of the charset parameter that a request may name; empty: any, as it means nothing."""

    def refuses_inputs(self, contract: Contract) -> str | None:
        """Say why this format cannot carry a model's inputs, or give None."""
        ...

    def refuses_outputs(self, outputs: Sequence[TensorSpec]) -> str | None:
        """Say why this format cannot carry these outputs, or give None."""
        ...

    def decode(
        self, body: bytes, contract: Contract, media: MediaType, rules: "InputRules | None"
    ) -> Decoded:
        """Turn a body into tensors, or raise InvalidInput with every problem.

        Args:
            body: the whole body.
            contract: of the model that is asked; `refuses_inputs` had nothing against it.
            media: the request's Content-Type, for a format that has parameters.
            rules: of the model, for a format that says in its own words what breaks one.
        """
        ...


class Codec(Format, Protocol):
    """A format whose answers say nothing but the model's values."""

    def encode(self, outputs: Mapping[str, Value], rows: int) -> bytes:
        """Turn a model's values into a body; ``rows`` is the request's."""
        ...


@runtime_checkable
class DescribingCodec(Format, Protocol):
    """A format whose Content-Type says something of the body, or whose answer of the request."""

    def write(
        self, outputs: Mapping[str, Value], decoded: Decoded, model: "Model"
    ) -> tuple[bytes, bytes]:
        """Turn a model's values into a body, and give its Content-Type with it."""
        ...


UTF8 = frozenset({"utf-8", "utf8", "us-ascii", "ascii"})
"""Charsets of text formats: UTF-8, and ASCII as a part of it."""

REFUSED = "the request does not fit the model"
"""The sentence above a list of problems."""


def refuses_all_but_one_input(contract: Contract, what: str) -> str | None:
    """Say why a format of one tensor of numbers cannot carry a model's inputs, or give None.

    Args:
        contract: the model's.
        what: the format's word for what it carries, such as ``array``.
    """
    if len(contract.inputs) != 1:
        return f"it carries one {what}, and this model has {contract.names_of_inputs()}"
    if contract.inputs[0].dtype == np.object_:
        return f"it carries numbers, and this model takes {contract.inputs[0]}"
    return None


def refuses_all_but_one_output(
    outputs: Sequence[TensorSpec], what: str, media_type: str
) -> str | None:
    """Say why a format of one tensor of numbers cannot carry these outputs, or give None."""
    if len(outputs) != 1:
        names = ", ".join(repr(spec.name) for spec in outputs)
        return (
            f"it carries one {what}, and this model gives {names}; choose one with "
            f"'Accept: {media_type}; output={outputs[-1].name}'"
        )
    if outputs[0].dtype is None or outputs[0].dtype == np.object_:
        return f"it carries numbers, and {outputs[0]} holds none"
    return None
