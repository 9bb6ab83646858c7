"""Physical names, content hashes and tags.

Takes plain values, gives strings. The same content has the same hash on every machine, in every
Python and in every later version of modelway: a changed hash would make a new model and a new
endpoint configuration, which is a production roll-out that nobody asked for. Must not import
anything of modelway but its errors, and must not read clocks, files or the environment.
"""

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from typing import cast

SAGEMAKER_NAME_LIMIT = 63
"""Endpoint, configuration, model and variant names (botocore sagemaker: EntityName, ModelName)."""

IAM_ROLE_NAME_LIMIT = 64
"""Role names (botocore iam: roleNameType)."""

DASHBOARD_NAME_LIMIT = 255
"""CloudWatch dashboard names (CloudWatch PutDashboard)."""

ALARM_NAME_LIMIT = 255
"""CloudWatch alarm names (botocore sagemaker and cloudwatch: AlarmName)."""

SUFFIX_LENGTH = 13
"""A hyphen and 12 hexadecimal digits of a content hash."""

ENDPOINT_NAME_LIMIT = SAGEMAKER_NAME_LIMIT - SUFFIX_LENGTH
"""50: models and configurations are named after the endpoint, plus the suffix."""

NAME_PATTERN = re.compile(r"[a-zA-Z0-9](-*[a-zA-Z0-9])*\Z")
"""Letters, digits and hyphens, alphanumeric at both ends (botocore sagemaker: EntityName)."""

TAG_PREFIX = "modelway:"
"""Keys of modelway's own tags begin so."""

LEASE_NAMESPACE = "modelway/Rollouts"
"""CloudWatch namespace of the metric that vouches for a new fleet. It is ours: nobody but AWS may
write to `AWS/` (CloudWatch PutMetricData)."""


def content_hash(value: object) -> str:
    """Hash a JSON-like value.

    Keys of mappings that are None are left out, so that a new optional field changes no old hash.
    Whole floats count as integers, because the Pulumi engine hands integers back as floats.

    Args:
        value: mappings with string keys, sequences, strings, finite numbers, booleans and None.

    Returns:
        64 lower-case hexadecimal digits (SHA-256 of the canonical JSON).

    Raises:
        TypeError: for any other type of value or key.
        ValueError: for NaN and infinity.
    """
    text = json.dumps(
        _canonical(value),
        sort_keys=True,
        separators=(",", ":"),
        ensure_ascii=True,
        allow_nan=False,
    )
    return hashlib.sha256(text.encode("ascii")).hexdigest()


def content_name(base: str, content: object, limit: int = SAGEMAKER_NAME_LIMIT) -> str:
    """Name something after its content: `<base>-<12 hexadecimal digits>`.

    A base that leaves no room is cut; then the hash covers the whole base too, so that two long
    bases with the same beginning still get two names.

    Args:
        base: letters, digits and hyphens, alphanumeric at both ends.
        content: whatever `content_hash` takes.
        limit: greatest length, at least 14.

    Raises:
        ValueError: when the base has other characters or the limit is below 14.
    """
    if NAME_PATTERN.match(base) is None:
        raise ValueError(
            f"cannot name a resource after {base!r}: use letters, digits and hyphens, "
            "alphanumeric at both ends"
        )
    room = limit - SUFFIX_LENGTH
    if room < 1:
        raise ValueError(f"a name of at most {limit} characters cannot hold a content hash")
    if len(base) <= room:
        return f"{base}-{content_hash(content)[:12]}"
    digest = content_hash({"base": base, "content": content})
    return f"{base[:room].rstrip('-')}-{digest[:12]}"


def endpoint_name(name: str, environment: str) -> str:
    """Give the endpoint's name, `<name>-<environment>`; the spec's rules check its length."""
    return f"{name}-{environment}"


def own_tags(name: str, environment: str, version: str) -> dict[str, str]:
    """Give the tags that modelway puts on every resource of a deployment."""
    return {
        f"{TAG_PREFIX}model": name,
        f"{TAG_PREFIX}environment": environment,
        f"{TAG_PREFIX}model-version": version,
    }


def _canonical(value: object) -> object:
    """Bring a value into the one form that is hashed."""
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return int(value) if value.is_integer() else value
    if isinstance(value, Mapping):
        members: dict[str, object] = {}
        for key, member in cast("Mapping[object, object]", value).items():
            if not isinstance(key, str):
                raise TypeError(f"a hashed mapping has the key {key!r}; only strings are allowed")
            if member is not None:
                members[key] = _canonical(member)
        return members
    if isinstance(value, Sequence) and not isinstance(value, bytes | bytearray | memoryview):
        return [_canonical(member) for member in cast("Sequence[object]", value)]
    kind = type(cast("object", value)).__name__
    raise TypeError(f"cannot hash a value of type {kind}: it is not a JSON value")
