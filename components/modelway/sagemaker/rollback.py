"""Going back to an earlier version: its content is wanted until the spec moves on.

Takes the endpoint resource's inputs, gives the content that is wanted instead of theirs, if any.
Pure; it must not look at what is live.

A rollback names what it goes back to and what it goes back from. It is bound to the latter: as soon
as the spec wants anything else, which is the next release, the rollback has had its time. So a
release never lands on top of a forgotten pin, and nothing has to be cleaned up.

    {"instead_of": "digits-prod-2f...", "content": {"models": ..., "variants": ...}}

In a stack with release records the newest record says whether a rollback counts, and names nothing
that it goes back from: then the content is wanted as long as it is given.
"""

from collections.abc import Mapping
from typing import Any

CONTENT = ("models", "variants", "shadow_variants", "data_capture", "kms_key_arn")
"""Inputs that a version consists of: all that the names of models and configuration follow from."""


def content_of(inputs: Mapping[str, Any]) -> dict[str, Any]:
    """Give the content of a version that these inputs describe."""
    return {key: inputs[key] for key in CONTENT if inputs.get(key) is not None}


def earlier_content(inputs: Mapping[str, Any], config_name: str) -> dict[str, Any] | None:
    """Give the content that replaces the inputs' own; None when there is no rollback to obey.

    Args:
        inputs: the endpoint resource's inputs, with a `rollback` or without.
        config_name: the configuration that the inputs' own content leads to.
    """
    rollback = inputs.get("rollback")
    if not rollback or rollback.get("instead_of") not in (None, config_name):
        return None
    content: Mapping[str, Any] = rollback["content"]
    return {key: content.get(key) for key in CONTENT}
