"""Requests that are broken on purpose: each is refused, and the server is ready after each."""

import json
from collections.abc import Callable, Iterator
from typing import Any

from conformance.case import Case, Form, Level, Target, answered, refused, sample
from conformance.outcome import Ask, ProtocolError
from conformance.rest import binary_parts, must
from conformance.round_trip import echoed
from conformance.tensors import Tensor

AREA = "abuse"

Bodies = Callable[[Target], Iterator[tuple[bytes, str | None]]]
"""Gives bodies, each with the length that is said of its JSON part, or None."""


def cases() -> list[Case]:
    """Give the cases of this area."""
    made = [
        Case(AREA, name, _all_refused(bodies), (Form.NESTED,), level, _echoes)
        for name, (level, bodies) in JSON_BODIES.items()
    ]
    made += [
        Case(AREA, name, _all_refused(bodies), (Form.BINARY,), Level.MUST, _echoes)
        for name, bodies in BINARY_BODIES.items()
    ]
    return [
        *made,
        Case(AREA, "raw and typed contents exclude each other", _both, (Form.RAW,),
             applies=_echoes),
        Case(AREA, "raw contents are as many as inputs", _raw_count, (Form.RAW,), applies=_echoes),
        Case(AREA, "raw contents have exactly their size", _raw_size, (Form.RAW,),
             applies=_echoes),
        Case(AREA, "typed contents have exactly their number", _typed_count, (Form.TYPED,),
             applies=_echoes),
        Case(AREA, "typed contents stand where their datatype says", _typed_place, (Form.TYPED,),
             applies=_echoes),
        Case(AREA, "typed contents beyond a small integer's range are refused", _typed_range,
             (Form.TYPED,), Level.SHOULD, _small),
        Case(AREA, "an empty request is refused", _grpc_empty, (Form.RAW,), applies=_echoes),
    ]  # fmt: skip


def _echoes(target: Target) -> bool:
    return target.echoes


def _small(target: Target) -> bool:
    return target.datatype in ("INT8", "INT16", "UINT8", "UINT16")


def _good(target: Target) -> dict[str, Any]:
    tensor = sample(target.datatype)
    item = {"name": "x", "shape": [2, 3], "datatype": target.datatype, "data": tensor.flat()}
    return {"inputs": [item]}


def _no_json(target: Target) -> Iterator[tuple[bytes, str | None]]:
    good = json.dumps(_good(target)).encode()
    for body in (
        b"",
        b"{",
        good[:-1],
        good + b"x",
        good + good,
        b"\xff\xfe",
        b"null" * 3,
        good.replace(b"[2, 3]", b"[2, 3"),
        b'{"inputs": [}',
        b"{'inputs': []}",
    ):
        yield body, None


def _no_object(target: Target) -> Iterator[tuple[bytes, str | None]]:
    for body in (b"null", b"[]", b"5", b'"inputs"', b"true", b"{}"):
        yield body, None


def _deep(target: Target) -> Iterator[tuple[bytes, str | None]]:
    for depth in (101, 1000, 100_000):
        yield b"[" * depth + b"]" * depth, None
        yield b'{"inputs":' + b"[" * depth + b"]" * depth + b"}", None
        yield b'{"a":' * depth + b"1" + b"}" * depth, None
        yield b"[" * depth, None


def _members(target: Target) -> Iterator[tuple[bytes, str | None]]:
    good = _good(target)
    (item,) = good["inputs"]
    wrong: list[Any] = [
        {"inputs": None},
        {"inputs": {}},
        {"inputs": item},
        {"inputs": []},
        {"inputs": [None]},
        {"inputs": [[item]]},
        good | {"id": 7},
        good | {"id": ["7"]},
        good | {"outputs": "y"},
        good | {"outputs": ["y"]},
        good | {"outputs": [{}]},
        good | {"outputs": [{"name": 1}]},
        good | {"parameters": 1},
        *({"inputs": [item | {name: value}]} for name, value in [
            ("name", None), ("name", 1), ("shape", None), ("shape", 6), ("shape", "2,3"),
            ("shape", [2, 3.5]), ("shape", ["2", "3"]), ("shape", [[2, 3]]), ("shape", [2, None]),
            ("shape", [2**64, 1]), ("shape", [10**30, 1]), ("shape", [True, 6]),
            ("datatype", None), ("datatype", 1), ("data", None), ("data", {}), ("data", "abc"),
            ("data", 5), ("parameters", []),
        ]),
        *({"inputs": [{key: value for key, value in item.items() if key != name}]}
          for name in item),
    ]  # fmt: skip
    for document in wrong:
        yield json.dumps(document).encode(), None


