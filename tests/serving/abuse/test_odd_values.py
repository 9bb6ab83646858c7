"""Values at the edge of what a format can say: NUL, NaN, infinity (S10)."""

import io
import json
import struct

import grpc
import numpy as np
import pytest

from model_server.grpc_v2 import open_inference_pb2 as pb
from model_server.grpc_v2.open_inference_pb2_grpc import GRPCInferenceServiceStub

BITS = [0x7FC00000, 0xFFC00001, 0x7F800000, 0xFF800000, 0x80000000, 0x7FA00000, 0x00000001]
"""NaN, one with a sign and a payload, the infinities, -0, a signalling NaN, the least number."""

ODD = np.array(BITS, dtype=np.uint32).view(np.float32).reshape(1, -1)

TEXTS = ["\0", "a\0b", "\0\0", "", "\U0001f600\0", "\ufeff", "\x7f\x01"]


def npy(array):
    out = io.BytesIO()
    np.save(out, array, allow_pickle=False)
    return out.getvalue()


def npz(array):
    out = io.BytesIO()
    np.savez(out, x=array)
    return out.getvalue()


def test_npy_gives_every_bit_back(serve):
    reply = serve("echo").post(npy(ODD), "application/x-npy")

    found = np.load(io.BytesIO(reply.body), allow_pickle=False)
    assert found.view(np.uint32).tolist() == [BITS]


def test_npz_gives_every_bit_back(serve):
    reply = serve("echo").post(npz(ODD), "application/x-npz")

    found = np.load(io.BytesIO(reply.body), allow_pickle=False)["y"]
    assert found.view(np.uint32).tolist() == [BITS]


def test_raw_bytes_come_back_as_they_went(serve):
    reply = serve("echo").post(ODD.tobytes(), 'application/octet-stream; shape="1,7"')

    assert reply.status == 200
    assert reply.body == ODD.tobytes()


def test_binary_tensors_come_back_as_they_went(serve):
    head = json.dumps(
        {
            "inputs": [
                {
                    "name": "x",
                    "shape": [1, 7],
                    "datatype": "FP32",
                    "parameters": {"binary_data_size": 28},
                }
            ],
            "parameters": {"binary_data_output": True},
        }
    ).encode()

    reply = serve("echo").request(
        "POST",
        "/v2/models/model/infer",
        head + ODD.tobytes(),
        Inference_Header_Content_Length=str(len(head)),
    )

    assert reply.status == 200
    assert reply.body[-28:] == ODD.tobytes()


@pytest.mark.parametrize("accept", ["application/json", "application/jsonlines"])
def test_an_answer_in_json_can_always_be_read(serve, accept):
    reply = serve("echo").post(npy(ODD), "application/x-npy", Accept=accept)

    found = json.loads(reply.body, parse_constant=pytest.fail)  # NaN and Infinity are not JSON
    row = found["predictions"][0] if accept == "application/json" else found
    assert row[:4] == [None, None, None, None]
    assert row[5] is None
    assert reply.status == 200


def test_the_open_protocols_json_can_always_be_read(serve):
    head = json.dumps(
        {
            "inputs": [
                {
                    "name": "x",
                    "shape": [1, 7],
                    "datatype": "FP32",
                    "parameters": {"binary_data_size": 28},
                }
            ]
        }
    ).encode()

    reply = serve("echo").request(
        "POST",
        "/v2/models/model/infer",
        head + ODD.tobytes(),
        Inference_Header_Content_Length=str(len(head)),
    )

    json.loads(reply.body, parse_constant=pytest.fail)
    assert reply.status in {200, 400, 500}  # it may say that JSON cannot hold them


@pytest.mark.parametrize("word", [b"NaN", b"Infinity", b"-Infinity", b"nan", b"1e39", b"1e999"])
@pytest.mark.parametrize("path", ["/invocations", "/v2/models/model/infer"])
def test_json_that_is_not_finite_is_refused(serve, word, path):
    tensor = b'[{"name":"x","shape":[1,1],"datatype":"FP32","data":[%s]}]' % word
    value = tensor if path.startswith("/v2") else b"[[%s]]" % word

    reply = serve("echo").request(
        "POST", path, b'{"inputs":%s}' % value, content_type="application/json"
    )

    assert reply.status == 400


@pytest.mark.parametrize("word", [b"nan", b"inf", b"-inf", b"NaN", b"Infinity", b"1e39"])
def test_csv_that_is_not_finite_is_refused(serve, word):
    assert serve("echo").post(b"1,%s\n" % word, "text/csv").status == 400


@pytest.mark.parametrize("content_type", ["application/json", "application/jsonlines"])
def test_text_comes_back_with_every_character(serve, content_type):
    if content_type == "application/json":
        body = json.dumps({"instances": TEXTS}).encode()
    else:
        body = "\n".join(map(json.dumps, TEXTS)).encode()

    reply = serve("text").post(body, content_type)

    assert reply.status == 200
    if content_type == "application/json":
        assert reply.json()["predictions"] == TEXTS
    else:
        assert [json.loads(row) for row in reply.body.decode().split("\n") if row] == TEXTS


def test_text_as_bytes_comes_back_with_every_character(serve):
    data = b"".join(struct.pack("<I", len(each.encode())) + each.encode() for each in TEXTS)
    head = json.dumps(
        {
            "inputs": [
                {
                    "name": "x",
                    "shape": [len(TEXTS)],
                    "datatype": "BYTES",
                    "parameters": {"binary_data_size": len(data)},
                }
            ],
            "parameters": {"binary_data_output": True},
        }
    ).encode()

    reply = serve("text").request(
        "POST",
        "/v2/models/model/infer",
        head + data,
        Inference_Header_Content_Length=str(len(head)),
    )

    assert reply.status == 200
    assert reply.body[-len(data) :] == data


@pytest.fixture(scope="module")
def ask_grpc(run_server, models):
    """Ask a server of a model by gRPC."""

    def ask(model, request):
        with grpc_server(run_server, models / model) as stub:
            return stub.ModelInfer(request, timeout=20)

    return ask


class grpc_server:  # noqa: N801  # reads as a function at its only use
    def __init__(self, run_server, folder):
        import socket

        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self._port = probe.getsockname()[1]
        self._server = run_server(folder, MODEL_SERVER_GRPC_PORT=self._port)

    def __enter__(self):
        self._server.wait()
        self._channel = grpc.insecure_channel(f"127.0.0.1:{self._port}")
        grpc.channel_ready_future(self._channel).result(20)
        return GRPCInferenceServiceStub(self._channel)

    def __exit__(self, *reason):
        self._channel.close()
        self._server.stop()


def test_grpc_gives_every_bit_back(ask_grpc):
    request = pb.ModelInferRequest(model_name="model", raw_input_contents=[ODD.tobytes()])
    request.inputs.add(name="x", datatype="FP32", shape=[1, 7])

    answer = ask_grpc("echo", request)

    assert answer.raw_output_contents[0] == ODD.tobytes()


def test_grpc_gives_text_back_with_every_character(ask_grpc):
    request = pb.ModelInferRequest(model_name="model")
    tensor = request.inputs.add(name="x", datatype="BYTES", shape=[len(TEXTS)])
    tensor.contents.bytes_contents.extend(each.encode() for each in TEXTS)

    answer = ask_grpc("text", request)

    assert list(answer.outputs[0].contents.bytes_contents) == [each.encode() for each in TEXTS]
