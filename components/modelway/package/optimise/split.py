"""Part sample rows: some to calibrate with, others to judge by.

Takes a model's inputs, gives positions of rows. A row is never on both sides, nor is one of two
equal rows: what a variant was calibrated on says nothing about what it will meet. Pure.
"""

from modelway.errors import PackageError
from modelway.package.samples import Arrays

CALIBRATION_ROWS = 256
"""At most: ranges hardly widen beyond some hundred rows (onnxruntime's guide takes 100 to 500)."""

LEAST_ROWS = 20
"""Different rows without which nothing is judged: one of 10 on each side would be 10 %."""


def split_rows(inputs: Arrays) -> tuple[list[int], list[int]]:
    """Give the rows for calibration, and those for evaluation.

    Different rows go to either side in turn, so that both see all of a file that is sorted by
    class; what calibration does not need is evaluated as well.

    Raises:
        PackageError: there are too few different rows.
    """
    count = len(next(iter(inputs.values()))) if inputs else 0
    sides: dict[bytes, bool] = {}
    calibration: list[int] = []
    evaluation: list[int] = []
    calibrating = 0
    for index in range(count):
        row = b"\0".join(repr(inputs[name][index].tolist()).encode() for name in sorted(inputs))
        if row not in sides:
            sides[row] = len(sides) % 2 == 0 and calibrating < CALIBRATION_ROWS
            calibrating += sides[row]
        (calibration if sides[row] else evaluation).append(index)
    if len(sides) < LEAST_ROWS:
        raise PackageError(
            f"variants of the model cannot be judged on {len(sides)} different sample rows; give "
            f"at least {LEAST_ROWS} with --samples, or leave out --optimise"
        )
    return calibration, evaluation
