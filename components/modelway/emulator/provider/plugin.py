"""What every provider of the emulator answers its engine in the same way.

Takes the engine's requests, gives answers that no package differs in; errors of the emulator become
gRPC's. It must not know a package's resources.
"""

import threading
from collections.abc import Callable, Iterable
from functools import wraps
from typing import Any, ClassVar, NoReturn

import grpc
from google.protobuf import empty_pb2
from pulumi.runtime.proto import provider_pb2, provider_pb2_grpc

from modelway.errors import EmulatorError


class Plugin(provider_pb2_grpc.ResourceProviderServicer):
    """One provider of one engine."""

    package: ClassVar[str]
    """The Pulumi package."""

    def __init__(self) -> None:
        self.cancelled = threading.Event()
        """Set when the engine wants every wait to end."""
        self.engine_address = ""
        """Where the engine takes messages; empty until it has said so."""

    def Handshake(self, request: Any, context: Any) -> Any:  # noqa: N802 - gRPC's name
        """Say what this provider understands."""
        del context
        self.engine_address = request.engine_address
        return provider_pb2.ProviderHandshakeResponse(
            accept_secrets=True, supports_autonaming_configuration=True
        )

    def Attach(self, request: Any, context: Any) -> Any:  # noqa: N802 - gRPC's name
        """Accept an engine that was told this provider's port."""
        del request, context
        return empty_pb2.Empty()

    def Parameterize(self, request: Any, context: Any) -> Any:  # noqa: N802 - gRPC's name
        """Refuse: the package takes no parameters."""
        del request
        message = f"the {self.package} provider takes no parameters"
        context.abort(grpc.StatusCode.UNIMPLEMENTED, message)

    def Cancel(self, request: Any, context: Any) -> Any:  # noqa: N802 - gRPC's name
        """End every wait."""
        del request, context
        self.cancelled.set()
        return empty_pb2.Empty()

    def CheckConfig(self, request: Any, context: Any) -> Any:  # noqa: N802 - gRPC's name
        """Take any configuration: what means nothing to the emulator is left alone."""
        del context
        return provider_pb2.CheckResponse(inputs=request.news)


def answering(method: Callable[..., Any]) -> Callable[..., Any]:
    """Turn the emulator's errors of one call into gRPC's."""

    @wraps(method)
    def answer(self: Plugin, request: Any, context: grpc.ServicerContext) -> Any:
        try:
            return method(self, request, context)
        except EmulatorError as error:
            refuse(context, str(error))

    return answer


def refuse(context: grpc.ServicerContext, message: str) -> NoReturn:
    """Answer a call with an error."""
    # Not UNKNOWN: the engine takes that for a crash that it may not recover from.
    context.abort(grpc.StatusCode.FAILED_PRECONDITION, message)
    raise AssertionError(message)  # abort always raises


def type_of(urn: str) -> str:
    """Give the type in a resource's URN."""
    return urn.split("::")[2].rsplit("$", 1)[-1]


def name_of(urn: str) -> str:
    """Give the logical name in a resource's URN."""
    return urn.split("::", 3)[3]


def changes(found: Iterable[Any]) -> Any:
    """Say whether there are any."""
    some = provider_pb2.DiffResponse.DiffChanges.DIFF_SOME
    return some if found else provider_pb2.DiffResponse.DiffChanges.DIFF_NONE
