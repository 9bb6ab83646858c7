import json
import re

import jsonschema_rs
import numpy as np
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from model_server.core.errors import InvalidInput
from model_server.rest.codecs import JsonCodec
from model_server.rest.media import MediaType
from model_server.rest.oip.reader import read_infer
from model_server.rest.tensor_schema import request_schema

JSON = MediaType("application/json")


def problems_of(model, document):
    """What the server itself says of a request."""
    try:
        inputs = (
            JsonCodec()
            .decode(json.dumps(document).encode(), model.contract, JSON, model.rules)
            .inputs
        )
    except InvalidInput as error:
        return error.problems or [error.message]
    return model.contract.problems(inputs) + (model.rules.problems(inputs) if model.rules else [])


def is_valid(model, document):
    schema = request_schema(model.contract, model.rules, "m")
    jsonschema_rs.meta.validate(schema)
    return jsonschema_rs.Draft202012Validator(schema).is_valid(document)


PEOPLE = [
    ({"instances": [[41, 1.5, 5]]}, True),
    ({"instances": [{"age": 41, "income": 1.5, "region": 5}]}, True),
    ({"instances": [{"age": 41}]}, True),
    ({"instances": [{"age": 41, "income": None, "region": None}]}, True),
    ({"instances": [{"x": [41, None, None]}]}, True),
    ({"inputs": [[41, 1.5, 5]]}, True),
    ({"inputs": {"x": [[41, 1.5, 5]]}}, True),
    ({"instances": [[121, 1, 5]]}, False),
    ({"instances": [[41, 0, 5]]}, False),
    ({"instances": [[41, 1, 3]]}, False),
    ({"instances": [[None, 1, 5]]}, False),
    ({"instances": [[41, 1]]}, False),
    ({"instances": [[41, 1, 5, 1]]}, False),
    ({"instances": [{"income": 1}]}, False),
    ({"instances": [{"age": 41, "pay": 1}]}, False),
    ({"instances": [[41, 1, 5]] * 6}, False),
    ({"instances": []}, False),
    ({"instances": [{"age": 41}, [41, 1, 5]]}, False),
    ({"instances": [[41, 1, 5]], "inputs": [[41, 1, 5]]}, False),
    ({}, False),
    ([], False),
    ({"instances": [["a", 1, 5]]}, False),
    ({"instances": [[True, 1, 5]]}, False),
]


@pytest.mark.parametrize(("document", "good"), PEOPLE)
def test_the_schema_says_what_the_server_says(people, document, good):
    assert is_valid(people, document) is good
    assert (problems_of(people, document) == []) is good


@pytest.mark.parametrize(
    ("inputs", "rules", "document", "good"),
    [
        (["x float32 batch,1"], None, {"instances": [{"x": 1}]}, True),
        (["x float32 batch,1"], None, {"instances": [{"x": [1]}]}, True),
        (["x float32 batch,1"], None, {"instances": [[1e39]]}, False),
        (["x float16 batch,1"], None, {"instances": [[65536]]}, False),
        (["x int8 batch,1"], None, {"instances": [[128]]}, False),
        (["x int8 batch,1"], None, {"instances": [[1.5]]}, False),
        (["x int8 batch,1"], {"x": {"min": -500}}, {"instances": [[-129]]}, False),
        (["x int8 batch,1"], {"x": {"exclusive_max": 5}}, {"instances": [[5]]}, False),
        (["x float32 2,1"], None, {"instances": [[1]]}, False),
        (["x float32 2,1"], None, {"instances": [[1], [2]]}, True),
        (["x float32 batch,2,2"], None, {"instances": [[[1, 2], [3, 4]]]}, True),
        (["x float32 batch,2,2"], None, {"instances": [[[1, 2], [3]]]}, False),
        (["x float32 batch,width"], None, {"inputs": [[1, 2, 3]]}, True),
        (["x float32 batch,width"], None, {"inputs": [[]]}, False),
        (["x bool batch"], None, {"instances": [True, False]}, True),
        (["x bool batch"], None, {"instances": [1]}, False),
        (["x text batch"], {"x": {"pattern": "[a-z]+"}}, {"instances": ["ab"]}, True),
        (["x text batch"], {"x": {"pattern": "[a-z]+"}}, {"instances": ["a1"]}, False),
        (["x text batch"], {"x": {"max_length": 2}}, {"instances": ["abc"]}, False),
        (["x text batch"], {"x": {"missing": {"value": "a"}}}, {"instances": [None]}, True),
        (["x float32", "y float32 batch"], None, {"inputs": {"x": 1, "y": [1]}}, True),
        (["x float32", "y float32 batch"], None, {"instances": [{"x": 1, "y": 1}]}, False),
        (["x float32"], None, {"inputs": 1}, True),
        (["a float32 batch,1", "b text batch"], None, {"instances": [{"a": 1, "b": "c"}]}, True),
        (["a float32 batch,1", "b text batch"], None, {"instances": [{"a": 1}]}, False),
        (["a float32 batch,1", "b text batch"], None, {"inputs": [[1]]}, False),
    ],
)
def test_schemas_of_other_tensors(model_of, inputs, rules, document, good):
    model = model_of(*inputs, rules=rules)

    assert is_valid(model, document) is good
    assert (problems_of(model, document) == []) is good


