"""Requests that work, to show how a model is called.

Takes a contract and rules, gives bodies. Whether the model itself runs on them is not tried.
"""

from typing import Any

from model_server.core.example import example_values
from model_server.core.rules import InputRules
from model_server.core.tensors import Contract
from model_server.rest.oip.datatypes import NAMES


def example_request(contract: Contract, rules: InputRules | None) -> dict[str, Any]:
    """Give a JSON body for ``/invocations``: records where columns have names, else rows."""
    values = example_values(contract, rules)
    first = contract.inputs[0]
    rows = {len(values[spec.name]) for spec in contract.inputs if spec.shape}
    if not all(spec.shape for spec in contract.inputs) or len(rows) != 1:
        return {"inputs": values}
    if len(contract.inputs) > 1:
        return {
            "instances": [
                {spec.name: values[spec.name][row] for spec in contract.inputs}
                for row in range(rows.pop())
            ]
        }
    tensor = None if rules is None else rules.tensors.get(first.name)
    if tensor is None or not tensor.columns or len(first.shape) != 2:
        return {"instances": values[first.name]}
    return {
        "instances": [dict(zip(tensor.columns, row, strict=True)) for row in values[first.name]]
    }


def example_infer_request(contract: Contract, rules: InputRules | None) -> dict[str, Any]:
    """Give a JSON body for the Open Inference Protocol's inference."""
    values = example_values(contract, rules)
    inputs: list[dict[str, Any]] = []
    for spec in contract.inputs:
        assert spec.dtype is not None  # inputs are always tensors
        value = values[spec.name]
        inputs.append(
            {
                "name": spec.name,
                "shape": _shape(value),
                "datatype": NAMES[spec.dtype],
                "data": value if spec.shape else [value],
            }
        )
    return {"inputs": inputs}


def example_csv(contract: Contract, rules: InputRules | None) -> str | None:
    """Give lines of ``text/csv`` for a model that takes such; None if a value is missing."""
    rows = example_values(contract, rules)[contract.inputs[0].name]
    if any(value is None for row in rows for value in row):
        return None
    return "".join(",".join(map(str, row)) + "\n" for row in rows)


def _shape(value: Any) -> list[int]:
    return [len(value), *_shape(value[0])] if isinstance(value, list) else []
