"""JSON parts that come again are not read again, and let nothing in that reading would refuse."""

import json
import struct

import pytest

from model_server.core.errors import InvalidInput
from model_server.rest.oip.plan import plan_of
from model_server.rest.oip.reader import read_infer
from oip_requests import ask, binary, problems, read, tensor


def test_a_json_part_that_comes_again_is_not_read_again(rows):
    document = ask(binary([1, 4], "FP32", 16), outputs=[{"name": "z"}])
    first = read(document, rows, struct.pack("<4f", 1, 2, 3, 4))
    layouts = plan_of(rows).layouts
    assert json.dumps(document).encode() in layouts

    second = read(document, rows, struct.pack("<4f", 5, 6, 7, 8))

    assert first.inputs["x"].tolist() == [[1, 2, 3, 4]]
    assert second.inputs["x"].tolist() == [[5, 6, 7, 8]]
    assert (second.id, second.outputs, second.binary) == (None, ("z",), frozenset())


@pytest.mark.parametrize("data", [bytes(15), bytes(17), b""])
def test_a_known_json_part_with_other_sizes_is_refused(rows, data):
    document = ask(binary([1, 4], "FP32", 16))
    read(document, rows, bytes(16))

    assert problems(document, rows, data)


def test_what_differs_from_request_to_request_is_not_remembered(contract):
    own = contract("a float32 batch", "s string batch")
    cases = [
        ask(binary([1], "FP32", 4, "a"), binary([1], "BYTES", 4, "s")),
        ask(binary([1], "FP32", 4, "a"), tensor("s", [1], "BYTES", data=[""])),
        ask(tensor("a", [1], "FP32", data=[1]), binary([1], "BYTES", 4, "s")),
    ]
    for document, data in zip(cases, [bytes(8), bytes(4), bytes(4)], strict=True):
        read(document, own, data)
    numbers = contract("a float32 batch")
    read(ask(binary([1], "FP32", 4, "a"), parameters={"k": "v" * 2000}), numbers, bytes(4))

    assert plan_of(own).layouts == {}
    assert plan_of(numbers).layouts == {}


@pytest.mark.parametrize("space", ["", " "])
def test_an_id_at_the_beginning_is_cut_off_and_given_back(contract, space):
    own = contract("a float32 batch")
    rest = json.dumps(ask(binary([1], "FP32", 4, "a"))).encode()[1:]
    ids = ["one", "two", "", "é[{"]
    heads = [f'{{"id":{space}"{given}",{space}'.encode() + rest for given in ids]

    calls = [read_infer(head + bytes(4), len(head), own) for head in heads]

    assert [call.id for call in calls] == ids
    assert list(plan_of(own).layouts) == [b"{" + rest]
    assert read_infer(b"{" + rest + bytes(4), len(rest) + 1, own).id is None


@pytest.mark.parametrize(
    "start",
    [
        b'{"id":"a","id":"b",',
        b'{"id":"a","id":null,',
        b'{"id":"a","\\u0069d":"b",',
        b'{"id":"a\\n",',
        b'{"id":null,',
        b'{"id" : "a",',
    ],
)
def test_an_id_that_may_be_seen_differently_is_read_each_time(contract, start):
    own = contract("a float32 batch")
    head = start + json.dumps(ask(binary([1], "FP32", 4, "a"))).encode()[1:]

    calls = [read_infer(head + bytes(4), len(head), own) for _ in range(2)]

    assert [call.id for call in calls] == [json.loads(head).get("id")] * 2
    assert plan_of(own).layouts == {}


@pytest.mark.parametrize("head", [b'"inputs"', b'{"id":"\xff","inputs"', b'{"id":"\t","inputs"'])
def test_what_is_remembered_lets_no_broken_json_in(contract, head):
    own = contract("a float32 batch")
    good = json.dumps(ask(binary([1], "FP32", 4, "a"))).encode()
    for text in good, b'{"id":"a",' + good[1:]:
        read_infer(text + bytes(4), len(text), own)
    broken = head + good.removeprefix(b'{"inputs"')

    with pytest.raises(InvalidInput, match="not JSON"):
        read_infer(broken + bytes(4), len(broken), own)


def test_what_is_remembered_is_bounded(contract):
    own = contract("a float32 batch")
    for number in range(1, 300):
        read(ask(binary([number], "FP32", 4 * number, "a")), own, bytes(4 * number))

    assert 0 < len(plan_of(own).layouts) <= 64
