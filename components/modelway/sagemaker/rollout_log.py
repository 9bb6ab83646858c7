"""The last rollouts of an endpoint with their outcomes, kept as tags on it.

Takes an endpoint's tags and one more outcome, gives the new tags. Pure.

The engine keeps nothing of an update that failed, SageMaker only the last reason; whoever asks
`modelway status` wants to know what happened. A tag's value holds 256 characters of letters,
digits, spaces and `_.:/=+-@` (SageMaker, Tag).
"""

import re
from collections.abc import Mapping
from datetime import datetime

TAG = "modelway:rollout-"
"""Prefix of the tags; `1` is the newest."""

KEPT = 3

LONGEST = 256

PROMOTED = "promoted"
ROLLED_BACK = "rolled back"
FAILED = "failed"

_REFUSED = re.compile(r"[^\w .:/=+@-]", re.ASCII)


def with_outcome(
    tags: Mapping[str, str], at: datetime, config_name: str, outcome: str, reason: str
) -> dict[str, str]:
    """Give the rollout tags after one more outcome, the newest first.

    Args:
        tags: the endpoint's tags.
        at: when it was known.
        config_name: the configuration that was rolled out.
        outcome: `promoted`, `rolled back` or `failed`.
        reason: SageMaker's own words; may be empty.
    """
    entry = f"{at:%Y-%m-%dT%H:%M:%SZ} {outcome} {config_name} {reason}".strip()
    entry = re.sub(r" +", " ", _REFUSED.sub(" ", entry)).strip()
    if len(entry) > LONGEST:
        entry = entry[:LONGEST].rsplit(" ", 1)[0]
    entries = [entry, *outcomes(tags)][:KEPT]
    return {f"{TAG}{number}": text for number, text in enumerate(entries, 1)}


def outcomes(tags: Mapping[str, str]) -> list[str]:
    """Give the outcomes in words, the newest first."""
    return [tags[name] for number in range(1, KEPT + 1) if (name := f"{TAG}{number}") in tags]


def without(tags: Mapping[str, str]) -> dict[str, str]:
    """Give the tags that are not of this log."""
    return {name: value for name, value in tags.items() if not name.startswith(TAG)}
