"""``generation.json``: how a model emits a sequence, read and checked against its tensors.

Takes the file's text and a `Contract`, gives a `Generation`, or `ModelUnusable` with every problem.
Must not run anything; `sequence` does, and its docstring shows the file.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from model_server.core.artifact import ensure_inside
from model_server.core.errors import ModelUnusable
from model_server.core.tensors import Array, Contract, TensorSpec, array_problems

FILE = "generation.json"

MAX_FILE_BYTES = 64 * 1024

DEFAULT_STEPS, MAX_STEPS = 256, 65_536
"""Steps of one sequence unless the file says otherwise, and at most."""

KEYS = (
    "token_input", "logits_output", "token_output", "states", "mask_input", "position_input",
    "stop_tokens", "max_steps",
)  # fmt: skip


NEED_NO_TOKENS = ("states", "max_steps")
"""Members that a model without tokens may have."""

KINDS = {"iu": "integers", "f": "floats", "iufb": "numbers or booleans"}


@dataclass(frozen=True, slots=True)
class Generation:
    """How a model emits a sequence."""

    contract: Contract
    """What a caller gives and may ask for: the inputs but states, mask and positions; the outputs
    but states and logits, or all where there are no tokens."""

    states: tuple[tuple[TensorSpec, str], ...]
    """Inputs, and the outputs of the step before that feed them."""

    token_input: TensorSpec | None = None
    logits_output: str | None = None
    token_output: str | None = None
    mask_input: TensorSpec | None = None
    position_input: TensorSpec | None = None
    stop_tokens: tuple[int, ...] = ()
    max_steps: int = DEFAULT_STEPS

    @property
    def fed_outputs(self) -> tuple[str, ...]:
        """Outputs that every step needs."""
        named = (self.logits_output, self.token_output)
        return (*(output for _, output in self.states), *(name for name in named if name))

    @property
    def rows_axis(self) -> str | None:
        """Name of the axis along which rows lie; None where it has none."""
        axis = self._leader.shape[0] if self._leader.shape else None
        return axis if isinstance(axis, str) else None

    @property
    def _leader(self) -> TensorSpec:
        """The tensor whose first axis counts the rows."""
        if self.token_input is not None:
            return self.token_input
        return self.contract.inputs[0] if self.contract.inputs else self.states[0][0]

    def rows(self, inputs: Mapping[str, Array]) -> int:
        """Give the number of rows of inputs that `problems` found nothing against."""
        array = inputs.get(self._leader.name)
        return array.shape[0] if array is not None and array.ndim else 1

    def problems(self, inputs: Mapping[str, Array]) -> list[str]:
        """List everything that keeps arrays from beginning a sequence."""
        optional = [spec for spec, _ in self.states]
        optional += [] if self.mask_input is None else [self.mask_input]
        given = {name: array for name, array in inputs.items() if self.contract.input(name)}
        rest = {name: array for name, array in inputs.items() if name not in given}
        found = self.contract.problems(given)
        for spec in optional:
            if spec.name in rest:
                found += array_problems(spec, rest.pop(spec.name))
        known = ", ".join(repr(spec.name) for spec in (*self.contract.inputs, *optional))
        found += [f"{name!r} is no input of a sequence; it has {known}" for name in rest]
        if found:
            return found
        rows = self.rows(inputs)
        for spec in (*self.contract.inputs, *optional):
            array = inputs.get(spec.name)
            if array is None or not spec.shape or isinstance(spec.shape[0], int):
                continue
            if array.shape[0] != rows:
                found.append(f"input {spec.name!r} has {array.shape[0]} rows, others have {rows}")
        return found + self._mask_problems(inputs)

    def _mask_problems(self, inputs: Mapping[str, Array]) -> list[str]:
        if self.mask_input is None or self.token_input is None:
            return []
        mask = inputs.get(self.mask_input.name)
        if any(spec.name in inputs for spec, _ in self.states):
            return ["states cannot be given, as the mask would not cover them"]
        if mask is not None and mask.shape != inputs[self.token_input.name].shape:
            return [f"input {self.mask_input.name!r} takes one entry for each token"]
        return []


def load_generation(folder: Path, contract: Contract) -> Generation | None:
    """Give how the model of a folder emits a sequence, or None where it does not.

    Raises:
        ModelUnusable: the file cannot be read, or does not fit the model.
    """
    path = folder / FILE
    if not path.is_file():
        return None
    ensure_inside(path, folder.resolve(), FILE)
    try:
        with path.open("rb") as file:
            data = file.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        raise ModelUnusable(f"{FILE} could not be read: {error.strerror}") from error
    if len(data) > MAX_FILE_BYTES:
        raise ModelUnusable(f"{FILE} has more than {MAX_FILE_BYTES} bytes")
    return parse_generation(data, contract)


def parse_generation(data: bytes, contract: Contract) -> Generation:
    """Read the text of a ``generation.json``.

    Raises:
        ModelUnusable: with every problem.
    """
    try:
        given = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise ModelUnusable(f"{FILE} is no JSON: {error}") from error
    if not isinstance(given, dict):
        raise ModelUnusable(f"{FILE} takes an object with {', '.join(KEYS)}")
    check = _Check(given, contract)
    generation = check.generation()
    if check.problems:
        raise ModelUnusable(f"{FILE} does not fit the model: {'; '.join(check.problems)}")
    return generation


class _Check:
    """Reads the members one by one, and collects what is wrong with them."""

    def __init__(self, given: dict[str, Any], contract: Contract) -> None:
        self.problems = [
            f"{key!r} is no member of it; it has {', '.join(KEYS)}"
            for key in given
            if key not in KEYS
        ]
        self._given = given
        self._contract = contract

    def generation(self) -> Generation:
        token_input = self._input("token_input", "iu", (1, 2))
        mask_input = self._input("mask_input", "iufb", (2,))
        position_input = self._input("position_input", "iu", (2,))
        logits = self._output("logits_output", "f", (2, 3))
        token = self._output("token_output", "iu", (1, 2))
        states = self._states()
        stop_tokens = self._stop_tokens()
        self._together(token_input, states, (logits is not None) + (token is not None))
        own = [spec.name for spec in (mask_input, position_input) if spec is not None]
        own += [spec.name for spec, _ in states]
        named = [*own, *([] if token_input is None else [token_input.name])]
        if len({*named}) < len(named):
            self.problems.append("an input is named for two purposes")
        hidden = {output for _, output in states} if token_input is not None else set()
        hidden |= {logits} if logits is not None else set()
        return Generation(
            contract=Contract(
                inputs=tuple(spec for spec in self._contract.inputs if spec.name not in own),
                outputs=tuple(spec for spec in self._contract.outputs if spec.name not in hidden),
            ),
            states=states,
            token_input=token_input,
            logits_output=logits,
            token_output=token,
            mask_input=mask_input,
            position_input=position_input,
            stop_tokens=stop_tokens,
            max_steps=self._max_steps(),
        )

    def _together(
        self, token_input: TensorSpec | None, states: tuple[Any, ...], choices: int
    ) -> None:
        if token_input is not None:
            if choices != 1:
                self.problems.append("token_input takes one of logits_output and token_output")
            if len(token_input.shape) == 1 and not states:
                self.problems.append("a token_input of one axis takes states")
            return
        if "token_input" not in self._given:
            needless = [key for key in KEYS if key in self._given and key not in NEED_NO_TOKENS]
            if needless:
                self.problems.append(f"{', '.join(needless)} take a token_input")
            elif not states and not self.problems:
                self.problems.append("it names neither token_input nor states")

    def _input(self, key: str, kinds: str, axes: tuple[int, ...]) -> TensorSpec | None:
        return self._tensor(key, kinds, axes, self._contract.input, "input")

    def _output(self, key: str, kinds: str, axes: tuple[int, ...]) -> str | None:
        spec = self._tensor(key, kinds, axes, self._contract.output, "output")
        return None if spec is None else spec.name

    def _tensor(
        self, key: str, kinds: str, axes: tuple[int, ...], find: Any, what: str
    ) -> TensorSpec | None:
        if key not in self._given:
            return None
        name = self._given[key]
        spec: TensorSpec | None = find(name) if isinstance(name, str) else None
        if spec is None:
            self.problems.append(f"{key} is {name!r}, which is no {what} of the model")
        elif spec.dtype is None or spec.dtype.kind not in kinds or len(spec.shape) not in axes:
            self.problems.append(
                f"{key} is {what} {spec}; it takes {KINDS[kinds]} with "
                f"{' or '.join(str(count) for count in axes)} axes"
            )
        else:
            return spec
        return None

    def _states(self) -> tuple[tuple[TensorSpec, str], ...]:
        given = self._given.get("states", {})
        if not isinstance(given, dict):
            self.problems.append("states takes an object of inputs and the outputs that feed them")
            return ()
        found: list[tuple[TensorSpec, str]] = []
        for name, fed_by in given.items():
            spec = self._contract.input(name)
            output = self._contract.output(fed_by) if isinstance(fed_by, str) else None
            if spec is None or output is None:
                missing = f"{name!r} is no input" if spec is None else f"{fed_by!r} is no output"
                self.problems.append(f"states: {missing} of the model")
            elif spec.dtype != output.dtype or not _may_follow(spec, output):
                self.problems.append(f"states: output {output} cannot feed input {spec}")
            else:
                found.append((spec, output.name))
        return tuple(found)

    def _stop_tokens(self) -> tuple[int, ...]:
        given = self._given.get("stop_tokens", [])
        if not isinstance(given, list) or not all(type(each) is int for each in given):
            self.problems.append("stop_tokens takes a list of integers")
            return ()
        if any(not -(2**63) <= each < 2**63 for each in given):
            self.problems.append("stop_tokens has a number beyond int64")
            return ()
        return tuple(given)

    def _max_steps(self) -> int:
        given = self._given.get("max_steps", DEFAULT_STEPS)
        if type(given) is not int or not 1 <= given <= MAX_STEPS:
            self.problems.append(f"max_steps is {given!r}; it takes 1 to {MAX_STEPS}")
            return DEFAULT_STEPS
        return given


def _may_follow(spec: TensorSpec, output: TensorSpec) -> bool:
    return len(spec.shape) == len(output.shape) and all(
        not (isinstance(one, int) and isinstance(other, int)) or one == other
        for one, other in zip(spec.shape, output.shape, strict=True)
    )
