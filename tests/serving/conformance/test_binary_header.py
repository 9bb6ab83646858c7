"""Malformed lengths of the JSON part, on both routes; the server is ready after each."""

import json

import numpy as np
import pytest

HEAD = json.dumps(
    {
        "inputs": [
            {
                "name": "x",
                "shape": [1, 2],
                "datatype": "FP32",
                "parameters": {"binary_data_size": 8},
            }
        ],
        "outputs": [{"name": "y", "parameters": {"binary_data": True}}],
    }
).encode()
DATA = np.array([1.5, np.nan], np.float32).tobytes()
BINARY = "application/vnd.sagemaker-triton.binary+json"


@pytest.fixture(scope="session")
def echo_server(run_server, model_folder):
    server = run_server(model_folder / "echo_fp32", MODEL_SERVER_MODEL_NAME="echo_fp32")
    server.wait()
    return server


@pytest.fixture(params=["v2", "invocations"])
def post(request, echo_server):
    """Send a body and what is said of its JSON part, by either route."""

    def send(said, body=HEAD + DATA):
        if request.param == "v2":
            named = {} if said is None else {"inference_header_content_length": said}
            return echo_server.request("POST", "/v2/models/echo_fp32/infer", body, **named)
        content_type = BINARY if said is None else f"{BINARY};json-header-size={said}"
        return echo_server.request("POST", "/invocations", body, content_type=content_type)

    return send


def test_a_good_length_is_answered_in_kind(post):
    reply = post(str(len(HEAD)))

    assert reply.status == 200
    length = reply.headers.get("inference-header-content-length")
    if length is None:
        prefix = f"{BINARY};json-header-size="
        assert reply.headers["content-type"].startswith(prefix)
        length = reply.headers["content-type"].removeprefix(prefix)
    assert reply.body[int(length) :] == DATA
    assert json.loads(reply.body[: int(length)])["outputs"][0]["shape"] == [1, 2]


@pytest.mark.parametrize(
    "said",
    [
        f"additional-string{len(HEAD)}",
        "additional-string",
        f"-{len(HEAD)}",
        "-1",
        str(len(HEAD) + len(DATA) + 1),
        "12345",
        "9223372036854775808",
        "99999999999999999999999999",
        str(len(HEAD) - 1),
        str(len(HEAD) + 1),
        "0",
        "1e2",
        "0x80",
    ],
)
def test_a_malformed_length_is_a_bad_request_and_the_server_is_ready_after_it(
    post, echo_server, said
):
    reply = post(said)

    assert reply.status == 400
    assert reply.json()["code"] == "INVALID_ARGUMENT"
    assert isinstance(reply.json()["error"], str)
    assert echo_server.ping().status == 200
    assert echo_server.request("GET", "/v2/health/ready").status == 200


def test_no_length_at_all_is_a_bad_request(post, echo_server):
    assert post(None).status == 400
    assert echo_server.ping().status == 200


@pytest.mark.parametrize(
    "content_type",
    [
        f"additional-string-{BINARY};json-header-size={len(HEAD)}",
        f"{BINARY}-string;json-header-size={len(HEAD)}",
        f"{BINARY};additional-string-json-header-size={len(HEAD)}",
        f"{BINARY},json-header-size={len(HEAD)}",
    ],
)
def test_a_misspelt_content_type_is_a_bad_request(echo_server, content_type):
    reply = echo_server.request("POST", "/invocations", HEAD + DATA, content_type=content_type)

    assert reply.status == 400
    assert echo_server.ping().status == 200
