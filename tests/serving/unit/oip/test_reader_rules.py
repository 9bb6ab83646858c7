"""Missing values in requests, as the rules of the model's owner say."""

import json

import numpy as np
import pytest

from model_server.core.errors import InvalidInput
from model_server.core.rule_file import read_rules
from model_server.rest.oip.reader import read_infer
from oip_requests import ask, tensor


@pytest.fixture(scope="module")
def ruled(contract):
    own = contract("x float32 batch,3", "k int64 batch")
    columns = [
        {"name": "age", "min": 0, "max": 120},
        {"name": "income", "missing": "allow"},
        {"name": "region", "categories": [1, 2, 5], "missing": {"value": 2}},
    ]
    rules = {"version": 1, "inputs": {"x": {"columns": columns}, "k": {"max": 9}}}
    return own, read_rules(json.dumps(rules).encode(), own)


@pytest.mark.parametrize(
    "data",
    [[41, None, None, 42, 7, 5], [[41, None, None], [42, 7, 5]]],
    ids=["flat", "nested"],
)
def test_null_is_what_the_rules_of_its_column_say(ruled, data):
    own, rules = ruled
    body = json.dumps(
        ask(tensor("x", [2, 3], data=data), tensor("k", [2], "INT64", data=[1, 2]))
    ).encode()

    array = read_infer(body, None, own, rules).inputs["x"]

    assert np.isnan(array[0, 1])
    assert array.ravel()[[0, 2, 3, 4, 5]].tolist() == [41, 2, 42, 7, 5]


@pytest.mark.parametrize(
    ("data", "place"), [([41, 1, 1, None, 7, 5], "[3]"), ([[41, 1, 1], [None, 7, 5]], "[1][0]")]
)
def test_null_is_refused_by_its_own_place_where_the_rules_do_not_let_it_in(ruled, data, place):
    own, rules = ruled
    body = json.dumps(
        ask(tensor("x", [2, 3], data=data), tensor("k", [1], "INT64", data=[10]))
    ).encode()

    with pytest.raises(InvalidInput) as caught:
        read_infer(body, None, own, rules)

    assert caught.value.problems[0].startswith(f"inputs[0].data{place} is null")
    # What rules say of the other input is told with it.
    assert len(caught.value.problems) == 2
    assert "10" in caught.value.problems[1]
