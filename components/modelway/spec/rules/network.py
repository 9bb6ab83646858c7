"""Rules of the network and of encryption.

Takes the spec of one environment, gives `Problem`s.
"""

import re
from collections.abc import Iterator, Sequence

from modelway.errors import Problem
from modelway.spec.model import ModelSpec
from modelway.spec.paths import path_text

SUBNET_LIMIT = 16
"""Subnets of a model (botocore sagemaker: Subnets)."""

SECURITY_GROUP_LIMIT = 5
"""Security groups of a model (botocore sagemaker: VpcSecurityGroupIds)."""

_SUBNET = re.compile(r"subnet-[0-9a-f]{8,17}\Z")
_SECURITY_GROUP = re.compile(r"sg-[0-9a-f]{8,17}\Z")
_KEY_ARN = re.compile(r"arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key/[A-Za-z0-9-]+\Z")
_SOURCE = "SageMaker VpcConfig"


def network_problems(spec: ModelSpec) -> Iterator[Problem]:
    """Check that subnets and security groups come together and exist in form, then the key."""
    subnets, groups = spec.network.subnet_ids, spec.network.security_group_ids
    if subnets and not groups:
        yield _missing("security_group_ids", "with subnets", SECURITY_GROUP_LIMIT)
    if groups and not subnets:
        yield _missing("subnet_ids", "with security groups", SUBNET_LIMIT)
    yield from _identifiers(
        "subnet_ids", subnets, SUBNET_LIMIT, _SUBNET, "subnet-0123456789abcdef0"
    )
    yield from _identifiers(
        "security_group_ids", groups, SECURITY_GROUP_LIMIT, _SECURITY_GROUP, "sg-0123456789abcdef0"
    )
    key = spec.encryption.kms_key_arn
    if key is not None and _KEY_ARN.match(key) is None:
        yield Problem(
            path="encryption.kms_key_arn",
            message="is not the ARN of a key; an alias is not enough, since policies name the key",
            value=key,
            allowed="arn:aws:kms:REGION:ACCOUNT:key/ID",
            source="KMS key ARNs",
        )


def _missing(field: str, when: str, limit: int) -> Problem:
    """Make the problem of one list without the other."""
    return Problem(
        path=f"network.{field}",
        message=f"is missing: {when} SageMaker needs it too",
        allowed=f"1 to {limit}",
        source=_SOURCE,
    )


def _identifiers(
    field: str, values: Sequence[str], limit: int, pattern: re.Pattern[str], example: str
) -> Iterator[Problem]:
    """Check number, form and uniqueness of identifiers."""
    if len(values) > limit:
        yield Problem(
            path=f"network.{field}",
            message=f"holds {len(values)} entries",
            allowed=f"1 to {limit}",
            source=_SOURCE,
        )
    for index, value in enumerate(values):
        path = path_text(("network", field, index))
        if pattern.match(value) is None:
            yield Problem(path, "is not an identifier of that kind", value, example, _SOURCE)
        elif value in values[:index]:
            yield Problem(path, "is listed twice", value, "each one once", _SOURCE)
