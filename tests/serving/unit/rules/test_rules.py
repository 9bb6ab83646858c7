import threading

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from model_server.core.errors import ModelUnusable

NAN = float("nan")


def table(*rows, dtype=np.float32):
    return {"x": np.array(rows, dtype=dtype)}


def test_values_within_their_limits_have_no_problems(people_rules):
    assert people_rules.problems(table([41, 1, 5], [0, 0.5, 1], [120, 1e9, 2])) == []


def test_every_problem_is_told_with_its_row_and_column(people_rules):
    found = people_rules.problems(table([41, 1, 5], [-1, 0, 3], [121.5, 7, 1]))

    assert found == [
        "input 'x', row 1, column 'age' is -1.0; it must be at least 0 and at most 120",
        "input 'x', row 1, column 'income' is 0.0; it must be above 0",
        "input 'x', row 1, column 'region' is 3.0; it must be one of 1, 2, 5",
        "input 'x', row 2, column 'age' is 121.5; it must be at least 0 and at most 120",
    ]


def test_a_missing_value_is_refused_unless_its_column_allows_it(people_rules):
    found = people_rules.problems(table([NAN, NAN, 1]))

    assert found == ["input 'x', row 0, column 'age' is missing"]


def test_a_missing_value_is_replaced_in_a_copy(people_rules):
    given_array = np.array([[41, 1, NAN], [41, NAN, 5]], dtype=np.float32)
    given_array.flags.writeable = False
    inputs = {"x": given_array}

    found = people_rules.problems(inputs)

    assert found == []
    assert inputs["x"].tolist()[0] == [41.0, 1.0, 2.0]
    assert inputs["x"].tolist()[1][2] == 5.0
    assert np.isnan(inputs["x"][1, 1])
    assert inputs["x"].dtype == np.float32
    assert np.isnan(given_array[0, 2])


@pytest.mark.parametrize("limits", [{}, {"min": 0}, {"max": 1}, {"min": 0, "max": 1}])
@pytest.mark.parametrize("kind", ["float16", "float32", "float64"])
@pytest.mark.parametrize("rows", [1, 3])
def test_nan_never_slips_through(contract_of, rules_of, limits, kind, rows):
    rules = rules_of(contract_of(x=(kind, "batch", 2)), {"x": limits})
    array = np.full((rows, 2), 0.5, dtype=kind)
    array[-1, 1] = NAN

    assert rules.problems({"x": array}) == [f"input 'x', row {rows - 1}, column 1 is missing"]


@pytest.mark.parametrize("rows", [1, 3])
def test_nan_never_slips_through_limits_by_column(contract_of, rules_of, rows):
    columns = [{"name": "a", "min": 0}, {"name": "b", "max": 7}]
    rules = rules_of(contract_of(x=("float32", "batch", 2)), {"x": {"columns": columns}})
    array = np.full((rows, 2), 0.5, dtype=np.float32)
    array[-1, 1] = NAN

    assert rules.problems({"x": array}) == [f"input 'x', row {rows - 1}, column 'b' is missing"]


def test_infinity_is_beyond_every_limit_that_is_a_number(contract_of, rules_of):
    rules = rules_of(contract_of(x=("float32", "batch", 1)), {"x": {"max": 1e39}})

    assert rules.problems(table([3e38])) == []
    assert len(rules.problems(table([float("inf")]))) == 1


def test_a_limit_is_rounded_to_the_datatype_as_values_are(contract_of, rules_of):
    limits = {"min": 0.7, "exclusive_max": 0.9}
    rules = rules_of(contract_of(x=("float32", "batch", 1)), {"x": limits})

    assert rules.problems(table([0.7])) == []
    assert rules.problems(table([0.9])) == [
        "input 'x', row 0, column 0 is 0.9; it must be at least 0.7 and below 0.9"
    ]


