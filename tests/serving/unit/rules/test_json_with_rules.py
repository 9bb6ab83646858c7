import numpy as np
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from model_server.core.errors import InvalidInput
from model_server.rest.codecs import JsonCodec
from model_server.rest.media import MediaType
from model_server.rest.nested import list_problems, to_array

JSON = MediaType("application/json")


@pytest.fixture
def decode():
    def run(document, contract, rules):
        return JsonCodec().decode(orjson.dumps(document), contract, JSON, rules).inputs

    return run


@pytest.fixture
def problems_of(decode):
    def run(document, contract, rules):
        with pytest.raises(InvalidInput) as refused:
            decode(document, contract, rules)
        return refused.value.problems

    return run


def test_null_becomes_nan_or_the_replacement_where_the_rules_let_it_in(
    decode, people, people_rules
):
    inputs = decode({"instances": [[41, None, None], [42, 7, 5]]}, people, people_rules)

    assert inputs["x"].dtype == np.float32
    assert inputs["x"][0].tolist()[::2] == [41.0, 2.0]
    assert np.isnan(inputs["x"][0, 1])
    assert inputs["x"][1].tolist() == [42.0, 7.0, 5.0]
    assert people_rules.problems(inputs) == []
    assert people_rules.counts() == {
        ("x.age", "seen"): 2,
        ("x.income", "seen"): 2,
        ("x.region", "seen"): 2,
        ("x.income", "missing"): 1,
        ("x.region", "missing"): 1,
        ("x.region", "replaced"): 1,
    }


def test_null_is_refused_and_counted_where_they_do_not(problems_of, people, people_rules):
    found = problems_of({"instances": [[None, 1, 1]]}, people, people_rules)

    assert found == ["instances[0][0] is null; input 'x' (float32 (batch, 3)) takes numbers"]
    assert people_rules.counts()["x.age", "missing"] == 1


def test_null_is_refused_without_rules(problems_of, people):
    found = problems_of({"instances": [[None, 1, 1]]}, people, None)

    assert found == ["instances[0][0] is null; input 'x' (float32 (batch, 3)) takes numbers"]


@pytest.mark.parametrize(
    ("kind", "value"), [("text", "none"), ("int64", 7), ("uint8", 255), ("bool", True)]
)
def test_null_is_replaced_in_every_datatype(decode, contract_of, rules_of, kind, value):
    contract = contract_of(x=(kind, "batch"))
    rules = rules_of(contract, {"x": {"missing": {"value": value}}})

    inputs = decode({"inputs": [None, None]}, contract, rules)

    assert inputs["x"].tolist() == [value, value]
    assert rules.counts() == {("x", "missing"): 2, ("x", "replaced"): 2}


def test_null_beside_a_number_that_is_too_large_is_no_way_around(
    problems_of, contract_of, rules_of
):
    contract = contract_of(x=("float32", "batch", 2))
    rules = rules_of(contract, {"x": {"missing": "allow"}})

    found = problems_of({"instances": [[None, 1e39]]}, contract, rules)

    assert found == ["instances[0][1] is 1e+39, which is too large for float32"]


def test_all_problems_of_values_and_types_are_told_together(problems_of, people, people_rules):
    rows = [[121, "a", 5], [41, 0, None], [True, 1, 3]]

    found = problems_of({"instances": rows}, people, people_rules)

    assert found == [
        "instances[0][0] is 121.0; it must be at least 0 and at most 120",
        "instances[0][1] is text; input 'x' (float32 (batch, 3)) takes numbers",
        "instances[1][1] is 0.0; it must be above 0",
        "instances[2][0] is true; input 'x' (float32 (batch, 3)) takes numbers",
        "instances[2][2] is 3.0; it must be one of 1, 2, 5",
    ]
    assert people_rules.counts() == {
        ("x.age", "seen"): 3,
        ("x.age", "above_max"): 1,
        ("x.income", "seen"): 3,
        ("x.income", "below_min"): 1,
        ("x.region", "seen"): 3,
        ("x.region", "unknown_category"): 1,
        ("x.region", "missing"): 1,
    }


def test_limits_are_inside_beside_a_problem_too(problems_of, people, people_rules):
    found = problems_of({"instances": [[0, 1, "a"], [120, 1, 1]]}, people, people_rules)

    assert found == ["instances[0][2] is text; input 'x' (float32 (batch, 3)) takes numbers"]


