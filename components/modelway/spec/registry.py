"""A model's place in a registry: `GROUP/VERSION`, or `GROUP@approved` for the newest approved one.

Takes text, gives a frozen value. Pure: what a reference means now is `modelway.registry`'s.
"""

import re
from dataclasses import dataclass

APPROVED = "approved"
"""Stands for the newest version that somebody approved."""

REFERENCE_PATTERN = r"^[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}(/[1-9][0-9]{0,8}|@approved)$"
"""A group (SageMaker EntityName) with a version, 1 to 999,999,999 (VersionedArnOrName)."""

_REFERENCE = re.compile(REFERENCE_PATTERN)


@dataclass(frozen=True)
class RegistryReference:
    """One version of a group, or the newest approved one."""

    group: str
    version: int | None
    """None: the newest that is approved."""

    def __str__(self) -> str:
        """Give it as a spec has it."""
        return (
            f"{self.group}@{APPROVED}" if self.version is None else f"{self.group}/{self.version}"
        )


def parse_reference(text: str) -> RegistryReference:
    """Read a reference.

    Raises:
        ValueError: the text is none.
    """
    if not _REFERENCE.match(text):
        raise ValueError(f"{text!r} is neither GROUP/VERSION nor GROUP@{APPROVED}")
    group, _, version = text.partition("/")
    if version:
        return RegistryReference(group, int(version))
    return RegistryReference(text.removesuffix(f"@{APPROVED}"), None)