@pytest.mark.parametrize(
    ("limits", "inside", "outside"),
    [
        ({"min": 1.5}, [2, 9], [1, -3]),
        ({"exclusive_min": 1}, [2], [1]),
        ({"max": 3.9}, [3, 0], [4]),
        ({"exclusive_max": 3}, [2], [3]),
        ({"min": -(10**30), "max": 10**30}, [-5, 5], []),
        ({"categories": [2, 3, 4]}, [2, 3, 4], [1, 5]),
        ({"categories": [2, 9]}, [2, 9], [1, 3, 10]),
    ],
)
def test_limits_of_whole_numbers(contract_of, rules_of, limits, inside, outside):
    rules = rules_of(contract_of(x=("int64", "batch", 1)), {"x": limits})

    assert all(rules.problems(table([value], dtype=np.int64)) == [] for value in inside)
    assert all(len(rules.problems(table([value], dtype=np.int64))) == 1 for value in outside)


def test_limits_beyond_a_datatype_limit_nothing(contract_of, rules_of):
    rules = rules_of(contract_of(x=("uint8", "batch", 2)), {"x": {"min": -5, "max": 300}})

    assert rules.problems(table([0, 255], dtype=np.uint8)) == []


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ("cook", None),
        ("night nurse", None),
        ("Cook", "is 'Cook'; it must match [a-z]+( [a-z]+)?"),
        ("a" * 13, "has 13 characters; 12 are allowed"),
        ("", "is ''; it must match [a-z]+( [a-z]+)?"),
    ],
)
def test_limits_of_text(contract_of, rules_of, value, problem):
    limits = {"max_length": 12, "pattern": "[a-z]+( [a-z]+)?"}
    rules = rules_of(contract_of(job=("text", "batch", 1)), {"job": limits})

    found = rules.problems({"job": np.array([["cook"], [value]], dtype=object)})

    assert found == ([] if problem is None else [f"input 'job', row 1, column 0 {problem}"])


def test_categories_of_text_by_column(contract_of, rules_of):
    columns = [{"name": "job", "categories": ["cook", "nurse"]}, {"name": "note"}]
    rules = rules_of(contract_of(x=("text", "batch", 2)), {"x": {"columns": columns}})

    found = rules.problems(table(["cook", "x"], ["king" * 20, "y"], dtype=object))

    shown = "kingkingkingkingkingkingkingkingkingking"
    assert found == [
        f"input 'x', row 1, column 'job' is '{shown}'...; it must be one of 'cook', 'nurse'"
    ]


def test_a_columns_own_limits_stand_in_for_its_inputs(contract_of, rules_of):
    columns = [{"name": "a"}, {"name": "b", "max": 5}, {"name": "c", "categories": [9]}]
    limits = {"min": 0, "max": 1, "missing": "allow", "columns": columns}
    rules = rules_of(contract_of(x=("float32", "batch", 3)), {"x": limits})

    assert rules.problems(table([1, 5, 9], [NAN, NAN, NAN])) == []
    assert rules.problems(table([2, 6, 8])) == [
        "input 'x', row 0, column 'a' is 2.0; it must be at least 0 and at most 1",
        "input 'x', row 0, column 'b' is 6.0; it must be at least 0 and at most 5",
        "input 'x', row 0, column 'c' is 8.0; it must be one of 9",
    ]


def test_a_columns_range_takes_the_place_of_its_inputs_categories(contract_of, rules_of):
    columns = [{"name": "a"}, {"name": "b", "min": 0}, {"name": "c", "missing": "allow"}]
    limits = {"categories": [7, 9], "columns": columns}
    rules = rules_of(contract_of(x=("float32", "batch", 3)), {"x": limits})

    assert rules.problems(table([7, 5, 9])) == []
    assert rules.problems(table([8, -1, 8])) == [
        "input 'x', row 0, column 'a' is 8.0; it must be one of 7, 9",
        "input 'x', row 0, column 'b' is -1.0; it must be at least 0",
        "input 'x', row 0, column 'c' is 8.0; it must be one of 7, 9",
    ]