MODELS = [
    (["x float32 batch,2"], {"x": {"min": -1, "max": 1}}),
    (
        ["x float32 batch,3"],
        {
            "x": {
                "columns": [
                    {"name": "a", "min": 0, "max": 120},
                    {"name": "b", "missing": "allow"},
                    {"name": "c", "categories": [1, 2], "missing": {"value": 1}},
                ]
            }
        },
    ),
    (["x float64 batch"], None),
    (["a text batch,1", "b bool batch,1"], {"a": {"categories": ["p", "q"]}}),
    (["x float32", "y float32 2,width"], None),
]


def bodies(document, path):
    """Requests in JSON that the document says are good."""
    asked = document["paths"][path]["post"]["requestBody"]
    asked["content"] = {"application/json": asked["content"]["application/json"]}
    operation = schemathesis.openapi.from_dict(document)[path]["POST"]
    return operation.as_strategy().map(lambda case: case.body)


@pytest.mark.parametrize(("inputs", "rules"), MODELS)
def test_what_is_good_by_the_document_is_good_for_the_server(model_of, document_of, inputs, rules):
    model = model_of(*inputs, rules=rules)
    document = document_of(model)

    @settings(max_examples=25, suppress_health_check=list(HealthCheck), deadline=None)
    @given(bodies(document, "/invocations"))
    def check(body):
        # That lengths are equal cannot be said in a schema.
        unsaid = "must be equal|values where"
        assert [text for text in problems_of(model, body) if not re.search(unsaid, text)] == []

    check()


@pytest.mark.parametrize(("inputs", "rules"), MODELS)
def test_infer_requests_that_are_good_by_the_document_have_no_wrong_form(
    model_of, document_of, inputs, rules
):
    model = model_of(*inputs, rules=rules)
    document = document_of(model)

    @settings(max_examples=25, suppress_health_check=list(HealthCheck), deadline=None)
    @given(bodies(document, "/v2/models/fraud/infer"))
    def check(body):
        try:
            read_infer(json.dumps(body).encode(), None, model.contract, model.rules)
            problems = []
        except InvalidInput as error:
            problems = error.problems or [error.message]
        # What a schema cannot say: data against the shape, each input once, and which column a
        # flat value is of.
        unsaid = "shape|values|again|is missing"
        if any(type(item["data"][0]) is not list for item in body["inputs"]):
            unsaid += "|it must be|is null"
        assert [text for text in problems if not re.search(unsaid, text)] == []

    check()


NUMBERS = st.integers(-3, 130) | st.floats(-3, 130, width=32) | st.none() | st.just("a")


@given(st.lists(st.lists(NUMBERS, min_size=2, max_size=4), min_size=1, max_size=2))
def test_the_schema_and_the_server_agree_on_rows(people, rows):
    document = {"instances": rows}
    exact = all(
        value is None or isinstance(value, str) or np.float32(value) == value
        for row in rows
        for value in row
    )

    assert not exact or is_valid(people, document) == (problems_of(people, document) == [])
