"""Large bodies are read part by part, and become what they would become whole."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from model_server.core.errors import InvalidInput
from model_server.core.tensors import Contract, TensorSpec
from model_server.rest.codecs import (
    CsvCodec,
    JsonCodec,
    csv_fast,
    csv_rows,
    json_fast,
    json_tensors,
)
from model_server.rest.codecs.csv_fast import lines_of_numbers, parts_of
from model_server.rest.codecs.json_fast import decode_in_parts
from model_server.rest.media import parse_content_type

JSON, CSV = JsonCodec(), CsvCodec()


@pytest.fixture(params=[1, 7, 20, 10_000], autouse=True)
def part_bytes(request, monkeypatch):
    monkeypatch.setattr(json_fast, "PART_BYTES", request.param)
    monkeypatch.setattr(csv_fast, "PART_BYTES", request.param)


def one_input(dtype, *axes):
    return Contract((TensorSpec("x", np.dtype(dtype), axes),), (TensorSpec("y", None, ()),))


def whole(codec, body, contract):
    """Read a body the slow way; None where it is refused."""
    try:
        decoded = codec.decode(body, contract, parse_content_type(codec.media_type), None)
    except InvalidInput:
        return None
    return None if contract.problems(decoded.inputs) else decoded.inputs["x"]


@pytest.mark.parametrize(
    ("text", "axes", "wanted"),
    [
        ("[[1,2],[3,4],[5,6]]", ("n", 2), [[1, 2], [3, 4], [5, 6]]),
        ("[1,2,3,4,5,6,7,8,9]", ("n",), [1, 2, 3, 4, 5, 6, 7, 8, 9]),
        ("[ [ [1] ,[2]] , [[3],\n[4] ]\t]", ("n", 2, 1), [[[1], [2]], [[3], [4]]]),
        ("[[1,2],[3,4]]", (2, 2), [[1, 2], [3, 4]]),
        ("[[1,2],[3,4]]", ("n", "m"), [[1, 2], [3, 4]]),
    ],
)
@pytest.mark.parametrize("member", ["instances", "inputs"])
def test_rows_of_numbers_are_read_in_parts(text, axes, wanted, member):
    body = f' {{ "{member}" :{text} }}\n'.encode()

    array = decode_in_parts(body, one_input("f4", *axes))

    assert array.dtype == np.float32
    assert array.tolist() == wanted


@pytest.mark.parametrize(
    "text",
    [
        '{"inputs":[[1,2],[3,4],]}',
        '{"inputs":[[1,2],,[3,4]]}',
        '{"inputs":[[1,2],[3]]}',
        '{"inputs":[[1,2],[3,4],5]}',
        '{"inputs":[[1,2],[3,4,5,6]]}',
        '{"inputs":[[1,2],[[3,4]]]}',
        '{"inputs":[[1,2],[3,"4"]]}',
        '{"inputs":[[1,2],[3,true]]}',
        '{"inputs":[[1,2],[3,1e39]]}',
        '{"inputs":[]}',
        '{"inputs":[[1,2]],"inputs":[[3,4]]}',
        '{"inputs":[[1,2]],"instances":[[3,4]]}',
        '{"inputs":[[1,2]]}]}',
        '{"inputs":[[1,2]]}{"inputs":[[3,4]]}',
        '{"inputs":[[1,2]],"more":[[3,4]]}',
        '{"inputs":[[1,2]]\x0b}',
        '{"x":[[1,2]]}',
        "[[1,2],[3,4]]",
        "",
    ],
)
def test_whatever_is_not_all_numbers_in_rows_is_left_to_the_slow_way(text):
    assert decode_in_parts(text.encode(), one_input("f4", "n", 2)) is None


def test_rows_whose_width_is_free_have_one_width():
    contract = one_input("f4", "n", "m")

    assert decode_in_parts(b'{"inputs":[[1,2],[3,4]]}', contract).shape == (2, 2)
    assert decode_in_parts(b'{"inputs":[[1,2],[3,4],[5]]}', contract) is None


def test_a_fixed_number_of_rows_is_that_of_all_parts():
    assert decode_in_parts(b'{"inputs":[[1,2],[3,4]]}', one_input("f4", 3, 2)) is None


cells = st.one_of(
    st.integers(-300, 70_000).map(str),
    st.floats(allow_nan=False, width=32).map(json.dumps),
    st.sampled_from(
        ["-0", "-0 ", "-0.0", "1e-05", "1e5", " 7 ", '"a"', "null", "[1]", "nan", "", "1e39", "+1"]
    ),
)


@given(
    st.sampled_from(["f4", "f8", "i8", "u1"]),
    st.lists(st.lists(cells, min_size=1, max_size=3), min_size=1, max_size=5),
)
def test_json_in_parts_is_json_read_whole_or_left_to_it(dtype, rows):
    body = ('{"instances": [' + ", ".join(f"[{','.join(row)}]" for row in rows) + "]}").encode()
    contract = one_input(dtype, "n", len(rows[0]))

    array = decode_in_parts(body, contract)

    if array is not None:
        assert array.tobytes() == whole(JSON, body, contract).tobytes()
    elif whole(JSON, body, contract) is not None:
        assert any(cell in ("-0", "-0 ", "1e5", "1e-05", "1e39") for row in rows for cell in row)


@given(
    st.sampled_from(["f4", "f8", "i8", "u1"]),
    st.lists(st.lists(cells, min_size=1, max_size=3), min_size=1, max_size=5),
    st.sampled_from(["\n", "\r\n", "\r", "\n\n", ",\n", "\x0b"]),
    st.sampled_from(["", "\n", "\r\n", "\n\n"]),
)
def test_csv_in_parts_is_csv_read_line_by_line_or_left_to_it(dtype, rows, line_end, last):
    body = (line_end.join(",".join(row) for row in rows) + last).encode()
    contract = one_input(dtype, "n", len(rows[0]))

    array = whole(CSV, body, contract)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(csv_rows, "lines_of_numbers", lambda *_: None)
        patch.setattr(csv_fast, "PART_BYTES", 10_000)
        slow = whole(CSV, body, contract)

    assert (array is None) == (slow is None)
    assert array is None or array.tobytes() == slow.tobytes()


@pytest.mark.parametrize(
    ("body", "wanted"),
    [
        (b"1,2.5\n3,4", [[1, 2.5], [3, 4]]),
        (b"1,2.5\r\n3,4\r\n", [[1, 2.5], [3, 4]]),
        (b"1\n2\n3\n4\n5\n6\n7\n8\n9\n", [[n] for n in range(1, 10)]),
        (b"1,2\n3\n", None),
        (b"1,2\n3,4,5\n", None),
        (b"1,2,3\n4\n", None),
        (b"1,\r2\n3,4", None),
        (b"1,[2]\n3,4", None),
        (b"1,-0\n3,4", None),
        (b"1,-0 \n3,4", None),
        (b"-0.5,1e-0\n3,4", [[-0.5, 1], [3, 4]]),
        (b"1,2\n\n", None),
        (b"", None),
    ],
)
def test_lines_of_numbers_are_read_quickly_or_left_to_the_slow_way(body, wanted):
    array = lines_of_numbers(body, np.dtype("f4"), None)

    assert (None if array is None else array.tolist()) == wanted


def test_parts_end_where_lines_end():
    body = b"1,2\r\n3,4\n\n5"

    parts = list(parts_of(body))

    assert b"".join(parts) == body
    assert all(part.endswith(b"\n") for part in parts[:-1])
    assert (csv_fast.PART_BYTES > 1) or len(parts) == 3


def test_wrong_lines_are_named_by_their_number_in_the_whole_body():
    body = b"1,2\n" * 3 + b"1,a\n" + b"+1,2\n" * 3 + b"1\n"

    with pytest.raises(InvalidInput) as caught:
        CSV.decode(body, one_input("f4", "n", 2), parse_content_type("text/csv"), None)

    assert caught.value.problems == [
        "line 4, column 2: 'a' is no number",
        "line 8 has 1 values where 2 are needed",
    ]


@pytest.mark.parametrize("codec", [JSON, CSV])
def test_large_bodies_take_no_value_of_python_s_for_each_number(codec, monkeypatch):
    rows = np.arange(400_000).reshape(-1, 4) % 1000
    if codec is JSON:
        body = json.dumps({"instances": rows.tolist()}).encode()
        assert len(body) > json_fast.QUICK_BODY_BYTES
    else:
        body = "\n".join(",".join(map(str, row)) for row in rows.tolist()).encode()
    monkeypatch.setattr(json_fast, "PART_BYTES", 100_000)
    monkeypatch.setattr(csv_fast, "PART_BYTES", 100_000)
    monkeypatch.setattr(json_tensors, "parse", None)
    monkeypatch.setattr(csv_rows, "_numbers", None)

    array = whole(codec, body, one_input("f4", "n", 4))

    assert array.shape == (100_000, 4)
    assert array.tolist() == rows.tolist()
