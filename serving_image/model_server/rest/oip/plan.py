"""What the protocol needs of a model, worked out once.

Takes a contract, gives its tensors in the protocol's words. Must not know requests.
"""

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from model_server.core.tensors import Contract, TensorSpec
from model_server.rest.oip.datatypes import NAMES

if TYPE_CHECKING:
    from model_server.rest.oip.layout import Layout

KEPT_PLANS = 256
"""Contracts whose plans are kept; far more than models fit in memory."""


@dataclass(frozen=True, slots=True)
class InputPlan:
    """One input."""

    spec: TensorSpec
    dtype: np.dtype[Any]
    datatype: str
    rank: int
    itemsize: int
    """Bytes of one element; 0 for BYTES, whose elements differ."""
    quick: bool
    """Whether simdjson can give its values as one array."""


@dataclass(frozen=True, slots=True)
class Plan:
    """One model."""

    contract: Contract
    inputs: dict[str, InputPlan]
    outputs: dict[str, str]
    """Datatypes by name, of the outputs that are tensors, in the model's order."""
    names: tuple[str, ...]
    """Names of those outputs."""
    quick: bool
    """Whether every input is quick."""
    layouts: "dict[bytes, Layout]" = field(default_factory=dict)
    """JSON parts of binary requests that were read before; see `layout`."""


_plans: dict[int, Plan] = {}


def plan_of(contract: Contract) -> Plan:
    """Give the plan of a contract."""
    # By identity: hashing a contract walks through all of its tensors.
    plan = _plans.get(id(contract))
    if plan is not None and plan.contract is contract:
        return plan
    if len(_plans) >= KEPT_PLANS:
        _plans.clear()
    plan = _plans[id(contract)] = _plan(contract)
    return plan


def _plan(contract: Contract) -> Plan:
    inputs = {spec.name: _input(spec) for spec in contract.inputs}
    outputs = {spec.name: NAMES[spec.dtype] for spec in contract.outputs if spec.dtype is not None}
    return Plan(
        contract=contract,
        inputs=inputs,
        outputs=outputs,
        names=tuple(outputs),
        quick=all(plan.quick for plan in inputs.values()),
    )


def _input(spec: TensorSpec) -> InputPlan:
    assert spec.dtype is not None  # inputs are always tensors
    text = spec.dtype == np.object_
    return InputPlan(
        spec=spec,
        dtype=spec.dtype,
        datatype=NAMES[spec.dtype],
        rank=len(spec.shape),
        itemsize=0 if text else spec.dtype.itemsize,
        quick=spec.dtype.kind in "fiu" and len(spec.shape) > 0,
    )


def elements(shape: list[int]) -> int:
    """Give the number of elements of a shape, exactly: Python's integers do not overflow."""
    return math.prod(shape)
