"""Rows for calibration and rows for evaluation are different rows."""

import numpy as np
import pytest

from modelway.errors import PackageError
from modelway.package.optimise.split import split_rows


def rows(values):
    return {"x": np.array(values, dtype=np.float32).reshape(-1, 1)}


def test_different_rows_go_to_either_side_in_turn():
    calibration, evaluation = split_rows(rows(range(20)))

    assert calibration == [0, 2, 4, 6, 8, 10, 12, 14, 16, 18]
    assert evaluation == [1, 3, 5, 7, 9, 11, 13, 15, 17, 19]


def test_equal_rows_are_on_one_side():
    calibration, evaluation = split_rows(rows([0, 0, 0, *range(1, 20), 5, 0]))

    assert [each for each in calibration if each in (0, 1, 2, 23)] == [0, 1, 2, 23]
    assert 22 in evaluation
    assert 7 in evaluation


def test_calibration_takes_256_rows_and_evaluation_the_rest():
    calibration, evaluation = split_rows(rows(range(1000)))

    assert (len(calibration), len(evaluation)) == (256, 744)


def test_too_few_different_rows_judge_nothing():
    with pytest.raises(PackageError, match="cannot be judged on 3 different sample rows; give at"):
        split_rows(rows([1, 2, 3] * 100))
