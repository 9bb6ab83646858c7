"""Bodies that are small to send and large to read, and claims that no body keeps (S07 to S09)."""

import io
import json
import struct
import time
import zlib

import numpy as np
import pytest

MAX_CHUNKS = 65_536

DEEP = {
    "lists in a list": b'{"inputs":[' + b"[[[[]]]]," * 600_000 + b"[]]}",
    "a number of a million digits": b'{"inputs":[[' + b"9" * 1_000_000 + b",1,2,3]]}",
    "a text of five million escapes": b'{"inputs":"' + rb"\u0000" * 900_000 + b'"}',
    "many members": b"{" + b",".join(b'"k%d":0' % number for number in range(300_000)) + b"}",
    "one member often": b"{" + b",".join([b'"inputs":[[1]]'] * 300_000) + b"}",
    "objects in objects": b'{"instances":' + b'{"a":' * 100_000 + b"1" + b"}" * 100_001,
    "lists that never end": b'{"instances":' + b"[" * 5_000_000,
    "exponents": b'{"inputs":[' + b"[1e999999999,1,1,1]," * 200_000 + b"[1,1,1,1]]}",
}

KEPT_MIB = {"many members": 24}
"""Where it is not twice the limit of a body, 12 (S07): orjson keeps 2,048 keys, and with them the
memory around them. Its rise ends at the size of one body's keys: 17 MiB after 20 such bodies."""

OIP = b'{"inputs":[{"name":"x","shape":%s,"datatype":"FP32","data":[1,2,3,4]}]}'

SHAPES = {
    "huge": b"[4611686018427387904,4]",
    "its product is 0 in 64 bits": b"[4294967296,4294967296]",
    "its product is 4 in 64 bits": b"[4611686018427387905,4]",
    "beyond 64 bits": b"[100000000000000000000000,4]",
    "negative": b"[-1,-4]",
    "negative once": b"[1,-4]",
    "nothing": b"[0,4]",
    "a fraction": b"[1.0,4]",
    "a truth": b"[true,4]",
    "too long": b"[" + b"1," * 500_000 + b"4]",
}


@pytest.mark.parametrize("what", DEEP)
def test_json_that_is_costly_to_read_is_refused_soon(serve, memory_mib, rise_mib, unharmed, what):
    server = serve("regressor")
    for _ in range(2):
        # What is kept afterwards is taken once: the first body's memory goes back to the system,
        # after which glibc keeps as much for the next ones, 15 MiB here.
        server.post(DEEP[what])
    before = memory_mib(server)

    start = time.perf_counter()
    reply = server.post(DEEP[what])
    seconds = time.perf_counter() - start

    assert reply.status == 400
    assert len(reply.body) < 20_000
    # 0.1 s is the aim for refusals by depth; these take a parser's whole way through 6 MiB.
    assert seconds < 5.0
    enough = KEPT_MIB.get(what, 12)
    assert rise_mib(server, before, enough) < enough
    unharmed(server)


def chunked(chunks):
    head = (
        b"POST /invocations HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\n"
        b"transfer-encoding: chunked\r\n\r\n"
    )
    body = b'{"instances":[[1,2,3,4]]}'
    blanks = b"1\r\n \r\n" * (chunks - 1)
    return head + b"%x\r\n%s\r\n" % (len(body), body) + blanks + b"0\r\n\r\n"


@pytest.mark.parametrize(
    ("chunks", "status"), [(MAX_CHUNKS, 200), (MAX_CHUNKS + 1, 400), (1_000_000, 400)]
)
def test_chunks_are_counted_and_take_no_memory(serve, line, memory_mib, unharmed, chunks, status):
    server = serve("regressor")
    before = memory_mib(server)

    with line(server) as caller:
        try:
            caller.send(chunked(chunks))
        except ConnectionError:  # refused and closed while the rest was still to be sent
            assert status == 400
        found, _, body = caller.read()

    assert found == status
    assert status == 200 or "more than 65536 chunks" in json.loads(body)["error"]
    assert memory_mib(server) - before < 50
    unharmed(server)


@pytest.mark.parametrize("what", SHAPES)
def test_a_shape_that_its_data_does_not_keep_is_refused(serve, memory_mib, unharmed, what):
    server = serve("regressor")
    before = memory_mib(server)

    reply = server.request(
        "POST", "/v2/models/model/infer", OIP % SHAPES[what], content_type="application/json"
    )

    assert reply.status == 400
    assert len(reply.body) < 20_000
    assert memory_mib(server) - before < 50
    unharmed(server)