def test_a_value_deep_in_a_tensor_is_named_by_its_whole_place(contract_of, rules_of):
    limits = {"columns": [{"name": "r", "max": 1}, {"name": "g", "max": 1}]}
    rules = rules_of(contract_of(x=("float32", "batch", 2, 2)), {"x": limits})
    array = np.zeros((2, 2, 2), dtype=np.float32)
    array[1, 0, 1] = 2

    assert rules.problems({"x": array}) == [
        "input 'x', row 1, [0], column 'g' is 2.0; it must be at most 1"
    ]


@pytest.mark.parametrize(
    ("axes", "array", "place"),
    [((), 7, "input 'x'"), (("batch",), [0, 7], "input 'x', row 1")],
)
def test_tensors_of_less_than_two_axes_have_no_columns(contract_of, rules_of, axes, array, place):
    rules = rules_of(contract_of(x=("float32", *axes)), {"x": {"max": 1}})

    found = rules.problems({"x": np.array(array, dtype=np.float32)})

    assert found == [f"{place} is 7.0; it must be at most 1"]


@pytest.mark.parametrize("limits", [{}, {"max": 1}])
def test_named_columns_settle_the_length_of_an_axis_that_the_model_leaves_free(
    contract_of, rules_of, limits
):
    columns = [{"name": "a", **limits}, {"name": "b"}]
    rules = rules_of(contract_of(x=("float32", "batch", "width")), {"x": {"columns": columns}})

    assert rules.problems(table([0, 0])) == []
    assert rules.problems(table([0, 0, 0])) == ["input 'x' has 2 columns ('a', 'b'), not 3"]


def test_too_many_rows_are_told_beside_everything_else(people, rules_of):
    rules = rules_of(people, {"x": {"max": 9}}, max_rows=2)

    assert rules.problems(table([1, 1, 1], [1, 1, 1])) == []
    assert rules.problems(table([1, 1, 1], [1, 1, 1], [1, 1, 10])) == [
        "the request has 3 rows; this model takes 2 at most",
        "input 'x', row 2, column 2 is 10.0; it must be at most 9",
    ]


def test_very_many_problems_are_cut_short_with_their_exact_number(contract_of, rules_of):
    rules = rules_of(contract_of(x=("float32", "batch", 784)), {"x": {"max": 1}})

    found = rules.problems({"x": np.full((100, 784), 2, dtype=np.float32)})

    assert len(found) == 50
    assert found[-1] == "and 78351 more values of input 'x'"


def test_problems_of_all_inputs_are_told_together(contract_of, rules_of):
    contract = contract_of(a=("float32", "batch", 1), b=("int64", "batch", 1))
    rules = rules_of(contract, {"a": {"max": 1}, "b": {"min": 5}})

    found = rules.problems({"a": np.float32([[2]]), "b": np.int64([[4]])})

    assert found == [
        "input 'a', row 0, column 0 is 2.0; it must be at most 1",
        "input 'b', row 0, column 0 is 4; it must be at least 5",
    ]


def test_statistics_are_counted_by_field(people_rules):
    people_rules.problems(table([41, 1, 5], [42, 2, 1]))
    people_rules.problems(table([-1, NAN, NAN], [NAN, 0, 3], [121, 5, 1]))

    assert people_rules.counts() == {
        ("x.age", "seen"): 5,
        ("x.age", "below_min"): 1,
        ("x.age", "above_max"): 1,
        ("x.age", "missing"): 1,
        ("x.income", "seen"): 5,
        ("x.income", "below_min"): 1,
        ("x.income", "missing"): 1,
        ("x.region", "seen"): 5,
        ("x.region", "unknown_category"): 1,
        ("x.region", "missing"): 1,
        ("x.region", "replaced"): 1,
    }


def test_statistics_of_several_inputs_count_each_value_once(contract_of, rules_of):
    contract = contract_of(a=("float32", "batch", 1), b=("float32", "batch", 2))
    rules = rules_of(contract, {"a": {"max": 1}, "b": {"max": 1}})

    rules.problems({"a": np.float32([[0], [0]]), "b": np.float32([[0, 0], [0, 7]])})
    rules.problems({"a": np.float32([[7]]), "b": np.float32([[0, 0]])})

    assert rules.counts() == {
        ("a", "seen"): 3,
        ("a", "above_max"): 1,
        ("b", "seen"): 6,
        ("b", "above_max"): 1,
    }


