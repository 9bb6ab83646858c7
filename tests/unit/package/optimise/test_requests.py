"""What `--optimise` refuses before any work is done."""

import math

import pytest

from modelway.errors import PackageError
from modelway.package.assemble import make_package
from modelway.package.request import Optimisation, PackageRequest
from modelway.package.samples import Rows, take_labels


@pytest.fixture
def refusal(tmp_path, write_onnx):
    def refused(**options):
        request = PackageRequest(source=write_onnx(), name="fraud", **options)
        with pytest.raises(PackageError) as caught:
            make_package(request, tmp_path / "package")
        assert not (tmp_path / "package").exists()
        return str(caught.value)

    return refused


@pytest.mark.parametrize("points", [-1.0, 100.5, math.nan, math.inf])
def test_a_loss_is_between_0_and_100_points(points, refusal, tmp_path):
    (tmp_path / "rows.csv").write_text("1,2,3,4\n")

    message = refusal(samples=tmp_path / "rows.csv", optimisation=Optimisation(points))

    assert (
        f"{points} is no loss of accuracy (--max-accuracy-loss): percentage points, 0 to 100"
        in message
    )


def test_without_samples_nothing_can_be_judged(refusal):
    message = refusal(optimisation=Optimisation())

    assert "variants are calibrated and judged on sample rows, and there are none" in message


def test_labels_without_variants_are_refused(refusal):
    assert "labels (--labels) are for --optimise alone" in refusal(labels="fraud")


def test_too_few_rows_are_refused(refusal, tmp_path):
    (tmp_path / "rows.csv").write_text("1,2,3,4\n5,6,7,8\n")

    message = refusal(samples=tmp_path / "rows.csv", optimisation=Optimisation())

    assert "cannot be judged on 2 different sample rows; give at least 20" in message


ROWS = Rows(("age", "fraud", "plan"), ((41, "no", "basic"), (7, "yes", "gold")), "rows.csv")


def test_a_column_of_labels_is_no_input():
    rows, labels = take_labels(ROWS, "fraud")

    assert rows == Rows(("age", "plan"), ((41, "basic"), (7, "gold")), "rows.csv")
    assert labels == ("no", "yes")


def test_a_file_has_one_label_a_line(tmp_path):
    (tmp_path / "labels.txt").write_text("no\nyes\n")

    assert take_labels(ROWS, str(tmp_path / "labels.txt")) == (ROWS, ("no", "yes"))
    assert take_labels(ROWS, None) == (ROWS, None)


def test_labels_that_are_not_there_or_too_many_are_refused(tmp_path):
    (tmp_path / "labels.txt").write_text("no\nyes\nno\n")

    with pytest.raises(PackageError, match=r"have no column `frau` .* they have age, fraud, plan"):
        take_labels(ROWS, "frau")
    with pytest.raises(PackageError, match=r"have 2 rows, and the file .* 3 labels"):
        take_labels(ROWS, str(tmp_path / "labels.txt"))
