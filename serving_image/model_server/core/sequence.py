"""Models that emit a sequence step by step: how they are told so, and how they are run.

Takes ``generation.json`` beside the model and a request's tensors, gives one `Step` after the
other. Every step is a request of its own to the dataplane, so that steps of different sequences may
share a run, the loop stays free, and whoever stops listening stops the work. Must not know
transports, and must not sample: the next token is the model's own, or the likeliest one.

``generation.json``, of which only ``states`` or ``token_input`` has to be there::

    {
      "token_input": "input_ids",          integers, (rows,) or (rows, length)
      "logits_output": "logits",           the likeliest of its last axis, at the last position; or
      "token_output": "next_token",        the model's own choice, (rows,) or (rows, length)
      "states": {"past": "present"},       input of a step: output of the step before
      "mask_input": "attention_mask",      ones for all tokens so far, (rows, length so far)
      "position_input": "position_ids",    positions of the tokens of a step, (rows, length)
      "stop_tokens": [2],
      "max_steps": 256                     1 to 65536
    }

Without ``states`` a step gets all tokens so far, with them only the last one. A state that a caller
does not give begins as zeros, with a length of 0 on free axes after the first. All other inputs are
the caller's, the same at every step. Callers may give the first states; and the mask of tokens
that are padded on the left.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from model_server.core.errors import DeadlineExceeded, InferenceFailed, InvalidInput
from model_server.core.generation_file import Generation
from model_server.core.inference import InferenceRequest, Outputs
from model_server.core.tensors import Array, TensorSpec, Value

if TYPE_CHECKING:
    from model_server.core.dataplane import Dataplane
    from model_server.core.model import Model

LARGE_LOGITS_VALUES = 500_000
"""More values are searched in a thread: numpy looks at that many in about 0.3 ms."""


@dataclass(frozen=True, slots=True)
class Step:
    """What one step of a sequence gave."""

    number: int
    """From 0."""

    tokens: Array | None
    """The next token of each row, int64 (rows,); a row that is complete repeats its stop token.
    None for a model without tokens."""

    outputs: Outputs
    """The outputs that were asked for."""

    last: bool
    """The sequence is complete, or has as many steps as it may."""


async def generate(
    dataplane: "Dataplane",
    model: "Model",
    inputs: Mapping[str, Array],
    *,
    deadline: float,
    max_steps: int | None = None,
    outputs: tuple[str, ...] | None = None,
    priority: int = 0,
) -> AsyncIterator[Step]:
    """Run a model step by step; close the iterator to stop it early.

    Args:
        dataplane: runs each step.
        model: one with a `Generation`.
        inputs: the caller's tensors, as ``generation.contract`` has them.
        deadline: of the whole sequence, on the monotonic clock.
        max_steps: steps at most; more than the model's own limit count as that.
        outputs: names of the outputs of each step; all of ``generation.contract`` when None.
        priority: as `InferenceRequest.priority`.

    Yields:
        Each step when it is done.

    Raises:
        InvalidInput: the tensors do not begin a sequence.
        DeadlineExceeded: the deadline passed between two steps or in one.
        ModelServerError: whatever a step came to.
    """
    generation = model.generation
    assert generation is not None
    problems = generation.problems(inputs)
    if problems:
        raise InvalidInput("the request does not begin a sequence", problems)
    sequence = _Sequence(generation, inputs)
    wanted = tuple(spec.name for spec in generation.contract.outputs)
    wanted = wanted if outputs is None else outputs
    needed = tuple(dict.fromkeys((*wanted, *generation.fed_outputs)))
    limit = generation.max_steps if max_steps is None else min(max_steps, generation.max_steps)
    for number in range(limit):
        if time.monotonic() > deadline:
            raise DeadlineExceeded(f"the deadline passed after {number} steps")
        request = InferenceRequest(
            model, sequence.inputs, needed, sequence.rows, deadline, priority
        )
        got = await dataplane.infer(request)
        tokens = await sequence.chosen(got)
        last = sequence.complete or number + 1 == limit
        yield Step(number, tokens, {name: got[name] for name in wanted}, last)
        if last:
            return
        sequence.advance(got)


class _Sequence:
    """What has come so far, and the input of the next step."""

    def __init__(self, generation: Generation, given: Mapping[str, Array]) -> None:
        self._generation = generation
        self.rows = generation.rows(given)
        self.inputs = dict(given)
        """Of the next step."""
        self.complete = False
        """Every row has come to a stop token."""
        self._done = np.zeros(self.rows, dtype=np.bool_)
        self._tokens: Array | None = None
        for spec, _ in generation.states:
            if spec.name not in given:
                self.inputs[spec.name] = _first_state(spec, generation.rows_axis, self.rows)
        self._mask: Array | None = None
        token_input = generation.token_input
        if token_input is not None:
            prompt = given[token_input.name]
            mask = None if generation.mask_input is None else given.get(generation.mask_input.name)
            shape = (self.rows, prompt.shape[1] if prompt.ndim > 1 else 1)
            self._mask = np.ones(shape, np.int64) if mask is None else mask.astype(np.int64)
            self._place(shape[1])

    async def chosen(self, got: Outputs) -> Array | None:
        """Give the next token of each row, and note which rows are complete."""
        generation = self._generation
        if generation.token_output is not None:
            tokens = _last(got[generation.token_output], self.rows, 0).astype(np.int64)
        elif generation.logits_output is not None:
            logits = _last(got[generation.logits_output], self.rows, 1)
            if logits.size > LARGE_LOGITS_VALUES:
                tokens = await asyncio.to_thread(_likeliest, logits)
            else:
                tokens = _likeliest(logits)
        else:
            return None
        if self._tokens is not None:
            tokens = np.where(self._done, self._tokens, tokens)
        self._tokens = tokens
        if generation.stop_tokens:
            self._done = self._done | np.isin(tokens, generation.stop_tokens)
            self.complete = bool(self._done.all())
        return tokens

    def advance(self, got: Outputs) -> None:
        """Make the input of the next step."""
        generation = self._generation
        for spec, output in generation.states:
            value = got[output]
            if not isinstance(value, np.ndarray):
                raise _unusable(f"output {output!r} is no tensor")
            self.inputs[spec.name] = value
        token_input = generation.token_input
        if token_input is None or self._tokens is None or self._mask is None:
            return
        tokens = self._tokens.astype(token_input.dtype)
        if len(token_input.shape) > 1:
            tokens = tokens[:, np.newaxis]
            if not generation.states:
                tokens = np.concatenate([self.inputs[token_input.name], tokens], axis=1)
        self.inputs[token_input.name] = tokens
        self._mask = np.concatenate([self._mask, np.ones((self.rows, 1), np.int64)], axis=1)
        self._place(tokens.shape[1] if tokens.ndim > 1 else 1)

    def _place(self, length: int) -> None:
        """Set mask and positions for a step with that many tokens a row."""
        generation, mask = self._generation, self._mask
        assert mask is not None
        if generation.mask_input is not None:
            self.inputs[generation.mask_input.name] = mask.astype(generation.mask_input.dtype)
        position_input = generation.position_input
        if position_input is not None:
            positions = np.maximum(np.cumsum(mask, axis=1) - 1, 0)[:, -length:]
            self.inputs[position_input.name] = positions.astype(position_input.dtype)


def _first_state(spec: TensorSpec, rows_axis: str | None, rows: int) -> Array:
    shape = tuple(
        axis
        if isinstance(axis, int)
        else (rows if number == 0 or (axis is not None and axis == rows_axis) else 0)
        for number, axis in enumerate(spec.shape)
    )
    if spec.dtype == np.object_:
        return np.full(shape, "", object)
    return np.zeros(shape, spec.dtype)


def _last(value: Value, rows: int, axes: int) -> Array:
    """Give the values at the last position of each row, which have that many axes of their own."""
    if not isinstance(value, np.ndarray) or value.shape[:1] != (rows,) or value.ndim < axes + 1:
        raise _unusable("the output that holds the next token does not have one entry for each row")
    return value if value.ndim == axes + 1 else value[:, -1]


def _likeliest(logits: Array) -> Array:
    # NaN counts as the largest for numpy, and would be taken for a choice.
    if np.isnan(logits).any():
        raise _unusable("the logits have a NaN")
    return logits.argmax(axis=-1)


def _unusable(detail: str) -> InferenceFailed:
    return InferenceFailed("the model gave no next token; the server's log has the reason", detail)
