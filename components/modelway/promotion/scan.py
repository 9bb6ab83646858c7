"""What ECR's scan found in an image, and whether a stack's policy lets it pass.

Takes findings and a policy, gives one verdict. Pure: the day comes with the findings. A scan that
did not finish, or was never made, does not pass, nor does a severity that nobody has decided.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

from modelway.promotion.gate import Rule
from modelway.promotion.policy import ScanPolicy

ORDER = ("none", "informational", "low", "medium", "high", "critical")
"""Severities of ECR's findings (botocore ecr: FindingSeverity), in lower case, behind "none"."""

FINISHED = frozenset({"COMPLETE", "ACTIVE"})
"""States of a scan whose findings count (botocore ecr: ScanStatus); ACTIVE is Inspector's, which
looks again and again."""

NAME = "scan"
"""Of the rule."""


@dataclass(frozen=True)
class Finding:
    """One vulnerability."""

    name: str
    """Its id, such as `CVE-2026-1234`."""
    severity: str
    """ECR's, such as `HIGH`; what it does not know is above all."""


@dataclass(frozen=True)
class Scan:
    """The scan of one image."""

    status: str
    """ECR's, such as `COMPLETE`."""
    description: str
    findings: tuple[Finding, ...]
    now: datetime
    """By AWS's clock."""


def nowhere() -> Rule:
    """Refuse an image that cannot be asked for: its repository is not known."""
    return Rule(
        NAME,
        False,
        "the spec says how its image is built, so its repository is not known here; once it is "
        "built, name it in the spec as REPOSITORY@sha256:...",
    )


def judge_scan(scan: Scan | None, policy: ScanPolicy) -> Rule:
    """Judge the findings.

    Args:
        scan: None where the image was never scanned.
        policy: of the stack.
    """
    name = NAME
    if scan is None:
        return Rule(name, False, "the image was not scanned; run `aws ecr start-image-scan`")
    if scan.status not in FINISHED:
        why = f": {scan.description}" if scan.description else ""
        return Rule(name, False, f"the scan is {scan.status}{why}")
    today = scan.now.date()
    limit = ORDER.index(policy.highest_severity)
    grave = [each for each in scan.findings if _rank(each.severity) > limit]
    blocking = sorted(
        {
            f"{each.name} ({each.severity}{_expired(each.name, policy.allowed, today)})"
            for each in grave
            if not _allowed(each.name, policy.allowed, today)
        }
    )
    if blocking:
        wanted = f"{policy.highest_severity} is the highest that may pass"
        return Rule(name, False, f"{', '.join(blocking)}; {wanted}")
    let = sorted({each.name for each in grave})
    note = f", allowed: {', '.join(let)}" if let else ""
    return Rule(name, True, f"{len(scan.findings)} findings{note}")


def _rank(severity: str) -> int:
    known = severity.lower()
    return ORDER.index(known) if known in ORDER else len(ORDER)


def _allowed(name: str, allowed: Mapping[str, date], today: date) -> bool:
    return name in allowed and today <= allowed[name]


def _expired(name: str, allowed: Mapping[str, date], today: date) -> str:
    until = allowed.get(name)
    return f", was allowed until {until}" if until is not None and until < today else ""
