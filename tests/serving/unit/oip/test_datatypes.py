import struct
import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from model_server.rest.oip.datatypes import NAMES, text_bytes, texts, wrong_booleans


def test_there_are_the_protocols_thirteen():
    assert sorted(NAMES.values()) == [
        "BOOL",
        "BYTES",
        "FP16",
        "FP32",
        "FP64",
        "INT16",
        "INT32",
        "INT64",
        "INT8",
        "UINT16",
        "UINT32",
        "UINT64",
        "UINT8",
    ]


def test_every_integer_of_numpy_has_its_name():
    # onnxruntime gives 64-bit integers as `longlong` on some platforms.
    assert NAMES[np.dtype(np.longlong)] == "INT64"
    assert NAMES[np.dtype(np.ulonglong)] == "UINT64"


def test_a_text_is_its_length_and_its_bytes():
    data = b"\x02\x00\x00\x00ab" + b"\x00\x00\x00\x00" + b"\x05\x00\x00\x00\xe2\x82\xac\x00z"

    assert text_bytes(["ab", "", "€\0z"]) == data
    assert texts(memoryview(data), 3).tolist() == ["ab", "", "€\0z"]


@given(st.lists(st.text()))
def test_texts_come_back_as_they_went(values):
    assert texts(memoryview(text_bytes(values)), len(values)).tolist() == values


@pytest.mark.parametrize(
    ("data", "count", "reason"),
    [
        (b"", 1, "1 elements of BYTES take 4 bytes or more"),
        (
            b"\x01\x00\x00\x00a\x01\x00\x00\x00",
            2,
            "element 1 is said to have 1 bytes, and 0 follow",
        ),
        (b"\x01\x00\x00\x00abc", 2, "2 elements of BYTES take 8 bytes or more"),
        (b"\x03\x00\x00\x00abc\x00", 2, "the length of element 1 is cut off"),
        (b"\xff\xff\xff\xffabcd", 1, "element 0 is said to have 4294967295 bytes, and 4 follow"),
        (b"\x01\x00\x00\x00\xff", 1, "element 0 is not UTF-8"),
        (b"\x01\x00\x00\x00ab", 1, "1 bytes are left over after 1 elements"),
    ],
)
def test_bytes_that_are_no_texts_are_told_why(data, count, reason):
    assert texts(memoryview(data), count) == reason


def test_a_count_that_is_only_claimed_takes_no_memory():
    tracemalloc.start()
    told = texts(memoryview(b"abcd"), 2**60)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert told == "1152921504606846976 elements of BYTES take 4611686018427387904 bytes or more"
    assert peak < 10_000


@given(st.binary(max_size=40), st.integers(0, 6))
def test_any_bytes_are_texts_or_told_why(data, count):
    found = texts(memoryview(data), count)

    if not isinstance(found, str):
        assert text_bytes(found) == data
        assert len(found) == count
    else:
        assert found


def test_only_0_and_1_are_booleans():
    assert not wrong_booleans(np.frombuffer(b"\x00\x01\x01", np.bool_))
    assert wrong_booleans(np.frombuffer(b"\x00\x01\x02", np.bool_))
    assert wrong_booleans(np.frombuffer(struct.pack("B", 255), np.bool_))
