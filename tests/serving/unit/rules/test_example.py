import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from model_server.core.errors import ModelUnusable
from model_server.core.example import example_arrays, example_values


def test_without_rules_an_example_is_zeros(contract_of):
    contract = contract_of(
        a=("float32", "batch", 2), b=("int64", "batch"), c=("text", "batch", 1), d=("bool",)
    )

    assert example_values(contract, None) == {
        "a": [[0.0, 0.0]],
        "b": [0],
        "c": [[""]],
        "d": False,
    }


def test_an_example_is_the_middle_of_ranges_and_the_first_category(people, people_rules):
    assert example_values(people, people_rules) == {"x": [[60.0, 0.5, 1]]}


@pytest.mark.parametrize(
    ("kind", "limits", "value"),
    [
        ("float32", {"min": 3}, 4.5),
        ("float32", {"max": -3}, -4.5),
        ("float64", {"min": -1e308, "max": 1e308}, 0.0),
        ("int8", {"min": 0, "max": 255}, 63),
        ("int64", {"min": 7, "max": 7}, 7),
        ("uint8", {"max": 1}, 0),
        ("int8", {"max": -100}, -114),
        ("int8", {"min": 100}, 113),
        ("float16", {"min": 60000}, 62752.0),
        ("text", {"pattern": r"[A-Z]{2}\d+"}, "AA0"),
        ("text", {"categories": ["b", "a"]}, "b"),
    ],
)
def test_an_example_keeps_its_limits(contract_of, rules_of, kind, limits, value):
    contract = contract_of(x=(kind, "batch", 1))
    rules = rules_of(contract, {"x": limits})

    assert example_values(contract, rules) == {"x": [[value]]}
    assert rules.problems(example_arrays(contract, rules)) == []


def test_the_files_example_is_the_first_row_and_others_are_spread(contract_of, rules_of):
    contract = contract_of(x=("float32", "batch", 1))
    rules = rules_of(contract, {"x": {"min": 0, "max": 8}}, example={"x": [5]})

    assert example_values(contract, rules, 4) == {"x": [[5], [3.0], [5.0], [7.0]]}


def test_arrays_have_what_stands_in_for_missing_values(people, rules_of):
    columns = [
        {"name": "a", "missing": "allow"},
        {"name": "b", "missing": {"value": 7}},
        {"name": "c"},
    ]
    rules = rules_of(people, {"x": {"columns": columns}}, example={"x": [None, None, 1]})

    (row,) = example_arrays(people, rules)["x"].tolist()

    assert np.isnan(row[0])
    assert row[1:] == [7.0, 1.0]


def test_a_fixed_first_axis_settles_the_rows(contract_of):
    assert example_values(contract_of(x=("float32", 2, 1)), None, 5) == {"x": [[0.0], [0.0]]}


@given(
    st.sampled_from(["float16", "float32", "float64", "int8", "uint64"]),
    st.none() | st.integers(-200, 200) | st.floats(-1e6, 1e6),
    st.none() | st.integers(-200, 200) | st.floats(-1e6, 1e6),
    st.integers(1, 5),
)
def test_every_example_keeps_the_rules_that_it_is_made_from(
    contract_of, rules_of, kind, low, high, rows
):
    contract = contract_of(x=(kind, "batch", 2))
    limits = {"min": low, "max": high}
    given_limits = {key: value for key, value in limits.items() if value is not None}
    try:
        rules = rules_of(contract, {"x": given_limits})
    except ModelUnusable:
        return

    arrays = example_arrays(contract, rules, rows)

    assert arrays["x"].shape == (rows, 2)
    assert rules.problems(arrays) == []
