import json

import numpy as np
import pytest

from model_server.core.errors import InvalidInput
from model_server.rest.exchange import negotiate

BINARY = "application/vnd.sagemaker-triton.binary+json"
HEADER = (
    b'{"id":"7","inputs":[{"name":"x","shape":[1,2],"datatype":"FP32",'
    b'"parameters":{"binary_data_size":8}}],"outputs":[{"name":"y",'
    b'"parameters":{"binary_data":true}}]}'
)
BODY = HEADER + np.array([1.5, np.nan], np.float32).tobytes()


@pytest.fixture
def one(contract):
    return contract("x float32 batch,2", outputs=("y float32 batch,2", "z int64 batch"))


@pytest.mark.parametrize("accept", [None, "*/*", "application/json", BINARY, "text/csv"])
def test_tensors_come_and_go_as_bytes(one, model, accept):
    exchange = negotiate(one, f"{BINARY};json-header-size={len(HEADER)}", None, accept)

    decoded = exchange.decode(BODY, model)
    body, content_type = exchange.encode({"y": decoded.inputs["x"]}, decoded, model)

    assert exchange.wanted(decoded) == ("y",)
    assert decoded.rows == 1
    prefix = b"application/vnd.sagemaker-triton.binary+json;json-header-size="
    assert content_type.startswith(prefix)
    length = int(content_type.removeprefix(prefix))
    assert json.loads(body[:length]) == {
        "model_name": "m",
        "model_version": "1",
        "id": "7",
        "outputs": [
            {
                "name": "y",
                "datatype": "FP32",
                "shape": [1, 2],
                "parameters": {"binary_data_size": 8},
            }
        ],
    }
    assert body[length:] == BODY[len(HEADER) :]


def test_an_answer_without_bytes_is_json(one, model):
    header = HEADER.replace(b"true", b"false")
    exchange = negotiate(one, f"{BINARY};json-header-size={len(header)}", None, None)

    decoded = exchange.decode(header + bytes(8), model)
    body, content_type = exchange.encode({"y": decoded.inputs["x"]}, decoded, model)

    assert content_type == b"application/json"
    assert json.loads(body)["outputs"][0]["data"] == [0.0, 0.0]


def test_all_outputs_are_wanted_where_none_is_named(one, model):
    header = HEADER.partition(b',"outputs"')[0] + b"}"
    exchange = negotiate(one, f"{BINARY};json-header-size={len(header)}", None, None)

    assert exchange.wanted(exchange.decode(header + bytes(8), model)) == ("y", "z")


# The forms that Triton's own SageMaker tests have, and those around them.
@pytest.mark.parametrize(
    "parameter",
    [
        "",
        ";json-header-size",
        ";json-header-size=",
        ";json-header-size=additional-string10",
        ";json-header-size=-1",
        ";json-header-size=+10",
        ";json-header-size=1_0",
        ";json-header-size=1e2",
        ";json-header-size=10.0",
        ";json-header-size=0x10",
        ";json-header-size=\u0661\u0660",
        ";json-header-size=12345",
        ";json-header-size=9223372036854775808",
        ";json-header-size=99999999999999999999999999",
        ";json-header-size=0",
        f";json-header-size={len(HEADER) - 1}",
        f";json-header-size={len(HEADER) + 1}",
        f";header={len(HEADER)}",
    ],
)
def test_a_malformed_length_is_a_bad_request(one, model, parameter):
    with pytest.raises(InvalidInput) as caught:
        negotiate(one, BINARY + parameter, None, None).decode(BODY, model)

    assert caught.value.code == "INVALID_ARGUMENT"
