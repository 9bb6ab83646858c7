"""Names for resources that a program leaves nameless, as the official provider makes them.

Pure: the digits follow from the seed that the engine sends, so that an update that follows a saved
plan gets the names that the plan shows.
"""

import hashlib
from typing import Any

from modelway.emulator.provider.entry import AutoName
from modelway.errors import EmulatorError

_DIGITS = 7
_PREFIX_DIGITS = 26


def automatic_name(rule: AutoName, logical: str, seed: bytes) -> str:
    """Give the physical name of a resource.

    Raises:
        EmulatorError: the name would be longer than AWS takes.
    """
    if not rule.suffix:
        return logical
    stem = f"{logical.lower() if rule.lower else logical}-"
    name = stem + hashlib.sha256(seed).hexdigest()[:_DIGITS]
    if len(name) > rule.limit:
        raise EmulatorError(
            f"naming {logical}: name '{stem}' plus {_DIGITS} random chars is longer than maximum "
            f"length {rule.limit}; give the resource a shorter name or set `{rule.property}`"
        )
    return name if name.startswith(rule.before) else rule.before + name


def prefixed_name(prefix: str, seed: bytes) -> str:
    """Give a name that begins with a program's `namePrefix`, as Terraform makes it."""
    return prefix + hashlib.sha256(seed).hexdigest()[:_PREFIX_DIGITS]


def proposed_name(rule: AutoName, proposed: str, mode: Any) -> str | None:
    """Give the name that the engine's autonaming configuration wants; None for no automatic name.

    Args:
        rule: the type's own rule.
        proposed: the engine's proposal.
        mode: `PROPOSE`, `ENFORCE` or `DISABLE` (pulumi/pulumi: provider.proto, AutonamingOptions).
    """
    if mode == "DISABLE":
        return None
    if mode == "ENFORCE":
        return proposed
    name = (proposed.lower() if rule.lower else proposed)[: rule.limit]
    return name if name.startswith(rule.before) else rule.before + name
