"""Huge claims and bombs: refused, and the process does not grow by what they speak of."""

import io
import json
import struct
import time
import zipfile
from pathlib import Path

import numpy as np
import pytest

MIB = 2**20


@pytest.fixture(scope="module")
def server(run_server, model_folder):
    server = run_server(
        model_folder / "echo_fp32", MODEL_SERVER_MODEL_NAME="echo_fp32", MODEL_SERVER_WORKERS="1"
    )
    server.wait()
    return server


def peak_bytes(server):
    """Largest resident size of the server's processes since they began, together."""
    own = server.process.pid
    children = Path(f"/proc/{own}/task/{own}/children").read_text().split()
    total = 0
    for pid in (own, *children):
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmHWM"):
                total += int(line.split()[1]) * 1024
    return total


def request(shape, data=None, **parameters):
    item = {"name": "x", "shape": shape, "datatype": "FP32"}
    item |= {"data": data} if data is not None else {"parameters": parameters}
    return json.dumps({"inputs": [item]}).encode()


def npy(shape, data):
    header = f"{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}, }}\n".encode()
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + data


def bomb():
    """64 MiB of zeros in 65 KiB."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("x.npy", npy((4096, 4096), bytes(64 * MIB)))
    return out.getvalue()


SHAPES = [
    [2**40, 2**20],
    [2**62, 2**62],
    [2**63 - 1, 1],
    [2**64, 1],
    [10**25, 1],
    [2**32, 2**32],
    [-1, -4],
    [-(2**63), 1],
    [0, 2**62],
    [1] * 10_000,
]


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: str(shape)[:24])
def test_a_shape_is_a_claim_and_takes_no_memory(server, shape):
    before = peak_bytes(server)
    bodies = [
        (request(shape, [1, 2, 3, 4]), None),
        (request(shape, [[1, 2], [3, 4]]), None),
        (request(shape, binary_data_size=16) + bytes(16), len(request(shape, binary_data_size=16))),
    ]

    for body, length in bodies:
        headers = {} if length is None else {"inference_header_content_length": str(length)}
        start = time.monotonic()
        reply = server.request("POST", "/v2/models/echo_fp32/infer", body, **headers)

        assert reply.status == 400
        assert reply.json()["code"] == "INVALID_ARGUMENT"
        assert time.monotonic() - start < 2
    assert peak_bytes(server) - before < 4 * MIB
    assert server.ping().status == 200


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("application/x-npy", npy((2**40, 2**20), bytes(16))),
        ("application/x-npy", npy((2**63, 2**63), bytes(16))),
        ("application/x-npy", npy((-1, -4), bytes(16))),
        ("application/octet-stream; shape=1099511627776,1048576", bytes(16)),
        ("application/octet-stream; shape=4294967296,4294967296", bytes(16)),
        ("application/octet-stream; shape=-1,-4", bytes(16)),
        ("application/x-npz", bomb()),
    ],
    ids=["npy", "npy overflow", "npy negative", "raw", "raw overflow", "raw negative", "npz bomb"],
)
def test_formats_of_invocations_take_no_memory_for_claims(server, content_type, body):
    before = peak_bytes(server)

    reply = server.request("POST", "/invocations", body, content_type=content_type)

    assert reply.status == 400
    assert reply.json()["code"] == "INVALID_ARGUMENT"
    assert peak_bytes(server) - before < 4 * MIB
    assert server.ping().status == 200


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "zstd"])
@pytest.mark.parametrize("path", ["/invocations", "/v2/models/echo_fp32/infer"])
def test_compressed_bodies_are_not_inflated_at_all(server, path, encoding):
    reply = server.request(
        "POST", path, bytes(1000), content_type="application/json", content_encoding=encoding
    )

    assert reply.status == 415
    assert reply.json()["code"] == "INVALID_ARGUMENT"


@pytest.mark.parametrize("depth", [101, 1000, 1_000_000])
@pytest.mark.parametrize("path", ["/invocations", "/v2/models/echo_fp32/infer"])
def test_deep_nesting_is_refused_soon(server, path, depth):
    before = peak_bytes(server)
    for body in b"[" * depth + b"]" * depth, b'{"inputs":' * depth, b"[" * depth:
        start = time.monotonic()

        reply = server.request("POST", path, body[: 6 * MIB], content_type="application/json")

        assert reply.status == 400
        assert time.monotonic() - start < 1
    assert peak_bytes(server) - before < 24 * MIB


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("application/jsonlines", b"[1.5,2]\n[3,4]\n"),
        ("application/x-ndjson", b"[1.5,2]\n[3,4]"),
        ("application/x-npy", npy((2, 2), np.array([1.5, 2, 3, 4], np.float32).tobytes())),
        (
            'application/octet-stream; shape="2,2"; datatype=FP32',
            np.array([1.5, 2, 3, 4], np.float32).tobytes(),
        ),
    ],
)
def test_after_all_of_it_good_requests_are_answered(server, content_type, body):
    reply = server.request("POST", "/invocations", body, content_type=content_type)

    assert reply.status == 200
    got = {
        "application/jsonlines": lambda data: [json.loads(line) for line in data.splitlines()],
        "application/x-ndjson": lambda data: [json.loads(line) for line in data.splitlines()],
        "application/x-npy": lambda data: np.load(io.BytesIO(data)).tolist(),
        "application/octet-stream": lambda data: np.frombuffer(data, "<f4").reshape(2, 2).tolist(),
    }[reply.headers["content-type"].partition(";")[0]](reply.body)
    assert got == [[1.5, 2], [3, 4]]
