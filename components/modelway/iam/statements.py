"""IAM documents from statements.

Takes plain values, gives plain dictionaries and JSON text. Pure; must not ask AWS.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

Statement = dict[str, Any]
"""One statement in the grammar of IAM's JSON policies."""


@dataclass(frozen=True)
class Scope:
    """Where ARNs are."""

    account: str
    """12 digits."""
    region: str
    partition: str = "aws"
    """`aws`, `aws-cn` or `aws-us-gov`."""

    def arn(self, service: str, resource: str, *, regional: bool = True) -> str:
        """Give the ARN of a resource of this account."""
        region = self.region if regional else ""
        return f"arn:{self.partition}:{service}:{region}:{self.account}:{resource}"


def allow(
    sid: str,
    actions: Sequence[str],
    resources: Sequence[str],
    condition: dict[str, Any] | None = None,
) -> Statement:
    """Give a statement that allows some actions on some resources."""
    statement: Statement = {
        "Sid": sid,
        "Effect": "Allow",
        "Action": list(actions),
        "Resource": list(resources),
    }
    if condition is not None:
        statement["Condition"] = condition
    return statement


def document(statements: Sequence[Statement]) -> dict[str, Any]:
    """Give a policy document."""
    return {"Version": "2012-10-17", "Statement": list(statements)}


def as_json(statements: Sequence[Statement]) -> str:
    """Give a policy document's text; the same statements always give the same text."""
    return json.dumps(document(statements), separators=(",", ":"))
