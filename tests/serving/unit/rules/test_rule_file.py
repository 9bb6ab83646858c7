import json

import pytest

from model_server.core.errors import ModelUnusable
from model_server.core.rule_file import RULES_FILE, load_rules, read_rules


def problems_of(text, contract):
    with pytest.raises(ModelUnusable) as refused:
        read_rules(text.encode() if isinstance(text, str) else text, contract)
    return refused.value.problems


def problems_of_input(limits, contract):
    return problems_of(json.dumps({"version": 1, "inputs": {"x": limits}}), contract)


@pytest.fixture
def number(contract_of):
    return contract_of(x=("float32", "batch", 2))


def test_a_folder_without_the_file_has_no_rules(tmp_path, number):
    assert load_rules(tmp_path, number) is None


def test_the_file_lies_beside_the_model(tmp_path, number):
    (tmp_path / "input_rules.json").write_text('{"version":1,"max_rows":7}')

    rules = load_rules(tmp_path, number)

    assert RULES_FILE == "input_rules.json"
    assert rules.max_rows == 7
    assert rules.tensors == {}
    assert rules.example is None


def test_a_file_that_is_too_large_is_refused_unread(tmp_path, number):
    (tmp_path / "input_rules.json").write_bytes(b" " * (4 * 1024 * 1024 + 1))

    with pytest.raises(ModelUnusable, match="larger than 4194304 bytes"):
        load_rules(tmp_path, number)


def test_all_problems_are_told_at_once_and_in_the_message_too(number):
    text = json.dumps(
        {
            "version": 1,
            "rows": 5,
            "max_rows": 0,
            "inputs": {
                "z": {},
                "x": {"min": "0", "typ": 1, "max_length": 3, "columns": [{"name": "a"}]},
            },
        }
    )

    with pytest.raises(ModelUnusable) as refused:
        read_rules(text.encode(), number)

    problems = refused.value.problems
    keys = "min, exclusive_min, max, exclusive_max, categories, max_length, pattern, missing"
    assert problems == [
        "the file has 'rows', which is no key there; there are version, max_rows, inputs, example",
        "max_rows must be a whole number from 1",
        "inputs.z is no input of this model; it has 'x' (float32 (batch, 2))",
        f"inputs.x has 'typ', which is no key there; there are {keys}, columns",
        "inputs.x.min must be a number",
        "inputs.x.max_length is for text, and this input is float32",
        "inputs.x.columns has 1 columns; input 'x' (float32 (batch, 2)) has 2",
    ]
    assert all(problem in str(refused.value) for problem in problems)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (b"", "it is not JSON"),
        (b"\xff", "it is not JSON"),
        (b'{"version":1', "it is not JSON"),
        (b"[" * 100_000, "nested too deeply"),
        (b"1" * 5000, "it is not JSON"),
        (b"[]", "must be an object"),
        (b"{}", "version must be 1"),
        (b'{"version":2,"new":{}}', "version must be 1"),
        (b'{"version":true}', "version must be 1"),
        (b'{"version":1,"version":1}', "'version' stands twice"),
        (b'{"version":1,"inputs":{"x":{"min":NaN}}}', "NaN is no number"),
        (b'{"version":1,"inputs":{"x":{"max":Infinity}}}', "Infinity is no number"),
        (b'{"version":1,"inputs":{"x":{"max":1e999}}}', "inputs.x.max must be a number"),
        (b'{"version":1,"inputs":[]}', "inputs must be an object"),
        (b'{"version":1,"inputs":{"x":[]}}', "inputs.x must be an object"),
        (b'{"version":1,"max_rows":2.5}', "max_rows must be a whole number"),
        (b'{"version":1,"max_rows":null}', "max_rows must be a whole number"),
    ],
)
def test_what_is_no_rule_file_is_refused(number, text, words):
    (problem,) = problems_of(text, number)

    assert words in problem


