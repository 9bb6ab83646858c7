"""``POST /v2/models/{name}/infer``: read, run, write.

Takes requests of that route, gives answers. What may take long is done in a thread, so that nothing
holds up health checks. Must not decide anything about tensors; reader, contract and rules do.
"""

from concurrent.futures import Executor
from typing import TYPE_CHECKING, Protocol, TypeVar

from model_server.core.dataplane import Dataplane
from model_server.core.errors import InvalidInput, ModelServerError
from model_server.core.inference import InferenceRequest, Outputs
from model_server.core.tensors import rows_of
from model_server.rest.errors import UnsupportedMediaType
from model_server.rest.http import JSON_TYPE, Answer, Request
from model_server.rest.off_loop import off_loop
from model_server.rest.oip.call import InferCall
from model_server.rest.oip.document import REFUSED
from model_server.rest.oip.plan import plan_of
from model_server.rest.oip.quick import read_quickly
from model_server.rest.oip.reader import json_length, read_infer
from model_server.rest.oip.writer import write_infer

if TYPE_CHECKING:
    # onnxruntime, which comes with it, is imported in the thread that loads the model.
    from model_server.core.model import Model

LENGTH_HEADER = b"inference-header-content-length"
LENGTH_NAME = "Inference-Header-Content-Length"

BINARY_TYPE = b"application/octet-stream"

SLOW_BODY_BYTES = 64 * 1024
"""A larger body is read in a thread unless there is a quick way: 64 KiB of JSON or of BYTES take
the slow way about 1 ms."""

QUICK_BODY_BYTES = 256 * 1024
"""A larger body of JSON is always read in a thread: the quick way takes 0.7 ms for 256 KiB."""

BINARY_BODY_BYTES = 1024 * 1024
"""A larger body of tensors as bytes is always read in a thread. They are read in place, but values
are looked at: booleans here, and rules afterwards, which take about 1 ms for 1 MiB."""

LARGE_ANSWER_VALUES = 16_384
"""An answer with more values is written in a thread: orjson writes that many in about 1 ms."""

T = TypeVar("T")


class Models(Protocol):
    """Where models are found: `Repository`, or what stands in for it."""

    def get(self, name: str | None = None, version: str | None = None) -> "Model":
        """Give a model, or raise UnknownModel or NotReady."""
        ...


class Inference:
    """Answers the requests of one process."""

    def __init__(self, models: Models, dataplane: Dataplane, executor: Executor) -> None:
        """Make the handler.

        Args:
            models: where models are found.
            dataplane: runs them.
            executor: threads for large bodies; not the dataplane's own, whose runs may be long.
        """
        self._models = models
        self._dataplane = dataplane
        self._executor = executor

    def infer(self, request: Request) -> None:
        """Answer a request, now or later.

        Raises:
            ModelServerError: it cannot be read; what comes later is answered.
        """
        given = request.parameters
        model = request.model = self._models.get(given["name"], given.get("version"))
        headers, body = request.headers, request.body
        if headers.get(b"content-encoding") is not None:
            _refuse_encoding(headers.text(b"content-encoding"))
        if not body:
            raise InvalidInput("the body is empty")
        length = json_length(headers.text(LENGTH_HEADER), LENGTH_NAME)
        call = _read_on_loop(body, length, model)
        if call is not None:
            self._run(request, model, _checked(call, model))
            return
        off_loop(
            self._executor,
            request,
            lambda: _checked(_read(body, length, model), model),
            lambda call: self._run(request, model, call),
        )

    def _run(self, request: Request, model: "Model", call: InferCall) -> None:
        def done(result: Outputs | ModelServerError) -> None:
            if isinstance(result, ModelServerError):
                request.refuse(result)
                return
            if _values(result) > LARGE_ANSWER_VALUES:
                off_loop(
                    self._executor, request, lambda: _answer(call, result, model), request.answer
                )
                return
            try:
                answer = _answer(call, result, model)
            except Exception as error:  # noqa: BLE001  # answered and logged, never dropped
                request.fail(error)
                return
            request.answer(answer)

        inputs = call.inputs
        asked = request.inference = InferenceRequest(
            model, inputs, call.outputs, rows_of(inputs), request.deadline, request.priority
        )
        self._dataplane.submit(asked, done)


def _read(body: bytes, length: int | None, model: "Model") -> InferCall:
    return read_infer(body, length, model.contract, model.rules)


def _read_on_loop(body: bytes, length: int | None, model: "Model") -> InferCall | None:
    """Read a request if that takes at most about a millisecond; None: it may take longer."""
    size = len(body)
    if size <= SLOW_BODY_BYTES:
        return _read(body, length, model)
    if length is None:
        return read_quickly(body, plan_of(model.contract)) if size <= QUICK_BODY_BYTES else None
    if size > BINARY_BODY_BYTES or length > SLOW_BODY_BYTES:
        return None
    # Numbers are read in place, texts one by one.
    numbers = all(own.itemsize for own in plan_of(model.contract).inputs.values())
    return _read(body, length, model) if numbers else None


def _checked(call: InferCall, model: "Model") -> InferCall:
    problems = model.problems(call.inputs)
    if problems:
        raise InvalidInput(REFUSED, problems)
    return call


def _values(outputs: Outputs) -> int:
    total = 0
    for value in outputs.values():
        total += len(value) if isinstance(value, list) else value.size
    return total


def _answer(call: InferCall, outputs: Outputs, model: "Model") -> Answer:
    body, length = write_infer(call, outputs, model)
    if length is None:
        return Answer(200, body, JSON_TYPE)
    return Answer(200, body, BINARY_TYPE, ((LENGTH_HEADER, b"%d" % length),))


def _refuse_encoding(encoding: str | None) -> None:
    if encoding is not None and encoding.strip().lower() not in ("", "identity"):
        raise UnsupportedMediaType(
            f"the Content-Encoding is {encoding!r}; send the body as it is, not compressed"
        )
