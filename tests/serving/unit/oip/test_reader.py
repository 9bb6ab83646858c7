"""Requests of JSON into calls, or everything that is wrong with them."""

import json

import numpy as np
import pytest

from model_server.core.errors import InvalidInput
from model_server.rest.oip.plan import plan_of
from oip_requests import GOOD, ask, problems, read, tensor


def test_a_request_has_tensors_an_id_parameters_and_outputs(rows):
    call = read(
        ask(GOOD, id="42", parameters={"user": "me"}, outputs=[{"name": "z"}, {"name": "y"}]), rows
    )

    assert call.id == "42"
    assert call.parameters == {"user": "me"}
    assert call.outputs == ("z", "y")
    assert call.binary == frozenset()
    assert call.inputs["x"].tolist() == [[1, 2, 3, 4]]
    assert call.inputs["x"].dtype == np.float32


def test_all_outputs_are_wanted_where_none_is_named(rows):
    assert read(ask(GOOD), rows).outputs == ("y", "z")
    assert read(ask(GOOD, outputs=[]), rows).outputs == ("y", "z")
    assert read(ask(GOOD, outputs=None, id=None, parameters=None), rows).outputs == ("y", "z")


def test_an_output_that_is_no_tensor_is_left_out(contract):
    maps = contract("x float32 batch,4", outputs=("label int64 batch", "odds map batch"))

    assert read(ask(GOOD), maps).outputs == ("label",)
    assert problems(ask(GOOD, outputs=[{"name": "odds"}]), maps) == [
        "outputs[0].name is 'odds'; this model has 'label', leaving out what is no tensor"
    ]


def test_a_model_without_any_tensor_output_cannot_be_asked(contract):
    maps = contract("x float32 batch,4", outputs=("odds map batch",))

    assert problems(ask(GOOD), maps) == ["none of this model's outputs is a tensor"]


@pytest.mark.parametrize(
    "data", [[1, 2, 3, 4, 5, 6, 7, 8], [[1, 2, 3, 4], [5, 6, 7, 8]]], ids=["flat", "nested"]
)
def test_values_are_flat_or_nested_as_the_shape_says(rows, data):
    call = read(ask(tensor(shape=(2, 4), data=data)), rows)

    assert call.inputs["x"].tolist() == [[1, 2, 3, 4], [5, 6, 7, 8]]


@pytest.mark.parametrize(
    ("text", "shape", "data"),
    [
        ("x float32", [], [2.5]),
        ("x string batch", [2], ["a", "b"]),
        ("x string batch,1", [2, 1], ["a", "b"]),
        ("x string batch,1", [2, 1], [["a"], ["b"]]),
        ("x bool batch,2", [1, 2], [[True, False]]),
        ("x int64 batch,1,2", [2, 1, 2], [[[1, 2]], [[3, 4]]]),
        ("x uint64 batch", [2], [0, 18446744073709551615]),
        ("x int64 batch", [2], [-9223372036854775808, 9223372036854775807]),
        ("x float16 batch", [2], [65504, 0.5]),
    ],
)
def test_other_shapes_and_datatypes_are_read(contract, text, shape, data):
    own = contract(text)
    datatype = plan_of(own).inputs["x"].datatype

    call = read(ask(tensor(shape=shape, datatype=datatype, data=data)), own)

    assert call.inputs["x"].shape == tuple(shape)
    assert call.inputs["x"].reshape(-1).tolist() == np.array(data, object).reshape(-1).tolist()


