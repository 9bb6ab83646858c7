"""Server reflection: what services there are and what their messages look like.

Takes names, gives the descriptors of this server's own services and of nothing else that the
process has loaded. Version 1 of the protocol and its older name have the same messages.
https://github.com/grpc/grpc/blob/master/doc/server-reflection.md
"""

from collections.abc import Callable
from typing import Any

from google.protobuf.message import DecodeError
from grpc_health.v1 import health_pb2
from grpc_reflection.v1alpha import reflection_pb2

from model_server.core.errors import ModelServerError
from model_server.grpc_v2 import open_inference_pb2
from model_server.grpc_v2.answers import Answers
from model_server.grpc_v2.exchange import Exchange
from model_server.grpc_v2.streams import Streams
from model_server.grpc_v2.transport import Call, Method

NAMES = ("grpc.reflection.v1.ServerReflection", "grpc.reflection.v1alpha.ServerReflection")

FILES = {
    module.DESCRIPTOR.name: module.DESCRIPTOR
    for module in (open_inference_pb2, health_pb2, reflection_pb2)
}

NOT_FOUND, INVALID_ARGUMENT, UNIMPLEMENTED = 5, 3, 12

Response = reflection_pb2.ServerReflectionResponse


class Reflection:
    """Answers the reflection service's calls; on the event loop.

    Callers need the scope ``metadata``, as for the models' own metadata.
    """

    def __init__(self, answers: Answers, streams: Streams) -> None:
        self._common = answers
        self._streams = streams
        self._services = sorted(
            {NAMES[0]}
            | {each.full_name for file in FILES.values() for each in file.services_by_name.values()}
        )

    def methods(self) -> dict[str, Method]:
        """Give what answers which method."""
        return {f"/{name}/ServerReflectionInfo": Method(self._info, streams=True) for name in NAMES}

    def _info(self, call: Call) -> None:
        exchange = Exchange("ServerReflectionInfo", call)
        try:
            self._common.admit(exchange, "metadata", None)
        except ModelServerError as error:
            self._common.refuse(exchange, error)
            return

        def over(_call: Call) -> None:
            self._common.over(exchange)

        if self._streams.enter(call, over):
            call.receive(self._replies(call))
        else:
            self._common.over(exchange)

    def _replies(self, call: Call) -> Callable[[bytes | None], None]:
        """Make what answers one question after the other."""

        def received(message: bytes | None) -> None:
            if message is None:
                self._streams.leave(call)
                return
            try:
                request = reflection_pb2.ServerReflectionRequest.FromString(message)
            except DecodeError:
                response = _error(INVALID_ARGUMENT, "the message is no ServerReflectionRequest")
            else:
                response = self._response(request)
                response.valid_host = request.host
                response.original_request.CopyFrom(request)
            call.send(response.SerializeToString(), sent)

        def sent(success: bool) -> None:
            if success:
                call.receive(received)
            else:
                self._streams.leave(call)

        return received

    def _response(self, request: Any) -> Any:
        kind = request.WhichOneof("message_request")
        if kind == "list_services":
            listed = [reflection_pb2.ServiceResponse(name=name) for name in self._services]
            return Response(
                list_services_response=reflection_pb2.ListServiceResponse(service=listed)
            )
        if kind == "file_by_filename":
            return _file(FILES.get(request.file_by_filename))
        if kind == "file_containing_symbol":
            return _file(_holder(request.file_containing_symbol))
        if kind in ("file_containing_extension", "all_extension_numbers_of_type"):
            return _error(NOT_FOUND, "these messages have no extensions")
        return _error(UNIMPLEMENTED, "the request asks for nothing that is known here")


def _holder(symbol: str) -> Any:
    """Give the file that a service, a method, a message or an enum is in; None: there is none."""
    for name in (symbol, symbol.rpartition(".")[0]):
        for file in FILES.values():
            try:
                if file.pool.FindFileContainingSymbol(name) is file:
                    return file
            except KeyError:
                break  # all files are in one pool
    return None


def _file(descriptor: Any) -> Any:
    if descriptor is None:
        return _error(NOT_FOUND, "there is no such file or symbol")
    # None of them imports another.
    encoded = [descriptor.serialized_pb]
    return Response(
        file_descriptor_response=reflection_pb2.FileDescriptorResponse(
            file_descriptor_proto=encoded
        )
    )


def _error(number: int, message: str) -> Any:
    return Response(
        error_response=reflection_pb2.ErrorResponse(error_code=number, error_message=message)
    )
