"""Rows that a model takes, made from its rules.

Takes a contract and rules, gives values. Where the rule file has an example it is the first row;
all else comes from the middle of ranges, the first categories and shortest texts, or is zero. Must
not run the model: whether it takes the rows is for the caller to see.
"""

import math
from typing import Any

import numpy as np

from model_server.core.field_rule import FieldRule, in_dtype
from model_server.core.rules import InputRules, TensorRules
from model_server.core.tensors import Array, Contract, TensorSpec


def example_values(contract: Contract, rules: InputRules | None, rows: int = 1) -> dict[str, Any]:
    """Give every input as nested lists, as JSON has them; null where the file's example has it.

    Args:
        contract: the model's tensors. Free axes after the first have length 1.
        rules: its rules.
        rows: length of the first axis where that is free; the rows are spread over the ranges.
    """
    made: dict[str, Any] = {}
    for spec in contract.inputs:
        tensor = None if rules is None else rules.tensors.get(spec.name)
        if not spec.shape:
            made[spec.name] = _sample(spec, tensor, 0, 0.5)
            continue
        length = spec.shape[0] if isinstance(spec.shape[0], int) else rows
        made[spec.name] = [
            _inner(spec, tensor, spec.shape[1:], (), (2 * row + 1) / (2 * length))
            for row in range(length)
        ]
        if rules is not None and rules.example is not None:
            made[spec.name][0] = rules.example[spec.name]
    return made


def example_arrays(contract: Contract, rules: InputRules | None, rows: int = 1) -> dict[str, Array]:
    """Give the same as arrays; null is NaN."""
    values = example_values(contract, rules, rows)
    return {
        spec.name: np.array(_with_nan(values[spec.name]), dtype=spec.dtype)
        for spec in contract.inputs
    }


def _inner(
    spec: TensorSpec,
    tensor: TensorRules | None,
    axes: tuple[int | str | None, ...],
    at: tuple[int, ...],
    fraction: float,
) -> Any:
    if not axes:
        return _sample(spec, tensor, at[-1] if at else 0, fraction)
    length = axes[0] if isinstance(axes[0], int) else 1
    if tensor is not None and tensor.columns and len(axes) == 1:
        length = len(tensor.columns)
    return [_inner(spec, tensor, axes[1:], (*at, number), fraction) for number in range(length)]


def _sample(spec: TensorSpec, tensor: TensorRules | None, last: int, fraction: float) -> Any:
    assert spec.dtype is not None  # inputs are always tensors
    rule = FieldRule(spec.name, spec.dtype) if tensor is None else tensor.field_at(last)
    if rule.categories is not None:
        return rule.categories[int(fraction * len(rule.categories)) if fraction != 0.5 else 0]
    if spec.dtype.kind == "O":
        return "" if rule.pattern is None else rule.pattern.example
    if spec.dtype.kind == "b":
        return fraction > 0.5
    low, high = rule.low, rule.high
    if low is None and high is None:
        return 0 if spec.dtype.kind in "iu" else 0.0
    limits = np.finfo(spec.dtype) if spec.dtype.kind == "f" else np.iinfo(spec.dtype)
    smallest, largest = np.array([limits.min, limits.max], dtype=spec.dtype).tolist()
    if low is None:
        low = max(high - max(1, abs(high)), smallest)
    elif high is None:
        high = min(low + max(1, abs(low)), largest)
    value = low * (1 - fraction) + high * fraction
    value = math.floor(value) if spec.dtype.kind in "iu" else in_dtype(value, spec.dtype)
    value = value if rule.low is None else max(value, rule.low)
    return value if rule.high is None else min(value, rule.high)


def _with_nan(values: Any) -> Any:
    if isinstance(values, list):
        return [_with_nan(child) for child in values]
    return math.nan if values is None else values