def test_everything_that_is_wrong_is_said_at_once(contract):
    own = contract("a float32 batch,2", "b int64 batch", "c string batch", "d bool batch")
    document = {
        "id": 7,
        "extra": 1,
        "parameters": {"binary_data_output": "yes", "deep": [1]},
        "inputs": [
            tensor("a", [2, 2], "FP32", data=[[1, None], [2]], more=1),
            tensor("b", [2], "INT32", data=[1, 2]),
            tensor("nothing", [1], "FP32", data=[1]),
            tensor("a", [1], "FP32", data=[1]),
            tensor("c", [2], "BYTES"),
            "text",
        ],
        "outputs": [{"name": "y", "parameters": {"binary_data": 1}}, {"name": "w"}, {}, 5],
    }

    assert problems(document, own) == [
        "'extra' is no member of a request",
        "id is the number 7; it must be text",
        "parameters.deep is a list; a parameter is text, a number or a boolean",
        "inputs[0].more is no member of an input",
        "inputs[0].data[0][1] is null; input 'a' (float32 (2, 2)) takes numbers",
        "inputs[0].data[1] has 1 values where 2 are needed",
        "inputs[1].datatype is 'INT32'; input 'b' takes INT64",
        (
            "inputs[2].name is 'nothing', which is no input of this model; it has 'a' (float32 "
            "(batch, 2)), 'b' (int64 (batch,)), 'c' (string (batch,)), 'd' (bool (batch,))"
        ),
        "inputs[3] gives input 'a' again",
        "inputs[4] has neither data nor binary_data_size",
        "inputs[5] is text; it must be an object with 'name', 'shape', 'datatype' and 'data'",
        "parameters.binary_data_output is text; it must be true or false",
        "outputs[0].parameters.binary_data is the number 1; it must be true or false",
        "outputs[1].name is 'w'; this model has 'y'",
        "outputs[2].name is null; it must be text",
        "outputs[3] is the number 5; it must be an object with 'name'",
        "input 'd' (bool (batch,)) is missing",
    ]


def test_what_fits_by_itself_is_also_measured_against_the_model(contract):
    own = contract("a float32 batch,2", "b int64 batch")
    document = ask(tensor("a", [1, 3], "FP32", data=[1, 2, 3]), tensor("b", [1], "INT8", data=[1]))

    assert problems(document, own) == [
        "inputs[1].datatype is 'INT8'; input 'b' takes INT64",
        "input 'a' takes 2 along axis 1 of (batch, 2), not 3",
    ]


