"""ModelInfer: read, run, write.

Takes calls of that method, gives answers. What may take long is done in a thread, so that nothing
holds up health checks. Must not decide anything about tensors; reading, contract and rules do.
"""

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import Executor
from typing import TYPE_CHECKING, Any, TypeVar

from model_server.core.dataplane import Dataplane
from model_server.core.errors import InvalidInput, ModelServerError, Overloaded
from model_server.core.inference import InferenceRequest, Outputs
from model_server.core.tensors import Array, rows_of
from model_server.grpc_v2.answers import Answers, parsed, plain_id, text_of
from model_server.grpc_v2.exchange import Exchange
from model_server.grpc_v2.information import SERVICE, Catalogue
from model_server.grpc_v2.layout import Layout, Layouts, parts_of
from model_server.grpc_v2.open_inference_pb2 import ModelInferRequest
from model_server.grpc_v2.reading import REFUSED, Asked, read_infer
from model_server.grpc_v2.transport import Call, Method
from model_server.grpc_v2.writing import write_infer

if TYPE_CHECKING:
    # onnxruntime, which comes with it, is imported in the thread that loads the model.
    from model_server.core.model import Model

SLOW_MESSAGE_BYTES = 64 * 1024
"""A larger message is read in a thread, unless its values are numbers as bytes: 64 KiB of texts or
of typed integers take about 1 ms."""

RAW_MESSAGE_BYTES = 1024 * 1024
"""A larger message is always read in a thread: copying and looking at 1 MiB takes about 1 ms."""

LARGE_ANSWER_VALUES = 16_384
"""An answer with more values is written in a thread: so many typed integers take about 1 ms."""

WATCHED_SECONDS = 0.25
"""A call that waits longer is watched for its caller's going away. Before that, noticing costs
more than it could save."""

LOWEST_PRIORITY, HIGHEST_PRIORITY = -10, 10

T = TypeVar("T")


