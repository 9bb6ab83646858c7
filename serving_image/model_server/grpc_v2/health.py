"""The health service ``grpc.health.v1``: of the server, and of each model by its name.

Takes the readiness and the models, gives SERVING or NOT_SERVING. Watchers are told within
`LOOK_SECONDS` of a change. Must not ask who asks: balancers and orchestrators have no credentials.
https://github.com/grpc/grpc/blob/master/doc/health-checking.md
"""

from dataclasses import dataclass
from typing import Any

from google.protobuf.message import DecodeError
from grpc_health.v1 import health_pb2

from model_server.core.errors import ModelServerError, NotReady, UnknownModel
from model_server.core.readiness import Readiness, State
from model_server.grpc_v2.information import SERVICE, Catalogue
from model_server.grpc_v2.status import status_of
from model_server.grpc_v2.streams import Streams
from model_server.grpc_v2.transport import Call, Method

HEALTH = "grpc.health.v1.Health"

LOOK_SECONDS = 0.1
"""How often watchers' states are looked at; it costs a microsecond for each."""

Status = health_pb2.HealthCheckResponse


@dataclass(slots=True, eq=False)
class Watcher:
    """Somebody who is told of changes."""

    call: Call
    service: str
    told: int | None = None
    """The last state that was sent."""
    sending: bool = False


class Health:
    """Answers the health service's calls; on the event loop."""

    def __init__(self, repository: Catalogue, readiness: Readiness, streams: Streams) -> None:
        self._repository = repository
        self._readiness = readiness
        self._streams = streams
        self._watchers: dict[Call, Watcher] = {}

    def methods(self) -> dict[str, Method]:
        """Give what answers which method."""
        return {
            f"/{HEALTH}/Check": Method(self._check),
            f"/{HEALTH}/Watch": Method(self._watch),
        }

    def look(self) -> None:
        """Tell watchers what has changed."""
        for watcher in [*self._watchers.values()]:
            self._tell(watcher)

    def _status(self, service: str) -> int | None:
        """Give the state of the server or a model; None: there is no such model."""
        state = self._readiness.state
        if service in ("", SERVICE):
            return Status.SERVING if state is State.READY else Status.NOT_SERVING
        try:
            self._repository.get(service)
        except NotReady:
            return Status.NOT_SERVING
        except ModelServerError:
            return None
        return Status.NOT_SERVING if state is State.DRAINING else Status.SERVING

    def _check(self, call: Call) -> None:
        service = _service(call)
        if service is None:
            return
        status = self._status(service)
        if status is None:
            call.refuse(*status_of(UnknownModel("there is no such service or model")))
        else:
            call.answer(Status(status=status).SerializeToString())

    def _watch(self, call: Call) -> None:
        service = _service(call)
        if service is None or not self._streams.enter(call, self._forget):
            return
        watcher = self._watchers[call] = Watcher(call, service)
        self._tell(watcher)

    def _tell(self, watcher: Watcher) -> None:
        status = self._status(watcher.service)
        if status is None:
            status = Status.SERVICE_UNKNOWN
        if watcher.sending or status == watcher.told:
            return
        watcher.told = status
        watcher.sending = True

        def sent(_success: bool) -> None:
            watcher.sending = False

        watcher.call.send(Status(status=status).SerializeToString(), sent)

    def _forget(self, call: Call) -> None:
        self._watchers.pop(call, None)


def _service(call: Call) -> Any:
    """Give the service that a call asks for; None: it was refused."""
    if call.answered:
        return None
    try:
        return health_pb2.HealthCheckRequest.FromString(call.message).service
    except DecodeError:
        call.refuse(3, b"the message is no HealthCheckRequest")
        return None
