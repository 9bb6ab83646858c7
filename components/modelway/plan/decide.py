"""Say where each number of a plan comes from.

Takes values and reasons, gives `Decision`s. Must not decide anything itself.
"""

from modelway.plan.model import Decision

SPEC_SOURCE = "spec"
"""The user said so."""

DEFAULT_SOURCE = "modelway's default"
"""The user said nothing and nothing had to be worked out."""


def chosen(path: str, value: object, default: object, reason: str) -> Decision:
    """Explain a value taken from the spec, which may be there by default.

    Args:
        path: the plan's field.
        value: what the spec holds.
        default: what the spec holds when the user says nothing.
        reason: why, if it is the default; for other values it is that the spec says so.
    """
    if value == default:
        return Decision(path, value, reason, DEFAULT_SOURCE)
    return Decision(path, value, "as the spec says", SPEC_SOURCE)
