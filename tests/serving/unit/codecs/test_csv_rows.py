import numpy as np
import pytest

from model_server.core.errors import InferenceFailed, InvalidInput
from model_server.rest.codecs import CsvCodec

CSV = CsvCodec()


def test_each_line_is_a_row(contract, decode):
    inputs = decode(CSV, b"1,2.5\r\n3,4\n", contract("x float32 batch,2"))

    assert inputs["x"].tolist() == [[1, 2.5], [3, 4]]


def test_every_wrong_line_and_column_is_named(contract, decode):
    with pytest.raises(InvalidInput) as caught:
        decode(CSV, b"a,b\n1\n1,nan\n", contract("x float32 batch,2"))

    assert caught.value.problems == [
        "line 1, column 1: 'a' is no number; a header line is not allowed",
        "line 1, column 2: 'b' is no number; a header line is not allowed",
        "line 2 has 1 values where 2 are needed",
        "line 3, column 2: 'nan' is not a finite float32",
    ]


def test_several_outputs_stand_side_by_side():
    outputs = {"label": np.array([2, 0]), "odds": np.array([[0.5, np.nan], [1, 0]], np.float32)}

    assert CSV.encode(outputs, 2) == b"2,0.5,nan\n0,1.0,0.0\n"


def test_outputs_of_different_lengths_cannot_stand_side_by_side():
    with pytest.raises(InferenceFailed, match="different numbers of rows"):
        CSV.encode({"a": np.ones(2), "b": np.ones(3)}, 2)