@pytest.mark.parametrize("what", SHAPES)
def test_a_shape_that_its_bytes_do_not_keep_is_refused(serve, memory_mib, unharmed, what):
    server = serve("regressor")
    before = memory_mib(server)
    head = (
        b'{"inputs":[{"name":"x","shape":%s,"datatype":"FP32",'
        b'"parameters":{"binary_data_size":16}}]}' % SHAPES[what]
    )

    for _ in range(2):  # what a first request left behind must not help the second
        reply = server.request(
            "POST",
            "/v2/models/model/infer",
            head + bytes(16),
            content_type="application/octet-stream",
            Inference_Header_Content_Length=str(len(head)),
        )
        assert reply.status == 400

    assert memory_mib(server) - before < 50
    unharmed(server)


@pytest.mark.parametrize("size_said", [-16, 15, 17, 2**31, 2**63, 2**64 + 16])
def test_a_wrong_size_of_binary_data_is_refused(serve, unharmed, size_said):
    server = serve("regressor")
    head = (
        b'{"inputs":[{"name":"x","shape":[1,4],"datatype":"FP32",'
        b'"parameters":{"binary_data_size":%d}}]}' % size_said
    )

    reply = server.request(
        "POST",
        "/v2/models/model/infer",
        head + bytes(16),
        Inference_Header_Content_Length=str(len(head)),
    )

    assert reply.status == 400
    unharmed(server)


@pytest.mark.parametrize(
    "shape",
    ["4611686018427387904,4", "4611686018427387905,4", "-1,-4", "0,4", "9" * 30, "1," * 300],
)
def test_a_shape_in_a_content_type_is_refused(serve, unharmed, shape):
    server = serve("regressor")

    reply = server.post(bytes(16), f'application/octet-stream; shape="{shape}"')

    assert reply.status == 400
    unharmed(server)


def npy(shape, data=b"", descr="<f4"):
    header = f"{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}\n".encode()
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + data


@pytest.mark.parametrize(
    "shape",
    [
        "(4611686018427387904, 4)",
        "(4611686018427387905, 4)",
        "(4294967296, 4294967296)",
        "(-1, -4)",
        "(0, 4)",
        f"({'9' * 5000},)",
        f"({'1, ' * 60}4)",
    ],
)
def test_a_shape_in_an_npy_header_is_refused(serve, memory_mib, unharmed, shape):
    server = serve("regressor")
    before = memory_mib(server)

    reply = server.post(npy(shape, bytes(16)), "application/x-npy")

    assert reply.status == 400
    assert memory_mib(server) - before < 50
    unharmed(server)


@pytest.mark.parametrize("descr", ["|V16", "|O", "<U4", "<f4, <f4", "<M8[s]", "(1000000,)f8"])
def test_an_npy_header_of_another_datatype_is_refused(serve, unharmed, descr):
    server = serve("regressor")

    reply = server.post(npy("(1, 4)", bytes(16), descr), "application/x-npy")

    assert reply.status == 400
    unharmed(server)


def test_a_bomb_in_an_archive_is_not_inflated(serve, memory_mib, unharmed):
    server = serve("regressor")
    before = memory_mib(server)
    out = io.BytesIO()
    np.savez_compressed(out, x=np.zeros((16 * 1024 * 1024, 4), dtype=np.float32))
    assert len(out.getvalue()) < 300_000

    reply = server.post(out.getvalue(), "application/x-npz")

    assert reply.status == 400
    assert "too large when inflated" in reply.json()["error"]
    assert memory_mib(server) - before < 50
    unharmed(server)


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "zstd", "gzip, gzip"])
@pytest.mark.parametrize("path", ["/invocations", "/v2/models/model/infer"])
def test_a_compressed_body_is_refused(serve, memory_mib, unharmed, path, encoding):
    server = serve("regressor")
    before = memory_mib(server)
    bomb = zlib.compress(bytes(100 * 2**20), 9, 31)

    reply = server.request(
        "POST", path, bomb, content_type="application/json", content_encoding=encoding
    )

    assert reply.status == 415
    assert memory_mib(server) - before < 50
    unharmed(server)
