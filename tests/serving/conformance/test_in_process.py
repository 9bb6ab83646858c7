"""The suite in process: five forms, thirteen datatypes, and any shapes and values."""

import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

sys.path.insert(0, str(Path(__file__).parent))

from conformance import reference
from conformance.__main__ import outcome
from conformance.case import BITS, Form, Target, refused
from conformance.cases import CASES, runs
from conformance.outcome import Ask
from conformance.round_trip import compare
from conformance.tensors import DATATYPES, Tensor


def planned():
    for name in reference.names():
        every = Target(name, rest=object(), grpc=object())
        for case in dict.fromkeys(case for case, _ in runs(every)):
            yield pytest.param(name, case, id=f"{name}-{case.forms[0]}-{case.name}")


@pytest.mark.parametrize(("name", "case"), list(planned()))
def test_it_conforms_in_every_form(target, name, case):
    reasons = {form: outcome(case, target(name), form) for form in case.forms}

    assert reasons == dict.fromkeys(case.forms, "")


def test_every_case_is_named_once_and_applies_somewhere():
    seen = {(case.area, case.name, case.forms) for case in CASES}
    used = {case.name for name in reference.names() for case in CASES if case.applies(Target(name))}

    assert len(seen) == len(CASES)
    assert used == {case.name for case in CASES}


def elements(datatype):
    dtype = DATATYPES[datatype]
    if datatype == "BYTES":
        return st.text(max_size=5).map(str.encode)
    if dtype.kind == "f":
        return st.floats(width=dtype.itemsize * 8, allow_nan=False, allow_infinity=False)
    return arrays.from_dtype(dtype)


@pytest.mark.parametrize("datatype", DATATYPES)
@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_any_shape_and_any_values_come_back_bit_for_bit(target, datatype, data):
    shape = data.draw(arrays.array_shapes(min_dims=2, max_dims=2, min_side=0, max_side=6))
    array = data.draw(arrays.arrays(DATATYPES[datatype], shape, elements=elements(datatype)))
    tensor = Tensor("x", array, datatype, shape)

    for form in Form:
        got = target(f"echo_{datatype.lower()}").send(form, Ask((tensor,)))

        if 0 in shape or (form is Form.TYPED and datatype == "FP16"):
            # Decided and documented: a tensor without elements is refused. FP16 is never typed.
            refused(got)
            assert got.outputs == ()
        else:
            compare(got.output("y"), tensor)
            assert got.output("y").shape == shape


@pytest.mark.parametrize("datatype", ["FP16", "FP32", "FP64"])
@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_any_bits_of_floats_come_back(target, datatype, data):
    width = DATATYPES[datatype].itemsize
    raw = data.draw(st.binary(min_size=width, max_size=8 * width))
    raw = raw[: len(raw) // width * width]
    array = np.frombuffer(raw, DATATYPES[datatype]).reshape(1, -1)
    tensor = Tensor("x", array, datatype, array.shape)

    for form in BITS:
        got = target(f"echo_{datatype.lower()}").send(form, Ask((tensor,)))

        assert got.output("y").raw() == raw
