"""Made-up inputs for a model, and the proof that rows may share a run.

Takes a contract and a way to run it, gives arrays and a reason why requests must not be joined, or
None. A free first axis promises nothing: a model may normalise over it, quantise by its largest
value, or count its rows. So distinct random rows are run together and apart, and the outputs are
compared. Must not decide anything else about a model.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from model_server.core.errors import InferenceFailed
from model_server.core.tensors import Array, Contract, TensorSpec, Value

if TYPE_CHECKING:
    from model_server.core.rules import InputRules, TensorRules

Run = Callable[[dict[str, Array]], Mapping[str, Value]]

PARTS = (1, 2, 3)
"""Rows of the requests that are joined in the proof."""

ROWS = sum(PARTS)

ROW_SCALES = np.array([1.0, 0.1, 1.0, 10.0, 1.0, 100.0])
"""Sizes of the random rows: one that depends on its neighbours shows it most beside larger ones,
and a tree takes different branches."""

INTEGER_BOUNDS = (100, 2)
"""Random integers are below the first of these that the model takes: indices into a table fail
beyond its end."""

INNER_LENGTH = 3
"""Length of free axes after the first in the proof; 1 when that fails."""

ONE_SIDED, WIDEST = 100, 1000.0
"""Width of the range of random values where a rule has one limit; ends of one without end."""

RELATIVE, ABSOLUTE, OF_ROW = 1e-4, 1e-6, 1e-5
"""Differences that are rounding: of the value, on top, and of the largest value in its row, since
a sum that nearly cancels out keeps the rounding of its parts. Kernels for one row and for several
add in different orders."""


def zeros(contract: Contract, rows: int = 1, inner: int = 1) -> dict[str, Array]:
    """Give an input of zeros and empty texts, free axes after the first being ``inner`` long."""
    found: dict[str, Array] = {}
    for spec in contract.inputs:
        shape = _shape(spec, rows, inner)
        text = spec.dtype == np.object_
        found[spec.name] = np.full(shape, "", object) if text else np.zeros(shape, spec.dtype)
    return found


def random_rows(
    contract: Contract, rules: "InputRules | None", bound: int, inner: int
) -> dict[str, Array]:
    """Give `ROWS` distinct random rows, the same at every call.

    Args:
        contract: of a model whose inputs all have a first axis.
        rules: ranges and categories of the values, where the model has some.
        bound: integers without a rule are below it.
        inner: length of free axes after the first.
    """
    generator = np.random.default_rng(20261125)
    found: dict[str, Array] = {}
    for spec in contract.inputs:
        array = _random(spec, _shape(spec, ROWS, inner), bound, generator)
        tensor = None if rules is None else rules.tensors.get(spec.name)
        if tensor is not None:
            _keep_rules(array, tensor, generator)
        found[spec.name] = array
    return found


def example_rows(contract: Contract, rules: "InputRules | None", rows: int) -> dict[str, Array]:
    """Give the example of a model's rules several times over, numbers moved a little apart.

    Returns:
        Rows; nothing where there is no example that fits the contract.
    """
    example = None if rules is None else rules.example
    if example is None or any(spec.name not in example for spec in contract.inputs):
        return {}
    generator = np.random.default_rng(20261125)
    found: dict[str, Array] = {}
    for spec in contract.inputs:
        row = np.asarray(example[spec.name], dtype=spec.dtype)
        array = np.repeat(row[np.newaxis], rows, axis=0)
        if array.dtype.kind == "f" and rows > 1:
            array = (array * (1 + 0.1 * generator.standard_normal(array.shape))).astype(spec.dtype)
        found[spec.name] = array
    return {} if contract.problems(found) else found


def why_not_joinable(contract: Contract) -> str | None:
    """Say what in a model's tensors keeps requests from sharing a run, or give None."""
    for kind, specs in (("input", contract.inputs), ("output", contract.outputs)):
        for spec in specs:
            if spec.dtype is None:
                return f"output {spec.name!r} is no tensor"
            if not spec.shape or isinstance(spec.shape[0], int):
                return f"the first axis of {kind} {spec.name!r} is not free"
    return None


def rows_that_run(
    run: Run, contract: Contract, rules: "InputRules | None"
) -> dict[str, Array] | None:
    """Give distinct rows that the model takes, or None where it takes none of those tried."""
    for inputs in _candidates(contract, rules):
        if not inputs:
            continue
        try:
            run(inputs)
        except InferenceFailed:
            continue
        return inputs
    return None


