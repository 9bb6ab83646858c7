"""How far a converted model may be from its source."""

import numpy as np
import pytest

from modelway.errors import PackageError
from modelway.package.parity import Tolerance, compare, outside_sentence, plain

TOLERANCE = Tolerance(absolute=0.1, relative=0.01, label_agreement=0.75)


def compared(source, converted, labels=()):
    return compare({"y": np.array(source)}, {"y": np.array(converted)}, labels, TOLERANCE)


def test_the_largest_and_the_median_difference_are_told():
    found = compared([1.0, 2.0, 3.0], [1.0, 2.05, 2.98])

    (output,) = found.outputs
    assert output.kind == "number"
    assert output.largest_difference == pytest.approx(0.05)
    assert output.typical_difference == pytest.approx(0.02)
    assert (output.values, output.outside, found.passed) == (3, 0, True)


@pytest.mark.parametrize(
    ("source", "converted", "passed"),
    [
        (0.0, 0.1, True),
        (0.0, 0.11, False),
        (100.0, 101.09, True),  # 0.1 and a hundredth of 100
        (100.0, 101.11, False),
        (-100.0, -101.09, True),
        (np.nan, np.nan, True),
        (np.nan, 0.0, False),
        (0.0, np.nan, False),
        (np.inf, np.inf, True),
        (np.inf, 1e30, False),
        (np.inf, -np.inf, False),
    ],
)
def test_a_number_may_differ_by_both_tolerances_together(source, converted, passed):
    assert compared([source], [converted]).passed is passed


def test_labels_agree_or_do_not():
    found = compared([0, 1, 2, 2], [0, 1, 2, 1], labels=("y",))

    (output,) = found.outputs
    assert (output.kind, output.agreement, output.outside, output.passed) == (
        "label",
        0.75,
        1,
        True,
    )
    assert not compared([0, 1, 2, 2], [0, 1, 1, 1], labels=("y",)).passed


def test_labels_of_text_and_of_numbers_that_are_the_same_agree():
    text = np.array(["no", "yes"])

    assert compared(text, text.astype(object), labels=("y",)).outputs[0].agreement == 1.0
    assert compared([0.0, 1.0], [0, 1], labels=("y",)).outputs[0].agreement == 1.0


def test_a_column_of_one_is_the_same_as_none():
    assert compared([1.0, 2.0], [[1.0], [2.0]]).passed


def test_another_number_of_values_cannot_be_compared():
    with pytest.raises(PackageError, match=r"`y` has shape \[1, 3\] and the source's \[2\]"):
        compared([1.0, 2.0], [[1.0, 2.0, 3.0]])


def test_what_is_outside_is_told_for_every_output():
    found = compare(
        {"label": np.array([1, 2]), "scores": np.array([[1.0, 5.0]]), "fine": np.array([1.0])},
        {"label": np.array([2, 1]), "scores": np.array([[1.0, 7.5]]), "fine": np.array([1.0])},
        ("label",),
        TOLERANCE,
    )

    assert outside_sentence(found) == (
        "`label` agrees on 0.00% of the rows, and 75.00% are asked for; "
        "`scores` is outside the tolerance in 1 of 2 values, by 2.5 at most"
    )


def test_the_evidence_names_the_package_and_is_json():
    found = compared([1.0, 2.0], [1.0, 2.0])

    assert plain(found, "sha256:ab", {"onnxruntime": "1.32.0"}) == {
        "schema": "modelway.parity/1",
        "subject": "sha256:ab",
        "passed": True,
        "rows": 2,
        "tolerance": {"absolute": 0.1, "relative": 0.01, "label_agreement": 0.75},
        "outputs": [
            {
                "name": "y",
                "kind": "number",
                "values": 2,
                "outside": 0,
                "largest_difference": 0.0,
                "typical_difference": 0.0,
                "passed": True,
            }
        ],
        "environment": {"onnxruntime": "1.32.0"},
    }
