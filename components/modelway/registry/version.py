"""What a model registry is to modelway: groups of numbered versions, each one package.

Values and one protocol; must not know any registry. A version never changes but in its approval.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Protocol

from modelway.package.contents import Package
from modelway.plan.model import Artifact


class Status(StrEnum):
    """Whether a version may be deployed, in SageMaker's words."""

    APPROVED = "Approved"
    REJECTED = "Rejected"
    PENDING = "PendingManualApproval"


@dataclass(frozen=True)
class Version:
    """One version of a group."""

    group: str
    number: int
    status: Status
    package: str
    """`sha256:` and the digest of the package's manifest; empty for a version that modelway did not
    register."""
    content: str
    """`sha256:` and the digest of all that is deployed: the package with its signature."""
    signed_by: str
    """Id of the key that its signature names; empty when it is not signed."""
    location: str
    """Where its archive is, as a URI."""
    registered_at: datetime
    decided_by: str = ""
    """Who approved or rejected it, as the registry knows them; empty while it waits."""
    reason: str = ""
    """What they said."""
    metrics: Mapping[str, str] = field(default_factory=dict[str, str])

    @property
    def name(self) -> str:
        """`GROUP/VERSION`."""
        return f"{self.group}/{self.number}"


@dataclass(frozen=True)
class Candidate:
    """A package that is to become a version."""

    package: Package
    artifact: Artifact
    """The same package, as it is deployed."""
    signed_by: str
    """Id of the key that its signature names; empty when it is not signed."""
    image: str
    """The image that it is to be served by, `REPOSITORY@sha256:...`."""


class Registry(Protocol):
    """One registry. Every method raises `ModelRegistryError` for what it cannot do."""

    def versions(self, group: str) -> Iterator[Version]:
        """Give every version of a group, the newest first."""
        ...

    def find(self, group: str, package: str) -> Version | None:
        """Give the newest version with a package, by its digest."""
        ...

    def version(self, group: str, number: int) -> Version:
        """Give one version."""
        ...

    def register(self, group: str, candidate: Candidate) -> tuple[Version, bool]:
        """Add a version, unless the group has the package; tell whether it is new."""
        ...

    def decide(self, group: str, number: int, status: Status, reason: str) -> Version:
        """Approve or reject a version, in the name of whoever calls."""
        ...

    def fetch(self, version: Version, archive: Path) -> None:
        """Copy a version's archive to a file; whether it is the right one is not looked at."""
        ...
