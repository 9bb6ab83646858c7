"""The protocol's routes: health, metadata and inference.

Takes what the server has of models, gives `Route`s. Must not know HTTP connections. The protocol's
prose leaves some things open; this server's answers:

- ``/v2/health/ready`` is described with a member ``live``; the answer has ``live`` and ``ready``.
- What is not ready answers 503 with ``Retry-After`` and the protocol's ``error``, and says
  ``ready: false`` as well.
- Metadata lists tensors only; an output that is a list of maps has no datatype in the protocol.
- A model without a version is asked for without one; the newest that is ready answers.
"""

from collections.abc import Sequence
from concurrent.futures import Executor
from typing import TYPE_CHECKING, Any, Protocol

import orjson

from model_server import __version__
from model_server.core.dataplane import Dataplane
from model_server.core.errors import Code, NotReady
from model_server.core.readiness import Readiness, State
from model_server.core.tensors import TensorSpec
from model_server.rest.http import JSON_TYPE, Answer, Request, Route
from model_server.rest.oip.datatypes import NAMES
from model_server.rest.oip.infer import Inference, Models

if TYPE_CHECKING:
    # onnxruntime, which comes with it, is imported in the thread that loads the model.
    from model_server.core.model import Model

SERVER_NAME = "model-server"

EXTENSIONS = ("binary_tensor_data",)
"""Triton's name of the binary tensor extension."""

PLATFORM = "onnx_onnxv1"
"""The protocol's name of ONNX models, ``<project>_<format>``."""

RETRY = ((b"retry-after", b"1"),)


class Catalogue(Models, Protocol):
    """Where models are found and listed."""

    def models(self) -> list["Model"]:
        """Give every model that can answer."""
        ...


def oip_routes(
    repository: Catalogue, dataplane: Dataplane, readiness: Readiness, executor: Executor
) -> list[Route]:
    """Give the protocol's routes.

    Args:
        repository: where models are found.
        dataplane: runs them.
        readiness: whether the server can answer.
        executor: threads for large bodies; not the dataplane's own, whose runs may be long.
    """
    information = _Information(repository, readiness)
    inference = Inference(repository, dataplane, executor)
    routes = [
        Route("GET", "/v2", information.server, "metadata", "The server's name and extensions."),
        # The protocol's prose has the one path, its OpenAPI file the other.
        Route("GET", "/v2/", information.server, "metadata", "The same."),
        Route("GET", "/v2/health/live", information.live, None, "Whether the server runs."),
        Route("GET", "/v2/health/ready", information.ready, None, "Whether it can answer."),
    ]
    for path in ("/v2/models/{name}", "/v2/models/{name}/versions/{version}"):
        routes += [
            Route("GET", path, information.model, "metadata", "The model's tensors."),
            Route(
                "GET",
                f"{path}/ready",
                information.model_ready,
                "metadata",
                "Whether the model can answer.",
            ),
            Route("POST", f"{path}/infer", inference.infer, "infer", "The model's outputs."),
        ]
    return routes


class _Information:
    """Everything that is asked seldom."""

    def __init__(self, repository: Catalogue, readiness: Readiness) -> None:
        self._repository = repository
        self._readiness = readiness

    def server(self, request: Request) -> None:
        body = {"name": SERVER_NAME, "version": __version__, "extensions": EXTENSIONS}
        request.answer(Answer(200, orjson.dumps(body)))

    def live(self, request: Request) -> None:
        request.answer(Answer(200, b'{"live":true}'))

    def ready(self, request: Request) -> None:
        readiness = self._readiness
        if readiness.state is State.READY:
            request.answer(Answer(200, b'{"live":true,"ready":true}'))
            return
        request.answer(_not_ready({"live": True}, f"not ready: {readiness.reason}"))

    def model(self, request: Request) -> None:
        given = request.parameters
        model = self._repository.get(given["name"], given.get("version"))
        versions = [
            other.version
            for other in self._repository.models()
            if other.name == model.name and other.version
        ]
        body: dict[str, Any] = {"name": model.name}
        if versions:
            body["versions"] = versions
        body |= {
            "platform": PLATFORM,
            "inputs": _tensors(model.contract.inputs),
            "outputs": _tensors(model.contract.outputs),
        }
        request.answer(Answer(200, orjson.dumps(body)))

    def model_ready(self, request: Request) -> None:
        given = request.parameters
        name = given["name"]
        try:
            model = self._repository.get(name, given.get("version"))
        except NotReady as error:
            request.answer(_not_ready({"name": name}, error.message))
            return
        if self._readiness.state is State.DRAINING:
            reason = f"not ready: {self._readiness.reason}"
            request.answer(_not_ready({"name": model.name}, reason))
            return
        request.answer(Answer(200, orjson.dumps({"name": model.name, "ready": True})))


def _tensors(specs: Sequence[TensorSpec]) -> list[dict[str, Any]]:
    return [
        {
            "name": spec.name,
            "datatype": NAMES[spec.dtype],
            "shape": [axis if isinstance(axis, int) else -1 for axis in spec.shape],
        }
        for spec in specs
        if spec.dtype is not None
    ]


def _not_ready(body: dict[str, Any], reason: str) -> Answer:
    body |= {"ready": False, "error": reason, "code": Code.UNAVAILABLE.value}
    return Answer(503, orjson.dumps(body), JSON_TYPE, RETRY, NotReady(reason))
