"""Rows of requests: generated and read."""

import json

import pytest

from modelway.errors import RehearsalError
from modelway.rehearsal.rows import body, generated_rows, read_rows
from modelway.spec import Datatype, Tensor

X = Tensor(name="x", datatype=Datatype.FP32, shape=(-1, 2))
N = Tensor(name="n", datatype=Datatype.INT64, shape=(-1,))


def test_generated_rows_have_the_inputs_forms_and_depend_on_the_seed_alone():
    rows = generated_rows([X, N], seed=5, count=2)

    assert rows == generated_rows([X, N], seed=5, count=2)
    assert rows != generated_rows([X, N], seed=6, count=2)
    assert [len(row["x"]) for row in rows] == [2, 2]
    assert all(isinstance(row["n"], int) and 0 <= row["n"] < 10 for row in rows)
    assert all(0 <= value <= 1 for row in rows for value in row["x"])


def test_axes_that_vary_within_a_row_have_one_value():
    (row,) = generated_rows([Tensor(name="x", datatype="BOOL", shape=(-1, -1, 2))], 1, count=1)

    assert [len(inner) for inner in row["x"]] == [2]
    assert {type(value) for value in row["x"][0]} == {bool}


def test_a_body_names_inputs_only_where_there_are_several():
    assert json.loads(body({"x": [1.0, 2.0]})) == {"instances": [[1.0, 2.0]]}
    assert json.loads(body({"x": [1.0, 2.0], "n": 3})) == {"instances": [{"x": [1.0, 2.0], "n": 3}]}


def test_rows_are_read_from_json_lines_and_csv(tmp_path):
    lines, table = tmp_path / "rows.jsonl", tmp_path / "rows.csv"
    lines.write_text('[1, 2]\n\n{"x": [3, 4]}\n')
    table.write_text("1,2\n3.5,4\n")

    assert read_rows(lines, [X]) == [{"x": [1, 2]}, {"x": [3, 4]}]
    assert read_rows(table, [X]) == [{"x": [1.0, 2.0]}, {"x": [3.5, 4.0]}]


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("rows.jsonl", "", "there is no row"),
        ("rows.jsonl", "{", "allowed: JSON lines"),
        ("rows.csv", "a,b\n", "allowed: JSON lines"),
        ("rows.jsonl", '[1, 2]\n{"y": 1}\n', "row 2 is no row of this model; allowed: an object"),
    ],
)
def test_a_file_without_proper_rows_is_refused(tmp_path, name, content, said):
    file = tmp_path / name
    file.write_text(content)

    with pytest.raises(RehearsalError, match=said):
        read_rows(file, [X])


def test_a_missing_file_is_told_with_the_field_to_correct(tmp_path):
    with pytest.raises(RehearsalError, match=r"correct `traffic\.rows`"):
        read_rows(tmp_path / "none.jsonl", [X])
