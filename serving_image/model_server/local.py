"""The served models, for code of the user's own in the same process.

::

    from model_server import local

    outputs = await local.infer({"x": rows})        # in an ASGI application
    outputs = local.infer_now({"x": rows})          # in a WSGI application or a handler's thread

Takes arrays by input name, gives arrays by output name, through the same batching, limits and
metrics as a request from outside. Must not offer anything else of the server.
"""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from model_server.core.errors import InvalidInput
from model_server.core.inference import InferenceRequest, Outputs
from model_server.core.tensors import Array, rows_of

if TYPE_CHECKING:
    from model_server.core.dataplane import Dataplane
    from model_server.core.model import Model


@dataclass(frozen=True, slots=True)
class _Server:
    find: "Callable[[str | None, str | None], Model]"
    dataplane: "Dataplane"
    loop: asyncio.AbstractEventLoop
    seconds: float


_bound: list[_Server] = []


def bind(
    find: "Callable[[str | None, str | None], Model]", dataplane: "Dataplane", seconds: float
) -> None:
    """Connect this module with the running server; on its event loop, once."""
    _bound[:] = [_Server(find, dataplane, asyncio.get_running_loop(), seconds)]


async def infer(
    inputs: Mapping[str, Array],
    outputs: Sequence[str] | None = None,
    *,
    model: str | None = None,
    version: str | None = None,
    seconds: float | None = None,
) -> Outputs:
    """Run a model; on the server's event loop.

    Args:
        inputs: arrays of the model's datatypes and shapes, rows first.
        outputs: names of the outputs wanted. Default: all.
        model: its name. Default: the one that is served.
        version: its version. Default: the newest.
        seconds: longest time for the answer. Default: the server's own limit.

    Raises:
        ModelServerError: the input does not fit, or whatever a caller from outside would be told.
        RuntimeError: no server runs in this process.
    """
    server = _server()
    found = server.find(model, version)
    problems = found.problems(inputs)
    if problems:
        raise InvalidInput("the arrays do not fit the model", problems)
    wanted = tuple(outputs) if outputs is not None else _all_outputs(found)
    limit = server.seconds if seconds is None else min(seconds, server.seconds)
    request = InferenceRequest(
        found, dict(inputs), wanted, rows_of(inputs), time.monotonic() + limit
    )
    return await server.dataplane.infer(request)


def infer_now(
    inputs: Mapping[str, Array],
    outputs: Sequence[str] | None = None,
    *,
    model: str | None = None,
    version: str | None = None,
    seconds: float | None = None,
) -> Outputs:
    """Run a model and wait; in a thread that is not the event loop's. As `infer` otherwise."""
    server = _server()
    coroutine = infer(inputs, outputs, model=model, version=version, seconds=seconds)
    return asyncio.run_coroutine_threadsafe(coroutine, server.loop).result()


def _server() -> _Server:
    if not _bound:
        raise RuntimeError("no model server runs in this process; start it with MODEL_SERVER_APP")
    return _bound[0]


def _all_outputs(model: "Model") -> tuple[str, ...]:
    return tuple(spec.name for spec in model.contract.outputs)