@pytest.mark.parametrize(
    ("item", "problem"),
    [
        (
            tensor(shape=[4], data=[1, 2, 3, 4]),
            ("inputs[0].shape has 1 axes where input 'x' (float32 (batch, 4)) has 2"),
        ),
        (
            tensor(shape=[0, 4], data=[]),
            ("inputs[0].shape[0] is 0; a length is a whole number from 1"),
        ),
        (
            tensor(shape=[-1, 4], data=[1]),
            ("inputs[0].shape[0] is -1; a length is a whole number from 1"),
        ),
        (
            tensor(shape=[1.0, 4], data=[1]),
            ("inputs[0].shape[0] is the number 1.0; a length is a whole number from 1"),
        ),
        (
            tensor(shape=[True, 4], data=[1]),
            ("inputs[0].shape[0] is true; a length is a whole number from 1"),
        ),
        (
            {"name": "x", "datatype": "FP32", "data": [1]},
            ("inputs[0].shape is null; it must be a list of lengths"),
        ),
        (tensor(data=[1, 2, 3]), "inputs[0].data has 3 values where shape [1, 4] takes 4"),
        (tensor(data=[]), "inputs[0].data has 0 values where shape [1, 4] takes 4"),
        (tensor(data=5), "inputs[0].data is the number 5; it must be a list"),
        (tensor(data={"0": 1}), "inputs[0].data is an object; it must be a list"),
        (tensor(data=None), "inputs[0].data is null; it must be a list"),
        (tensor(data=[[1, 2, 3]]), "inputs[0].data[0] has 3 values where 4 are needed"),
        (
            tensor(data=[[1, 2, 3, 4], [5, 6, 7, 8]]),
            ("inputs[0].data has 2 values where 1 are needed"),
        ),
        (
            tensor(data=[[[1, 2, 3, 4]]]),
            ("inputs[0].data[0][0] is a list; input 'x' (float32 (1, 4)) takes numbers"),
        ),
        (
            tensor(data=[1, 2, 3, 1e39]),
            ("inputs[0].data[3] is 1e+39, which is too large for float32"),
        ),
        (
            tensor(data=[1, 2, True, 4]),
            ("inputs[0].data[2] is true; input 'x' (float32 (4,)) takes numbers"),
        ),
        (
            tensor(data=[1, 2, "3", 4]),
            ("inputs[0].data[2] is text; input 'x' (float32 (4,)) takes numbers"),
        ),
        (tensor(datatype=None, data=[1]), "inputs[0].datatype is null; input 'x' takes FP32"),
        (tensor(datatype="fp32", data=[1]), "inputs[0].datatype is 'fp32'; input 'x' takes FP32"),
        (tensor(datatype="BF16", data=[1]), "inputs[0].datatype is 'BF16'; input 'x' takes FP32"),
        (
            tensor(parameters=[1], data=[1, 2, 3, 4]),
            ("inputs[0].parameters is a list; it must be an object"),
        ),
        (
            tensor(parameters={"binary_data_size": 16}, data=[1]),
            ("inputs[0] has both data and binary_data_size"),
        ),
    ],
)
def test_one_wrong_thing_is_told_in_one_sentence(rows, item, problem):
    assert problems(ask(item), rows)[0] == problem


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "the body is not JSON"),
        (b"{", "the body is not JSON"),
        (b'{"inputs":[NaN]}', "the body is not JSON"),
        (b"[1]", "the request is a list; it must be an object with 'inputs'"),
        (b"null", "the request is null"),
        (b'"\xff"', "the body is not JSON"),
        (b"[" * 100_000, "the JSON is nested deeper than 100 levels"),
        (b"[" * 101 + b"]" * 101, "the JSON is nested deeper than 100 levels"),
        (b"[" * 100 + b"]" * 100, "the request is a list"),
        (b'{"inputs":' + b"[" * 500 + b"]" * 500 + b"}", "nested deeper than 100 levels"),
        (b'{"inputs":[],"parameters":{"a":' + b"[" * 500 + b"]" * 500 + b"}}", "deeper than 100"),
    ],
)
def test_what_is_no_request_is_refused_by_its_first_fault(rows, body, message):
    with pytest.raises(InvalidInput, match=message.replace("[", r"\[")):
        read(body, rows)


@pytest.mark.parametrize("inputs", [None, [], {}, "x", 5])
def test_inputs_must_be_a_list_with_something_in_it(rows, inputs):
    assert problems({"inputs": inputs}, rows)[0].startswith("inputs is ")


@pytest.mark.parametrize("name", ["model_name", "model_version"])
def test_members_that_known_clients_send_are_let_pass(rows, name):
    assert read(ask(GOOD, **{name: "anything"}), rows).outputs == ("y", "z")


def test_the_last_of_two_members_of_one_name_counts(rows):
    body = json.dumps(ask(GOOD)).encode()
    twice = body.replace(b'"data"', b'"data": [9, 9, 9, 9], "data"')
    both = body.replace(b'{"inputs"', b'{"id":"a","id":"b","inputs"')

    assert read(twice, rows).inputs["x"].tolist() == [[1, 2, 3, 4]]
    assert read(both, rows).id == "b"


def test_an_asked_output_is_asked_once(rows):
    assert problems(ask(GOOD, outputs=[{"name": "y"}, {"name": "y"}]), rows) == [
        "outputs[1] asks for 'y' again"
    ]


def test_classes_are_not_given(rows):
    outputs = [{"name": "y", "parameters": {"classification": 3}}]

    assert problems(ask(GOOD, outputs=outputs), rows) == [
        "outputs[0].parameters.classification is not supported"
    ]
