"""What does not fit is refused, with the same code in every form."""

import json
from collections.abc import Callable
from typing import Any

import numpy as np

from conformance.case import JSON, Case, Form, Level, Target, refused, sample
from conformance.outcome import Ask
from conformance.round_trip import three
from conformance.tensors import DATATYPES, INTEGERS, Tensor

AREA = "errors"

Make = Callable[[Target], Ask]


def cases() -> list[Case]:
    """Give the cases of this area."""
    made = [Case(AREA, name, _is_refused(ask), applies=_echoes) for name, ask in ECHO.items()]
    made += [
        Case(AREA, name, _is_refused(ask), applies=lambda target: not target.echoes)
        for name, ask in SEVERAL.items()
    ]
    made += [
        Case(AREA, name, _is_refused(ask, "NOT_FOUND"), applies=_echoes)
        for name, ask in NOT_FOUND.items()
    ]
    for name, values in VALUES.items():
        made.append(Case(AREA, name, _value(values), JSON, Level.SHOULD, applies=_takes(values)))
    return made


def _echoes(target: Target) -> bool:
    return target.echoes


def _is_refused(make: Make, code: str = "INVALID_ARGUMENT") -> Callable[[Target, Form], None]:
    def check(target: Target, form: Form) -> None:
        refused(target.send(form, make(target)), code)

    return check


def _said(**changes: Any) -> Make:
    return lambda target: Ask((sample(target.datatype).said(**changes),))


def _other(target: Target) -> str:
    return "INT32" if target.datatype != "INT32" else "INT64"


ECHO: dict[str, Make] = {
    "an input of another name is refused": _said(name="nothing"),
    "an input without a name is refused": _said(name=""),
    "a datatype that is not the model's is refused": lambda target: Ask((sample(_other(target)),)),
    "a datatype that the values are not is refused": lambda target: Ask(
        (sample(target.datatype).said(datatype=_other(target)),)
    ),
    "a datatype that there is not is refused": _said(datatype="FP31"),
    "a datatype in small letters is refused": lambda target: Ask(
        (sample(target.datatype).said(datatype=target.datatype.lower()),)
    ),
    "too few axes are refused": _said(shape=(6,)),
    "too many axes are refused": _said(shape=(2, 3, 1)),
    "no axis at all is refused": _said(shape=()),
    "fewer values than the shape takes are refused": _said(shape=(3, 3)),
    "more values than the shape takes are refused": _said(shape=(1, 3)),
    "a negative length is refused": _said(shape=(-1, 3)),
    "two negative lengths are refused": _said(shape=(-2, -3)),
    "a shape beyond memory is refused": _said(shape=(2**40, 2**20)),
    "a shape whose product overflows 64 bits to the right number is refused": _said(
        shape=(2**62 + 1, 6)
    ),
    "a shape whose product overflows 64 bits to 0 is refused": _said(shape=(2**32, 2**32)),
    "a request without inputs is refused": lambda _: Ask(()),
    "an input given twice is refused": lambda target: Ask(
        (sample(target.datatype), sample(target.datatype))
    ),
    "an input that the model has not is refused beside the right one": lambda target: Ask(
        (sample(target.datatype), sample(target.datatype, name="more"))
    ),
    "an output that the model has not is refused": lambda target: Ask(
        (sample(target.datatype),), outputs=("nothing",)
    ),
    "an output that the model has not is refused beside the right one": lambda target: Ask(
        (sample(target.datatype),), outputs=("y", "nothing")
    ),
}

SEVERAL: dict[str, Make] = {
    "one missing input is refused": lambda _: Ask(three()[:2]),
    "all but one missing are refused": lambda _: Ask(three()[:1]),
    "a fixed axis of another length is refused": lambda _: Ask(
        (sample("FP32", (2, 3), "a"), *three()[1:])
    ),
    "inputs of different numbers of rows are refused": lambda _: Ask(
        (three()[0], Tensor.of("b", "INT64", [1, 2, 3]), three()[2])
    ),
    "names that are interchanged are refused": lambda _: Ask(
        (three()[0].said(name="b"), three()[1].said(name="a"), three()[2])
    ),
}

NOT_FOUND: dict[str, Make] = {
    "another model is not found": lambda target: Ask(
        (sample(target.datatype),), model="there-is-no-such-model"
    ),
    "another version is not found": lambda target: Ask(
        (sample(target.datatype),), version="987654321"
    ),
}

VALUES: dict[str, tuple[Any, tuple[str, ...]]] = {
    "true is no number": (True, (*INTEGERS, "FP16", "FP32", "FP64")),
    "null is no number": (None, (*INTEGERS, "FP16", "FP32", "FP64")),
    "null is no boolean": (None, ("BOOL",)),
    "null is no text": (None, ("BYTES",)),
    "a text is no number": ("1", (*INTEGERS, "FP16", "FP32", "FP64")),
    "a text is no boolean": ("true", ("BOOL",)),
    "1 is no boolean": (1, ("BOOL",)),
    "a number is no text": (1, ("BYTES",)),
    "an object is no value": ({"a": 1}, tuple(DATATYPES)),
    "an empty list is no value": ([], tuple(DATATYPES)),
    "a fraction is no whole number": (1.5, INTEGERS),
    "1e400 is no number": ("<1e400>", ("FP16", "FP32", "FP64")),
    "NaN is no JSON": ("<NaN>", ("FP16", "FP32", "FP64")),
    "Infinity is no JSON": ("<Infinity>", ("FP16", "FP32", "FP64")),
    "what is too large is refused, not made infinite": ("<large>", ("FP16", "FP32")),
    "what is out of range is refused, not wrapped": ("<above>", INTEGERS),
    "what is below the range is refused, not wrapped": ("<below>", INTEGERS),
}
"""A value that is put in place of one of a tensor's, and the datatypes that must refuse it."""


def _takes(values: tuple[Any, tuple[str, ...]]) -> Callable[[Target], bool]:
    return lambda target: target.datatype in values[1]


def _value(values: tuple[Any, tuple[str, ...]]) -> Callable[[Target, Form], None]:
    def check(target: Target, form: Form) -> None:
        assert target.rest is not None  # the forms are REST's
        good = sample(target.datatype)
        data: Any = good.nested() if form is Form.NESTED else good.flat()
        place = data[1] if form is Form.NESTED else data
        place[1] = "@"
        item = {"name": "x", "shape": [2, 3], "datatype": target.datatype, "data": data}
        body = json.dumps({"inputs": [item]})
        refused(target.rest.post(body.replace('"@"', _text(values[0], target.datatype)).encode()))

    return check


def _text(value: Any, datatype: str) -> str:
    """Give a value as it stands in JSON."""
    dtype = DATATYPES[datatype]
    if value == "<above>":
        return str(np.iinfo(dtype).max + 1)
    if value == "<below>":
        return str(np.iinfo(dtype).min - 1)
    if value == "<large>":
        return repr(float(np.finfo(dtype).max) * 2)
    if isinstance(value, str) and value.startswith("<"):
        return value.strip("<>")
    return json.dumps(value)
