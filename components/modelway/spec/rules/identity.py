"""Rules of names and tags.

Takes the spec of one environment, gives `Problem`s.
"""

import unicodedata
from collections.abc import Iterator

from modelway.errors import Problem
from modelway.naming import (
    ENDPOINT_NAME_LIMIT,
    NAME_PATTERN,
    SAGEMAKER_NAME_LIMIT,
    SUFFIX_LENGTH,
    TAG_PREFIX,
    endpoint_name,
    own_tags,
)
from modelway.spec.model import ModelSpec
from modelway.spec.paths import path_text

TAG_LIMIT = 50
"""Tags of one resource (botocore sagemaker: TagList), modelway's own included."""

TAG_KEY_LIMIT = 128
"""Characters of a tag's key (botocore sagemaker: TagKey)."""

TAG_VALUE_LIMIT = 256
"""Characters of a tag's value (botocore sagemaker: TagValue)."""

TAG_CHARACTERS = "letters, digits, spaces and _ . : / = + - @"
"""What keys and values may hold (botocore sagemaker: TagKey, TagValue)."""

RESERVED_TAG_PREFIXES = ("aws:", TAG_PREFIX)
"""AWS keeps `aws:` for itself in any case of letters (AWS tagging rules); the other one is ours."""


def identity_problems(spec: ModelSpec, environment: str) -> Iterator[Problem]:
    """Check the names that follow from the spec, and the tags."""
    if NAME_PATTERN.match(environment) is None:
        yield Problem(
            path=path_text(("environments", environment)),
            message="cannot be part of an endpoint's name",
            value=environment,
            allowed="letters, digits and hyphens, alphanumeric at both ends",
            source="SageMaker EntityName",
        )
    endpoint = endpoint_name(spec.name, environment)
    if len(endpoint) > ENDPOINT_NAME_LIMIT:
        suffixed = len(endpoint) + SUFFIX_LENGTH
        room = ENDPOINT_NAME_LIMIT - len(environment) - 1
        yield Problem(
            path="name",
            message=(
                f"makes the model name `{endpoint}-<12 digits>` of {suffixed} characters, "
                f"over SageMaker's {SAGEMAKER_NAME_LIMIT}"
            ),
            value=spec.name,
            allowed=f"at most {room} characters with environment `{environment}`",
            source="SageMaker EntityName, ModelName",
        )
    yield from _tag_problems(spec, environment)


def _tag_problems(spec: ModelSpec, environment: str) -> Iterator[Problem]:
    """Check the user's tags, and the version, which becomes one."""
    room = TAG_LIMIT - len(own_tags(spec.name, environment, spec.model.version))
    if len(spec.tags) > room:
        yield Problem(
            path="tags",
            message=f"holds {len(spec.tags)} tags",
            allowed=f"at most {room}, since a resource takes {TAG_LIMIT} with modelway's own",
            source="SageMaker TagList",
        )
    for key, value in spec.tags.items():
        path = path_text(("tags", key))
        if key.lower().startswith(RESERVED_TAG_PREFIXES):
            yield Problem(
                path=path,
                message="has a key with a reserved beginning",
                value=key,
                allowed=f"any but {' and '.join(RESERVED_TAG_PREFIXES)}",
                source="AWS tagging rules",
            )
        if not 1 <= len(key) <= TAG_KEY_LIMIT or not _tag_text(key):
            yield Problem(
                path=path,
                message="has a key that AWS does not take",
                value=key,
                allowed=f"1 to {TAG_KEY_LIMIT} characters of {TAG_CHARACTERS}",
                source="SageMaker TagKey",
            )
        yield from _tag_value_problems(path, value)
    yield from _tag_value_problems("model.version", spec.model.version)


def _tag_value_problems(path: str, value: str) -> Iterator[Problem]:
    """Check one tag's value."""
    if len(value) > TAG_VALUE_LIMIT or not _tag_text(value):
        yield Problem(
            path=path,
            message="has a value that AWS does not take in a tag",
            value=value,
            allowed=f"at most {TAG_VALUE_LIMIT} characters of {TAG_CHARACTERS}",
            source="SageMaker TagValue",
        )


def _tag_text(text: str) -> bool:
    """Tell whether each character is a letter, a separator, a number or an allowed sign."""
    return all(char in "_.:/=+-@" or unicodedata.category(char)[0] in "LZN" for char in text)
