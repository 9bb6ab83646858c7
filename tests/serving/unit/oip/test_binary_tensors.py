"""Tensors as bytes behind the JSON part."""

import json
import struct
import tracemalloc

import numpy as np
import pytest

from model_server.core.errors import InvalidInput
from model_server.rest.oip.datatypes import text_bytes
from model_server.rest.oip.reader import json_length, read_infer
from oip_requests import GOOD, ask, binary, problems, read, tensor


def test_bytes_follow_the_json_in_the_order_of_the_inputs(contract):
    own = contract("a float32 batch,2", "b bool batch", "c string batch", "d uint16 batch")
    document = ask(
        binary([2], "UINT16", 4, "d"),
        binary([2, 2], "FP32", 16, "a"),
        tensor("b", [2], "BOOL", data=[True, False]),
        binary([2], "BYTES", 13, "c"),
    )
    data = struct.pack("<2H4f", 1, 65535, 1, 2, 3, 4) + text_bytes(["€", "ab"])

    call = read(document, own, data)

    assert call.inputs["a"].tolist() == [[1, 2], [3, 4]]
    assert call.inputs["b"].tolist() == [True, False]
    assert call.inputs["c"].tolist() == ["€", "ab"]
    assert call.inputs["d"].tolist() == [1, 65535]


def test_bytes_are_read_in_place_where_they_lie_well(rows):
    for spaces in range(4):
        text = json.dumps(ask(binary([1, 4], "FP32", 16))).encode() + b" " * spaces
        body = text + struct.pack("<4f", 1, 2, 3, 4)

        array = read_infer(body, len(text), rows).inputs["x"]

        assert array.flags.aligned
        assert array.tolist() == [[1, 2, 3, 4]]
        in_place = np.shares_memory(array, np.frombuffer(body, np.uint8))
        assert in_place == (len(text) % 4 == 0)


def test_nan_and_infinity_come_through_bit_for_bit(rows):
    data = bytes.fromhex("0100c07f 000080ff 01000000 00000080")

    call = read(ask(binary([1, 4], "FP32", 16)), rows, data)

    assert call.inputs["x"].tobytes() == data


def test_the_json_part_may_be_all_there_is(rows):
    assert read(ask(GOOD), rows, b"").inputs["x"].tolist() == [[1, 2, 3, 4]]


@pytest.mark.parametrize(
    ("all_of_them", "own", "wanted"),
    [
        (None, None, set()),
        (True, None, {"y"}),
        (True, False, set()),
        (False, True, {"y"}),
        (None, True, {"y"}),
    ],
)
def test_an_output_is_wanted_as_bytes_or_not(rows, all_of_them, own, wanted):
    output = {"name": "y"} if own is None else {"name": "y", "parameters": {"binary_data": own}}
    rest = {} if all_of_them is None else {"parameters": {"binary_data_output": all_of_them}}

    assert read(ask(GOOD, outputs=[output], **rest), rows).binary == wanted


def test_all_outputs_can_be_wanted_as_bytes_without_naming_them(rows):
    call = read(ask(GOOD, parameters={"binary_data_output": True}), rows)

    assert call.binary == {"y", "z"}


