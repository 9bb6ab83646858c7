import io
import struct
import tracemalloc
import zipfile
import zlib

import numpy as np
import pytest

from model_server.core.errors import InvalidInput
from model_server.rest.codecs import NpzCodec
from model_server.rest.codecs.zip_members import read_members

NPZ = NpzCodec()
PAIR = ("a float32 batch,2", "b int64 batch")


def archive(save=np.savez, **arrays):
    out = io.BytesIO()
    save(out, **arrays)
    return out.getvalue()


def zipped(*members, method=zipfile.ZIP_DEFLATED):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as made:
        for name, data in members:
            made.writestr(zipfile.ZipInfo(name), data, compress_type=method)
    return out.getvalue()


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_one_array_an_input_is_read_by_name(contract, decode, save):
    body = archive(save, b=np.array([7, 8]), a=np.array([[1, 2], [3, 4]], np.float32))

    inputs = decode(NPZ, body, contract(*PAIR))

    assert inputs["a"].tolist() == [[1, 2], [3, 4]]
    assert inputs["a"].dtype == np.float32
    assert inputs["b"].tolist() == [7, 8]


def test_members_that_are_not_packed_are_not_copied():
    body = archive(x=np.ones((1, 4), np.float32))

    members = read_members(body, most=1, limit_bytes=1000)

    assert list(members) == ["x.npy"]
    assert members["x.npy"].obj is body


def test_numpy_reads_the_answer():
    outputs = {
        "label": np.array([2, 0]),
        "odds": np.array([[np.nan, np.inf]], np.float32),
        "count": np.array(3, np.uint8),
    }

    with np.load(io.BytesIO(NPZ.encode(outputs, 2))) as loaded:
        assert loaded["label"].tolist() == [2, 0]
        assert loaded["odds"].tobytes() == outputs["odds"].tobytes()
        assert loaded["count"] == 3
        assert loaded.files == ["label", "odds", "count"]


def test_two_answers_to_one_request_are_the_same_bytes():
    outputs = {"y": np.ones(3, np.float32)}

    assert NPZ.encode(outputs, 3) == NPZ.encode(outputs, 3)


def test_everything_wrong_with_the_members_is_said_at_once(contract, decode):
    body = archive(b=np.array([{}], dtype=object), c=np.ones(3))

    with pytest.raises(InvalidInput) as caught:
        decode(NPZ, body, contract(*PAIR))

    assert caught.value.problems == [
        "'b': the npy body holds Python objects; only arrays of numbers are read, never pickles",
        (
            "the archive holds 'c', which is no input of this model; it has "
            "'a' (float32 (batch, 2)), "
            "'b' (int64 (batch,))"
        ),
        "the archive lacks 'a'",
    ]


def test_a_bomb_is_refused_before_it_is_inflated(contract, decode):
    # 1 032 to 1 is the most that deflate can do.
    body = zipped(("x.npy", bytes(64 * 2**20)))
    assert len(body) < 70_000

    tracemalloc.start()
    with pytest.raises(InvalidInput, match="too large when inflated"):
        decode(NPZ, body, contract("x float32 batch,4"))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert peak < 2**20


def test_a_bomb_that_lies_about_its_size_is_inflated_no_further_than_it_says(contract, decode):
    body = bytearray(zipped(("x.npy", bytes(64 * 2**20))))
    entry = body.rindex(b"PK\x01\x02")
    body[entry + 24 : entry + 28] = struct.pack("<L", 1000)

    tracemalloc.start()
    with pytest.raises(InvalidInput, match="is damaged"):
        decode(NPZ, bytes(body), contract("x float32 batch,4"))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert peak < 2**20


def test_members_together_are_bounded(contract, decode):
    body = zipped(*[(f"{letter}.npy", bytes(600_000)) for letter in "ab"])

    with pytest.raises(InvalidInput, match="too large when inflated"):
        decode(NPZ, body, contract(*PAIR))


def test_few_rows_of_zeros_may_shrink_by_more_than_the_bound(contract, decode):
    body = archive(np.savez_compressed, x=np.zeros((100, 784), np.float32))
    assert len(body) * 16 < 100 * 784 * 4

    inputs = decode(NPZ, body, contract("x float32 batch,784"))

    assert inputs["x"].shape == (100, 784)


def test_an_archive_with_many_members_is_refused_at_once(contract, decode):
    body = zipped(*[(f"{number}.npy", b"") for number in range(20_000)])

    with pytest.raises(InvalidInput, match="the archive has 20000 members; 10 are the most"):
        decode(NPZ, body, contract("x float32 batch,4"))


def test_two_members_of_one_name_are_refused(contract, decode):
    with pytest.warns(UserWarning, match="Duplicate"):
        body = zipped(("x.npy", b"1"), ("x.npy", b"2"))

    with pytest.raises(InvalidInput, match="two members"):
        decode(NPZ, body, contract("x float32 batch,4"))


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_unusual_packing_is_refused(contract, decode, method):
    body = zipped(("x.npy", bytes(100)), method=method)

    with pytest.raises(InvalidInput, match="packed unusually"):
        decode(NPZ, body, contract("x float32 batch,4"))


@pytest.mark.parametrize("body", [b"", b"PK", b"PK\x05\x06" + bytes(18) + b"!", b"{}", bytes(100)])
def test_what_is_no_archive_is_refused(contract, decode, body):
    with pytest.raises(InvalidInput, match="no ZIP archive"):
        decode(NPZ, body, contract("x float32 batch,4"))


def test_every_single_damaged_byte_is_refused_or_harmless(contract, decode):
    good = archive(np.savez_compressed, x=np.arange(8, dtype=np.float32).reshape(2, 4))
    refused = 0
    for place in range(len(good)):
        body = bytearray(good)
        body[place] ^= 0xFF
        try:
            inputs = decode(NPZ, bytes(body), contract("x float32 batch,4"))
        except InvalidInput:
            refused += 1
        else:
            assert inputs["x"].tolist() == [[0, 1, 2, 3], [4, 5, 6, 7]]

    # Times, attributes and what the local header repeats are not looked at.
    assert refused > len(good) / 2


def test_a_member_with_a_wrong_checksum_is_refused(contract, decode):
    body = bytearray(archive(x=np.ones((1, 4), np.float32)))
    entry = body.rindex(b"PK\x01\x02")
    body[entry + 16 : entry + 20] = struct.pack("<L", zlib.crc32(b"other"))

    with pytest.raises(InvalidInput, match="is damaged"):
        decode(NPZ, bytes(body), contract("x float32 batch,4"))


def test_text_and_maps_are_refused_before(contract):
    assert NPZ.refuses_inputs(contract(*PAIR)) is None
    assert "it carries numbers" in NPZ.refuses_inputs(contract("a int8 b", "s string b"))
    assert "holds none" in NPZ.refuses_outputs(contract("a int8 b", outputs=("p map b",)).outputs)
