import json
import math

import numpy as np
import pytest

from model_server.rest.oip.call import InferCall
from model_server.rest.oip.writer import write_infer


@pytest.fixture
def write(echo, contract):
    def run(outputs, binary=(), *, identity=None, version="1"):
        call = InferCall(identity, {}, tuple(outputs), frozenset(binary), {})
        model = echo(contract("x float32 batch"), name="m", version=version)
        return write_infer(call, outputs, model)

    return run


def strict(body):
    def no_constant(name):
        raise AssertionError(f"{name} is not JSON")

    return json.loads(body, parse_constant=no_constant)


def test_values_are_flat_and_in_rows(write):
    body, length = write({"y": np.array([[1, 2.5], [0.1, 4]], np.float32)}, identity="7")

    assert length is None
    assert body == (
        b'{"model_name":"m","model_version":"1","id":"7","outputs":[{"name":"y",'
        b'"datatype":"FP32","shape":[2,2],"data":[1.0,2.5,0.1,4.0]}]}'
    )


def test_a_version_and_an_id_are_there_only_when_there_is_one(write):
    body, _ = write({"y": np.array([1])}, version="")

    assert list(strict(body)) == ["model_name", "outputs"]
    assert strict(write({"y": np.array([1])}, identity="")[0])["id"] == ""


@pytest.mark.parametrize(
    ("values", "datatype", "data"),
    [
        (np.array([True, False]), "BOOL", [True, False]),
        (np.array([0, 2**64 - 1], np.uint64), "UINT64", [0, 18446744073709551615]),
        (np.array([-(2**63)], np.longlong), "INT64", [-9223372036854775808]),
        (np.array([0.1, 65504], np.float16), "FP16", [0.099975586, 65504.0]),
        (np.array(["a", 'b"\0€'], object), "BYTES", ["a", 'b"\0€']),
        (np.array(2.5, np.float64), "FP64", [2.5]),
        (np.float32(0.5), "FP32", [0.5]),
        (np.zeros((0, 3), np.float32), "FP32", []),
    ],
)
def test_every_datatype_has_its_own_values(write, values, datatype, data):
    (output,) = strict(write({"y": values})[0])["outputs"]

    assert output["datatype"] == datatype
    assert output["shape"] == list(values.shape)
    assert output["data"] == data
    assert all(type(one) is type(two) for one, two in zip(output["data"], data, strict=True))


@pytest.mark.parametrize("dtype", ["f2", "f4", "f8"])
def test_every_float_is_read_back_as_itself(write, dtype):
    values = np.frombuffer(np.random.default_rng(0).bytes(8000), dtype)
    values = values[np.isfinite(values)]

    (output,) = strict(write({"y": values})[0])["outputs"]

    assert np.array(output["data"], dtype).tobytes() == values.tobytes()


def test_bytes_follow_the_json_in_the_order_of_the_outputs(write):
    outputs = {
        "a": np.array([[1, 2]], np.int16),
        "b": np.array([0.5], np.float32),
        "c": np.array(["€"], object),
    }

    body, length = write(outputs, binary=["a", "c"])

    assert strict(body[:length])["outputs"] == [
        {"name": "a", "datatype": "INT16", "shape": [1, 2], "parameters": {"binary_data_size": 4}},
        {"name": "b", "datatype": "FP32", "shape": [1], "data": [0.5]},
        {"name": "c", "datatype": "BYTES", "shape": [1], "parameters": {"binary_data_size": 7}},
    ]
    assert body[length:] == b"\x01\x00\x02\x00" + b"\x03\x00\x00\x00\xe2\x82\xac"


def test_values_that_json_has_not_are_null_and_told(write):
    outputs = {
        "y": np.array([[1, math.nan], [-math.inf, 2]], np.float32),
        "z": np.array(math.nan, np.float64),
        "fine": np.array([1.0]),
    }

    answer = strict(write(outputs)[0])

    assert [output["data"] for output in answer["outputs"]] == [
        [1.0, None, None, 2.0],
        [None],
        [1.0],
    ]
    assert answer["parameters"] == {
        "warnings": "output 'y' has 2 values that are NaN or infinite, the first at [0][1]; they "
        "are null here and whole as binary data; output 'z' has 1 values that are NaN or infinite, "
        "the first at []; they are null here and whole as binary data"
    }


def test_a_text_that_says_null_is_no_warning(write):
    assert "parameters" not in strict(write({"y": np.array(["null"], object)})[0])


def test_bytes_hold_every_bit(write):
    bits = bytes.fromhex("0100c07f 000080ff 01000000 00000080")

    body, length = write({"y": np.frombuffer(bits, np.float32)}, binary=["y"])

    assert body[length:] == bits
    assert "parameters" not in strict(body[:length])


def test_values_that_do_not_lie_in_one_piece_are_put_in_order(write):
    values = np.arange(6, dtype=np.float32).reshape(2, 3).T

    body, _ = write({"y": values})
    raw, length = write({"y": values}, binary=["y"])

    assert strict(body)["outputs"][0]["data"] == [0, 3, 1, 4, 2, 5]
    assert np.frombuffer(raw[length:], np.float32).tolist() == [0, 3, 1, 4, 2, 5]