@pytest.mark.parametrize(
    ("item", "data", "problem"),
    [
        (binary([1, 4], "FP32", 16), bytes(17), ("1 bytes follow the JSON and the tensors that it "
         "speaks of")),
        (binary([1, 4], "FP32", 16), bytes(15), ("inputs[0].parameters.binary_data_size is 16, and "
         "15 bytes follow; the JSON part's length says where they begin")),
        (binary([1, 4], "FP32", 12), bytes(12), ("inputs[0].parameters.binary_data_size is 12; "
         "[1, 4] FP32 is 16 bytes")),
        (binary([1, 4], "FP32", -16), b"", ("inputs[0].parameters.binary_data_size is -16; it must "
         "be a number of bytes")),
        (binary([1, 4], "FP32", "16"), bytes(16), ("inputs[0].parameters.binary_data_size is text; "
         "it must be a number of bytes")),
        (binary([1, 4], "FP32", 16.0), bytes(16), ("inputs[0].parameters.binary_data_size is the "
         "number 16.0; it must be a number of bytes")),
        (binary([1, 4], "FP32", True), bytes(1), ("inputs[0].parameters.binary_data_size is true; "
         "it must be a number of bytes")),
        (binary([1, 4], "FP32", 2**63), bytes(16), ("inputs[0].parameters.binary_data_size is "
         "9223372036854775808, and 16 bytes follow; the JSON part's length says where they begin")),
        (binary([2**62, 2**62], "FP32", 16), bytes(16), ("inputs[0].parameters.binary_data_size is "
         "16; [4611686018427387904, 4611686018427387904] FP32 is "
         "85070591730234615865843651857942052864 bytes")),
    ],
)  # fmt: skip
def test_bytes_that_do_not_add_up_are_refused(rows, item, data, problem):
    found = problems(ask(item), rows, data)

    assert found[0] == problem
    assert len(found) == 1


def test_sizes_wrong_in_two_inputs_are_both_told(contract):
    own = contract("a float32 batch", "b float32 batch")

    found = problems(ask(binary([2], "FP32", 4, "a"), binary([1], "FP32", 8, "b")), own, bytes(12))

    assert found == [
        "inputs[0].parameters.binary_data_size is 4; [2] FP32 is 8 bytes",
        "inputs[1].parameters.binary_data_size is 8; [1] FP32 is 4 bytes",
    ]


def test_bytes_without_the_length_of_the_json_part_are_told_what_is_missing(rows):
    assert problems(ask(binary([1, 4], "FP32", 16)), rows) == [
        (
            "inputs[0].parameters.binary_data_size is 16, and 0 bytes follow; the JSON part's "
            "length says where they begin"
        )
    ]


def test_booleans_are_the_bytes_0_and_1(contract):
    own = contract("x bool batch")
    document = ask(binary([2], "BOOL", 2))

    assert read(document, own, b"\x00\x01").inputs["x"].tolist() == [False, True]
    # The JSON part is known by now; the bytes are looked at all the same.
    assert problems(document, own, b"\x00\x02") == ["inputs[0] holds booleans other than 0 and 1"]


def test_texts_that_are_no_utf_8_are_refused(contract):
    own = contract("x string batch")

    assert problems(ask(binary([1], "BYTES", 5)), own, b"\x01\x00\x00\x00\xff") == [
        "inputs[0]: element 0 is not UTF-8"
    ]


def test_a_huge_claim_takes_no_memory(rows):
    documents = [
        ask(tensor(shape=[2**40, 4], data=[1])),
        ask(binary([2**40, 4], "FP32", 16)),
        ask(tensor(shape=[9] * 10_000, data=[1])),
    ]
    tracemalloc.start()
    for document in documents:
        problems(document, rows, bytes(16))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert peak < 2**20


@pytest.mark.parametrize(
    "given",
    ["", " 10", "10 ", "+10", "-10", "1_0", "10.0", "1e2", "0x10", "ten", "additional-10", "10, 10",
     "\u0661", "9" * 20, "9" * 5000, "NaN"],
)  # fmt: skip
def test_a_malformed_length_is_refused(given):
    with pytest.raises(InvalidInput, match="it must be the length of the JSON part in bytes"):
        json_length(given, "Inference-Header-Content-Length")


def test_a_length_is_plain_digits():
    assert json_length("0162", "header") == 162
    assert json_length(None, "header") is None


@pytest.mark.parametrize("wrong", [2**62, 1000, -1, -5])
def test_a_length_that_is_not_that_of_the_json_part_is_refused(rows, wrong):
    text = json.dumps(ask(binary([1, 4], "FP32", 16))).encode()
    body = text + bytes(16)
    length = wrong if wrong > 0 else len(text) + wrong

    with pytest.raises(InvalidInput):
        read_infer(body, length, rows)
