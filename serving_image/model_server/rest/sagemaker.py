"""SageMaker's container contract: ``/ping``, ``/invocations`` and ``/execution-parameters``.

Takes requests of those routes, gives answers: settles the formats, decodes, has the dataplane run
the model, encodes. What may take long is done in a thread, so that nothing holds up pings. Must not
decide anything about tensors; codecs, contract and rules do.
"""

from collections.abc import Callable
from concurrent.futures import Executor
from typing import TYPE_CHECKING, TypeVar

import orjson

from model_server.core.cache import AnswerCache
from model_server.core.dataplane import Dataplane
from model_server.core.errors import Code, InvalidInput, ModelServerError, NotReady
from model_server.core.inference import InferenceRequest, Outputs
from model_server.core.readiness import Readiness, State
from model_server.rest.codecs import Decoded, JsonLinesCodec
from model_server.rest.codecs.json_fast import QUICK_BODY_BYTES, decode_quickly, encode_quickly
from model_server.rest.codecs.json_tensors import JsonCodec
from model_server.rest.exchange import Exchange, negotiate
from model_server.rest.generated import Generated
from model_server.rest.http import JSON_TYPE, Answer, Request, Route
from model_server.rest.off_loop import off_loop
from model_server.rest.row_stream import PART_ROWS, RowStream
from model_server.settings.transform import execution_parameters

if TYPE_CHECKING:
    # onnxruntime, which comes with it, is imported in the thread that loads the model.
    from model_server.core.model import Model
    from model_server.rest.handler import Handler

SLOW_BODY_BYTES = 64 * 1024
"""A larger body is decoded in a thread unless the quick way reads it: 64 KiB of JSON take the slow
way about 1 ms."""

LARGE_ANSWER_VALUES = 16_384
"""An answer with more values is encoded in a thread: orjson writes that many in about 1 ms."""

HANDLED = "application/json"
"""Stands for the format that a handler reads or writes, which only the handler knows."""

REFUSED = "the request does not fit the model"

T = TypeVar("T")


def ping_route(readiness: Readiness) -> Route:
    """Give ``GET /ping``, which answers at once, whatever else goes on."""

    def ping(request: Request) -> None:
        request.answer(readiness_answer(readiness))

    return Route("GET", "/ping", ping, None, "Whether the model can answer.")


def readiness_answer(readiness: Readiness) -> Answer:
    """Give 200 when ready, and 503 with the reason otherwise."""
    state = readiness.state
    if state is State.READY:
        return Answer(200, b'{"status":"ready"}')
    body = {
        "error": f"the model is not ready: {readiness.reason}",
        "code": Code.UNAVAILABLE.value,
        "status": state.value,
    }
    return Answer(503, orjson.dumps(body), JSON_TYPE, [(b"retry-after", b"1")])


def execution_parameters_route(max_body_bytes: int, cpus: int) -> Route:
    """Give ``GET /execution-parameters``, which a batch transform job asks for before it starts.

    Args:
        max_body_bytes: largest body the server takes.
        cpus: that the server may use.
    """
    body = orjson.dumps(execution_parameters(max_body_bytes, cpus))

    def answer(request: Request) -> None:
        request.answer(Answer(200, body))

    what = "How a batch transform job should send records."
    return Route("GET", "/execution-parameters", answer, None, what)


class Invocations:
    """Answers invocations of a model."""

    def __init__(
        self,
        dataplane: Dataplane,
        executor: Executor,
        cache: AnswerCache | None = None,
    ) -> None:
        """Make the one for all models.

        Args:
            dataplane: runs the models.
            executor: threads for large bodies; not the dataplane's own, whose runs may be long.
            cache: remembered answers; None: every request is run.
        """
        self._dataplane = dataplane
        self._executor = executor
        self._cache = cache
        self._generated = Generated(dataplane)
        self.handler: Handler | None = None
        """The user's own pre- and post-processing, once it is loaded."""

    def invoke(self, request: Request, model: "Model") -> None:
        """Answer a request with a model.

        Raises:
            ModelServerError: the request cannot be read; what comes later is answered.
        """
        exchange = self._exchange(request, model)
        body = request.body
        if not body:
            raise InvalidInput("the body is empty")
        key = None
        if self._cache is not None:
            formats = exchange.writer.media_type.encode(), *exchange.outputs
            key = self._cache.key(model.digest, exchange.media, formats, body)
            found = self._cache.get(key)
            if found is not None:
                request.answer(Answer(200, *found))
                return
        call = _Call(self, request, model, exchange, key)
        handler = self.handler
        if handler is not None and handler.reads:
            off_loop(self._executor, request, call.decode, call.decoded)
            return
        quick = type(exchange.reader) is JsonCodec and model.generation is None
        if quick and len(body) <= QUICK_BODY_BYTES:
            array = decode_quickly(body, model.contract)
            if array is not None:
                call.fits(Decoded({model.contract.inputs[0].name: array}), len(array))
                return
        if len(body) <= SLOW_BODY_BYTES:
            call.decoded(call.decode())
        else:
            off_loop(self._executor, request, call.decode, call.decoded)

    def _exchange(self, request: Request, model: "Model") -> Exchange:
        headers, handler, generation = request.headers, self.handler, model.generation
        contract = model.contract if generation is None else generation.contract
        kept = headers.kept
        if kept is not None and kept[0] is contract and kept[1] is handler:
            settled: Exchange = kept[2]
            return settled
        reads = handler is not None and handler.reads
        # A sequence, and a handler, answer in formats of their own.
        writes = generation is not None or (handler is not None and handler.writes)
        exchange = negotiate(
            contract,
            HANDLED if reads else headers.text(b"content-type"),
            headers.text(b"content-encoding"),
            None if writes else headers.text(b"accept"),
        )
        headers.kept = contract, handler, exchange
        return exchange