def _ragged(target: Target) -> Iterator[tuple[bytes, str | None]]:
    good = _good(target)
    (item,) = good["inputs"]
    value = item["data"][0]
    for data in (
        [[value] * 3, [value] * 2],
        [[value] * 3, [value] * 4],
        [[value] * 3],
        [[value] * 3, value],
        [[value] * 2, [value] * 2, [value] * 2],
        [[[value] * 3, [value] * 3]],
        [[[value] * 6], []],
        [[[value] * 3, []], [[value] * 3, []]],
        [[], [], [value] * 6],
    ):
        yield json.dumps({"inputs": [item | {"data": data}]}).encode(), None


JSON_BODIES: dict[str, tuple[Level, Bodies]] = {
    "what is no JSON is refused": (Level.MUST, _no_json),
    "what is no object with inputs is refused": (Level.MUST, _no_object),
    "members of a wrong kind are refused": (Level.MUST, _members),
    "nesting without end is refused": (Level.MUST, _deep),
    "lists of unequal lengths are refused": (Level.SHOULD, _ragged),
}


def _lengths(target: Target) -> Iterator[tuple[bytes, str | None]]:
    head, data = binary_parts(Ask((sample(target.datatype),)), {})
    right = len(head)
    # The five of Triton's own tests first: a prefix, no number, negative, too long, out of range.
    for length in (
        f"additional-{right}", "ten", f"-{right}", str(right + len(data) + 1),
        "9223372036854775808", "99999999999999999999999999", "18446744073709551616",
        f"{right}x", f"{right}.0", f"0x{right:x}", f"{right}, {right}", "1e2",
        str(right - 1), str(right + 1), "0", "1",
    ):  # fmt: skip
        yield head + data, length


