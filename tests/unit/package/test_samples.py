"""Sample rows: read, turned into tensors, written."""

import numpy as np
import pytest

from modelway.errors import PackageError
from modelway.package.samples import read_samples, sample_lines, tensor_array
from modelway.spec import Tensor


@pytest.fixture
def rows(tmp_path):
    def read(text):
        path = tmp_path / "samples"
        path.write_text(text)
        return read_samples(path)

    return read


def tensor(datatype, *shape):
    return Tensor(name="x", datatype=datatype, shape=(-1, *shape))


def test_csv_with_names(rows):
    found = rows('a,b\n1,"x, y"\n2,\n')

    assert (found.columns, found.values) == (("a", "b"), (("1", "x, y"), ("2", "")))


def test_csv_of_numbers_alone_has_no_names(rows):
    found = rows("1.5,-2e3,\n3,4,5\n")

    assert (found.columns, found.values) == (None, (("1.5", "-2e3", ""), ("3", "4", "5")))


def test_json_lines_of_objects_in_any_order(rows):
    found = rows('{"a": 1, "b": "x"}\n\n{"b": null, "a": 2}\n')

    assert (found.columns, found.values) == (("a", "b"), ((1, "x"), (2, None)))


def test_json_lines_of_arrays(rows):
    found = rows("[1, 2]\n[3, 4]\n")

    assert (found.columns, found.values) == (None, ((1, 2), (3, 4)))


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "hold no row"),
        ("a,b\n", "hold no row"),
        ("a,b\n1,2\n3\n", "have 1 fields in row 2 and 2 before"),
        ('{"a": 1}\n{"b": 1}\n', "have other columns in line 2"),
        ('{"a": 1}\n[1]\n', "have another number of values in line 2"),
        ("[1, 2]\n[1]\n", "have another number of values in line 2"),
        ("[1]\nx\n", "have no JSON in line 2"),
        ("[1]\n7\n", "have neither an object nor an array in line 2"),
    ],
)
def test_rows_that_differ_are_refused(text, why, rows):
    with pytest.raises(PackageError, match=why):
        rows(text)


def test_what_is_no_text_is_refused(tmp_path):
    path = tmp_path / "samples"
    path.write_bytes(b"\xff\xfe\x00")

    with pytest.raises(PackageError, match="cannot be read: it is no text in UTF-8"):
        read_samples(path)


@pytest.mark.parametrize(
    ("datatype", "values", "expected"),
    [
        ("FP32", ["1.5", "", None], [[1.5], [np.nan], [np.nan]]),
        ("INT64", ["7", 9_007_199_254_740_993], [[7], [9_007_199_254_740_993]]),
        ("BOOL", [True, False], [[True], [False]]),
        ("BYTES", ["7", "x"], [["7"], ["x"]]),
    ],
)
def test_values_become_the_inputs_datatype(datatype, values, expected, rows):
    array = tensor_array(tensor(datatype, 1), values, rows("1\n"))

    np.testing.assert_array_equal(array, np.array(expected, dtype=array.dtype))
    assert array.dtype == {"FP32": "f4", "INT64": "i8", "BOOL": "?", "BYTES": "O"}[datatype]


@pytest.mark.parametrize(
    ("datatype", "shape", "values", "why"),
    [
        ("FP32", (1,), ["x"], "which is FP32: could not convert string to float: 'x'"),
        ("INT64", (1,), ["1.5"], "which is INT64: '1.5' is no whole number"),
        ("INT8", (1,), [300], "which is INT8"),
        ("BOOL", (1,), ["true"], "'true' is neither true nor false"),
        ("BYTES", (1,), [1], "which is BYTES: not all values are text"),
        ("FP32", (3,), [[1, 2]], r"have values of shape \[2\] for the input `x`, whose rows have"),
        ("FP32", (2,), [[1, 2], [1]], "which is FP32"),
    ],
)
def test_values_that_do_not_fit_are_refused(datatype, shape, values, why, rows):
    with pytest.raises(PackageError, match=why):
        tensor_array(tensor(datatype, *shape), values, rows("1\n"))


def test_lines_hold_the_shortest_numbers_that_read_back_the_same():
    arrays = {
        "b": np.array([[0.1, np.nan], [1e-8, 16777216]], dtype=np.float32),
        "a": np.array([["é"], ["x"]], dtype=object),
    }

    assert list(sample_lines(arrays, 100)) == [
        '{"a":["é"],"b":[0.1,null]}',
        '{"a":["x"],"b":[1e-08,16777216.0]}',
    ]
    assert len(list(sample_lines(arrays, 1))) == 1
    assert list(sample_lines(arrays, 0)) == []
