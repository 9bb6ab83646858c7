"""Every way a request can be wrong, the code that it is answered with, and the words.

One table; after each row the same server must still answer.
"""

import struct

import grpc
import numpy as np
import pytest

from model_server.grpc_v2 import open_inference_pb2 as pb

ROW = np.array([1.0, 2.0], dtype="<f4").tobytes()
X = ("x", "FP32", [1, 2])
FLOATS = {"contents": {"fp32_contents": [1.0, 2.0]}}
AGE = ("age", "FP32", [2, 1], {"contents": {"fp32_contents": [1.0, 2.0]}})
JOB = ("job", "BYTES", [2], {"contents": {"bytes_contents": [b"a", b"b"]}})

FIT = "the request does not fit the model: "
PLAIN = "input 'x' (float32 (batch, width))"


def text(*elements):
    return b"".join(struct.pack("<I", len(each)) + each for each in elements)


# name: (model, inputs, other members, the whole message)
CASES = {
    # names
    "no inputs": ("FP32", [], {}, f"{FIT}{PLAIN} is missing"),
    "unknown input": (
        "FP32", [("z", "FP32", [1, 2])], {"raw": [ROW]},
        (f"{FIT}inputs[0].name is 'z', which is no input of this model; it has 'x' (float32 (batch, "  # noqa: E501  # one row of the table
        f"width)); {PLAIN} is missing"),
    ),
    "no name": (
        "FP32", [("", "FP32", [1, 2])], {"raw": [ROW]},
        (f"{FIT}inputs[0].name is '', which is no input of this model; it has 'x' (float32 (batch, "
        f"width)); {PLAIN} is missing"),
    ),
    "an input twice": ("FP32", [X, X], {"raw": [ROW, ROW]}, f"{FIT}inputs[1] gives input 'x' again"),  # noqa: E501  # one row of the table
    "a missing input": ("pair", [AGE], {}, f"{FIT}input 'job' (string (batch,)) is missing"),
    "unknown output": (
        "FP32", [X], {"raw": [ROW], "outputs": ["z"]},
        f"{FIT}outputs[0].name is 'z'; this model's tensors are 'y'",
    ),
    "an output twice": (
        "FP32", [X], {"raw": [ROW], "outputs": ["y", "y"]}, f"{FIT}outputs[1] asks for 'y' again",
    ),
    "an output that is a list of maps": (
        "maps", [X], {"raw": [ROW], "outputs": ["found"]},
        f"{FIT}outputs[0].name is 'found'; this model's tensors are 'label'",
    ),
    # datatypes
    "another datatype": (
        "FP32", [("x", "FP64", [1, 2])], {"raw": [ROW + ROW]},
        f"{FIT}inputs[0].datatype is 'FP64'; input 'x' takes FP32",
    ),
    "an unknown datatype": (
        "FP32", [("x", "BF16", [1, 2])], {"raw": [ROW]},
        f"{FIT}inputs[0].datatype is 'BF16'; input 'x' takes FP32",
    ),
    "no datatype": (
        "FP32", [("x", "", [1, 2])], {"raw": [ROW]},
        f"{FIT}inputs[0].datatype is ''; input 'x' takes FP32",
    ),
    "a datatype in lower case": (
        "FP32", [("x", "fp32", [1, 2])], {"raw": [ROW]},
        f"{FIT}inputs[0].datatype is 'fp32'; input 'x' takes FP32",
    ),
    # shapes
    "no shape": (
        "FP32", [("x", "FP32", [])], {"raw": [ROW[:4]]},
        f"{FIT}inputs[0].shape has 0 axes where {PLAIN} has 2",
    ),
    "too many axes": (
        "FP32", [("x", "FP32", [1, 1, 2])], {"raw": [ROW]},
        f"{FIT}inputs[0].shape has 3 axes where {PLAIN} has 2",
    ),
    "a thousand axes": (
        "FP32", [("x", "FP32", [2**62] * 1000)], {"raw": [ROW]},
        f"{FIT}inputs[0].shape has 1000 axes where {PLAIN} has 2",
    ),
    "an axis of length 0": (
        "FP32", [("x", "FP32", [0, 2])], {"raw": [b""]},
        f"{FIT}inputs[0].shape[0] is 0; a length is a whole number from 1",
    ),
    "typed, an axis of length 0": (
        "FP32", [("x", "FP32", [0, 2])], {},
        f"{FIT}inputs[0].shape[0] is 0; a length is a whole number from 1",
    ),
    "negative axes": (
        "FP32", [("x", "FP32", [-1, -2])], {"raw": [ROW]},
        (f"{FIT}inputs[0].shape[0] is -1; a length is a whole number from 1; "
        "inputs[0].shape[1] is -2; a length is a whole number from 1"),
    ),
    "a shape beyond all memory": (
        "FP32", [("x", "FP32", [2**62, 2**62])], {"raw": [ROW]},
        (f"{FIT}raw_input_contents[0] has 8 bytes; [4611686018427387904, 4611686018427387904] FP32 "
        "is 85070591730234615865843651857942052864"),
    ),
    "typed, a shape beyond all memory": (
        "FP32", [("x", "FP32", [2**62, 2**62], FLOATS)], {},
        (f"{FIT}inputs[0].contents.fp32_contents has 2 values where shape [4611686018427387904, "
        "4611686018427387904] takes 21267647932558653966460912964485513216"),
    ),
    "a length that the model does not take": (
        "fixed", [("x", "FP32", [3, 2])], {"raw": [ROW * 3]},
        (f"{FIT}input 'x' takes 2 along axis 0 of (2, 3), not 3; "
        "input 'x' takes 3 along axis 1 of (2, 3), not 2"),
    ),
    "unequal batches": (
        "pair", [AGE, ("job", "BYTES", [1], {"contents": {"bytes_contents": [b"a"]}})], {},
        f"{FIT}input 'job' has 1 for 'batch' where input 'age' has 2; both must be equal",
    ),
    # bytes
    "bytes too few": (
        "FP32", [X], {"raw": [ROW[:-1]]}, f"{FIT}raw_input_contents[0] has 7 bytes; [1, 2] FP32 is 8",  # noqa: E501  # one row of the table
    ),
    "bytes too many": (
        "FP32", [X], {"raw": [ROW + b"\0"]},
        f"{FIT}raw_input_contents[0] has 9 bytes; [1, 2] FP32 is 8",
    ),
    "no bytes": (
        "FP32", [X], {"raw": [b""]}, f"{FIT}raw_input_contents[0] has 0 bytes; [1, 2] FP32 is 8",
    ),
    "an entry too many": (
        "FP32", [X], {"raw": [ROW, ROW]}, f"{FIT}raw_input_contents has 2 entries where inputs has 1",  # noqa: E501  # one row of the table
    ),
    "an entry too few": (
        "pair", [AGE[:3], JOB[:3]], {"raw": [ROW]},
        f"{FIT}raw_input_contents has 1 entries where inputs has 2",
    ),
    "bytes and a typed list": (
        "FP32", [(*X, FLOATS)], {"raw": [ROW]},
        f"{FIT}inputs[0] has contents, and raw_input_contents holds its values",
    ),
    "a boolean of 2": (
        "BOOL", [("x", "BOOL", [1, 2])], {"raw": [b"\1\2"]},
        f"{FIT}raw_input_contents[0] holds booleans other than 0 and 1",
    ),
    # texts
    "a text whose length is cut off": (
        "BYTES", [("x", "BYTES", [1, 1])], {"raw": [b"\1\0\0"]},
        f"{FIT}raw_input_contents[0]: 1 elements of BYTES take 4 bytes or more",
    ),
    "a text that is cut off": (
        "BYTES", [("x", "BYTES", [1, 1])], {"raw": [b"\5\0\0\0abc"]},
        f"{FIT}raw_input_contents[0]: element 0 is said to have 5 bytes, and 3 follow",
    ),
    "a text longer than memory": (
        "BYTES", [("x", "BYTES", [1, 1])], {"raw": [b"\xff\xff\xff\xffabc"]},
        f"{FIT}raw_input_contents[0]: element 0 is said to have 4294967295 bytes, and 3 follow",
    ),
    "bytes after the last text": (
        "BYTES", [("x", "BYTES", [1, 1])], {"raw": [text(b"a", b"b")]},
        f"{FIT}raw_input_contents[0]: 5 bytes are left over after 1 elements",
    ),
    "a text that is not UTF-8": (
        "BYTES", [("x", "BYTES", [1, 2])], {"raw": [text(b"a", b"\xff")]},
        f"{FIT}raw_input_contents[0]: element 1 is not UTF-8",
    ),
    "typed, a text that is not UTF-8": (
        "BYTES", [("x", "BYTES", [1, 2], {"contents": {"bytes_contents": [b"\xc3", b"a"]}})], {},
        f"{FIT}inputs[0].contents.bytes_contents: element 0 is not UTF-8",
    ),
    # typed lists
    "no values": (
        "FP32", [X], {},
        f"{FIT}inputs[0].contents.fp32_contents has 0 values where shape [1, 2] takes 2",
    ),
    "values too few": (
        "FP32", [("x", "FP32", [1, 3], FLOATS)], {},
        f"{FIT}inputs[0].contents.fp32_contents has 2 values where shape [1, 3] takes 3",
    ),
    "values too many": (
        "FP32", [("x", "FP32", [1, 1], FLOATS)], {},
        f"{FIT}inputs[0].contents.fp32_contents has 2 values where shape [1, 1] takes 1",
    ),
    "the list of another datatype": (
        "FP64", [("x", "FP64", [1, 2], FLOATS)], {},
        (f"{FIT}inputs[0].contents has fp32_contents; FP64 goes into fp64_contents; "
        "inputs[0].contents.fp64_contents has 0 values where shape [1, 2] takes 2"),
    ),
    "two lists": (
        "FP32",
        [(*X, {"contents": {"fp32_contents": [1.0, 2.0], "int_contents": [1, 2]}})], {},
        f"{FIT}inputs[0].contents has int_contents; FP32 goes into fp32_contents",
    ),
    "FP16 in a list": (
        "FP16", [("x", "FP16", [1, 2], FLOATS)], {},
        f"{FIT}inputs[0] is FP16, which has no typed contents; send it in raw_input_contents",
    ),
    "beyond INT8": (
        "INT8", [("x", "INT8", [1, 2], {"contents": {"int_contents": [1, 128]}})], {},
        f"{FIT}inputs[0].contents.int_contents: value 1 is 128; INT8 takes -128 to 127",
    ),
    "below INT16": (
        "INT16", [("x", "INT16", [1, 1], {"contents": {"int_contents": [-32769]}})], {},
        f"{FIT}inputs[0].contents.int_contents: value 0 is -32769; INT16 takes -32768 to 32767",
    ),
    "beyond UINT8": (
        "UINT8", [("x", "UINT8", [1, 1], {"contents": {"uint_contents": [256]}})], {},
        f"{FIT}inputs[0].contents.uint_contents: value 0 is 256; UINT8 takes 0 to 255",
    ),
    "beyond UINT16": (
        "UINT16", [("x", "UINT16", [1, 1], {"contents": {"uint_contents": [65536]}})], {},
        f"{FIT}inputs[0].contents.uint_contents: value 0 is 65536; UINT16 takes 0 to 65535",
    ),
    # everything at once
    "several problems": (
        "pair",
        [("age", "FP64", [1]), ("z", "FP32", [1]), ("job", "BYTES", [0])],
        {"outputs": ["w"]},
        (f"{FIT}inputs[0].datatype is 'FP64'; input 'age' takes FP32; inputs[0].shape has 1 axes "
        "where input 'age' (float32 (batch, 1)) has 2; inputs[1].name is 'z', which is no input of "
        "this model; it has 'age' (float32 (batch, 1)), 'job' (string (batch,)); "
        "inputs[2].shape[0] is 0; a length is a whole number from 1; outputs[0].name is 'w'; this "
        "model's tensors are 'older', 'same', 'whole'"),
    ),
    "one input misses its size, another its length": (
        "pair",
        [("age", "FP32", [1, 7], {"contents": {"fp32_contents": [0.0] * 7}}),
         ("job", "BYTES", [1], {"contents": {"bytes_contents": [b"a", b"b"]}})], {},
        (f"{FIT}inputs[1].contents.bytes_contents has 2 values where shape [1] takes 1; "
        "input 'age' takes 1 along axis 1 of (batch, 1), not 7"),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_what_does_not_fit_is_refused_with_every_reason(serve, model, ask, name):
    which, inputs, members, message = CASES[name]
    server = serve(model(which))

    error = server.refused(ask(*inputs, **members))

    assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert error.details() == message
    assert server.stub.ServerReady(pb.ServerReadyRequest()).ready


def test_an_unknown_model_is_not_found(serve, model, ask):
    server = serve(model("FP32"))

    error = server.refused(ask(X, raw=[ROW], model_name="other"))

    assert error.code() is grpc.StatusCode.NOT_FOUND
    assert error.details() == "there is no model 'other' in version None"


def test_an_unknown_version_is_not_found(serve, model, ask):
    server = serve(model("FP32"))

    error = server.refused(ask(X, raw=[ROW], model_name="model", model_version="9"))

    assert error.code() is grpc.StatusCode.NOT_FOUND
    assert error.details() == "there is no model 'model' in version '9'"


def test_a_model_that_is_not_ready_is_unavailable_and_says_when_to_come_back(
    serve, ask, metadata_of
):
    server = serve()

    error = server.refused(ask(X, raw=[ROW]))

    assert error.code() is grpc.StatusCode.UNAVAILABLE
    assert error.details() == "the model is not ready: it is being loaded"
    assert metadata_of(error) == {"retry-after": "1"}


def test_a_model_that_fails_is_internal_without_its_reasons(serve, model, ask):
    server = serve(model("lookup"))

    error = server.refused(ask(("x", "INT64", [1, 1]), raw=[b"\x07\0\0\0\0\0\0\0"]))

    assert error.code() is grpc.StatusCode.INTERNAL
    assert error.details() == (
        "the model failed while it ran on this input; the server's log has the reason"
    )


def test_a_fault_of_the_server_itself_is_internal_without_its_reasons(serve, model, ask):
    class Plane:
        def submit(self, inference, done):
            raise ZeroDivisionError("/etc/secret")

    server = serve(model("FP32"), dataplane=Plane())

    error = server.refused(ask(X, raw=[ROW]))

    assert error.code() is grpc.StatusCode.INTERNAL
    assert error.details() == "the server failed on this request"


def test_outputs_that_cannot_be_written_are_internal_and_nothing_stays_in_flight(serve, model, ask):
    class Plane:
        def submit(self, inference, done):
            done({})

    server = serve(model("FP32"), dataplane=Plane())

    error = server.refused(ask(X, raw=[ROW]))

    assert error.code() is grpc.StatusCode.INTERNAL
    assert error.details() == "the server failed on this request"
    assert server.server.in_flight == 0


def test_bytes_that_are_no_message_are_refused(serve, model):
    server = serve(model("FP32"))
    send = server.channel.unary_unary("/inference.GRPCInferenceService/ModelInfer")

    with pytest.raises(grpc.RpcError) as raised:
        send(b"\xff\xff\xff", timeout=30)

    assert raised.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert raised.value.details() == "the message is no ModelInferRequest"


def test_large_bytes_that_are_no_message_are_refused(serve, model):
    server = serve(model("FP32"))
    send = server.channel.unary_unary("/inference.GRPCInferenceService/ModelInfer")

    with pytest.raises(grpc.RpcError) as raised:
        send(b"\xff" * 2_000_000, timeout=30)

    assert raised.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert raised.value.details() == "the message is no ModelInferRequest"
    assert server.server.in_flight == 0


def test_an_unknown_method_is_unimplemented(serve, model):
    server = serve(model("FP32"))
    send = server.channel.unary_unary("/inference.GRPCInferenceService/ModelStreamInfer")

    with pytest.raises(grpc.RpcError) as raised:
        send(b"", timeout=30)

    assert raised.value.code() is grpc.StatusCode.UNIMPLEMENTED
    assert raised.value.details() == (
        "there is no such method; server reflection lists what there is"
    )


def test_a_message_over_the_limit_is_resource_exhausted(serve, model, ask):
    server = serve(model("FP32"), max_body_bytes=1000)

    error = server.refused(ask(("x", "FP32", [1, 300]), raw=[bytes(1200)]))

    assert error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert "1000" in error.details()
    assert len(server.infer(ask(("x", "FP32", [1, 200]), raw=[bytes(800)])).outputs) == 1


def test_a_compressed_message_over_the_limit_is_resource_exhausted(serve, model, ask):
    server = serve(model("FP32"), max_body_bytes=100_000)
    sent = ask(("x", "FP32", [1, 1_000_000]), raw=[bytes(4_000_000)])

    error = server.refused(sent, compression=grpc.Compression.Gzip)

    assert error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert "larger than max" in error.details()


def test_a_compressed_message_within_the_limit_is_read(serve, model, ask):
    server = serve(model("FP32"))

    answer = server.infer(
        ask(("x", "FP32", [1, 1000]), raw=[bytes(4000)]), compression=grpc.Compression.Gzip
    )

    assert answer.raw_output_contents == [bytes(4000)]


def test_a_long_message_about_many_problems_is_cut(serve, model, ask):
    server = serve(model("FP32"))
    name = "n" * 80

    error = server.refused(ask(*[(name, "FP32", [1, 2])] * 200, raw=[ROW] * 200))

    assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert len(error.details()) == 4096
    assert error.details().endswith(" ...")
