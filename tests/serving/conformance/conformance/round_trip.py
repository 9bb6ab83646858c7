"""What goes in comes out: every datatype, in every form, bit for bit."""

import numpy as np

from conformance.case import ALL, BITS, REST, Case, Form, Level, Target, answered, refused, sample
from conformance.outcome import OK, Ask, Outcome, ProtocolError
from conformance.rest import strict
from conformance.tensors import DATATYPES, FLOATS, Tensor, same

AREA = "round trip"

EXTREMES: dict[str, list[object]] = {
    "BOOL": [True, False, False, True],
    "FP16": [65504, -65504, 6e-8, -0.0, 0.1, 2049],
    "FP32": [3.4028234663852886e38, -3.4028234663852886e38, 1e-45, -0.0, 0.1, 16777217],
    "FP64": [1.7976931348623157e308, 5e-324, -0.0, 0.1, 9007199254740993, -1e-300],
    "BYTES": [b"", b"plain", "€ \U0001f40d é".encode(), b'"\\/\n\t', b"null", b"[1]"],
}

SHAPES = ((1, 1), (1, 3), (3, 1), (2, 3), (1, 257), (64, 2))

SPECIAL = {
    "FP16": np.array([0x7E00, 0x7C00, 0xFC00, 0x7E01, 0xFE00, 0x0001, 0x8000], np.uint16),
    "FP32": np.array(
        [0x7FC00000, 0x7F800000, 0xFF800000, 0x7FC00001, 0xFFC00000, 1, 0x80000000], np.uint32
    ),
    "FP64": np.array(
        [
            0x7FF8000000000000,
            0x7FF0000000000000,
            0xFFF0000000000000,
            0x7FF8000000000001,
            0xFFF8000000000000,
            1,
            0x8000000000000000,
        ],
        np.uint64,
    ),
}
"""Bits of NaN, infinities, NaN with a payload, negative NaN, the smallest number, minus zero."""


def cases() -> list[Case]:
    """Give the cases of this area."""
    made = [
        Case(AREA, f"values of shape {list(shape)} come back", _shape(shape), ALL, applies=_echoes)
        for shape in SHAPES
    ]
    return [
        *made,
        Case(AREA, "the largest, smallest and oddest values come back", _extremes, applies=_echoes),
        Case(AREA, "texts come back with NUL in them", _nul, applies=_texts),
        Case(AREA, "NaN and infinity come back bit for bit", _special_bits, BITS, applies=_floats),
        Case(
            AREA,
            "NaN and infinity in an answer of JSON are still JSON",
            _special_json,
            (Form.BINARY,),
            applies=_floats,
        ),
        Case(
            AREA,
            "a shape with a length of 0 is answered in kind or refused",
            _empty,
            applies=_echoes,
        ),
        Case(AREA, "a request with several inputs is answered", _several, applies=_has_several),
        Case(AREA, "inputs may come in any order", _any_order, applies=_has_several),
        Case(
            AREA,
            "some inputs may be JSON and others bytes",
            _mixed,
            (Form.BINARY,),
            applies=_has_several,
        ),
        Case(
            AREA,
            "texts that are no UTF-8 come back or are refused",
            _no_utf_8,
            BITS,
            Level.SHOULD,
            _texts,
        ),
    ]


def _echoes(target: Target) -> bool:
    return target.echoes


def _texts(target: Target) -> bool:
    return target.datatype == "BYTES"


def _floats(target: Target) -> bool:
    return target.datatype in FLOATS


def _has_several(target: Target) -> bool:
    return not target.echoes


def echoed(target: Target, form: Form, tensor: Tensor) -> None:
    """Insist that a tensor comes back as it went.

    FP16 has no typed contents in gRPC, so there it must be refused.
    """
    outcome = target.send(form, Ask((tensor,)))
    if form is Form.TYPED and target.datatype == "FP16":
        refused(outcome)
        return
    compare(answered(outcome).output("y"), tensor)


def compare(got: Tensor, sent: Tensor) -> None:
    """Insist that two tensors are the same but for their names."""
    if not same(got, sent.said(name=got.name)):
        raise ProtocolError(
            f"sent {sent.datatype} {list(sent.shape)} {sent.flat()[:8]}, got {got.datatype} "
            f"{list(got.shape)} {got.array.reshape(-1).tolist()[:8]}"
        )


