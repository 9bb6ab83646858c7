"""One resource in the hands of one operation of the provider.

Takes the entry of its type, its id, inputs and last state; gives the AWS calls on its behalf. AWS's
refusals become `AwsError` with AWS's own code and message.
"""

import threading
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import jmespath
from botocore.exceptions import BotoCoreError, ClientError

from modelway.emulator.provider.binding import Binding
from modelway.emulator.provider.clients import Clients, method_name
from modelway.emulator.provider.entry import Call, Entry, Literal, Read
from modelway.emulator.provider.schema import Type
from modelway.errors import EmulatorError


class Gone(EmulatorError):  # noqa: N818 - what became of the resource
    """Raised where what was read means that the resource is not there."""


class AwsError(EmulatorError):
    """AWS refused a call.

    Args:
        operation: AWS's name of the operation.
        code: AWS's error code, for example `BucketAlreadyExists`.
        message: AWS's own words.
    """

    def __init__(self, operation: str, code: str, message: str) -> None:
        self.operation = operation
        self.code = code
        super().__init__(f"{operation}: {code}: {message}")


@contextmanager
def _refusals(operation: str) -> Iterator[None]:
    try:
        yield
    except ClientError as error:
        told = error.response.get("Error", {})
        raise AwsError(
            operation, str(told.get("Code", "Unknown")), str(told.get("Message", ""))
        ) from error
    except BotoCoreError as error:
        raise AwsError(operation, type(error).__name__, str(error)) from error


@cache
def binding_of(entry: Entry) -> Binding:
    """Give the binding of a type's properties, which remembers what its rules found."""
    return Binding(entry.names)


@dataclass(frozen=True)
class Setup:
    """What the provider was configured with."""

    clients: Clients
    region: str
    default_tags: Mapping[str, str] = field(default_factory=dict)
    ignored_tags: frozenset[str] = frozenset()
    ignored_tag_prefixes: tuple[str, ...] = ()
    directory: str = ""
    """Where relative paths of assets begin; default: the emulator's own directory."""
    cancelled: threading.Event = field(default_factory=threading.Event)
    """Set when the engine wants every wait to end."""


@dataclass
class Target:
    """One resource: `id` is empty before it exists."""

    entry: Entry
    setup: Setup
    name: str
    """The logical name in the program."""
    id: str = ""
    inputs: dict[str, Any] = field(default_factory=dict)
    state: dict[str, Any] = field(default_factory=dict)
    declared: bool = False
    """True while a program's inputs are applied: what they leave out has its default."""
    timeout_seconds: float = 0.0
    """How long a wait may take; 0: the type's own limit."""
    files: ExitStack = field(default_factory=ExitStack)
    """Closes what a call's parameters have opened, once the call is made."""

    @property
    def region(self) -> str:
        """The region that the resource is in."""
        return str(self.inputs.get("region") or self.state.get("region") or self.setup.region)

    @property
    def arn(self) -> str:
        """The resource's ARN as last read."""
        return str(self.state.get("arn", ""))

    def get(self, name: str) -> Any:
        """Give a property as the program has it, else as it was last read; `id` is the id."""
        if name == "id":
            return self.id
        value = self.inputs.get(name)
        if value is not None:
            return value
        entry = self.entry
        if self.declared and name in entry.shape.inputs.fields and name not in entry.computed:
            return entry.defaults.get(name)
        return self.state.get(name)

    def aws(self, operation: str, service: str = "", /, **parameters: Any) -> dict[str, Any]:
        """Make one call by AWS's own name of the operation.

        Raises:
            AwsError: AWS refused, or nothing answered.
        """
        service = service or self.entry.service
        with _refusals(operation):
            return self.setup.clients.method(service, operation, self.region)(**parameters)

    def pages(self, operation: str, /, **parameters: Any) -> Iterator[dict[str, Any]]:
        """Make one call as often as AWS has more to tell.

        Raises:
            AwsError: AWS refused, or nothing answered.
        """
        client = self.setup.clients.client(self.entry.service, self.region)
        with _refusals(operation):
            yield from client.get_paginator(method_name(operation)).paginate(**parameters)

    def make(self, call: Call, extra: Mapping[str, Any] | None = None) -> dict[str, Any] | None:
        """Make a call of the table; None when AWS's answer was one that means nothing to do."""
        parameters = {**self.parameters(call), **(extra or {})}
        try:
            return self.aws(call.operation, call.service, **parameters)
        except AwsError as error:
            if error.code in call.unless:
                return None
            raise

    def parameters(self, call: Call) -> dict[str, Any]:
        """Give the parameters that the table writes down for a call."""
        shape = self.setup.clients.input_shape(call.service or self.entry.service, call.operation)
        binding = binding_of(self.entry)
        given: dict[str, Any] = {}
        for member, source in call.parameters.items():
            if isinstance(source, Literal):
                given[member] = source.value
                continue
            if callable(source):
                value = source(self)
                if value is not None:
                    given[member] = value
                continue
            value = self.get(source)
            if value is None:
                continue
            of = self.entry.shape.outputs.fields.get(source, Type("string"))
            given[member] = binding.to_aws(value, of, shape.members[member], source)
        return given

    def read(self, read: Read) -> Any:
        """Make a read of the table and give the part of the answer that it is about.

        Raises:
            AwsError: AWS refused with a code that does not mean: not there.
        """
        try:
            answer = self.make(read.call)
        except AwsError as error:
            if error.code in read.missing:
                return None
            raise
        if answer is None or not read.result:
            return answer
        return jmespath.search(read.result, answer)
