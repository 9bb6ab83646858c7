"""The protocol's methods that run no model: health and metadata.

Takes exchanges and requests, gives responses. What the protocol leaves open is settled as in REST:

- Metadata lists tensors only; an output that is a list of maps has no datatype in the protocol.
- An empty version is the newest that is ready; an empty name is the only model.
- ModelReady is false for a model that is there and cannot answer, NOT_FOUND for one that is not.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol

from model_server import __version__
from model_server.core.errors import NotReady
from model_server.core.readiness import Readiness, State
from model_server.core.tensors import TensorSpec
from model_server.grpc_v2 import open_inference_pb2 as messages
from model_server.grpc_v2.answers import Answers
from model_server.grpc_v2.exchange import Exchange
from model_server.grpc_v2.transport import Method
from model_server.rest.oip.datatypes import NAMES
from model_server.rest.oip.routes import EXTENSIONS, PLATFORM, SERVER_NAME

if TYPE_CHECKING:
    # onnxruntime, which comes with it, is imported in the thread that loads the model.
    from model_server.core.model import Model

SERVICE = "inference.GRPCInferenceService"


class Catalogue(Protocol):
    """Where models are found and listed; `core.repository.Repository`."""

    def get(self, name: str | None = None, version: str | None = None) -> "Model":
        """Give a model, or raise UnknownModel or NotReady."""
        ...

    def models(self) -> list["Model"]:
        """Give every model that can answer."""
        ...


class Information:
    """Answers everything that is asked seldom; on the event loop."""

    def __init__(self, repository: Catalogue, readiness: Readiness, answers: Answers) -> None:
        self._repository = repository
        self._readiness = readiness
        self._answers = answers

    def methods(self) -> dict[str, Method]:
        """Give what answers which method."""
        answers = {
            "ServerLive": (messages.ServerLiveRequest, self._server_live),
            "ServerReady": (messages.ServerReadyRequest, self._server_ready),
            "ModelReady": (messages.ModelReadyRequest, self._model_ready),
            "ServerMetadata": (messages.ServerMetadataRequest, self._server_metadata),
            "ModelMetadata": (messages.ModelMetadataRequest, self._model_metadata),
        }
        return {
            f"/{SERVICE}/{name}": Method(self._answers.at_once(name, kind, answer))
            for name, (kind, answer) in answers.items()
        }

    def _server_live(self, _exchange: Exchange, _request: Any) -> Any:
        return messages.ServerLiveResponse(live=True)

    def _server_ready(self, _exchange: Exchange, _request: Any) -> Any:
        return messages.ServerReadyResponse(ready=self._readiness.state is State.READY)

    def _model_ready(self, exchange: Exchange, request: Any) -> Any:
        try:
            exchange.model = self._repository.get(request.name or None, request.version or None)
        except NotReady:
            return messages.ModelReadyResponse(ready=False)
        return messages.ModelReadyResponse(ready=self._readiness.state is not State.DRAINING)

    def _server_metadata(self, exchange: Exchange, _request: Any) -> Any:
        self._answers.admit(exchange, "metadata", None)
        return messages.ServerMetadataResponse(
            name=SERVER_NAME, version=__version__, extensions=EXTENSIONS
        )

    def _model_metadata(self, exchange: Exchange, request: Any) -> Any:
        self._answers.admit(exchange, "metadata", request.name or None)
        model = self._repository.get(request.name or None, request.version or None)
        exchange.model = model
        return messages.ModelMetadataResponse(
            name=model.name,
            versions=[
                other.version
                for other in self._repository.models()
                if other.name == model.name and other.version
            ],
            platform=PLATFORM,
            inputs=_tensors(model.contract.inputs),
            outputs=_tensors(model.contract.outputs),
        )


def _tensors(specs: Sequence[TensorSpec]) -> list[Any]:
    return [
        messages.ModelMetadataResponse.TensorMetadata(
            name=spec.name,
            datatype=NAMES[spec.dtype],
            shape=[axis if isinstance(axis, int) else -1 for axis in spec.shape],
        )
        for spec in specs
        if spec.dtype is not None
    ]
