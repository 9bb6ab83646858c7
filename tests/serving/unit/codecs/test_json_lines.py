import json
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from model_server.core.errors import InferenceFailed, InvalidInput
from model_server.core.tensors import Contract, TensorSpec
from model_server.rest.codecs import CODECS, JsonLinesCodec
from model_server.rest.codecs.json_lines import _are_flat, _lines
from model_server.rest.media import MediaType

LINES = JsonLinesCodec()
MEDIA = MediaType("application/jsonlines")


def refusal(decode, body, contract):
    with pytest.raises(InvalidInput) as caught:
        decode(LINES, body, contract)
    return caught.value


def test_it_has_three_names():
    names = [codec.media_type for codec in CODECS if isinstance(codec, JsonLinesCodec)]

    assert names == ["application/jsonlines", "application/x-ndjson", "application/x-jsonlines"]


@pytest.mark.parametrize(
    "body", [b"[1,2]\n[3,4]", b"[1,2]\n[3,4]\n", b"[1, 2]\r\n [3,4] \r\n", b"[1,2]\n[3,4]\n\n\n"]
)
def test_each_line_is_a_row(contract, decode, body):
    inputs = decode(LINES, body, contract("x float32 batch,2"))

    assert inputs["x"].tolist() == [[1, 2], [3, 4]]


def test_rows_may_be_single_values(contract, decode):
    assert decode(LINES, b"1\n2.5\n", contract("x float32 batch"))["x"].tolist() == [1, 2.5]
    assert decode(LINES, b'"a,[b"\n"c"', contract("x string batch"))["x"].tolist() == ["a,[b", "c"]


def test_rows_may_be_nested(contract, decode):
    body = b"[[1,2],[3,4]]\n[[5,6],[7,8]]\n"

    inputs = decode(LINES, body, contract("x int64 batch,2,2"))

    assert inputs["x"].tolist() == [[[1, 2], [3, 4]], [[5, 6], [7, 8]]]


def test_rows_may_be_objects_by_input_name(contract, decode):
    body = b'{"age":41,"job":["cook"]}\n{"job":"nurse","age":[29]}\n'

    inputs = decode(LINES, body, contract("age float32 batch,1", "job string batch,1"))

    assert inputs["age"].tolist() == [[41], [29]]
    assert inputs["job"].tolist() == [["cook"], ["nurse"]]


@pytest.mark.parametrize(
    "body",
    [
        b"[1,2\n3,4]",  # together they are one list
        b"[1\n2],[3,4]",  # together they are two lists, as many as lines
        b"[1,2],[3,4]\n",
        b"1,2\n3,4",
        b'{"x":[1,2]},{"x":[3\n4]}',
        b"[1],2]\n[3,4]",
        b"[1,2]]\n[3,4]",
        b'[1,2]\n],"y":[',
    ],
)
def test_a_line_that_is_no_json_by_itself_is_refused(contract, decode, body):
    error = refusal(decode, body, contract("x float32 batch,2"))

    assert error.message == "the body is not JSON lines"
    assert all(re.match(r"line [12] is not JSON: ", problem) for problem in error.problems)


def test_scalar_lines_that_only_together_have_the_right_count_are_refused(contract, decode):
    error = refusal(decode, b"1,2\n3", contract("x float32 batch"))

    assert len(error.problems) == 1
    assert error.problems[0].startswith("line 1 is not JSON: ")


def test_an_empty_line_between_rows_is_refused(contract, decode):
    error = refusal(decode, b"[1,2]\n\n[3,4]\n", contract("x float32 batch,2"))

    assert error.problems == ["line 2 is empty"]


@pytest.mark.parametrize("body", [b"", b"\n", b" \r\n\n"])
def test_no_line_at_all_is_refused(contract, decode, body):
    assert "the body is empty" in refusal(decode, body, contract("x float32 batch,2")).message


def test_what_does_not_fit_is_named_by_line(contract, decode):
    body = b"[1,2]\n[3]\n[null,true]\n"

    error = refusal(decode, body, contract("x float32 batch,2"))

    assert error.problems == [
        "line 3 at [0] is null; input 'x' (float32 (batch, 2)) takes numbers",
        "line 3 at [1] is true; input 'x' (float32 (batch, 2)) takes numbers",
        "line 2 has 1 values where 2 are needed",
    ]


def test_a_whole_request_on_a_line_is_no_row(contract, decode):
    error = refusal(decode, b'{"instances":[[1,2]]}\n', contract("x float32 batch,2"))

    assert "line 1 has 'instances', which is no input of this model" in error.problems