def _shape(shape: tuple[int, int]):  # a `Check`
    def check(target: Target, form: Form) -> None:
        echoed(target, form, sample(target.datatype, shape))

    return check


def _extremes(target: Target, form: Form) -> None:
    values = EXTREMES.get(target.datatype)
    if values is None:
        limits = np.iinfo(DATATYPES[target.datatype])
        values = [limits.min, limits.max, 0, 1, limits.max - 1]
    echoed(target, form, Tensor.of("x", target.datatype, values, (1, len(values))))


def _nul(target: Target, form: Form) -> None:
    echoed(target, form, Tensor.of("x", "BYTES", [b"a\0b", b"\0", b"\0\0c"], (1, 3)))


def _special(target: Target) -> Tensor:
    bits = SPECIAL[target.datatype]
    return Tensor.of("x", target.datatype, bits.view(DATATYPES[target.datatype]), (1, -1))


def _special_bits(target: Target, form: Form) -> None:
    echoed(target, form, _special(target))


def _special_json(target: Target, form: Form) -> None:
    from conformance.rest import binary_parts

    assert target.rest is not None  # the form is REST's
    head, data = binary_parts(Ask((_special(target),)), {})
    outcome = answered(target.rest.post(head + data, str(len(head))))
    strict(outcome.detail.body)
    got = outcome.output("y").array.reshape(-1)
    if got[5] <= 0 or np.isfinite(got[:5].astype(float)).any():
        raise ProtocolError(f"finite values changed, or others became finite: {got.tolist()}")


def _empty(target: Target, form: Form) -> None:
    for shape in (0, 3), (2, 0):
        outcome = target.send(form, Ask((Tensor.of("x", target.datatype, [], shape),)))
        if outcome.code != OK:
            refused(outcome)
        else:
            compare(outcome.output("y"), Tensor.of("y", target.datatype, [], shape))


def three() -> tuple[Tensor, Tensor, Tensor]:
    """Give the inputs of the model ``several``, two rows."""
    return (
        sample("FP32", (2, 2), "a"),
        Tensor.of("b", "INT64", [7, -(2**63)]),
        sample("BYTES", (2, 3), "c"),
    )


def check_three(outcome: Outcome, names: tuple[str, ...]) -> None:
    """Insist on outputs of the model ``several``, in their order."""
    answered(outcome)
    if tuple(tensor.name for tensor in outcome.outputs) != names:
        raise ProtocolError(f"wanted {names}, got {[tensor.name for tensor in outcome.outputs]}")
    a, b, c = three()
    right = {
        "a_out": a,
        "b_out": b,
        "c_out": c,
        "sums": Tensor.of("sums", "FP32", [0.5, 2.5]),
    }
    for tensor in outcome.outputs:
        compare(tensor, right[tensor.name])


EVERY = ("a_out", "b_out", "c_out", "sums")


def _several(target: Target, form: Form) -> None:
    check_three(target.send(form, Ask(three())), EVERY)


def _any_order(target: Target, form: Form) -> None:
    check_three(target.send(form, Ask(three()[::-1])), EVERY)


def _mixed(target: Target, form: Form) -> None:
    import json

    assert target.rest is not None  # the form is REST's
    inputs = []
    for number, tensor in enumerate(three()):
        item = {"name": tensor.name, "shape": list(tensor.shape), "datatype": tensor.datatype}
        if number == 1:
            item["data"] = tensor.flat()
        else:
            item["parameters"] = {"binary_data_size": len(tensor.raw())}
        inputs.append(item)
    head = json.dumps({"inputs": inputs}).encode()
    a, _, c = three()
    check_three(target.rest.post(head + a.raw() + c.raw(), str(len(head))), EVERY)


def _no_utf_8(target: Target, form: Form) -> None:
    tensor = Tensor.of("x", "BYTES", [b"\xff\xfe", b"\xc3("], (1, 2))
    outcome = target.send(form, Ask((tensor,)))
    if outcome.code != OK:
        refused(outcome)
    else:
        compare(outcome.output("y"), tensor)


__all__ = ["EVERY", "REST", "cases", "check_three", "compare", "echoed", "three"]
