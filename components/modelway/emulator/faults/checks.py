"""What a field of a fault may be, in words that a refusal can use.

Takes a value from JSON and the other fields, gives None or what is allowed instead. Must not know
which faults there are.
"""

import difflib
import math
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from modelway.emulator.faults.aws_names import operations_of, services

_NAME = re.compile(r"[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}")
"""Names of endpoints and configurations (CreateEndpoint, EndpointName)."""


class Check(Protocol):
    """A rule for one field."""

    def problem(self, value: object, others: Mapping[str, Any]) -> str | None:
        """Give what is allowed, where `value` is not; `others` are all fields as they came."""
        ...


@dataclass(frozen=True)
class Number:
    """A number from `least`, or above `above`, to `most`."""

    least: float = -math.inf
    above: float = -math.inf
    most: float = math.inf
    whole: bool = False

    def problem(self, value: object, others: Mapping[str, Any]) -> str | None:
        """Refuse what is no number, not finite or out of range."""
        del others
        # JSON's true is Python's 1.
        if isinstance(value, int | float) and not isinstance(value, bool):
            in_range = self.least <= value <= self.most and value > self.above
            if math.isfinite(value) and in_range and (isinstance(value, int) or not self.whole):
                return None
        low = f"above {self.above:.9g}" if math.isfinite(self.above) else f"from {self.least:.9g}"
        high = f" to {self.most:.9g}" if math.isfinite(self.most) else ""
        return f"allowed: a {'whole ' if self.whole else ''}number {low}{high}"


@dataclass(frozen=True)
class Name:
    """The name of an endpoint or of a configuration."""

    def problem(self, value: object, others: Mapping[str, Any]) -> str | None:
        """Refuse what SageMaker would not take for a name."""
        del others
        if isinstance(value, str) and _NAME.fullmatch(value):
            return None
        return "allowed: a name of 1 to 63 letters, digits and hyphens"


@dataclass(frozen=True)
class Service:
    """The name of an AWS service, as boto3 has it."""

    def problem(self, value: object, others: Mapping[str, Any]) -> str | None:
        """Refuse a service that there is not: it would never be called."""
        del others
        if isinstance(value, str) and value in services():
            return None
        return f"allowed: an AWS service as boto3 names it{similar(value, services())}"


@dataclass(frozen=True)
class Operation:
    """The name of an operation of the service in the field `service`."""

    default_service: str

    def problem(self, value: object, others: Mapping[str, Any]) -> str | None:
        """Refuse an operation that the service does not have."""
        service = others.get("service", self.default_service)
        if not isinstance(service, str) or service not in services():
            return None  # said of the service already
        known = operations_of(service)
        if isinstance(value, str) and value in known:
            return None
        return f"allowed: an operation of {service}{similar(value, known)}"


def similar(value: object, known: Collection[str]) -> str:
    """Give `; did you mean X?` where something known looks like the value, else nothing."""
    close = difflib.get_close_matches(str(value), sorted(known), n=1)
    return f"; did you mean {close[0]}?" if close else ""
