"""The quick way must give what the slow way gives, or leave the request to it."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from model_server.core.errors import InvalidInput
from model_server.core.tensors import Contract, TensorSpec
from model_server.rest.oip.document import read_document
from model_server.rest.oip.plan import plan_of
from model_server.rest.oip.quick import read_quickly

OWN = Contract(
    (
        TensorSpec("x", np.dtype("f4"), ("batch", 2)),
        TensorSpec("k", np.dtype("i4"), ("batch",)),
    ),
    (TensorSpec("y", np.dtype("f4"), ("batch", 2)), TensorSpec("z", np.dtype("i8"), ("batch",))),
)
X = {"name": "x", "shape": [1, 2], "datatype": "FP32", "data": [1, 2.5]}
K = {"name": "k", "shape": [1], "datatype": "INT32", "data": [7]}


def quickly(document):
    text = document if isinstance(document, bytes) else json.dumps(document).encode()
    return read_quickly(text, plan_of(OWN))


def slowly(document):
    body = json.dumps(document).encode()
    return read_document(json.loads(body), body, len(body), plan_of(OWN))


def same(one, other):
    assert one.inputs.keys() == other.inputs.keys()
    for name, array in one.inputs.items():
        assert array.dtype == other.inputs[name].dtype
        assert array.shape == other.inputs[name].shape
        assert array.tobytes() == other.inputs[name].tobytes()
    assert (one.id, one.outputs, one.binary, one.parameters) == (
        other.id,
        other.outputs,
        other.binary,
        other.parameters,
    )


@pytest.mark.parametrize(
    "document",
    [
        {"inputs": [X, K]},
        {"inputs": [K, X]},
        {"inputs": [X | {"data": [[1, 2.5]]}, K]},
        {"inputs": [X | {"shape": [2, 2], "data": [[1, 2], [3, 4]]}, K]},
        {"inputs": [X, K], "id": "a"},
        {"inputs": [X, K], "id": None},
        {"id": "", "parameters": {"binary_data_output": True, "n": 1.5}, "inputs": [X, K]},
        {"inputs": [X, K], "outputs": [{"name": "z"}]},
        {"inputs": [X, K], "outputs": [{"name": "y", "parameters": {"binary_data": True}}]},
        {"inputs": [X, K], "outputs": []},
    ],
)
def test_usual_requests_take_the_quick_way(document):
    call = quickly(document)

    assert call is not None
    same(call, slowly(document))


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b" " + json.dumps({"inputs": [X, K]}).encode(),
        b"\xef\xbb\xbf" + json.dumps({"inputs": [X, K]}).encode(),
        json.dumps({"inputs": [X, K]}).encode() + b"x",
        json.dumps({"inputs": [X, K]}).encode().replace(b'"inputs"', b'"id":"a","id":"b","inputs"'),
        json.dumps({"inputs": [X, K]}).encode().replace(b'"data"', b'"data":[9,9],"data"'),
        json.dumps({"inputs": [X, K], "id": "[a"}).encode(),
        json.dumps({"inputs": [X, K], "more": 1}).encode(),
        json.dumps({"inputs": [X, K, X]}).encode(),
        json.dumps({"inputs": [X | {"shape": [2**63, 2]}, K]}).encode(),
        json.dumps({"inputs": [X | {"shape": [2**62, 2**62]}, K]}).encode(),
        json.dumps({"inputs": [X, K], "outputs": [{"name": "y"}, {"name": "q"}]}).encode(),
        json.dumps({"inputs": [X, K], "parameters": {"binary_data_output": 1}}).encode(),
        json.dumps({"inputs": [X, K], "parameters": {"a": {}}}).encode(),
        json.dumps({"inputs": [X | {"parameters": {"a": 1}}, K]}).encode(),
        json.dumps({"inputs": [X | {"data": [[[1, 2.5], []]]}, K]}).encode(),
        json.dumps({"inputs": [X | {"data": [[1, 2.5], []]}, K]}).encode(),
        json.dumps({"inputs": [X | {"data": [1, [2.5]]}, K]}).encode(),
        json.dumps({"inputs": [X | {"shape": [2, 1]}, K]}).encode()[:-1],
        json.dumps({"inputs": []}).encode(),
        b"[]",
        b"{}",
        b"5",
    ],
)
def test_everything_else_is_left_to_the_slow_way(body):
    assert quickly(body) is None


number = st.one_of(
    st.integers(-3, 3),
    st.sampled_from([2**31, 2**63, 2**64, 1e39, 1.5, -0.0]),
    st.floats(allow_nan=False, allow_infinity=False),
)
leaf = st.one_of(number, number, number, st.none(), st.booleans(), st.text(max_size=2))
data = st.one_of(
    st.lists(leaf, max_size=5),
    st.lists(st.lists(leaf, min_size=1, max_size=3), max_size=3),
    st.recursive(leaf, lambda inner: st.lists(inner, max_size=3), max_leaves=8),
)
item = st.fixed_dictionaries(
    {
        "name": st.sampled_from(["x", "k", "x", "k", "q"]),
        "shape": st.lists(st.sampled_from([1, 2, 2, 0, -1, 1.0]), min_size=1, max_size=3),
        "datatype": st.sampled_from(["FP32", "INT32", "FP32", "INT32", "FP64"]),
        "data": data,
    }
)
request = st.fixed_dictionaries(
    {"inputs": st.one_of(st.lists(item, max_size=3), st.tuples(item, item).map(list))},
    optional={
        "id": st.one_of(st.text(max_size=3), st.none(), st.integers()),
        "parameters": st.one_of(
            st.none(),
            st.dictionaries(st.sampled_from(["binary_data_output", "a"]), leaf, max_size=2),
        ),
        "outputs": st.one_of(
            st.none(), st.lists(st.fixed_dictionaries({"name": st.sampled_from("yzq")}), max_size=2)
        ),
    },
)


@given(request)
def test_the_quick_way_never_differs(document):
    call = quickly(document)

    try:
        told = slowly(document)
    except InvalidInput:
        assert call is None
        return
    if call is not None:
        same(call, told)
