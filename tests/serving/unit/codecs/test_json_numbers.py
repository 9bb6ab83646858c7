"""The quick way must see what the slow way sees, or leave it alone."""

import json
import threading

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from model_server.core.tensors import TensorSpec
from model_server.rest import json_numbers
from model_server.rest.json_numbers import FAULTS, holds_lists, lists_of, numbers, parse
from model_server.rest.nested import to_array

DTYPES = [np.dtype(code) for code in "bBhHiIlLefd"]


def quickly(text, dtype):
    try:
        return numbers(parse(text)["d"], dtype)
    except FAULTS:
        return None


@given(
    st.sampled_from(DTYPES),
    st.lists(
        st.one_of(
            st.integers(-(2**64), 2**65),
            st.integers(-130, 300),
            st.sampled_from([65504, 65519, 65520, 70000, 3.4028235e38, 3.4028236e38, 1e39, 1e-46]),
            st.floats(allow_nan=False, allow_infinity=False),
            st.booleans(),
            st.none(),
            st.text(max_size=2),
        ),
        min_size=1,
        max_size=4,
    ),
)
def test_numbers_are_those_of_the_slow_way_or_left_to_it(dtype, values):
    text = json.dumps({"d": values}).encode()

    quick = quickly(text, dtype)
    slow = to_array(json.loads(text)["d"], TensorSpec("x", dtype, (len(values),)))

    if quick is not None:
        assert slow is not None
        assert quick.dtype == dtype
        assert quick.tobytes() == slow.tobytes()
    elif slow is not None:
        # Allowed, but only for numbers beyond 64 bits, which simdjson does not read.
        assert any(not -(2**63) <= value < 2**64 for value in values)


@pytest.mark.parametrize("dtype", [np.dtype("f4"), np.dtype("f2")])
def test_many_values_are_checked_like_few(dtype):
    largest = float(np.finfo(dtype).max)
    good = json.dumps({"d": [largest] * 10_000}).encode()
    bad = json.dumps({"d": [1.0] * 9_999 + [largest * 2]}).encode()

    assert quickly(good, dtype).max() == largest
    assert quickly(bad, dtype) is None


@pytest.mark.parametrize(
    ("text", "shape", "lists"),
    [
        ("[1,2]", [2], 1),
        ("[1,2]", [3], 0),
        ("[[1,2],[3,4]]", [2, 2], 3),
        ("[[1,2],[3]]", [2, 2], 0),
        ("[[1,2],3]", [2, 2], 0),
        ("[[[1],[2]],[[3],[4]]]", [2, 2, 1], 7),
        ("[[[1],[2]],[[3,5],[4]]]", [2, 2, 1], 0),
        ("[[[1,2],[]]]", [1, 2], 2),  # the lists are right; `holds_lists` sees the others
    ],
)
def test_lists_are_counted_where_every_length_is_right(text, shape, lists):
    assert lists_of(parse(f'{{"d":{text}}}'.encode())["d"], shape) == lists


nested = st.recursive(
    st.integers(0, 9), lambda inner: st.lists(inner, min_size=0, max_size=3), max_leaves=12
)


@given(nested, st.lists(st.integers(1, 3), min_size=1, max_size=3))
def test_both_proofs_together_hold_for_no_other_shape(values, shape):
    text = json.dumps({"d": values}).encode()
    document = parse(text)
    lists = lists_of(document["d"], shape)

    proved = lists > 0 and holds_lists(text, lists)
    array = to_array(values, TensorSpec("x", np.dtype("i8"), tuple(shape)))

    assert proved == (array is not None and list(array.shape) == shape)


def test_brackets_are_counted_exactly():
    for count in (0, 1, 3, 511, 512, 513, 2000):
        text = b"[" * count + b"1"

        assert holds_lists(text, count)
        assert not holds_lists(text, count + 1)
        assert not holds_lists(b"[" + text, count)


def test_a_document_that_is_still_held_does_not_stop_the_next_one():
    held = parse(b'{"d":[1]}')

    assert parse(b'{"d":[2]}')["d"].as_list() == [2]
    assert held["d"].as_list() == [1]


def test_each_thread_has_its_own_parser():
    held = parse(b'{"d":[1,2]}')
    seen = []

    def other():
        seen.append(parse(b'{"d":[3]}')["d"].as_list())

    thread = threading.Thread(target=other)
    thread.start()
    thread.join()

    assert seen == [[3]]
    assert held["d"].as_list() == [1, 2]


def test_large_bodies_do_not_grow_the_parser_that_is_kept():
    parse(b"{}")
    before = json_numbers._parsers.parser

    document = parse(json.dumps({"d": [1.5] * 100_000}).encode())

    assert len(document["d"]) == 100_000
    assert json_numbers._parsers.parser is before
    assert document.parser is not before


def test_a_whole_number_beyond_64_bits_is_left_to_the_slow_way():
    assert quickly(b'{"d":[36893488147419103232]}', np.dtype("f8")) is None
    assert quickly(b'{"d":[1]}', np.dtype("f8")).tolist() == [1.0]
