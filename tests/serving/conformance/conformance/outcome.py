"""What is asked of a server, and what came of it, whatever the protocol."""

from dataclasses import dataclass, field
from typing import Any

from conformance.tensors import Tensor

OK = "OK"


@dataclass(frozen=True)
class Ask:
    """One inference."""

    inputs: tuple[Tensor, ...]
    outputs: tuple[str, ...] = ()
    """Outputs wanted; none: all."""
    id: str = ""
    model: str = ""
    """Another model than the one that is tested."""
    version: str = ""


@dataclass(frozen=True)
class Outcome:
    """What came of it."""

    code: str
    """OK, or the error in gRPC's words, which REST's status is turned into."""

    outputs: tuple[Tensor, ...] = ()
    id: str = ""
    model: str = ""
    error: str = ""
    detail: Any = field(default=None, repr=False)
    """The answer itself."""

    def output(self, name: str) -> Tensor:
        """Give the output of a name."""
        return next(tensor for tensor in self.outputs if tensor.name == name)


class ProtocolError(Exception):
    """The answer breaks a rule of the protocol, whatever was asked."""
