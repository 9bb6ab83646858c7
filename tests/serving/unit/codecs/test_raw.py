import numpy as np
import pytest

from model_server.core.errors import InvalidInput
from model_server.rest.codecs import RawCodec

RAW = RawCodec()
TYPE = "application/octet-stream"


def floats(*values):
    return np.array(values, dtype="<f4").tobytes()


def test_the_number_of_rows_follows_from_the_number_of_bytes(contract, decode):
    body = floats(1, 2, 3, 4, 5, 6, 7, 8)

    inputs = decode(RAW, body, contract("x float32 batch,4"))

    assert inputs["x"].tolist() == [[1, 2, 3, 4], [5, 6, 7, 8]]
    assert inputs["x"].dtype == np.float32


def test_the_bytes_are_not_copied(contract, decode):
    body = floats(1, 2, 3, 4)

    inputs = decode(RAW, body, contract("x float32 batch,4"))

    assert np.shares_memory(inputs["x"], np.frombuffer(body, np.uint8))


def test_rows_of_one_axis_are_single_numbers(contract, decode):
    inputs = decode(RAW, b"\x01\x00\x02\x00\xff\xff", contract("x int16 batch"))

    assert inputs["x"].tolist() == [1, 2, -1]


def test_nan_and_infinity_come_through_bit_for_bit(contract, decode):
    body = bytes.fromhex("0100c07f 000080ff 01000000 00000080")

    inputs = decode(RAW, body, contract("x float32 batch,4"))

    assert inputs["x"].tobytes() == body


@pytest.mark.parametrize("size", [0, 1, 15, 17])
def test_a_part_of_a_row_is_refused(contract, decode, size):
    with pytest.raises(InvalidInput) as caught:
        decode(RAW, bytes(size), contract("x float32 batch,4"))

    assert caught.value.message == (
        f"the body has {size} bytes; a row of input 'x' (float32 (batch, 4)) has 16"
    )


@pytest.mark.parametrize("shape", ["2,2,3", '"2,2,3"', '"2, 2, 3"'])
def test_the_content_type_says_the_shape_where_inner_axes_are_free(contract, decode, shape):
    body = floats(*range(12))

    inputs = decode(RAW, body, contract("x float32 batch,h,w"), f"{TYPE}; shape={shape}")

    assert inputs["x"].shape == (2, 2, 3)
    assert inputs["x"][1, 0].tolist() == [6, 7, 8]


def test_free_inner_axes_without_a_shape_are_refused_with_an_example(contract, decode):
    with pytest.raises(InvalidInput) as caught:
        decode(RAW, floats(1, 2), contract("x float32 batch,w"))

    assert caught.value.problems == [
        (
            "input 'x' (float32 (batch, w)) leaves inner axes free; say the shape in the "
            'Content-Type, as in application/octet-stream; shape="1,4"'
        )
    ]


@pytest.mark.parametrize(
    ("parameters", "problem"),
    [
        (
            "datatype=FP64",
            "the Content-Type says datatype=FP64; input 'x' (float32 (batch, 4)) takes FP32",
        ),
        (
            "shape=1",
            "the Content-Type's shape has 1 axes where input 'x' (float32 (batch, 4)) has 2",
        ),
        ("shape=2,4", "shape (2, 4) FP32 is 32 bytes, and the body has 16"),
        (
            "shape=99999999999,99999999999",
            (
                "shape (99999999999, 99999999999) FP32 is 39999999999200000000004 bytes, and the "
                "body has 16"
            ),
        ),
        *(
            (
                f"shape={text}",
                (
                    f"the Content-Type says shape={text}; a shape is lengths from 1, separated by "
                    "commas"
                ),
            )
            for text in ("-1,-4", "0,4", "1,,4", "1x4", "1_0,4", "+1,4", "1,4.0", "9" * 20 + ",4")
        ),
    ],
)
def test_parameters_that_do_not_fit_are_refused(contract, decode, parameters, problem):
    with pytest.raises(InvalidInput) as caught:
        decode(RAW, bytes(16), contract("x float32 batch,4"), f"{TYPE}; {parameters}")

    assert caught.value.problems == [problem]


def test_the_right_datatype_may_be_named_in_any_case(contract, decode):
    inputs = decode(RAW, bytes(16), contract("x float32 batch,4"), f"{TYPE}; datatype=fp32")

    assert inputs["x"].shape == (1, 4)


def test_an_input_without_axes_is_one_number(contract, decode):
    inputs = decode(RAW, floats(2.5), contract("x float32"))

    assert inputs["x"].shape == ()
    assert inputs["x"] == np.float32(2.5)


def test_booleans_are_the_bytes_0_and_1(contract, decode):
    taken = decode(RAW, b"\x00\x01", contract("x bool batch"))

    assert taken["x"].tolist() == [False, True]
    with pytest.raises(InvalidInput, match="booleans other than 0 and 1"):
        decode(RAW, b"\x00\x02", contract("x bool batch"))


def test_the_answer_says_its_datatype_and_shape(contract, decode, model):
    outputs = {"y": np.array([[1, 2, 3]], np.int64)}

    body, content_type = RAW.write(outputs, None, model)

    assert body == bytes.fromhex("0100000000000000 0200000000000000 0300000000000000")
    assert content_type == b'application/octet-stream; datatype=INT64; shape="1,3"'


def test_an_answer_can_be_sent_back_as_a_request(contract, decode, model):
    outputs = {"y": np.arange(6, dtype=np.float16).reshape(2, 3)}

    body, content_type = RAW.write(outputs, None, model)
    inputs = decode(RAW, body, contract("x float16 batch,w"), content_type.decode())

    assert inputs["x"].tolist() == [[0, 1, 2], [3, 4, 5]]


def test_models_with_text_or_several_inputs_are_refused_before(contract):
    assert RAW.refuses_inputs(contract("x float32 batch,4")) is None
    assert "it carries numbers" in RAW.refuses_inputs(contract("x string batch"))
    assert "it carries one tensor" in RAW.refuses_inputs(contract("a int8 b", "b int8 b"))


def test_several_outputs_are_refused_with_the_way_to_choose_one(contract):
    outputs = contract("x float32 batch", outputs=("a int64 batch", "b float32 batch,3")).outputs

    assert RAW.refuses_outputs(outputs[1:]) is None
    assert RAW.refuses_outputs(outputs) == (
        "it carries one tensor, and this model gives 'a', 'b'; choose one with "
        "'Accept: application/octet-stream; output=b'"
    )
