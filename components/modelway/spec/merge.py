"""Merge an environment's overrides over the base of a spec.

Takes and gives plain mappings as YAML has them. Mappings merge, everything else replaces, and null
replaces too. Must not validate anything.
"""

from collections.abc import Mapping
from typing import Any, cast


def merge(base: Mapping[str, Any], overrides: Mapping[str, Any]) -> dict[str, Any]:
    """Give a new mapping: `base` with `overrides` laid over it; neither is changed."""
    result = dict(base)
    for key, override in overrides.items():
        current = result.get(key)
        if isinstance(current, Mapping) and isinstance(override, Mapping):
            result[key] = merge(
                cast("Mapping[str, Any]", current), cast("Mapping[str, Any]", override)
            )
        else:
            result[key] = override
    return result
