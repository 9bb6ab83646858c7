"""A long batch answered as its rows are done, one JSON line a row.

Takes the tensors of one request, gives an answer in parts: the rows run in several runs, and each
run's lines leave while the next one is under way. So the first rows of a batch of a million are
there at once, and the server holds the outputs of one run and not of all. Must only be asked for
models whose rows were proved not to depend on each other.
"""

import asyncio
from typing import TYPE_CHECKING

from model_server.core.dataplane import Dataplane
from model_server.core.inference import InferenceRequest, Outputs
from model_server.core.tensors import Array
from model_server.rest.codecs import Codec
from model_server.rest.http import Answer, Request
from model_server.rest.parts import Parts, answer_in_parts

if TYPE_CHECKING:
    # onnxruntime, which comes with it, is imported in the thread that loads the model.
    from model_server.core.model import Model

PART_ROWS = 256
"""Rows of one part: the gain of joining is had by far, and a slow reader holds up no more."""

AHEAD = 2
"""Parts under way at once: one is written while the next one runs."""


class RowStream:
    """One long batch on its way."""

    def __init__(
        self,
        dataplane: Dataplane,
        request: Request,
        model: "Model",
        writer: Codec,
        outputs: tuple[str, ...],
    ) -> None:
        self._dataplane = dataplane
        self._request = request
        self._model = model
        self._writer = writer
        self._outputs = outputs

    def start(self, inputs: dict[str, Array], rows: int) -> None:
        """Answer with all rows, in their order; on the event loop."""
        head = Answer(200, b"", self._writer.media_type.encode())
        answer_in_parts(self._request, head, lambda parts: self._make(parts, inputs, rows))

    async def _make(self, parts: Parts, inputs: dict[str, Array], rows: int) -> None:
        under_way: list[tuple[asyncio.Task[Outputs], int]] = []
        try:
            for start in range(0, rows, PART_ROWS):
                count = min(PART_ROWS, rows - start)
                part = {name: array[start : start + count] for name, array in inputs.items()}
                under_way.append((asyncio.ensure_future(self._infer(part, count)), count))
                if len(under_way) >= AHEAD:
                    await self._write(parts, *under_way.pop(0))
            while under_way:
                await self._write(parts, *under_way.pop(0))
        finally:
            for task, _ in under_way:
                task.cancel()

    async def _infer(self, inputs: dict[str, Array], rows: int) -> Outputs:
        request = self._request
        return await self._dataplane.infer(
            InferenceRequest(
                self._model, inputs, self._outputs, rows, request.deadline, request.priority
            )
        )

    async def _write(self, parts: Parts, task: "asyncio.Task[Outputs]", rows: int) -> None:
        await parts.write(self._writer.encode(await task, rows))
