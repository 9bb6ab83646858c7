"""Every datatype of the protocol, as bytes and in typed lists, bit for bit through a real model."""

import struct

import numpy as np
import pytest


def floats(bits, kind):
    return np.array(bits, dtype=kind)


# Zeros of both signs, the smallest and largest values, infinities, and NaNs that carry a payload,
# of which one is signalling: a detour through another datatype changes its bits.
VALUES = {
    "BOOL": np.array([True, False, False, True, True, False], dtype="?"),
    "UINT8": np.array([0, 1, 127, 128, 254, 255], dtype="<u1"),
    "UINT16": np.array([0, 1, 255, 256, 32768, 65535], dtype="<u2"),
    "UINT32": np.array([0, 1, 65536, 2**31 - 1, 2**31, 2**32 - 1], dtype="<u4"),
    "UINT64": np.array([0, 1, 2**53 + 1, 2**63 - 1, 2**63, 2**64 - 1], dtype="<u8"),
    "INT8": np.array([0, 1, -1, 127, -127, -128], dtype="<i1"),
    "INT16": np.array([0, 1, -1, 255, 32767, -32768], dtype="<i2"),
    "INT32": np.array([0, 1, -1, 65536, 2**31 - 1, -(2**31)], dtype="<i4"),
    "INT64": np.array([0, 1, -1, 2**53 + 1, 2**63 - 1, -(2**63)], dtype="<i8"),
    "FP16": np.array([0x0000, 0x8000, 0x0001, 0x7BFF, 0xFC00, 0x7D01], dtype="<u2").view("<f2"),
    "FP32": np.array(
        [0x00000000, 0x80000000, 0x00000001, 0x7F7FFFFF, 0xFF800000, 0x7FA00001], dtype="<u4"
    ).view("<f4"),
    "FP64": np.array(
        [0, 1 << 63, 1, 0x7FEFFFFFFFFFFFFF, 0xFFF0000000000000, 0x7FF4000000000001], dtype="<u8"
    ).view("<f8"),
}

TEXTS = ["", "a", "Grüße", "\0 in the middle\0", "🙂" * 3, "x" * 300]

FIELDS = {
    "BOOL": "bool_contents",
    "UINT8": "uint_contents",
    "UINT16": "uint_contents",
    "UINT32": "uint_contents",
    "UINT64": "uint64_contents",
    "INT8": "int_contents",
    "INT16": "int_contents",
    "INT32": "int_contents",
    "INT64": "int64_contents",
    "FP32": "fp32_contents",
    "FP64": "fp64_contents",
}


def packed(texts):
    return b"".join(struct.pack("<I", len(text.encode())) + text.encode() for text in texts)


@pytest.mark.parametrize("datatype", VALUES)
def test_bytes_come_back_bit_for_bit(serve, model, ask, datatype):
    data = VALUES[datatype].tobytes()
    server = serve(model(datatype))

    answer = server.infer(ask(("x", datatype, [3, 2]), raw=[data]))

    assert answer.raw_output_contents == [data]
    assert answer.outputs[0].datatype == datatype
    assert answer.outputs[0].shape == [3, 2]
    assert not answer.outputs[0].HasField("contents")


@pytest.mark.parametrize("datatype", FIELDS)
def test_typed_lists_come_back_bit_for_bit(serve, model, ask, datatype):
    field, values = FIELDS[datatype], VALUES[datatype]
    sent = ask(("x", datatype, [3, 2], {"contents": {field: []}}))
    if datatype in ("FP32", "FP64"):
        # As bytes, because a signalling NaN does not survive being a Python number.
        tag = b"\x32" if datatype == "FP32" else b"\x3a"
        sent.inputs[0].contents.MergeFromString(tag + bytes([values.nbytes]) + values.tobytes())
    else:
        getattr(sent.inputs[0].contents, field).extend(values.tolist())
    server = serve(model(datatype))

    answer = server.infer(sent)

    assert answer.outputs[0].contents == sent.inputs[0].contents
    assert answer.outputs[0].contents.SerializeToString() == (
        sent.inputs[0].contents.SerializeToString()
    )
    assert answer.outputs[0].datatype == datatype
    assert answer.outputs[0].shape == [3, 2]
    assert not answer.raw_output_contents


