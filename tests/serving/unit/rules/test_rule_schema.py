import json
from importlib import resources

import jsonschema_rs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from model_server.core.errors import ModelUnusable
from model_server.core.rule_file import COLUMN_KEYS, INPUT_KEYS, TOP_KEYS, read_rules
from model_server.core.rule_schema import rule_file_schema

SCHEMA = jsonschema_rs.Draft202012Validator(rule_file_schema())


def test_the_packaged_schema_is_the_one_that_the_function_gives():
    packaged = resources.files("model_server.core") / "input_rules.schema.json"

    assert json.loads(packaged.read_text()) == rule_file_schema()


def test_the_schema_is_one():
    assert jsonschema_rs.meta.is_valid(rule_file_schema())


def test_the_schema_knows_every_key_of_the_file():
    schema = rule_file_schema()

    assert tuple(schema["properties"]) == TOP_KEYS
    assert tuple(schema["$defs"]["input"]["properties"]) == INPUT_KEYS
    assert tuple(schema["$defs"]["column"]["properties"]) == COLUMN_KEYS


LIMITS = st.fixed_dictionaries(
    {},
    optional={
        "min": st.sampled_from([0, 1.5, "a", None]),
        "exclusive_min": st.just(0),
        "max": st.sampled_from([2, True]),
        "categories": st.sampled_from([[1], [], [1, 1], 5, [None]]),
        "max_length": st.sampled_from([3, -1, 1.5]),
        "missing": st.sampled_from(["refuse", "allow", {"value": 1}, {}, None, "no"]),
        "other": st.just(1),
    },
)
COLUMN = st.builds(
    lambda limits, name: {**limits, **name},
    LIMITS,
    st.sampled_from([{"name": "a"}, {"name": ""}, {"name": 1}, {}]),
)
FILES = st.fixed_dictionaries(
    {},
    optional={
        "version": st.sampled_from([1, 1, 1, 2, "1", None]),
        "max_rows": st.sampled_from([1, 0, "a", None]),
        "inputs": st.one_of(
            st.dictionaries(st.just("x"), LIMITS | st.just([])),
            st.builds(lambda column: {"x": {"columns": [column]}}, COLUMN),
            st.sampled_from([None, {"x": {"columns": []}}]),
        ),
        "other": st.just(1),
    },
)


@given(FILES)
def test_what_the_schema_refuses_is_refused_by_the_reader(contract_of, document):
    """The other way round does not hold: the schema does not know the model."""
    if SCHEMA.is_valid(document):
        return

    with pytest.raises(ModelUnusable):
        read_rules(json.dumps(document).encode(), contract_of(x=("float32", "batch", 1)))


def test_a_file_that_the_reader_takes_is_valid_by_the_schema(contract_of):
    contract = contract_of(x=("float32", "batch", 2), job=("text", "batch", 1))
    document = {
        "version": 1,
        "max_rows": 1000,
        "inputs": {
            "x": {
                "min": 0,
                "missing": {"value": 1},
                "columns": [
                    {"name": "age", "exclusive_max": 120, "missing": "allow"},
                    {"name": "region", "categories": [1, 2.5], "missing": "refuse"},
                ],
            },
            "job": {"max_length": 40, "pattern": "[a-z]+", "missing": {"value": "cook"}},
        },
        "example": {"x": {"age": 41, "region": 1}, "job": ["cook"]},
    }

    read_rules(json.dumps(document).encode(), contract)

    assert SCHEMA.is_valid(document)
