"""What a spec would deploy in one stack, as digests.

Takes a spec and its plan, gives a `Subject`, and the fields in which it differs from a record.
Pure. The same spec has the same digests on every machine: paths and reasons are not part of them.

The digest of the spec covers what its author wrote, before any environment's overrides. Where a
model file lies says nothing about what it is: paths are left out, the digests of the models count.
The digest of the plan covers all that is declared in one stack.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, cast

from modelway.naming import content_hash
from modelway.plan.model import DeploymentPlan
from modelway.promotion.record import ReleaseRecord, canonical_json, digest
from modelway.spec.image import IMAGE_FILES
from modelway.spec.load import PATH_FIELDS, SCHEME_MARK
from modelway.spec.model import ModelSpec

_FILES = {"model": PATH_FIELDS, "image": IMAGE_FILES}
"""Fields that name files, by the part of the spec."""


@dataclass(frozen=True)
class Subject:
    """The digests of what one stack would deploy."""

    image: str | None
    """None where the spec names no image by digest: it is built, or stood in for."""
    models: Mapping[str, str]
    """By variant."""
    spec: str
    plan: str
    packages: Mapping[str, str] = field(default_factory=dict[str, str])
    """By variant; none for a model file."""
    builds: bool = False
    """The spec says how its image is built; a record's digest then is the image, and no build."""


@dataclass(frozen=True)
class Difference:
    """One field in which what would be deployed is not what was recorded."""

    field: str
    recorded: str
    here: str

    def __str__(self) -> str:
        """Give it in words."""
        return f"{self.field}: the record says {self.recorded}, here it is {self.here}"


def subject_of(spec: ModelSpec, plan: DeploymentPlan) -> Subject:
    """Give the digests.

    Args:
        spec: the whole spec, with its environments.
        plan: of the same spec in one stack.
    """
    image = (plan.container.image or "").partition("@")[2]
    builds = plan.container.build is not None
    models = {
        variant: container.artifact.content_digest for variant, container in plan.containers.items()
    }
    packages = {
        variant: container.artifact.digest
        for variant, container in plan.containers.items()
        if container.artifact.members
    }
    return Subject(image or None, models, spec_digest(spec), plan_digest(plan), packages, builds)


def spec_digest(spec: ModelSpec) -> str:
    """Give the digest of what the spec's author wrote, whatever form it was written in."""
    written = spec.model_dump(mode="json", exclude_unset=True)
    return digest(canonical_json(_written(written)))


def plan_digest(plan: DeploymentPlan) -> str:
    """Give the digest of all that is declared; new optional fields that nobody uses change none."""
    declared: dict[str, Any] = {**asdict(plan), "decisions": None}
    declared["containers"] = {
        variant: {
            **asdict(container),
            "artifact": {
                "digest": container.artifact.content_digest,
                "uri": container.artifact.uri,
            },
        }
        for variant, container in plan.containers.items()
    }
    return f"sha256:{content_hash(declared)}"


def differences(record: ReleaseRecord, subject: Subject) -> list[Difference]:
    """Give every field in which a stack would deploy something else than its record.

    The models and the image of a record that goes back are those of the rollback file, not the
    spec's: whoever deploys compares that file's digest.
    """
    found: list[Difference] = []

    def compare(field: str, recorded: str | None, here: str | None) -> None:
        if recorded != here:
            found.append(Difference(field, recorded or "none", here or "none"))

    if record.rollback is None or record.rollback.content is None:
        if not subject.builds:
            compare("image", record.image, subject.image)
        for variant in sorted({*record.models, *subject.models}):
            field = f"models.{variant}"
            compare(field, record.models.get(variant), subject.models.get(variant))
    compare("spec", record.spec, subject.spec)
    compare(f"plans.{record.stack}", record.plans[record.stack], subject.plan)
    return found


def _written(value: object, key: str = "") -> object:
    """Bring a value into the one form that is hashed: no local paths, whole numbers without `.0`.

    Null is kept: in an environment's overrides it takes a value of the base away.
    """
    if isinstance(value, Mapping):
        members = cast("Mapping[str, object]", value)
        return {
            name: _written(member, name)
            for name, member in members.items()
            if not (name in _FILES.get(key, ()) and _is_path(member))
        }
    if isinstance(value, list | tuple):
        return [_written(member) for member in cast("list[object]", value)]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value


def _is_path(value: object) -> bool:
    return isinstance(value, str) and SCHEME_MARK not in value