def test_statistics_lose_nothing_between_threads(contract_of, rules_of):
    rules = rules_of(contract_of(x=("float32", "batch", 1)), {"x": {"max": 1}})

    def ask():
        for _ in range(2_000):
            rules.problems(table([0]))
            rules.problems(table([2]))

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert rules.counts() == {("x", "seen"): 16_000, ("x", "above_max"): 8_000}


# A slow reference: one value at a time, by the words of the file.

NUMBERS = st.integers(-4, 4) | st.floats(-4, 4, width=32) | st.sampled_from([0.1, -0.7, 1e-45])


@st.composite
def limits(draw, whole):
    if draw(st.booleans()) and draw(st.booleans()):
        values = st.integers(-3, 3) if whole else NUMBERS
        return {"categories": draw(st.lists(values, min_size=1, max_size=4, unique_by=np.float32))}
    made = {}
    for key in ("min", "max"):
        name = draw(st.sampled_from([None, key, f"exclusive_{key}"]))
        if name:
            made[name] = draw(NUMBERS)
    return made


def missing_rules(whole):
    value = st.integers(-4, 4).map(lambda number: {"value": number})
    return (
        st.sampled_from(["refuse"]) | value
        if whole
        else st.sampled_from(["refuse", "allow"]) | value
    )


def fits_by_the_words(value, rule, dtype):
    if np.isnan(value):
        return rule.get("missing", "refuse") != "refuse"
    own = dtype.type
    whole = dtype.kind == "i"  # whole numbers are compared with the limit as it is written
    limit = (lambda number: number) if whole else own
    return (
        ("min" not in rule or value >= limit(rule["min"]))
        and ("exclusive_min" not in rule or value > limit(rule["exclusive_min"]))
        and ("max" not in rule or value <= limit(rule["max"]))
        and ("exclusive_max" not in rule or value < limit(rule["exclusive_max"]))
        and ("categories" not in rule or value in [own(one) for one in rule["categories"]])
    )


@given(st.data(), st.sampled_from(["float16", "float32", "float64", "int8", "int64"]))
def test_arrays_are_judged_as_single_values_are(contract_of, rules_of, data, kind):
    dtype = np.dtype(kind)
    whole = dtype.kind == "i"
    width = data.draw(st.integers(1, 3))
    columns = [
        {
            "name": f"c{number}",
            **data.draw(limits(whole)),
            "missing": data.draw(missing_rules(whole)),
        }
        for number in range(width)
    ]
    try:
        rules = rules_of(contract_of(x=(kind, "batch", width)), {"x": {"columns": columns}})
    except ModelUnusable:
        return  # no value is within the limits, or the replacement is not
    values = st.integers(-5, 5) if whole else NUMBERS | st.just(NAN)
    row = st.lists(values, min_size=width, max_size=width)
    array = np.array(data.draw(st.lists(row, min_size=1, max_size=3)), dtype=dtype)
    bad = [
        (line, column)
        for line, column in np.ndindex(array.shape)
        if not fits_by_the_words(array[line, column], columns[column], dtype)
    ]
    inputs = {"x": array}

    found = rules.problems(inputs)

    places = [text.split(" is ")[0] for text in found]
    assert places == [f"input 'x', row {line}, column 'c{column}'" for line, column in bad]
    for line, column in np.ndindex(array.shape):
        replaced = isinstance(columns[column]["missing"], dict) and np.isnan(array[line, column])
        wanted = columns[column]["missing"]["value"] if replaced else array[line, column]
        assert inputs["x"][line, column] == wanted or np.isnan(wanted)
    counted = rules.counts()
    assert sum(number for (_, kind), number in counted.items() if kind == "seen") == array.size
    assert sum(number for (_, kind), number in counted.items() if kind == "missing") == int(
        np.isnan(array).sum()
    )