class Inference:
    """Answers the inferences of one process; on the event loop."""

    def __init__(
        self,
        repository: Catalogue,
        dataplane: Dataplane,
        answers: Answers,
        executor: Executor,
        *,
        max_concurrency: int,
        invoke_seconds: float,
    ) -> None:
        """Make the handler.

        Args:
            repository: where models are found.
            dataplane: runs them.
            answers: admits and ends calls.
            executor: threads for large messages; not the dataplane's own, whose runs may be long.
            max_concurrency: inferences worked on or waiting at once.
            invoke_seconds: longest time for one call.
        """
        self.in_flight = 0
        """Inferences accepted and not yet answered."""
        self.last_request = time.monotonic()
        """When the last inference came in, on the monotonic clock."""
        self._repository = repository
        self._dataplane = dataplane
        self._answers = answers
        self._executor = executor
        self._max_concurrency = max_concurrency
        self._invoke_seconds = invoke_seconds
        self._loop = asyncio.get_running_loop()
        self._layouts = Layouts()
        self._pending: dict[Exchange, None] = {}
        """Those that the dataplane has, in the order in which they came to it."""

    def methods(self) -> dict[str, Method]:
        """Give what answers which method."""
        return {f"/{SERVICE}/ModelInfer": Method(self._infer)}

    def overloaded(self, call: Call) -> None:
        """Answer a call, of whatever method, that is one too many."""
        exchange = Exchange(call.method.rpartition("/")[2], call)
        self._answers.refuse(exchange, self._too_many())

    def tick(self) -> None:
        """Watch calls that wait long; called a few times a second."""
        limit = time.monotonic() - WATCHED_SECONDS
        for exchange in self._pending:
            call = exchange.call
            if call.received < limit and call.on_gone is None:
                call.on_gone = lambda exchange=exchange: self._gone(exchange)
                call.watch()

    def _infer(self, call: Call) -> None:
        if call.answered:
            return
        self.in_flight += 1
        self.last_request = call.received
        exchange = Exchange("ModelInfer", call)
        try:
            if self.in_flight > self._max_concurrency:
                raise self._too_many()
            self._begin(exchange)
        except ModelServerError as error:
            self._refuse(exchange, error)
        except Exception as error:  # noqa: BLE001  # answered and told, never dropped
            self._fail(exchange, error)

    def _begin(self, exchange: Exchange) -> None:
        """Read a request, here or in a thread, and have it run."""
        message = exchange.call.message
        if len(message) > RAW_MESSAGE_BYTES:
            self._in_thread(
                exchange,
                lambda: parsed(ModelInferRequest, message),
                lambda request: self._read_in_thread(
                    exchange, request, self._enter(exchange, *_whom(request))
                ),
            )
            return
        model = None
        parts = parts_of(message)
        layout = None if parts is None else self._layouts.find(parts)
        if parts is not None and layout is not None:
            model = self._enter(exchange, layout.name, layout.version, parts.id_text)
            inputs = layout.inputs(parts.raws) if model.contract is layout.contract else None
            if inputs is not None:
                _obey_rules(model, inputs)
                self._run(exchange, model, Asked(inputs, layout.outputs, True), layout, parts.id)
                return
        request = parsed(ModelInferRequest, message)
        if model is None:
            model = self._enter(exchange, *_whom(request))
        if len(message) > SLOW_MESSAGE_BYTES and (
            parts is None or any(tensor.datatype == "BYTES" for tensor in request.inputs)
        ):
            self._read_in_thread(exchange, request, model)
            return
        asked = _checked(request, model)
        if parts is not None:
            self._layouts.remember(parts, request, asked, model.contract)
        self._run(exchange, model, asked)

    def _enter(self, exchange: Exchange, name: str, version: str, request_id: str) -> "Model":
        """Settle whether a call may go on, and which model answers it.

        Raises:
            ModelServerError: it may not, or none does.
        """
        exchange.request_id = request_id
        exchange.id = plain_id(request_id)
        for key, value in exchange.call.metadata:
            if key == "x-request-id":
                exchange.id = plain_id(text_of(value))
            elif key == "x-request-priority":
                exchange.priority = _priority(value)
        self._answers.admit(exchange, "infer", name or None)
        model = exchange.model = self._repository.get(name or None, version or None)
        return model

    def _read_in_thread(self, exchange: Exchange, request: Any, model: "Model") -> None:
        self._in_thread(
            exchange,
            lambda: _checked(request, model),
            lambda asked: self._run(exchange, model, asked),
        )

    def _run(
        self,
        exchange: Exchange,
        model: "Model",
        asked: Asked,
        layout: Layout | None = None,
        encoded_id: bytes = b"",
    ) -> None:
        def done(result: Outputs | ModelServerError) -> None:
            self._pending.pop(exchange, None)
            if isinstance(result, ModelServerError):
                self._refuse(exchange, result)
                return
            exchange.outputs = result
            try:
                self._write(exchange, model, asked, layout, encoded_id)
            except Exception as error:  # noqa: BLE001  # answered and told, never dropped
                self._fail(exchange, error)

        inputs = asked.inputs
        exchange.inference = InferenceRequest(
            model,
            inputs,
            asked.outputs,
            rows_of(inputs),
            self._deadline(exchange.call),
            exchange.priority,
        )
        self._pending[exchange] = None
        self._dataplane.submit(exchange.inference, done)

    def _write(
        self,
        exchange: Exchange,
        model: "Model",
        asked: Asked,
        layout: Layout | None,
        encoded_id: bytes,
    ) -> None:
        """Encode an answer, here or in a thread, and send it."""
        outputs = exchange.outputs
        assert outputs is not None  # it is called with them
        if _is_large(outputs):
            self._in_thread(
                exchange,
                lambda: write_infer(asked, outputs, model, exchange.request_id),
                lambda response: self._answer(exchange, response),
            )
            return
        response = None if layout is None else layout.answer(outputs, model, encoded_id)
        if response is None:
            response = write_infer(asked, outputs, model, exchange.request_id)
        self._answer(exchange, response)

    def _deadline(self, call: Call) -> float:
        """Give the caller's deadline or the server's own, whichever is first."""
        deadline = call.received + self._invoke_seconds
        left = call.seconds_left
        return deadline if left > self._invoke_seconds else min(deadline, time.monotonic() + left)

    def _answer(self, exchange: Exchange, response: bytes) -> None:
        self.in_flight -= 1
        self._answers.answer(exchange, response)

    def _refuse(self, exchange: Exchange, error: ModelServerError) -> None:
        self.in_flight -= 1
        self._answers.refuse(exchange, error)

    def _fail(self, exchange: Exchange, error: Exception) -> None:
        self.in_flight -= 1
        self._answers.fail(exchange, error)

    def _gone(self, exchange: Exchange) -> None:
        """The caller went away."""
        if exchange not in self._pending:
            return  # the answer is being written, and will go nowhere
        del self._pending[exchange]
        assert exchange.inference is not None  # the dataplane has it
        exchange.inference.wanted = False
        self.in_flight -= 1
        self._answers.gone(exchange)

    def _in_thread(
        self, exchange: Exchange, work: Callable[[], T], go_on: Callable[[T], None]
    ) -> None:
        """Do something that takes long, then go on with it on the loop."""
        loop = self._loop

        def run() -> None:
            try:
                value = work()
            except ModelServerError as error:
                loop.call_soon_threadsafe(self._refuse, exchange, error)
            except Exception as error:  # noqa: BLE001  # as above
                loop.call_soon_threadsafe(self._fail, exchange, error)
            else:
                loop.call_soon_threadsafe(on_loop, value)

        def on_loop(value: T) -> None:
            try:
                go_on(value)
            except ModelServerError as error:
                self._refuse(exchange, error)
            except Exception as error:  # noqa: BLE001  # as above
                self._fail(exchange, error)

        self._executor.submit(run)

    def _too_many(self) -> Overloaded:
        return Overloaded(
            f"{self._max_concurrency} requests are being worked on; try again later or add replicas"
        )


def _whom(request: Any) -> tuple[str, str, str]:
    """Give the name and the version of the model that a request means, and its id."""
    return request.model_name, request.model_version, request.id


def _obey_rules(model: "Model", inputs: dict[str, Array]) -> None:
    """Check the values of tensors that fit the contract.

    Raises:
        InvalidInput: with everything that is wrong with them.
    """
    if model.rules is not None:
        problems = model.rules.problems(inputs)
        if problems:
            raise InvalidInput(REFUSED, problems)


def _checked(request: Any, model: "Model") -> Asked:
    asked = read_infer(request, model.contract)
    problems = model.problems(asked.inputs)
    if problems:
        raise InvalidInput(REFUSED, problems)
    return asked


def _is_large(outputs: Outputs) -> bool:
    total = 0
    for value in outputs.values():
        total += len(value) if isinstance(value, list) else value.size
    return total > LARGE_ANSWER_VALUES


def _priority(given: str | bytes) -> int:
    try:
        wanted = int(given)
    except ValueError:
        return 0
    return max(LOWEST_PRIORITY, min(HIGHEST_PRIORITY, wanted))
