import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from model_server.core.errors import InvalidInput
from model_server.rest.codecs import NpyCodec
from model_server.rest.codecs.npy import read_array, write_array

NUMBERS = st.sampled_from(
    [np.dtype(code) for code in ("?", *"bBhHiIqQefd", ">f4", ">i8", ">u2", ">f2")]
)


def saved(array, **options):
    out = io.BytesIO()
    np.lib.format.write_array(out, array, **options)
    return out.getvalue()


def file_of(header, data=b"", version=1):
    text = header.encode()
    return b"\x93NUMPY" + bytes((version, 0)) + len(text).to_bytes(2, "little") + text + data


@given(
    NUMBERS.flatmap(lambda dtype: arrays.arrays(dtype, arrays.array_shapes(max_dims=4, max_side=3)))
)
def test_every_array_of_numbers_is_read_as_numpy_reads_it(array):
    for version in (1, 0), (2, 0), (3, 0):
        for order in (array, np.asfortranarray(array)):
            taken = read_array(saved(order, version=version))

            assert taken.dtype == array.dtype.newbyteorder("=")
            assert taken.shape == array.shape
            assert taken.astype(array.dtype).tobytes() == array.tobytes()
            assert taken.flags.c_contiguous


@given(
    NUMBERS.flatmap(lambda dtype: arrays.arrays(dtype, arrays.array_shapes(max_dims=4, max_side=3)))
)
def test_every_array_is_written_as_numpy_writes_it(array):
    assert write_array(array) == saved(array)


def test_arrays_without_axes_go_both_ways():
    array = np.array(2.5, dtype=np.float64)

    assert write_array(array) == saved(array)
    assert read_array(saved(array)) == 2.5
    assert read_array(saved(array)).shape == ()


def test_numbers_are_read_in_place():
    body = saved(np.ones((1, 784), np.float32))

    assert np.shares_memory(read_array(body), np.frombuffer(body, np.uint8))


def test_numbers_that_lie_badly_are_moved():
    body = saved(np.ones(4, np.float64))
    header = body[10:-32].rstrip() + b"\n"
    odd = body[:8] + len(header).to_bytes(2, "little") + header + body[-32:]

    array = read_array(odd)

    assert array.flags.aligned
    assert array.tolist() == [1, 1, 1, 1]


@pytest.mark.parametrize("cut", [0, 5, 6, 9, 40, 127])
def test_a_header_that_is_cut_off_is_refused(cut):
    with pytest.raises(InvalidInput, match="npy"):
        read_array(saved(np.ones(3, np.float32))[:cut])


@pytest.mark.parametrize(
    ("header", "message"),
    [
        ("{'descr': '<f4', 'fortran_order': False, 'shape': (-1,), }\n", "1 or longer"),
        ("{'descr': '<f4', 'fortran_order': False, 'shape': (0, 4), }\n", "1 or longer"),
        ("{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }\n", "speaks of 8 bytes"),
        (
            "{'descr': '<f4', 'fortran_order': False, 'shape': (9999999999, 9999999999), }\n",
            "speaks of 399999999920000000004 bytes",
        ),
        ("{'descr': '<f4', 'fortran_order': False, 'shape': (1 1), }\n", "not in NumPy's"),
        ("{'descr': '|O', 'fortran_order': False, 'shape': (1,), }\n", "never pickles"),
        ("{'descr': '<U4', 'fortran_order': False, 'shape': (1,), }\n", "only numbers"),
        ("{'descr': '<c8', 'fortran_order': False, 'shape': (1,), }\n", "only numbers"),
        ("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,), }\n", "only numbers"),
        ("__import__('os').system('true')\n", "not in NumPy's"),
        ("{" * 5000 + "\n", "not in NumPy's"),
    ],
)
def test_a_header_that_lies_or_holds_something_else_is_refused(header, message):
    with pytest.raises(InvalidInput, match=message):
        read_array(file_of(header, b"abcd"))


def test_a_length_that_contradicts_the_header_is_refused():
    body = bytearray(saved(np.ones(3, np.float32)))
    body[8] = 0x36  # 64 bytes fewer than the header has

    with pytest.raises(InvalidInput):
        read_array(bytes(body))


def test_a_version_that_is_not_known_is_refused():
    with pytest.raises(InvalidInput, match=r"version 9\.0 is not known"):
        read_array(file_of("{}\n", version=9))


def test_booleans_are_the_bytes_0_and_1():
    body = bytearray(saved(np.array([True, False])))
    body[-1] = 7

    with pytest.raises(InvalidInput, match="booleans other than 0 and 1"):
        read_array(bytes(body))


def test_the_codec_gives_the_array_to_the_models_input(contract, decode):
    inputs = decode(NpyCodec(), saved(np.ones((2, 4), np.float32)), contract("x float32 batch,4"))

    assert list(inputs) == ["x"]
    assert inputs["x"].shape == (2, 4)
