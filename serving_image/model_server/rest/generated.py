"""Sequences that a model emits step by step, as an answer to ``/invocations``.

Takes the tensors that begin a sequence, gives each step as soon as it is there: as server-sent
events for ``Accept: text/event-stream``, as a JSON line for ``application/jsonlines``, and all of
them in one JSON document otherwise. A step is an object::

    {"step": 0, "tokens": [17], "outputs": {...}}

``tokens`` has the next token of each row, for a model that has tokens. Sequences begin with the
model's own first states, which requests of this form cannot give. The parameters ``max_steps``
and ``outputs`` are in the query: ``/invocations?max_steps=20&outputs=label,score``. Must not run
anything by itself.
"""

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

import numpy as np
import orjson

from model_server.core.dataplane import Dataplane
from model_server.core.errors import InvalidInput
from model_server.core.sequence import Step, generate
from model_server.core.tensors import Array
from model_server.rest.http import JSON_TYPE, Answer, Request, asynchronous
from model_server.rest.parts import Parts, answer_in_parts

if TYPE_CHECKING:
    # onnxruntime, which comes with it, is imported in the thread that loads the model.
    from model_server.core.model import Model

EVENTS, LINES = b"text/event-stream", b"application/jsonlines"

OPTIONS = orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_NON_STR_KEYS


class Generated:
    """Answers requests of models with a `Generation`."""

    def __init__(self, dataplane: Dataplane) -> None:
        self._dataplane = dataplane

    def start(self, request: Request, model: "Model", inputs: dict[str, Array]) -> None:
        """Answer with a sequence; on the event loop.

        Raises:
            InvalidInput: a parameter of the query is wrong.
        """
        max_steps, outputs = _parameters(request, model)
        steps = generate(
            self._dataplane,
            model,
            inputs,
            deadline=request.deadline,
            max_steps=max_steps,
            outputs=outputs,
            priority=request.priority,
        )
        media_type = _wanted(request)
        if media_type == JSON_TYPE:
            _answer_whole(request, steps)
            return
        head = Answer(200, b"", media_type, [(b"cache-control", b"no-store")])
        answer_in_parts(request, head, lambda parts: _answer_in_steps(parts, media_type, steps))


async def _answer_in_steps(parts: Parts, media_type: bytes, steps: AsyncIterator[Step]) -> None:
    async for step in steps:
        line = orjson.dumps(_shown(step), option=OPTIONS)
        await parts.write(b"data: %s\n\n" % line if media_type == EVENTS else line + b"\n")


def _answer_whole(request: Request, steps: AsyncIterator[Step]) -> None:
    async def collect(_: Request) -> Answer:
        whole = [_shown(step) async for step in steps]
        return Answer(200, orjson.dumps({"steps": whole}, option=OPTIONS))

    asynchronous(collect)(request)


def _parameters(request: Request, model: "Model") -> tuple[int | None, tuple[str, ...] | None]:
    given = dict(parse_qsl(request.query.decode("latin-1"), max_num_fields=20))
    problems: list[str] = []
    max_steps = None
    text = given.get("max_steps")
    if text is not None:
        if text.isascii() and text.isdigit() and 0 < len(text) <= 6 and int(text) > 0:
            max_steps = int(text)
        else:
            problems.append(f"max_steps is {text[:40]!r}; it takes a whole number from 1 to 65536")
    outputs = None
    text = given.get("outputs")
    if text is not None:
        assert model.generation is not None  # asked for by the caller only then
        known = [spec.name for spec in model.generation.contract.outputs]
        outputs = tuple(name for name in text.split(",") if name)
        problems += [
            f"outputs names {name[:80]!r}; this model has {', '.join(known)}"
            for name in outputs
            if name not in known
        ]
    if problems:
        raise InvalidInput("the query does not fit", problems)
    return max_steps, outputs


def _wanted(request: Request) -> bytes:
    accept = request.headers.get(b"accept") or b""
    if EVENTS in accept:
        return EVENTS
    return LINES if LINES in accept or b"application/x-ndjson" in accept else JSON_TYPE


def _shown(step: Step) -> dict[str, Any]:
    shown: dict[str, Any] = {"step": step.number}
    if step.tokens is not None:
        shown["tokens"] = step.tokens.tolist()
    shown["outputs"] = {
        name: np.ascontiguousarray(value)
        if isinstance(value, np.ndarray) and value.dtype.kind in "fiub" and value.ndim
        else (value.tolist() if isinstance(value, np.ndarray) else value)
        for name, value in step.outputs.items()
    }
    return shown