@pytest.mark.parametrize(
    ("kind", "limits", "problem"),
    [
        ("float32", {"min": True}, "x.min must be a number"),
        ("float32", {"min": 0, "exclusive_min": 0}, "x.min stands beside 'exclusive_min'"),
        ("float32", {"min": 2, "max": 1}, "x: no float32 is within its limits"),
        ("float32", {"min": 1e39}, "x: no float32 is within its limits"),
        ("float32", {"max": -1e39}, "x: no float32 is within its limits"),
        ("float32", {"exclusive_min": 1, "exclusive_max": 1}, "no float32 is within its limits"),
        ("int8", {"min": 128}, "x: no int8 is within its limits"),
        ("int8", {"max": -129}, "x: no int8 is within its limits"),
        ("int64", {"min": 1.2, "max": 1.8}, "x: no int64 is within its limits"),
        ("uint64", {"exclusive_max": 0}, "x: no uint64 is within its limits"),
        ("text", {"min": 0}, "x.min is for numbers, and this input is text"),
        ("bool", {"max": 0}, "x.max is for numbers, and this input is bool"),
        ("bool", {"categories": [True]}, "x.categories is for numbers and text"),
        ("float32", {"categories": []}, "x.categories must be a list with at least one value"),
        ("float32", {"categories": ["a"]}, "x.categories holds 'a', which is no float32"),
        ("int8", {"categories": [1, 200]}, "x.categories holds 200, which is no int8"),
        ("int8", {"categories": [1.0]}, "x.categories holds 1.0, which is no int8"),
        ("text", {"categories": ["a", 1]}, "x.categories holds 1, which is no text"),
        ("float32", {"categories": [1, 1.0]}, "x.categories holds a value twice"),
        ("float16", {"categories": [0.1, 0.100001]}, "x.categories holds a value twice"),
        ("float32", {"categories": [1], "max": 3}, "'categories' beside 'max'"),
        ("text", {"max_length": -1}, "x.max_length must be a whole number from 0"),
        ("text", {"max_length": 2.0}, "x.max_length must be a whole number from 0"),
        ("text", {"pattern": 5}, "x.pattern must be text"),
        ("text", {"pattern": "(a+)+"}, "x.pattern cannot be used: at character 4: a group cannot"),
        ("int8", {"pattern": "a"}, "x.pattern is for text, and this input is int8"),
        ("float32", {"missing": None}, "x.missing must be 'refuse', 'allow' or an object"),
        ("float32", {"missing": 0}, "x.missing must be 'refuse', 'allow' or an object"),
        ("float32", {"missing": {"value": 0, "x": 1}}, "x.missing must be 'refuse', 'allow'"),
        ("float32", {"missing": {"value": "a"}}, "x.missing.value must be float32"),
        ("float32", {"missing": {"value": 1e39}}, "x.missing.value must be float32"),
        ("int8", {"missing": {"value": 1.5}}, "x.missing.value must be int8"),
        ("int8", {"missing": "allow"}, "x.missing is 'allow', which only floats can have"),
        ("text", {"missing": "allow"}, "x.missing is 'allow', which only floats can have"),
        ("float32", {"max": 1, "missing": {"value": 2}}, "x.missing.value is 2.0; it must be at"),
        ("text", {"categories": ["a"], "missing": {"value": "b"}}, "x.missing.value is 'b'"),
        ("float32", {"columns": {}}, "x.columns must be a list with one object for each column"),
        ("float32", {"columns": [{"name": "a"}]}, "x.columns has 1 columns; input 'x'"),
        ("float32", {"columns": ["a", {"name": "b"}]}, "x.columns[0] must be an object"),
        ("float32", {"columns": [{}, {"name": "b"}]}, "x.columns[0].name must be text of 1"),
        ("float32", {"columns": [{"name": ""}, {"name": "b"}]}, "x.columns[0].name must be text"),
        ("float32", {"columns": [{"name": "b"}] * 2}, "x.columns[1].name 'b' stands there twice"),
        (
            "float32",
            {"columns": [{"name": "a", "columns": []}, {"name": "b"}]},
            "x.columns[0] has 'columns', which is no key there",
        ),
        (
            "float32",
            {"min": 5, "columns": [{"name": "a", "max": 4}, {"name": "b"}]},
            "x.columns[0]: no float32 is within its limits",
        ),
    ],
)
def test_every_wrong_limit_is_told_by_its_place(contract_of, kind, limits, problem):
    (found,) = problems_of_input(limits, contract_of(x=(kind, "batch", 2)))

    assert found.startswith("inputs.x")
    assert problem in found


def test_an_input_without_an_axis_of_columns_has_none(contract_of):
    (found,) = problems_of_input({"columns": [{"name": "a"}]}, contract_of(x=("float32", "batch")))

    assert found == "inputs.x.columns: input 'x' (float32 (batch,)) has no axis of columns"


@pytest.mark.parametrize(
    ("example", "problem"),
    [
        ([], "example must be an object with one row for each input"),
        ({"x": [41, 2]}, "example lacks 'job'"),
        ({"x": [41, 2], "job": ["a"], "z": 1}, "example has 'z', which is no input of this model"),
        ({"x": [41], "job": ["a"]}, "example.x must be a list of 2 values"),
        ({"x": 41, "job": ["a"]}, "example.x must be a list of 2 values"),
        ({"x": [121, 2], "job": ["a"]}, "example.x[0] is 121.0; it must be at least 0"),
        ({"x": ["a", 2], "job": ["a"]}, "example.x[0] is no float32"),
        ({"x": [None, 2], "job": ["a"]}, "example.x[0] is missing"),
        ({"x": {"age": 41, "z": 1}, "job": ["a"]}, "example.x has 'z', which is no column"),
        ({"x": {"income": 2}, "job": ["a"]}, "example.x[0] is missing"),
        ({"x": [41, 2], "job": [1]}, "example.job[0] is no string"),
        ({"x": [41, 2], "job": [None]}, "example.job[0] is missing"),
    ],
)
def test_an_example_must_fit_the_model_and_its_rules(contract_of, example, problem):
    contract = contract_of(x=("float32", "batch", 2), job=("text", "batch", 1))
    columns = [{"name": "age", "min": 0, "max": 120}, {"name": "income", "missing": "allow"}]
    document = {"version": 1, "inputs": {"x": {"columns": columns}}, "example": example}

    (found,) = problems_of(json.dumps(document), contract)

    assert problem in found


def test_an_example_may_give_columns_by_name_and_leave_out_what_may_be_missing(
    contract_of, rules_of
):
    columns = [
        {"name": "age"},
        {"name": "income", "missing": "allow"},
        {"name": "region", "missing": {"value": 2}},
    ]
    rules = rules_of(
        contract_of(x=("float32", "batch", 3)),
        {"x": {"columns": columns}},
        example={"x": {"age": 41}},
    )

    assert rules.example == {"x": [41, None, 2]}
