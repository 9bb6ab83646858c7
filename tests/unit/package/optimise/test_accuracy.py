"""What is compared follows from the output, and is said."""

import math

import numpy as np
import pytest

from modelway.errors import PackageError
from modelway.package.optimise.accuracy import (
    Measure,
    choose_measure,
    largest_difference,
    score_percent,
)

CLASSES = {"scores": np.array([[0.9, 0.1], [0.2, 0.8], [0.6, 0.4], [0.7, 0.3]], np.float32)}
NUMBERS = {"price": np.array([[1.0], [2.0], [3.0], [4.0]], np.float32)}
LABELLED = {"label": np.array(["a", "b", "a", "a"], object), **CLASSES}


def test_an_output_of_labels_agrees_with_the_true_ones():
    measure = choose_measure(LABELLED, ["a", "b", "b", "a"])

    assert (measure, measure.name) == (Measure("label", "label", "labels"), "accuracy")
    assert score_percent(measure, LABELLED, ["a", "b", "b", "a"]) == 75.0


def test_of_scores_the_largest_counts():
    measure = choose_measure(CLASSES, ["0", "1", "1", "0"])

    assert measure == Measure("scores", "largest", "labels")
    assert score_percent(measure, CLASSES, ["0", "1", "1", "0"]) == 75.0


def test_numbers_explain_a_share_of_the_variance():
    measure = choose_measure(NUMBERS, ["1", "2", "3", "5"])

    assert (measure.kind, measure.name) == ("number", "R2")
    assert score_percent(measure, NUMBERS, ["1", "2", "3", "5"]) == pytest.approx(
        100 * (1 - 4 / 35)
    )


def test_without_labels_a_variant_is_compared_with_the_original():
    measure = choose_measure(CLASSES, None)
    variant = {"scores": CLASSES["scores"][:, ::-1].copy()}
    variant["scores"][0] = (0.9, 0.1)

    assert measure.name == "agreement with the original"
    assert score_percent(measure, CLASSES, CLASSES) == 100.0
    assert score_percent(measure, variant, CLASSES) == 25.0


def test_one_class_has_one_spelling():
    labels = {"label": np.array([3, 4], np.int64)}

    assert score_percent(choose_measure(labels, [3.0, "4"]), labels, [3.0, "4"]) == 100.0


def test_labels_that_no_output_can_give_are_refused():
    with pytest.raises(PackageError, match="not positions in the output `scores`, 0 to 1"):
        choose_measure(CLASSES, ["0", "1", "2", "cat"])
    with pytest.raises(PackageError, match="the labels are not numbers"):
        choose_measure(NUMBERS, ["cheap", "cheap", "dear", "dear"])
    with pytest.raises(PackageError, match="and not all equal"):
        choose_measure(NUMBERS, [7, 7, 7, 7])


def test_a_number_that_is_lost_is_infinitely_far_away():
    broken = {"price": np.array([[1.0], [2.0], [3.0], [np.nan]], np.float32)}

    assert largest_difference(broken, NUMBERS) == math.inf
    assert largest_difference(broken, broken) == 0.0
    assert score_percent(choose_measure(NUMBERS, None), broken, NUMBERS) == -math.inf
