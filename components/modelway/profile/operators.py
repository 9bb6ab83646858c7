"""Read the profile that onnxruntime writes.

Takes its events, gives the time of each operator. Pure.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from modelway.profile.measurement import OperatorTime

KERNEL = "_kernel_time"
"""The end of the name of an event that is a node's own work."""


def operator_times(events: Sequence[Mapping[str, Any]], runs: int) -> tuple[OperatorTime, ...]:
    """Add up the nodes of each operator.

    Args:
        events: of the file, in its order.
        runs: that were profiled.
    """
    spent: dict[str, float] = defaultdict(float)
    nodes: dict[str, set[str]] = defaultdict(set)
    for event in events:
        name = str(event.get("name", ""))
        if event.get("cat") == "Node" and name.endswith(KERNEL):
            operator = str(event.get("args", {}).get("op_name", "unknown"))
            spent[operator] += float(event.get("dur", 0))
            nodes[operator].add(name)
    whole = sum(spent.values()) or 1.0
    return tuple(
        OperatorTime(name, spent[name] / whole, len(nodes[name]), spent[name] / max(runs, 1))
        for name in sorted(spent, key=lambda each: (-spent[each], each))
    )
