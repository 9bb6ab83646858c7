"""What is remembered of a request must give exactly what reading it would give."""

import numpy as np
import pytest
from google.protobuf.message import DecodeError
from hypothesis import given, settings
from hypothesis import strategies as st

from model_server.core.errors import InvalidInput
from model_server.core.tensors import Contract, TensorSpec
from model_server.grpc_v2 import open_inference_pb2 as pb
from model_server.grpc_v2.layout import MAX_LAYOUTS, Layouts, parts_of, varint
from model_server.grpc_v2.reading import read_infer
from model_server.grpc_v2.writing import write_infer

ROW = np.array([1.0, 2.0], dtype="<f4").tobytes()

CONTRACT = Contract(
    (
        TensorSpec("x", np.dtype("float32"), ("batch", 2)),
        TensorSpec("n", np.dtype("int64"), ("batch",)),
    ),
    (
        TensorSpec("y", np.dtype("float32"), ("batch", 2)),
        TensorSpec("z", np.dtype("int8"), ("batch",)),
    ),
)


class Model:
    name, version, contract = "model", "1", CONTRACT


def message(rows=1, fill=1.0, **members):
    made = pb.ModelInferRequest(model_name="model", **members)
    made.inputs.add(name="x", datatype="FP32", shape=[rows, 2])
    made.inputs.add(name="n", datatype="INT64", shape=[rows])
    made.raw_input_contents.append(np.full(rows * 2, fill, "<f4").tobytes())
    made.raw_input_contents.append(np.full(rows, 7, "<i8").tobytes())
    return made.SerializeToString()


def remembered(*messages):
    layouts = Layouts()
    for each in messages:
        request = pb.ModelInferRequest.FromString(each)
        layouts.remember(parts_of(each), request, read_infer(request, CONTRACT), CONTRACT)
    return layouts


def slowly(encoded):
    """Read a message the whole way; None where it is refused."""
    try:
        request = pb.ModelInferRequest.FromString(encoded)
        return request, read_infer(request, CONTRACT)
    except (DecodeError, InvalidInput):
        return None


def quickly(layouts, encoded):
    """Read a message by what is remembered; None where it has to go the whole way."""
    parts = parts_of(encoded)
    layout = None if parts is None else layouts.find(parts)
    inputs = None if layout is None else layout.inputs(parts.raws)
    return None if inputs is None else (parts, layout, inputs)


def same(arrays, others):
    return list(arrays) == list(others) and all(
        array.dtype == others[name].dtype
        and array.shape == others[name].shape
        and array.tobytes() == others[name].tobytes()
        for name, array in arrays.items()
    )


def test_another_id_and_other_values_are_read_by_what_is_remembered():
    layouts = remembered(message(id="a"))

    parts, layout, inputs = quickly(layouts, message(fill=5.0, id="é" * 200))

    assert parts.id_text == "é" * 200
    assert (layout.name, layout.version) == ("model", "")
    assert inputs["x"].tolist() == [[5.0, 5.0]]
    assert inputs["n"].tolist() == [7]


@pytest.mark.parametrize(
    "other",
    [
        {"rows": 2},
        {"model_version": "1"},
        {"outputs": [pb.ModelInferRequest.InferRequestedOutputTensor(name="y")]},
        {"parameters": {"a": pb.InferParameter(bool_param=True)}},
    ],
)
def test_what_differs_in_anything_else_is_not(other):
    layouts = remembered(message())

    assert quickly(layouts, message(**other)) is None


def test_values_of_another_size_are_not():
    layouts = remembered(message())
    request = pb.ModelInferRequest.FromString(message())
    request.raw_input_contents[0] += b"\0"

    assert quickly(layouts, request.SerializeToString()) is None


def test_values_that_are_missing_or_too_many_are_not():
    layouts = remembered(message())
    request = pb.ModelInferRequest.FromString(message())
    fewer, more = pb.ModelInferRequest(), pb.ModelInferRequest()
    fewer.CopyFrom(request)
    more.CopyFrom(request)
    fewer.raw_input_contents.pop()
    more.raw_input_contents.append(b"")

    assert quickly(layouts, fewer.SerializeToString()) is None
    assert quickly(layouts, more.SerializeToString()) is None


def test_typed_values_are_not():
    request = pb.ModelInferRequest(model_name="model")
    request.inputs.add(name="x").contents.fp32_contents.extend([1.0, 2.0])

    assert parts_of(request.SerializeToString()) is None


def test_texts_and_booleans_are_not():
    contract = Contract((TensorSpec("x", np.dtype("bool"), (1,)),), CONTRACT.outputs)
    made = pb.ModelInferRequest(raw_input_contents=[b"\1"])
    made.inputs.add(name="x", datatype="BOOL", shape=[1])
    encoded = made.SerializeToString()
    layouts = Layouts()

    layouts.remember(parts_of(encoded), made, read_infer(made, contract), contract)

    assert quickly(layouts, encoded) is None


def test_what_is_remembered_is_bounded():
    layouts = remembered(*(message(rows) for rows in range(1, 3 * MAX_LAYOUTS)))

    assert len(layouts._layouts) <= MAX_LAYOUTS


def test_a_long_remainder_is_not_remembered():
    long = {"parameters": {"a": pb.InferParameter(string_param="x" * 2000)}}
    layouts = remembered(message(**long))

    assert quickly(layouts, message(**long)) is None


