"""Which version of the model gave an answer, told from the answer itself.

Takes model files by version and the rows that are sent, gives the version whose own answer, worked
out by onnxruntime in this process, is the one that came. AWS names the variant that answered, and
both fleets of an update have the same. Versions that answer a row alike cannot be told apart by it:
all are named. Must not send anything.
"""

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from modelway.errors import ModelwayError, RehearsalError
from modelway.package.tensors import read_tensors
from modelway.rehearsal.rows import Row
from modelway.spec import Datatype

UNKNOWN = "unknown"
"""An answer that no version gives."""

BETWEEN = "|"
"""Stands between versions that cannot be told apart."""

RELATIVE_TOLERANCE = 1e-4
ABSOLUTE_TOLERANCE = 1e-5
"""Rows that are joined into one run differ in the last bits of FP32 (six digits are sure)."""

_NUMPY = {
    Datatype.BOOL: "bool",
    Datatype.FP16: "float16",
    Datatype.FP32: "float32",
    Datatype.FP64: "float64",
    Datatype.BYTES: "object",
}


class Versions:
    """The answers of each version to each row.

    Args:
        rows: what is sent, in the order of their numbers.
    """

    def __init__(self, rows: Sequence[Row]) -> None:
        self._rows = rows
        self._answers: dict[str, list[list[Any]]] = {}
        self._files: dict[str, Path] = {}

    @property
    def names(self) -> tuple[str, ...]:
        """The versions known so far, in the order in which they were added."""
        return tuple(self._answers)

    def add(self, version: str, model: Path) -> None:
        """Work out the answers of a version; one that is known is left as it is.

        Raises:
            ArtifactError: the model cannot be loaded.
            RehearsalError: the label names another file already, or the model refuses the rows.
        """
        if version in self._answers:
            if self._files[version] != model:
                raise RehearsalError(
                    f"telling versions apart: version {version!r} is {self._files[version]} and "
                    f"{model}; give each model a `version` of its own in the spec"
                )
            return
        try:
            self._answers[version] = _answers(model, self._rows)
        except ModelwayError:
            raise
        except Exception as error:  # noqa: BLE001 - onnxruntime's have no other common base
            raise RehearsalError(
                f"telling versions apart: the model {model} does not take the rows: "
                f"{str(error).splitlines()[0]}; give rows of its inputs with `traffic.rows`"
            ) from None
        self._files[version] = model

    def tell(self, number: int, body: bytes) -> str:
        """Give the version that answered row `number` so, or `unknown`."""
        try:
            (prediction,) = json.loads(body)["predictions"]
        except (ValueError, KeyError, TypeError):
            return UNKNOWN
        found = _flat(prediction)
        names = [
            version for version, answers in self._answers.items() if _alike(found, answers[number])
        ]
        return BETWEEN.join(names) or UNKNOWN


def _answers(model: Path, rows: Sequence[Row]) -> list[list[Any]]:
    import numpy as np
    import onnxruntime

    inputs, outputs = read_tensors(model)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(
        model.read_bytes(), options, providers=["CPUExecutionProvider"]
    )
    types = {tensor.name: np.dtype(_numpy_name(tensor.datatype)) for tensor in inputs}
    answers = []
    for row in rows:
        given = {name: np.array([row[name]], dtype=kind) for name, kind in types.items()}
        made: Sequence[Any] = session.run([tensor.name for tensor in outputs], given)
        by_name = {tensor.name: value[0] for tensor, value in zip(outputs, made, strict=True)}
        answers.append(_flat({name: np.asarray(value).tolist() for name, value in by_name.items()}))
    return answers


def _numpy_name(datatype: Datatype) -> str:
    return _NUMPY.get(datatype, datatype.lower())


def _flat(value: Any) -> list[Any]:
    """Give all plain values in the order of output names, then of places."""
    if isinstance(value, Mapping):
        return [each for name in sorted(value) for each in _flat(value[name])]
    if isinstance(value, list | tuple):
        return [each for item in value for each in _flat(item)]
    return [value.decode() if isinstance(value, bytes) else value]


def _alike(found: Sequence[Any], expected: Sequence[Any]) -> bool:
    return len(found) == len(expected) and all(
        _same(one, other) for one, other in zip(found, expected, strict=True)
    )


def _same(found: Any, expected: Any) -> bool:
    if isinstance(found, int | float) and isinstance(expected, int | float):
        return math.isclose(found, expected, rel_tol=RELATIVE_TOLERANCE, abs_tol=ABSOLUTE_TOLERANCE)
    # JSON has no NaN: the server writes null.
    return found == expected or (found is None and isinstance(expected, float))
