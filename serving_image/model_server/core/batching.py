"""Several requests as one input, and its outputs apart again.

Takes requests of one model, gives arrays joined along the first axis and, after the run, each
request's own part. Must not run anything and must not decide which requests belong together
beyond `group_of`.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from model_server.core.inference import InferenceRequest, Outputs
from model_server.core.tensors import Array, Contract

Group = tuple[object, ...]


class Joiner:
    """How requests of one model are joined."""

    def __init__(self, contract: Contract, padding: Mapping[str, float]) -> None:
        # Padding an axis that an output has too would give its caller more than was asked for.
        cut = any(not isinstance(axis, int) for spec in contract.outputs for axis in spec.shape[1:])
        self._padding = {} if cut else dict(padding)
        self._free = [
            spec.name
            for spec in contract.inputs
            if any(not isinstance(axis, int) for axis in spec.shape[1:])
            and spec.name not in self._padding
        ]
        self._padded = [spec.name for spec in contract.inputs if spec.name in self._padding]

    def group_of(self, request: InferenceRequest) -> Group:
        """Give what requests must have in common to be joined."""
        if not self._free:
            return request.outputs
        inputs = request.inputs
        return (request.outputs, *[inputs[name].shape[1:] for name in self._free])

    def join(self, requests: Sequence[InferenceRequest]) -> dict[str, Array]:
        """Give one input for all of them, in their order."""
        first = requests[0].inputs
        joined = {}
        for name in first:
            parts = [request.inputs[name] for request in requests]
            if name in self._padded:
                parts = _padded(parts, self._padding[name])
            joined[name] = np.concatenate(parts)
        return joined


def _padded(parts: list[Array], value: float) -> list[Array]:
    longest = [max(lengths) for lengths in zip(*(part.shape[1:] for part in parts), strict=True)]
    return [
        part
        if list(part.shape[1:]) == longest
        else np.pad(
            part,
            [(0, 0), *((0, to - has) for to, has in zip(longest, part.shape[1:], strict=True))],
            constant_values=part.dtype.type(value),
        )
        for part in parts
    ]


def split(outputs: Outputs, requests: Sequence[InferenceRequest]) -> list[Outputs]:
    """Give each request its own rows of a joined run's outputs."""
    found: list[Outputs] = []
    start = 0
    items = list(outputs.items())
    for request in requests:
        end = start + request.rows
        found.append({name: value[start:end] for name, value in items})
        start = end
    return found
