import numpy as np
import orjson
import pytest

from model_server.core.model import load_model
from model_server.rest.codecs import CsvCodec, JsonCodec
from model_server.rest.example_request import (
    example_csv,
    example_infer_request,
    example_request,
)
from model_server.rest.media import MediaType
from model_server.rest.oip.reader import read_infer

JSON, CSV = MediaType("application/json"), MediaType("text/csv")
REAL = [
    *("classifier", "regressor", "people", "lookup", "total", "maps", "echo", "double", "half"),
    *("bytes", "flags", "text", "pair", "cube"),
]


@pytest.mark.parametrize("name", REAL)
def test_examples_of_real_models_run(models, name):
    model = load_model(models / name, 1)
    body = orjson.dumps(example_request(model.contract, None))
    infer = orjson.dumps(example_infer_request(model.contract, None))

    requests = [JsonCodec().decode(body, model.contract, JSON, None).inputs]
    if name != "maps":  # its output is none that the protocol has
        requests.append(read_infer(infer, None, model.contract).inputs)
    for inputs in requests:
        assert model.problems(inputs) == []
        assert model.run(inputs).keys() == {spec.name for spec in model.contract.outputs}


def test_an_example_has_records_where_columns_have_names(people):
    assert example_request(people.contract, people.rules) == {
        "instances": [{"age": 60.0, "income": 0.5, "region": 1}]
    }


def test_an_example_is_the_one_of_the_rules(model_of):
    model = model_of("x float32 batch,2", rules={}, example={"x": [1, 2]})

    assert example_request(model.contract, model.rules) == {"instances": [[1, 2]]}
    assert example_csv(model.contract, model.rules) == "1,2\n"
    assert example_infer_request(model.contract, model.rules) == {
        "inputs": [{"name": "x", "shape": [1, 2], "datatype": "FP32", "data": [[1, 2]]}]
    }


@pytest.mark.parametrize(
    ("inputs", "example"),
    [
        (["a float32 batch,1", "b text batch"], {"instances": [{"a": [0.0], "b": ""}]}),
        (["a float32", "b int64 batch"], {"inputs": {"a": 0.0, "b": [0]}}),
        (["a float32 3,1", "b int64 batch"], {"inputs": {"a": [[0.0]] * 3, "b": [0]}}),
        (["a bool 2,1"], {"instances": [[False], [True]]}),
    ],
)
def test_an_example_has_the_form_that_the_inputs_allow(model_of, inputs, example):
    model = model_of(*inputs)

    assert example_request(model.contract, None) == example


def test_lines_have_no_example_where_a_value_of_it_is_missing(model_of):
    limits = {"x": {"missing": "allow"}}
    model = model_of("x float32 batch,2", rules=limits, example={"x": [1, None]})

    assert example_csv(model.contract, model.rules) is None


def test_examples_of_rules_fit_them(people):
    body = orjson.dumps(example_request(people.contract, people.rules))
    lines = example_csv(people.contract, people.rules).encode()

    rows = JsonCodec().decode(body, people.contract, JSON, people.rules).inputs
    same = CsvCodec().decode(lines, people.contract, CSV, people.rules).inputs

    assert people.rules.problems(rows) == []
    assert np.array_equal(rows["x"], same["x"])
