"""Contracts and rules to try."""

import json

import numpy as np
import pytest

from model_server.core.rule_file import read_rules
from model_server.core.tensors import Contract, TensorSpec

PEOPLE = {
    "x": {
        "columns": [
            {"name": "age", "min": 0, "max": 120},
            {"name": "income", "exclusive_min": 0, "missing": "allow"},
            {"name": "region", "categories": [1, 2, 5], "missing": {"value": 2}},
        ]
    }
}


@pytest.fixture(scope="session")
def contract_of():
    """`contract_of(x=("float32", "batch", 3))`: a contract with these inputs and one output."""

    def make(**inputs):
        specs = tuple(
            TensorSpec(name, np.dtype("O" if kind == "text" else kind), shape)
            for name, (kind, *axes) in inputs.items()
            for shape in [tuple(axes)]
        )
        output = TensorSpec("y", np.dtype(np.float32), ("batch",))
        return Contract(inputs=specs, outputs=(output,))

    return make


@pytest.fixture(scope="session")
def rules_of():
    """`rules_of(contract, inputs, **rest)`: the rules that a file with these members gives."""

    def make(contract, inputs, **rest):
        document = {"version": 1, "inputs": inputs, **rest}
        return read_rules(json.dumps(document).encode(), contract)

    return make


@pytest.fixture
def people(contract_of):
    """Three columns of floats: age, income and region."""
    return contract_of(x=("float32", "batch", 3))


@pytest.fixture
def people_rules(rules_of, people):
    return rules_of(people, PEOPLE)