def test_problems_of_one_inputs_values_are_told_beside_anothers_types(
    problems_of, contract_of, rules_of
):
    contract = contract_of(age=("float32", "batch", 1), job=("text", "batch", 1))
    rules = rules_of(contract, {"age": {"max": 120}})

    found = problems_of({"instances": [{"age": 121, "job": 5}]}, contract, rules)

    assert found == [
        "instances[0].job[0] is the number 5; input 'job' (string (batch, 1)) takes text",
        "input 'age', row 0, column 0 is 121.0; it must be at most 120",
    ]


def test_records_are_rows_by_column_name(decode, people, people_rules):
    rows = [{"region": 5, "age": 41, "income": 7.5}, {"age": 42, "region": 1, "income": 8}]

    inputs = decode({"instances": rows}, people, people_rules)

    assert inputs["x"].tolist() == [[41.0, 7.5, 5.0], [42.0, 8.0, 1.0]]


def test_a_record_may_lack_what_may_be_missing(decode, people, people_rules):
    inputs = decode({"instances": [{"age": 41}, {"age": 42, "income": None}]}, people, people_rules)

    assert inputs["x"][:, ::2].tolist() == [[41.0, 2.0], [42.0, 2.0]]
    assert np.isnan(inputs["x"][:, 1]).all()


def test_all_problems_of_records_are_told(problems_of, people, people_rules):
    rows = [{"age": 121, "income": "a"}, {"income": 0, "pay": 1}, [1, 2, 3], {"age": None}]

    found = problems_of({"instances": rows, "other": 1}, people, people_rules)

    assert found == [
        "'other' is no member of a request; it has 'instances' or 'inputs'",
        "instances[1] lacks 'age'",
        "instances[1] has 'pay'; no column is named so",
        "instances[2] is a list; it must be an object by column name, as other rows are",
        "instances[0].age is 121.0; it must be at least 0 and at most 120",
        "instances[0].income is text; input 'x' (float32 (batch, 3)) takes numbers",
        "instances[1].income is 0.0; it must be above 0",
        "instances[3].age is null; input 'x' (float32 (batch, 3)) takes numbers",
    ]


def test_many_absent_columns_are_one_problem(problems_of, contract_of, rules_of):
    contract = contract_of(x=("float32", "batch", 784))
    columns = [{"name": f"p{number}"} for number in range(784)]
    rules = rules_of(contract, {"x": {"columns": columns}})

    found = problems_of({"instances": [{"p0": 1}]}, contract, rules)

    first = ", ".join(f"'p{number}'" for number in range(1, 11))
    assert found == [f"instances[0] lacks {first} and 773 more"]


@pytest.mark.parametrize("row", [{"x": [1.0, 2.0, 5.0]}, [1.0, 2.0, 5.0]])
def test_rows_by_the_inputs_name_and_bare_rows_go_on_beside_records(
    decode, people, people_rules, row
):
    inputs = decode({"instances": [row]}, people, people_rules)

    assert inputs["x"].tolist() == [[1.0, 2.0, 5.0]]


@pytest.mark.parametrize("row", [{"age": 41}, {"age": [41]}])
def test_a_column_may_be_named_as_its_input(decode, contract_of, rules_of, row):
    contract = contract_of(age=("float32", "batch", 1))
    rules = rules_of(contract, {"age": {"columns": [{"name": "age"}]}})

    assert decode({"instances": [row]}, contract, rules)["age"].tolist() == [[41.0]]


def test_a_model_without_named_columns_takes_no_records(problems_of, people):
    found = problems_of({"instances": [{"age": 41}]}, people, None)

    assert found == [
        "instances[0] lacks 'x'",
        "instances[0] has 'age', which is no input of this model",
    ]


VALUES = (
    st.none()
    | st.integers(-1, 130)
    | st.floats(-1, 130, width=32)
    | st.sampled_from([True, "a", 1e39])
)


@given(st.lists(st.lists(VALUES, min_size=3, max_size=3), min_size=1, max_size=3), st.booleans())
def test_what_is_no_array_has_problems_and_what_is_one_has_none(
    contract_of, rules_of, rows, allowed
):
    contract = contract_of(x=("float32", "batch", 3))
    rules = rules_of(contract, {"x": {"missing": "allow" if allowed else "refuse"}})
    tensor = rules.tensors["x"]

    array = to_array(rows, contract.inputs[0], tensor)
    problems = list_problems(rows, contract.inputs[0], str, tensor)

    assert (array is None) == bool(problems)
    if array is not None:
        assert rules.problems({"x": array}) == []