def _sizes(target: Target) -> Iterator[tuple[bytes, str | None]]:
    tensor = sample(target.datatype)
    head, data = binary_parts(Ask((tensor,)), {})
    for body in (data[:-1], data + b"\0", b"", data + data, data[: len(data) // 2]):
        yield head + body, str(len(head))
    for size in (len(data) - 1, len(data) + 1, 0, -1, -len(data), 2**31, 2**63, 2**64,
                 str(len(data)), float(len(data)) + 0.5, None, True, [len(data)]):  # fmt: skip
        document = json.loads(head)
        document["inputs"][0]["parameters"]["binary_data_size"] = size
        text = json.dumps(document).encode()
        yield text + data, str(len(text))
    # Bytes, but nothing says where they begin.
    yield head + data, None
    yield head, None


def _both_ways(target: Target) -> Iterator[tuple[bytes, str | None]]:
    tensor = sample(target.datatype)
    head, data = binary_parts(Ask((tensor,)), {})
    document = json.loads(head)
    document["inputs"][0]["data"] = tensor.flat()
    text = json.dumps(document).encode()
    yield text + data, str(len(text))


def _flags(target: Target) -> Iterator[tuple[bytes, str | None]]:
    for value in ("true", 1, 0.0, ["a"]):
        for extra in (
            {"parameters": {"binary_data_output": value}},
            {"outputs": [{"name": "y", "parameters": {"binary_data": value}}]},
        ):
            document = _good(target) | extra
            yield json.dumps(document).encode(), None


def _elements(target: Target) -> Iterator[tuple[bytes, str | None]]:
    """Give lengths of BYTES elements that do not add up."""
    if target.datatype != "BYTES":
        return
    for data in (
        b"\x01\0\0\0a",
        b"\x01\0\0\0a\x02\0\0\0b",
        b"\xff\xff\xff\xffab" + bytes(8),
        b"\x01\0\0\0a\x01\0\0\0b\x00",
        b"\x01\0\0\0a\x01\0\0\0",
        bytes(7),
    ):
        head, _ = binary_parts(Ask((Tensor.of("x", "BYTES", [b"a", b"b"], (1, 2)),)), {})
        document = json.loads(head)
        document["inputs"][0]["parameters"]["binary_data_size"] = len(data)
        text = json.dumps(document).encode()
        yield text + data, str(len(text))


BINARY_BODIES: dict[str, Bodies] = {
    "a malformed length of the JSON part is refused": _lengths,
    "sizes that do not add up are refused": _sizes,
    "values and bytes for one tensor exclude each other": _both_ways,
    "what should be true or false is nothing else": _flags,
    "lengths of texts that do not add up are refused": _elements,
}


def _all_refused(bodies: Bodies) -> Callable[[Target, Form], None]:
    def check(target: Target, form: Form) -> None:
        assert target.rest is not None  # the forms are REST's
        for body, length in bodies(target):
            try:
                refused(target.rest.post(body, length))
                ready = target.rest.get("/v2/health/ready").status
                must(ready == 200, f"the server is not ready afterwards: {ready}")
            except ProtocolError as error:
                said = "" if length is None else f", length {length}"
                raise ProtocolError(f"{body[:160]!r}{said}: {error}") from None
        # Nothing of it is left behind.
        tensor = sample(target.datatype)
        echoed(target, Form.BINARY, tensor)
        echoed(target, Form.FLAT, tensor)

    return check


def _both(target: Target, form: Form) -> None:
    assert target.grpc is not None  # the form is gRPC's
    request = target.grpc.request(Ask((sample(target.datatype),)))
    request.raw_input_contents.append(sample(target.datatype).raw())
    request.inputs[0].contents.fp32_contents.extend([1] * 6)
    refused(target.grpc.infer(request))


def _raw_count(target: Target, form: Form) -> None:
    assert target.grpc is not None  # as above
    raw = sample(target.datatype).raw()
    for contents in ([raw, raw], [raw, b""]):
        request = target.grpc.request(Ask((sample(target.datatype),)))
        request.raw_input_contents.extend(contents)
        refused(target.grpc.infer(request))


def _raw_size(target: Target, form: Form) -> None:
    assert target.grpc is not None  # as above
    raw = sample(target.datatype).raw()
    for contents in (raw[:-1], raw + b"\0", raw + raw, b""):
        request = target.grpc.request(Ask((sample(target.datatype),)))
        request.raw_input_contents.append(contents)
        refused(target.grpc.infer(request))
    answered(target.grpc.raw(Ask((sample(target.datatype),))))


def _typed_count(target: Target, form: Form) -> None:
    for shape in ((1, 3), (3, 3), (2, 4)):
        tensor = sample(target.datatype).said(shape=shape)
        refused(target.send(form, Ask((tensor,))))


def _typed_place(target: Target, form: Form) -> None:
    assert target.grpc is not None  # as above
    wrong = "int64_contents" if target.datatype != "INT64" else "int_contents"
    request = target.grpc.request(Ask((sample(target.datatype),)))
    getattr(request.inputs[0].contents, wrong).extend(range(6))
    refused(target.grpc.infer(request))


def _typed_range(target: Target, form: Form) -> None:
    assert target.grpc is not None  # as above
    contents = "uint_contents" if target.datatype.startswith("U") else "int_contents"
    request = target.grpc.request(Ask((sample(target.datatype),)))
    getattr(request.inputs[0].contents, contents).extend([0, 1, 2, 3, 4, 70_000])
    refused(target.grpc.infer(request))


def _grpc_empty(target: Target, form: Form) -> None:
    assert target.grpc is not None  # as above
    refused(target.grpc.infer(target.grpc.request(Ask(()))))
    refused(target.grpc.infer(target.grpc.request(Ask((sample(target.datatype),)))))
