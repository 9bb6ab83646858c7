"""Whether a converted model answers as its source does, and how far apart they are.

Takes both models' outputs on the same rows, gives differences for each output and whether they are
within the tolerance. Pure; must not run a model.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from modelway.errors import PackageError

SCHEMA = "modelway.parity/1"

ABSOLUTE, RELATIVE, LABEL_AGREEMENT = 1e-4, 1e-3, 1.0
"""Defaults. ONNX computes in float32, which has 7 decimal digits, and scikit-learn in float64: sums
over some thousand terms keep 4 of them. Faulty conversions differ in the first or second digit."""


@dataclass(frozen=True)
class Tolerance:
    """How far outputs may be apart."""

    absolute: float = ABSOLUTE
    relative: float = RELATIVE
    """A number may differ by `absolute` and `relative` times the source's own, together."""
    label_agreement: float = LABEL_AGREEMENT
    """Smallest share of rows with equal labels, 0 to 1."""


@dataclass(frozen=True)
class OutputParity:
    """One output of both models."""

    name: str
    kind: str
    """`number` or `label`."""
    values: int
    outside: int
    """Values that differ by more than the tolerance, or labels that are not equal."""
    largest_difference: float | None = None
    """Of numbers."""
    typical_difference: float | None = None
    """The median, of numbers."""
    agreement: float | None = None
    """Share of equal labels."""
    passed: bool = True


@dataclass(frozen=True)
class Parity:
    """Both models compared on sample rows."""

    rows: int
    outputs: tuple[OutputParity, ...]
    tolerance: Tolerance

    @property
    def passed(self) -> bool:
        """Whether every output is within the tolerance."""
        return all(output.passed for output in self.outputs)


def compare(
    source: Mapping[str, Any],
    converted: Mapping[str, Any],
    labels: Sequence[str],
    tolerance: Tolerance,
) -> Parity:
    """Compare outputs by name.

    Args:
        source: the source's outputs.
        converted: the converted model's, by the same names.
        labels: the outputs that agree or do not; all others are numbers.
        tolerance: for both kinds.

    Raises:
        PackageError: an output has another shape.
    """
    outputs: list[OutputParity] = []
    rows = 0
    for name, wanted in source.items():
        given = aligned(name, np.asarray(converted[name]), np.asarray(wanted))
        rows = len(wanted)
        if name in labels:
            outputs.append(_labels(name, wanted, given, tolerance))
        else:
            outputs.append(_numbers(name, wanted, given, tolerance))
    return Parity(rows, tuple(outputs), tolerance)


def aligned(name: str, converted: Any, source: Any) -> Any:
    """Give a converted output in the source's shape.

    Raises:
        PackageError: it has not as many values.
    """
    if converted.size == source.size:
        return converted.reshape(source.shape)
    raise PackageError(
        f"comparing the converted model with its source: output `{name}` has shape "
        f"{list(converted.shape)} and the source's {list(source.shape)}; this estimator cannot be "
        "packaged with these converters"
    )


def plain(parity: Parity, subject: str, versions: Mapping[str, str]) -> dict[str, Any]:
    """Give the evidence as JSON has it.

    Args:
        parity: that passed.
        subject: the package's digest.
        versions: of what ran the models.
    """
    tolerance = parity.tolerance
    return {
        "schema": SCHEMA,
        "subject": subject,
        "passed": parity.passed,
        "rows": parity.rows,
        "tolerance": {
            "absolute": tolerance.absolute,
            "relative": tolerance.relative,
            "label_agreement": tolerance.label_agreement,
        },
        "outputs": [
            {name: value for name, value in vars(output).items() if value is not None}
            for output in parity.outputs
        ],
        "environment": dict(sorted(versions.items())),
    }


def outside_sentence(parity: Parity) -> str:
    """Say what is outside the tolerance."""
    said: list[str] = []
    for output in parity.outputs:
        if output.passed:
            continue
        if output.agreement is not None:
            said.append(
                f"`{output.name}` agrees on {output.agreement:.2%} of the rows, and "
                f"{parity.tolerance.label_agreement:.2%} are asked for"
            )
        else:
            said.append(
                f"`{output.name}` is outside the tolerance in {output.outside} of "
                f"{output.values} values, by {output.largest_difference:.3g} at most"
            )
    return "; ".join(said)


def _labels(name: str, source: Any, converted: Any, tolerance: Tolerance) -> OutputParity:
    if source.dtype.kind in "US" or converted.dtype.kind in "OUS":
        source, converted = source.astype(str), converted.astype(str)
    unequal = int((source != converted).sum())
    agreement = 1 - unequal / source.size
    passed = agreement >= tolerance.label_agreement
    return OutputParity(name, "label", source.size, unequal, agreement=agreement, passed=passed)


def _numbers(name: str, source: Any, converted: Any, tolerance: Tolerance) -> OutputParity:
    wanted, given = source.astype(np.float64), converted.astype(np.float64)
    with np.errstate(invalid="ignore"):
        difference = np.abs(wanted - given)
    same = (wanted == given) | (np.isnan(wanted) & np.isnan(given))
    # What one model knows and the other does not is infinitely far apart.
    difference = np.where(same, 0.0, np.where(np.isnan(difference), np.inf, difference))
    allowed = tolerance.absolute + tolerance.relative * np.abs(np.nan_to_num(wanted, posinf=0.0))
    outside = int((difference > allowed).sum())
    return OutputParity(
        name,
        "number",
        wanted.size,
        outside,
        largest_difference=float(difference.max()),
        typical_difference=float(np.median(difference)),
        passed=outside == 0,
    )
