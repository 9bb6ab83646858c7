"""The model's own tensors: names, datatypes and shapes, and whether an array fits them.

Takes what onnxruntime says of a model's inputs and outputs, gives `TensorSpec` and `Contract`.
Must not convert values: an array either fits or is refused with the reason.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.generic]

Value = Array | list[Any]
"""What a model gives for one output: an array, or a list of maps."""

DATATYPES: dict[str, np.dtype[Any]] = {
    "tensor(float)": np.dtype(np.float32),
    "tensor(double)": np.dtype(np.float64),
    "tensor(float16)": np.dtype(np.float16),
    "tensor(int8)": np.dtype(np.int8),
    "tensor(int16)": np.dtype(np.int16),
    "tensor(int32)": np.dtype(np.int32),
    "tensor(int64)": np.dtype(np.int64),
    "tensor(uint8)": np.dtype(np.uint8),
    "tensor(uint16)": np.dtype(np.uint16),
    "tensor(uint32)": np.dtype(np.uint32),
    "tensor(uint64)": np.dtype(np.uint64),
    "tensor(bool)": np.dtype(np.bool_),
    "tensor(string)": np.dtype(np.object_),
}
"""onnxruntime's names of the tensor types that numpy can hold, and how it holds them."""


@dataclass(frozen=True)
class TensorSpec:
    """One tensor of a model."""

    name: str

    dtype: np.dtype[Any] | None
    """How numpy holds it; ``object`` is text; None for a value that is no tensor (a list of
    maps, as scikit-learn's converters make)."""

    shape: tuple[int | str | None, ...]
    """Length of each axis; a name or None where it is free, equal names being equal lengths."""

    @property
    def datatype(self) -> str:
        """The datatype as callers read it, such as ``float32``, ``string`` or ``map``."""
        if self.dtype is None:
            return "map"
        return "string" if self.dtype == np.object_ else self.dtype.name

    @property
    def shape_text(self) -> str:
        """The shape as callers read it, such as ``(batch, 4)``; ``?`` is any length."""
        axes = ["?" if axis is None else str(axis) for axis in self.shape]
        return f"({', '.join(axes)}{',' if len(axes) == 1 else ''})"

    def __str__(self) -> str:
        """Describe it in one phrase."""
        return f"{self.name!r} ({self.datatype} {self.shape_text})"


@dataclass(frozen=True)
class Contract:
    """What goes into a model and what comes out, in the model's own order."""

    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]

    def input(self, name: str) -> TensorSpec | None:
        """Give the input of that name, or None."""
        return next((spec for spec in self.inputs if spec.name == name), None)

    def output(self, name: str) -> TensorSpec | None:
        """Give the output of that name, or None."""
        return next((spec for spec in self.outputs if spec.name == name), None)

    def names_of_inputs(self) -> str:
        """List the inputs for a message."""
        return ", ".join(str(spec) for spec in self.inputs)

    def names_of_outputs(self) -> str:
        """List the outputs for a message."""
        return ", ".join(repr(spec.name) for spec in self.outputs)

    def problems(self, arrays: Mapping[str, Array]) -> list[str]:
        """List everything that keeps these arrays from being this model's input."""
        found = [f"input {spec} is missing" for spec in self.inputs if spec.name not in arrays]
        found += [
            f"{name!r} is no input of this model; it has {self.names_of_inputs()}"
            for name in arrays
            if self.input(name) is None
        ]
        lengths: dict[str, tuple[int, str]] = {}
        for spec in self.inputs:
            array = arrays.get(spec.name)
            if array is None:
                continue
            own = array_problems(spec, array)
            found += own
            if own:
                continue
            for axis, length in zip(spec.shape, array.shape, strict=True):
                if not isinstance(axis, str):
                    continue
                first, owner = lengths.setdefault(axis, (length, spec.name))
                if first != length:
                    found.append(
                        f"input {spec.name!r} has {length} for {axis!r} where input {owner!r} "
                        f"has {first}; both must be equal"
                    )
        return found


def rows_of(inputs: Mapping[str, Array]) -> int:
    """Give the length of the first axis of the first input; 1 where it has no axes."""
    first = next(iter(inputs.values()))
    return first.shape[0] if first.ndim else 1


def array_problems(spec: TensorSpec, array: Array) -> list[str]:
    """List everything that keeps an array from being this tensor."""
    found: list[str] = []
    if spec.dtype is not None and array.dtype != spec.dtype:
        found.append(
            f"input {spec.name!r} takes {spec.datatype}, not {array.dtype.name}; "
            "convert it before sending"
        )
    if array.ndim != len(spec.shape):
        found.append(
            f"input {spec.name!r} takes {len(spec.shape)} axes {spec.shape_text}, "
            f"not {array.ndim} {array.shape}"
        )
        return found
    for number, (axis, length) in enumerate(zip(spec.shape, array.shape, strict=True)):
        if length == 0:
            found.append(f"input {spec.name!r} is empty: axis {number} has length 0")
        elif isinstance(axis, int) and axis != length:
            found.append(
                f"input {spec.name!r} takes {axis} along axis {number} of {spec.shape_text}, "
                f"not {length}"
            )
    return found