def test_texts_come_back_as_bytes(serve, model, ask):
    server = serve(model("BYTES"))

    answer = server.infer(ask(("x", "BYTES", [2, 3]), raw=[packed(TEXTS)]))

    assert answer.raw_output_contents == [packed(TEXTS)]
    assert answer.outputs[0].datatype == "BYTES"
    assert answer.outputs[0].shape == [2, 3]


def test_texts_come_back_typed(serve, model, ask):
    texts = [text.encode() for text in TEXTS]
    server = serve(model("BYTES"))

    answer = server.infer(ask(("x", "BYTES", [6, 1], {"contents": {"bytes_contents": texts}})))

    assert answer.outputs[0].contents.bytes_contents == texts
    assert answer.outputs[0].shape == [6, 1]


def test_an_fp16_output_goes_as_bytes_and_takes_the_others_along(serve, model, ask):
    contents = {"contents": {"fp32_contents": [1.0, -2.0]}}
    server = serve(model("halves"))

    answer = server.infer(ask(("x", "FP32", [1, 2], contents)))

    assert [output.datatype for output in answer.outputs] == ["FP32", "FP16"]
    assert answer.raw_output_contents == [
        b"\x00\x00\x80\x3f\x00\x00\x00\xc0",
        b"\x00\x3c\x00\xc0",
    ]


def test_without_the_fp16_output_the_answer_stays_typed(serve, model, ask):
    contents = {"contents": {"fp32_contents": [1.0, -2.0]}}
    server = serve(model("halves"))

    answer = server.infer(ask(("x", "FP32", [1, 2], contents), outputs=["full"]))

    assert answer.outputs[0].contents.fp32_contents == [1.0, -2.0]
    assert not answer.raw_output_contents


def test_an_output_without_axes_has_an_empty_shape(serve, model, ask):
    data = np.array([1.5, 2.0], dtype="<f4").tobytes()
    server = serve(model("scalar"))

    answer = server.infer(ask(("x", "FP32", [1, 2]), raw=[data]))

    assert answer.outputs[0].shape == []
    assert answer.raw_output_contents == [b"\x00\x00\x60\x40"]


def test_an_input_without_axes_has_an_empty_shape(serve, model, ask):
    server = serve(model("no axes"))

    answer = server.infer(ask(("x", "FP32", []), raw=[b"\x00\x00\x60\x40"]))

    assert answer.raw_output_contents == [b"\x00\x00\x60\x40"]


@pytest.mark.parametrize("rows", [1, 2, 130, 4_000, 300_000])
def test_typed_floats_of_every_size_come_back(serve, model, ask, rows):
    """Their list is read as it is encoded, and the encoding of its size has one to four bytes."""
    values = np.arange(rows, dtype="<f4")
    server = serve(model("FP32"))

    answer = server.infer(ask(("x", "FP32", [rows, 1], {"contents": {"fp32_contents": values}})))

    assert np.array_equal(np.array(answer.outputs[0].contents.fp32_contents, "<f4"), values)


def test_typed_floats_beside_a_member_that_nobody_knows_are_read_all_the_same(serve, model, ask):
    sent = ask(("x", "FP32", [1, 2], {"contents": {"fp32_contents": [1.0, 2.0]}}))
    sent.inputs[0].contents.MergeFromString(b"\x92\x03\x04\x00\x00\x00\x00")  # field 50
    server = serve(model("FP32"))

    answer = server.infer(sent)

    assert answer.outputs[0].contents.fp32_contents == [1.0, 2.0]


def test_a_large_message_of_texts_is_read_in_a_thread(serve, model, ask):
    texts = [b"%d" % number for number in range(40_000)]
    server = serve(model("BYTES"))

    answer = server.infer(ask(("x", "BYTES", [20_000, 2], {"contents": {"bytes_contents": texts}})))

    assert answer.outputs[0].contents.bytes_contents == texts


def test_a_large_message_of_bytes_is_read_in_a_thread(serve, model, ask):
    data = np.arange(400_000, dtype="<f4").tobytes()
    server = serve(model("FP32"))

    answer = server.infer(ask(("x", "FP32", [400, 1000]), raw=[data]))

    assert answer.raw_output_contents == [data]