class _Call:
    """One invocation on its way."""

    __slots__ = ("_decoded", "_exchange", "_invocations", "_key", "_model", "_request", "_rows")

    def __init__(
        self,
        invocations: Invocations,
        request: Request,
        model: "Model",
        exchange: Exchange,
        key: bytes | None,
    ) -> None:
        self._invocations = invocations
        self._request = request
        self._model = model
        self._exchange = exchange
        self._key = key
        self._decoded: Decoded | None = None
        self._rows = 1

    def decode(self) -> Decoded:
        request, model, handler = self._request, self._model, self._invocations.handler
        if handler is not None and handler.reads:
            given = request.headers.text(b"content-type")
            return Decoded(handler.inputs(request.body, given, model))
        return self._exchange.decode(request.body, model)

    def decoded(self, decoded: Decoded) -> None:
        request, model = self._request, self._model
        if model.generation is not None:
            self._invocations._generated.start(request, model, decoded.inputs)  # noqa: SLF001
            return
        problems = model.contract.problems(decoded.inputs)
        if problems:
            raise InvalidInput(REFUSED, problems)
        self.fits(decoded, decoded.rows)

    def fits(self, decoded: Decoded, rows: int) -> None:
        """Go on with tensors of the model's names, datatypes and shapes."""
        request, model, inputs = self._request, self._model, decoded.inputs
        if model.rules is not None:
            problems = model.rules.problems(inputs)
            if problems:
                raise InvalidInput(REFUSED, problems)
        self._decoded, self._rows = decoded, rows
        exchange, dataplane = self._exchange, self._invocations._dataplane  # noqa: SLF001
        if rows > PART_ROWS and type(exchange.writer) is JsonLinesCodec and model.batches:
            wanted = exchange.wanted(decoded)
            RowStream(dataplane, request, model, exchange.writer, wanted).start(inputs, rows)
            return
        asked = request.inference = InferenceRequest(
            model, inputs, exchange.wanted(decoded), rows, request.deadline, request.priority
        )
        dataplane.submit(asked, self._ran)

    def _ran(self, result: Outputs | ModelServerError) -> None:
        request = self._request
        if isinstance(result, ModelServerError):
            request.refuse(result)
            return
        handler = self._invocations.handler
        if handler is not None and handler.writes:
            accept = request.headers.text(b"accept")
            off_loop(
                self._invocations._executor,  # noqa: SLF001  # one thing in two classes
                request,
                lambda: handler.answer(result, accept),
                request.answer,
            )
            return
        size = 0
        for value in result.values():
            size += len(value) if isinstance(value, list) else value.size
        if size > LARGE_ANSWER_VALUES:
            executor = self._invocations._executor  # noqa: SLF001  # as above
            off_loop(executor, request, lambda: self._encode(result), self._answer)
            return
        try:
            encoded = self._encode(result)
        except Exception as error:  # noqa: BLE001  # answered and logged, never dropped
            request.fail(error)
            return
        self._answer(encoded)

    def _encode(self, outputs: Outputs) -> tuple[bytes, bytes]:
        """Give the answer's body and media type."""
        exchange, decoded = self._exchange, self._decoded
        assert decoded is not None  # it was run
        if type(exchange.writer) is JsonCodec:
            body = encode_quickly(outputs, self._rows)
            if body is not None:
                return body, JSON_TYPE
        return exchange.encode(outputs, decoded, self._model)

    def _answer(self, encoded: tuple[bytes, bytes]) -> None:
        cache = self._invocations._cache  # noqa: SLF001  # one thing in two classes
        if cache is not None and self._key is not None:
            cache.put(self._key, encoded)
        self._request.answer(Answer(200, *encoded))


def invocation_route(
    find: Callable[[Request], "Model"], readiness: Readiness, invocations: Invocations
) -> Route:
    """Give ``POST /invocations``; ``find`` says which model a request is for."""

    def invoke(request: Request) -> None:
        if readiness.state is State.FAILED:
            raise NotReady(f"the model is not ready: {readiness.reason}")
        model = request.model = find(request)
        invocations.invoke(request, model)

    return Route("POST", "/invocations", invoke, "infer", "The model's predictions for rows.")