def why_rows_differ(run: Run, inputs: dict[str, Array]) -> str | None:
    """Run rows together and apart, and say how the outputs differ; None: they do not.

    Raises:
        InferenceFailed: the model takes the rows together and not apart.
    """
    rows = next(iter(inputs.values())).shape[0]
    joint = run(inputs)
    parts: list[Mapping[str, Value]] = []
    start = 0
    for length in PARTS:
        stop = min(start + length, rows)
        if stop > start:
            parts.append(run({name: array[start:stop] for name, array in inputs.items()}))
        start = stop
    telling = False
    for name, together in joint.items():
        pieces = [part[name] for part in parts]
        if not isinstance(together, np.ndarray) or together.shape[:1] != (rows,):
            return f"output {name!r} does not have one entry for each row"
        if any(piece.shape[1:] != together.shape[1:] for piece in pieces):  # type: ignore[union-attr]
            return f"the shape of output {name!r} depends on the rows of a run"
        apart = np.concatenate(pieces)  # type: ignore[arg-type]
        if apart.shape != together.shape or not _equal(together, apart):
            return f"output {name!r} of a row depends on the other rows of a run"
        telling = telling or _varies(together)
    # Equal outputs for different rows would also come of rows in the wrong order.
    return None if telling else "the outputs of all rows that were tried are equal"


def _candidates(contract: Contract, rules: "InputRules | None") -> Iterator[dict[str, Array]]:
    for inner in (INNER_LENGTH, 1):
        for bound in INTEGER_BOUNDS:
            yield random_rows(contract, rules, bound, inner)
    yield example_rows(contract, rules, ROWS)


def _keep_rules(array: Array, tensor: "TensorRules", generator: np.random.Generator) -> None:
    """Bring random values within the limits of each field, one for all or one a column."""
    table = array.reshape(-1, array.shape[-1] if len(tensor.fields) > 1 else 1)
    for number, rule in enumerate(tensor.fields):
        if number >= table.shape[1]:
            return
        column = table[:, number]
        if rule.known:
            known = sorted(rule.known, key=str)
            column[:] = [known[each] for each in generator.integers(0, len(known), column.size)]
        elif rule.low is not None or rule.high is not None:
            column[:] = _between(rule.low, rule.high, array.dtype, column.size, generator)


def _between(
    low: Any, high: Any, dtype: np.dtype[Any], size: int, generator: np.random.Generator
) -> Array:
    """Give random numbers between limits, not far from one of them where there is only one."""
    if dtype.kind == "f":
        low = high - ONE_SIDED if low is None else low
        high = low + ONE_SIDED if high is None else high
        # A range that is all of the datatype has a width that it cannot hold.
        if low < -WIDEST < WIDEST < high:
            low, high = -WIDEST, WIDEST
        return generator.uniform(low, high, size).astype(dtype)
    info = np.iinfo(dtype)
    low = max(info.min, high - ONE_SIDED) if low is None else low
    high = min(info.max, low + ONE_SIDED) if high is None else high
    return generator.integers(low, high, size, dtype, endpoint=True)


def _shape(spec: TensorSpec, rows: int, inner: int) -> tuple[int, ...]:
    return tuple(
        axis if isinstance(axis, int) else (rows if number == 0 else inner)
        for number, axis in enumerate(spec.shape)
    )


def _random(
    spec: TensorSpec, shape: tuple[int, ...], bound: int, generator: np.random.Generator
) -> Array:
    dtype: np.dtype[Any] | None = spec.dtype
    assert dtype is not None
    if dtype == np.object_:
        texts = generator.integers(0, 26, shape)
        return np.array([chr(97 + number) for number in texts.ravel()], object).reshape(shape)
    if dtype.kind == "f":
        scales = ROW_SCALES.reshape(-1, *[1] * (len(shape) - 1))
        return (generator.standard_normal(shape) * scales).astype(dtype)
    if dtype == np.bool_:
        return generator.integers(0, 2, shape).astype(dtype)
    return generator.integers(0, bound, shape).astype(dtype)


def _equal(together: Array, apart: Array) -> bool:
    if together.dtype.kind != "f":
        return bool(np.array_equal(together, apart))
    relative = max(RELATIVE, 4 * float(np.finfo(together.dtype).eps))
    left, right = together.astype(np.float64), apart.astype(np.float64)
    finite = np.isfinite(left) & np.isfinite(right)
    odd = ~finite & (left != right) & ~(np.isnan(left) & np.isnan(right))
    if odd.any():
        return False
    left, right = np.where(finite, left, 0.0), np.where(finite, right, 0.0)
    sizes = np.abs(right)
    largest = sizes.reshape(len(sizes), -1).max(axis=1, initial=0.0)
    largest = largest.reshape(-1, *[1] * (right.ndim - 1))
    scale = relative / RELATIVE
    allowed = ABSOLUTE + relative * sizes + OF_ROW * scale * largest
    return bool((np.abs(left - right) <= allowed).all())


def _varies(array: Array) -> bool:
    """Whether two rows differ in a value that is a number."""
    if array.dtype.kind == "f":
        array = np.where(np.isfinite(array.astype(np.float64)), array, 0.0)
    return bool((array != array[:1]).any())
