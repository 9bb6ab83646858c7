"""One case of the table, and what it is run against."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from conformance.grpc_side import Grpc
from conformance.outcome import OK, Ask, Outcome, ProtocolError
from conformance.rest import Rest
from conformance.tensors import DATATYPES, FLOATS, Tensor


class Form(StrEnum):
    """How a tensor's values travel."""

    NESTED = "JSON nested"
    FLAT = "JSON flat"
    BINARY = "binary"
    TYPED = "gRPC typed"
    RAW = "gRPC raw"


ALL = tuple(Form)
JSON = (Form.NESTED, Form.FLAT)
REST = (Form.NESTED, Form.FLAT, Form.BINARY)
BITS = (Form.BINARY, Form.RAW)
"""Forms that carry every bit of every datatype."""


class Level(StrEnum):
    """How much a case weighs."""

    MUST = "must"
    """The protocol, or the binary tensor extension, says so."""

    SHOULD = "should"
    """The protocol leaves it open; silence there would change what a caller means."""


@dataclass(frozen=True)
class Target:
    """The server and the model under test."""

    model: str
    rest: Rest | None = None
    grpc: Grpc | None = None

    @property
    def datatype(self) -> str:
        """The datatype of an echo model."""
        return self.model.rpartition("echo_")[2].upper()

    @property
    def echoes(self) -> bool:
        """Whether the model is one of the thirteen that echo."""
        return self.datatype in DATATYPES

    def has(self, form: Form) -> bool:
        """Whether a form can be sent."""
        return (self.rest if form in REST else self.grpc) is not None

    def send(self, form: Form, ask: Ask) -> Outcome:
        """Send an inference in a form."""
        if form in REST:
            assert self.rest is not None  # asked with `has` before
            return {
                Form.NESTED: self.rest.nested,
                Form.FLAT: self.rest.flat,
                Form.BINARY: self.rest.binary,
            }[form](ask)
        assert self.grpc is not None  # as above
        return self.grpc.typed(ask) if form is Form.TYPED else self.grpc.raw(ask)


Check = Callable[[Target, Form], None]
"""Raises `ProtocolError` where the server does not do what it should."""

Applies = Callable[[Target], bool]


@dataclass(frozen=True)
class Case:
    """One thing that a server has to do."""

    area: str

    name: str
    """A sentence, unique in its area."""

    check: Check

    forms: tuple[Form, ...] = ALL
    """Forms in which it is run; a case that makes its own requests has one."""

    level: Level = Level.MUST

    applies: Applies = lambda _: True
    """To which models."""


def refused(outcome: Outcome, code: str = "INVALID_ARGUMENT") -> None:
    """Insist on an error.

    Raises:
        ProtocolError: it is none, another one, or one that tells of the machine.
    """
    if outcome.code == OK:
        raise ProtocolError(f"it was answered, where {code} belongs")
    if outcome.code != code:
        raise ProtocolError(
            f"the error is {outcome.code} where {code} belongs: {outcome.error[:200]}"
        )
    if not outcome.error:
        raise ProtocolError("the error says nothing")
    for trace in ("Traceback", 'File "', "/usr/", "/opt/", "/home/", "site-packages"):
        if trace in outcome.error:
            raise ProtocolError(f"the error tells of the machine: {outcome.error[:200]}")


def answered(outcome: Outcome) -> Outcome:
    """Insist on an answer.

    Raises:
        ProtocolError: it is an error.
    """
    if outcome.code != OK:
        raise ProtocolError(f"{outcome.code}: {outcome.error[:300]}")
    return outcome


def sample(datatype: str, shape: tuple[int, int] = (2, 3), name: str = "x") -> Tensor:
    """Give a plain tensor of a datatype, whose values differ from each other where they can."""
    count = int(np.prod(shape))
    values = {
        "BOOL": [number % 2 == 0 for number in range(count)],
        "BYTES": [f"t{number}".encode() for number in range(count)],
    }.get(datatype)
    if values is None:
        step = 0.5 if datatype in FLOATS else 1
        values = [number % 100 * step for number in range(count)]
    return Tensor.of(name, datatype, values, shape)