@settings(max_examples=300, deadline=None)
@given(
    rows=st.integers(1, 40),
    fill=st.floats(width=32),
    identity=st.text(max_size=300),
    wanted=st.sampled_from([(), ("y",), ("z", "y")]),
)
def test_it_gives_what_reading_and_writing_the_whole_way_give(rows, fill, identity, wanted):
    outputs = [pb.ModelInferRequest.InferRequestedOutputTensor(name=name) for name in wanted]
    layouts = remembered(message(rows, 0.0, outputs=outputs))
    encoded = message(rows, fill, id=identity, outputs=outputs)

    request, asked = slowly(encoded)
    parts, layout, inputs = quickly(layouts, encoded)

    given_outputs = {"y": inputs["x"], "z": np.arange(rows, dtype="int8")}
    assert parts.id_text == request.id == identity
    assert layout.outputs == asked.outputs
    assert same(inputs, asked.inputs)
    for _ in range(2):  # the second time from what was remembered
        answer = layout.answer(given_outputs, Model, parts.id)
        assert pb.ModelInferResponse.FromString(answer) == pb.ModelInferResponse.FromString(
            write_infer(asked, given_outputs, Model, identity)
        )


def test_an_answer_of_another_shape_says_its_own():
    _, layout, _ = quickly(remembered(message()), message())
    asked = slowly(message())[1]

    for rows in (1, 2, 1, 0):
        outputs = {"y": np.ones((rows, 2), "float32"), "z": np.ones(rows, "int8")}
        assert pb.ModelInferResponse.FromString(
            layout.answer(outputs, Model, b"")
        ) == pb.ModelInferResponse.FromString(write_infer(asked, outputs, Model, ""))


LAYOUTS = remembered(message(id="abc"))


@settings(max_examples=2000, deadline=None)
@given(data=st.data())
def test_bytes_that_were_tampered_with_are_never_read_as_something_else(data):
    encoded = bytearray(message(id="abc"))
    for _ in range(data.draw(st.integers(0, 3))):
        action = data.draw(st.sampled_from(["set", "cut", "insert"]))
        position = data.draw(st.integers(0, max(0, len(encoded) - 1)))
        byte = data.draw(st.sampled_from([0, 1, 3, 0x1A, 0x3A, 0x7F, 0x80, 0xFF]))
        if action == "set" and encoded:
            encoded[position] = byte
        elif action == "cut":
            del encoded[position:]
        else:
            encoded.insert(position, byte)

    found = quickly(LAYOUTS, bytes(encoded))

    if found is not None:
        parts, _, inputs = found
        request, asked = slowly(bytes(encoded))
        assert request.id == parts.id_text
        assert same(inputs, asked.inputs)


@pytest.mark.parametrize(
    ("number", "encoded"),
    [
        (0, b"\x00"),
        (127, b"\x7f"),
        (128, b"\x80\x01"),
        (300, b"\xac\x02"),
        (2**21, b"\x80\x80\x80\x01"),
    ],
)
def test_numbers_are_encoded_as_the_protocol_says(number, encoded):
    assert varint(number) == encoded


def test_a_request_like_one_before_is_checked_all_the_same(serve, model, ask):
    server = serve(model("FP32"))
    good = ask(("x", "FP32", [1, 2]), raw=[ROW], id="a")
    assert server.infer(good).raw_output_contents == [ROW]

    assert server.infer(good).id == "a"
    error = server.refused(ask(("x", "FP32", [1, 2]), raw=[ROW[:4]], id="a"))

    assert error.details() == (
        "the request does not fit the model: raw_input_contents[0] has 4 bytes; [1, 2] FP32 is 8"
    )


def test_a_request_like_one_before_obeys_the_rules_all_the_same(serve, model, ask, monkeypatch):
    class Rules:
        def problems(self, inputs):
            return [] if inputs["x"][0, 0] < 10 else ["x is too large"]

    monkeypatch.setattr(model("FP32"), "rules", Rules())
    server = serve(model("FP32"))
    server.infer(ask(("x", "FP32", [1, 2]), raw=[ROW]))
    large = np.array([11.0, 2.0], dtype="<f4").tobytes()

    error = server.refused(ask(("x", "FP32", [1, 2]), raw=[large]))

    assert error.details() == "the request does not fit the model: x is too large"


def test_a_model_that_took_over_is_asked_by_its_own_contract(serve, model, ask):
    server = serve(model("FP32"))
    sent = ask(("x", "FP32", [3, 2]), raw=[ROW * 3])
    server.infer(sent)
    server.infer(sent)

    server.on_loop(server.shelf.put, model("fixed", "2"))
    error = server.refused(sent)

    assert error.details() == (
        "the request does not fit the model: input 'x' takes 2 along axis 0 of (2, 3), not 3; "
        "input 'x' takes 3 along axis 1 of (2, 3), not 2"
    )


def test_texts_and_halves_and_large_answers_come_by_the_remembered_way_too(serve, model, ask):
    server = serve(model("halves"))
    small = ask(("x", "FP32", [1, 2]), raw=[ROW], id="a")
    large = ask(("x", "FP32", [20_000, 2]), raw=[ROW * 20_000], id="b")

    for sent, rows in ((small, 1), (large, 20_000)):
        for _ in range(2):
            answer = server.infer(sent)
            assert answer.id == sent.id
            assert answer.raw_output_contents == [ROW * rows, b"\x00\x3c\x00\x40" * rows]
