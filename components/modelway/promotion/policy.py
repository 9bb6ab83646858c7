"""The policy: what each stack demands before a record is written for it.

Takes `policy.yaml` beside the records, gives frozen values, or one `SpecError` with every problem
and its line. A stack that the file does not name has the defaults. Must not judge anything.

    stacks:
      prod:
        promote_from: staging
        evidence: [tests, parity, rehearsal]
        approvers: [ml-lead@example.com]
        signers: [ci]
        bake_seconds: 3600
        scan:
          highest_severity: medium
          allowed: {CVE-2026-1234: 2026-12-31}
    blocked:
      sha256:...: answers differ for empty fields
"""

from datetime import date
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, StringConstraints, ValidationError

from modelway.errors import SpecError
from modelway.promotion.record import Approver, Digest, Kind
from modelway.spec.part import Name, Part
from modelway.spec.problems import field_problems
from modelway.spec.source import read_source

BAKE = "bake"
"""The kind of evidence that `modelway promote` finds by itself: how the source's endpoint did."""

PROVENANCE = "provenance"
"""The kind of evidence that says who built the image of what; its signature is verified."""


Vulnerability = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9-]+$", max_length=100)]
"""The id of a vulnerability as ECR names it, such as `CVE-2026-1234`."""


class ScanPolicy(Part):
    """What ECR's scan of the image may have found."""

    highest_severity: Literal["none", "informational", "low", "medium", "high", "critical"]
    """The highest that may pass; above it a finding must be allowed by its id."""
    allowed: dict[Vulnerability, date] = Field(default_factory=dict[str, date])
    """Findings that may pass nevertheless, each until the end of a day. Default: none."""


class StackPolicy(Part):
    """What one stack demands."""

    promote_from: Name | None = None
    """The only stack that it takes releases from; with one, `modelway release` is refused. Default:
    any."""
    evidence: tuple[Kind, ...] = ()
    """Kinds of evidence that must be there and have passed. Default: none."""
    builders: tuple[str, ...] = ()
    """Ids of the builders whose provenance counts, where `evidence` asks for `provenance`. Default:
    any whose key is trusted."""
    approvers: tuple[Approver, ...] = ()
    """Who may approve. Default: anybody."""
    signers: tuple[str, ...] = ()
    """Names of the trusted keys that may sign its records. Default: every trusted key."""
    alarms_quiet: bool = True
    """Whether no alarm of the source's endpoint may fire."""
    bake_seconds: int = Field(default=0, ge=0)
    """How long the source must have served the release, without an alarm firing meanwhile where
    `alarms_quiet` is true."""

    scan: ScanPolicy | None = None
    """What the scan of the image may have found, asked of ECR when a record is made. Default: not
    asked."""

    @property
    def watches_bake(self) -> bool:
        """Whether the source must have served the release for a while."""
        return self.bake_seconds > 0 or BAKE in self.evidence


class Policy(Part):
    """What all stacks demand."""

    stacks: dict[Name, StackPolicy] = Field(default_factory=dict)
    """By stack name. Default: every stack has the defaults."""
    blocked: dict[Digest, str] = Field(default_factory=dict)
    """Digests of models, packages and images that no stack may have, each with the reason."""

    def of(self, stack: str) -> StackPolicy:
        """Give what one stack demands."""
        return self.stacks.get(stack, StackPolicy())


def read_policy(path: Path) -> Policy:
    """Read the policy; without a file every stack has the defaults.

    Raises:
        SpecError: the file is no policy, with every problem.
    """
    if not path.exists():
        return Policy()
    source = read_source(path, "release policy")
    try:
        return Policy.model_validate(source.data)
    except ValidationError as error:
        problems = field_problems(Policy, error)
        raise SpecError([source.place(problem) for problem in problems]) from None