row = st.recursive(
    st.one_of(st.integers(-9, 9), st.floats(-2, 2), st.booleans(), st.none(), st.text(max_size=3)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.sampled_from("xy"), inner, max_size=2)
    ),
    max_leaves=6,
)


@given(st.lists(row, min_size=1, max_size=4), st.data())
def test_lines_are_never_taken_for_another_number_of_rows(rows, data):
    contract = Contract((TensorSpec("x", np.dtype("f4"), ("batch", "w")),), ())
    lines = [json.dumps(value) for value in rows]
    text = "\n".join(lines)
    # Move one line break somewhere else.
    at = data.draw(st.integers(0, len(text)))
    moved = text.replace("\n", ",", 1)
    moved = moved[:at] + "\n" + moved[at:]
    for body in (text.encode(), moved.encode()):
        try:
            taken = LINES.decode(body, contract, MEDIA, None).inputs["x"]
        except InvalidInput:
            continue
        alone = [json.loads(line) for line in body.decode().splitlines() if line.strip()]
        # A row may be a record of the one input.
        alone = [line["x"] if isinstance(line, dict) else line for line in alone]
        assert taken.tolist() == np.array(alone, np.float32).tolist()


@pytest.mark.parametrize(
    ("body", "flat"),
    [
        (b"[1,2]\n[3,4]", True),
        (b"1\n2", True),
        (b"[[1]]\n[2]", False),
        (b"[1\n2],[3]", False),
        (b'["a"]\n["b"]', False),
        (b"{}\n{}", False),
        (b"1,2\n3", False),
        (b"1]\n2", False),
        (b"1\n\n2", False),
        (b"1,[2]\n3", False),
    ],
)
def test_only_lines_that_cannot_be_anything_else_pass_for_flat(body, flat):
    assert _are_flat(body, _lines(body)) is flat


def test_the_answer_has_one_line_a_row():
    assert LINES.encode({"y": np.array([2, 0, 1])}, 3) == b"2\n0\n1\n"
    assert LINES.encode({"y": np.array([[0.1, 1], [2, 3]], np.float32)}, 2) == (
        b"[0.1,1.0]\n[2.0,3.0]\n"
    )
    assert LINES.encode({"y": np.ones((2, 1, 2), np.int8)}, 2) == b"[[1,1]]\n[[1,1]]\n"
    assert LINES.encode({"y": np.array([True, False])}, 2) == b"true\nfalse\n"
    assert LINES.encode({"y": np.array(["a,b", "],["], object)}, 2) == b'"a,b"\n"],["\n'
    assert LINES.encode({"y": [{0: 0.5, 1: 0.5}, {0: 1.0}]}, 2) == b'{"0":0.5,"1":0.5}\n{"0":1.0}\n'


def test_several_outputs_are_objects_by_name():
    outputs = {
        "label": np.array([2, 0]),
        "odds": np.array([[0.1, np.nan], [1, 0]], np.float32),
        "name": np.array(["a", "b"], object),
    }

    assert LINES.encode(outputs, 2) == (
        b'{"label":2,"odds":[0.1,null],"name":"a"}\n{"label":0,"odds":[1.0,0.0],"name":"b"}\n'
    )


def test_lines_of_parts_make_the_lines_of_the_whole():
    values = np.arange(12, dtype=np.float32).reshape(6, 2)

    parts = [LINES.encode({"y": values[at : at + 2]}, 2) for at in (0, 2, 4)]

    assert b"".join(parts) == LINES.encode({"y": values}, 6)


@pytest.mark.parametrize("value", [np.ones((3, 2)), np.array(1.0), np.ones((0, 2))])
def test_an_output_without_the_requests_rows_is_an_error(value):
    with pytest.raises(InferenceFailed, match="does not have the request's 2 rows"):
        LINES.encode({"y": value}, 2)


def test_models_without_rows_are_refused_before(contract):
    assert "has none" in LINES.refuses_inputs(contract("x float32"))
    outputs = contract("x float32 b", outputs=("y float32",)).outputs
    assert "has none" in LINES.refuses_outputs(outputs)


def test_whole_numbers_beyond_64_bits_are_numbers(contract, decode):
    body = b'{"x":36893488147419103232,"s":"a"}\n'

    inputs = decode(LINES, body, contract("x float64 batch", "s string batch"))

    assert inputs["x"].tolist() == [2.0**65]
