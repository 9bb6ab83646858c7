"""Where a project keeps what releases need: specs, records, policy and trusted keys.

Takes the folder of `Pulumi.yaml`, gives paths and what is in them. Must not judge or write.

    specs/*.yaml              one spec a model
    releases/policy.yaml      what each stack demands
    releases/keys/*.pem       public keys that are trusted, by the signer's name
    releases/<stack>/<model>/ records
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from modelway.errors import Problem, PromotionError, SpecError
from modelway.image.extras import read_extras
from modelway.plan import plan_deployment
from modelway.project import PROJECT_FILE, program_folder
from modelway.promotion.apply import POLICY_FILE
from modelway.promotion.ledger import KEYS, RELEASES, Ledger, read_ledger
from modelway.promotion.policy import Policy, read_policy
from modelway.promotion.record import digest
from modelway.promotion.signing import trusted_keys
from modelway.promotion.subject import Subject, subject_of
from modelway.registry.reader import ModelReader, Pins
from modelway.spec import ModelSpec, load_spec
from modelway.spec.load import SCHEME_MARK
from modelway.spec.review import told_once
from modelway.spec.rules import EMULATOR_ENVIRONMENT

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey

SPECS = "specs"
"""The folder of specs, beside the program."""

MANIFEST = "package.json"
"""The manifest of a model package; its digest names the package."""


@dataclass(frozen=True)
class ReleaseFolder:
    """What one project keeps.

    Args:
        project: the folder of `Pulumi.yaml`.
        keys: a folder of trusted keys. Default: `releases/keys` beside the program.
    """

    project: Path
    keys: Path | None = None

    @property
    def program(self) -> Path:
        """The program's folder; without a Pulumi.yaml the given one."""
        if (self.project / PROJECT_FILE).is_file():
            return program_folder(self.project)
        return self.project

    @property
    def releases(self) -> Path:
        """The folder of all records."""
        return self.program / RELEASES

    def policy(self) -> Policy:
        """Read the policy."""
        return read_policy(self.releases / POLICY_FILE)

    def trusted(self) -> "dict[str, EllipticCurvePublicKey]":
        """Read the trusted keys."""
        return trusted_keys(self.keys_folder)

    @property
    def keys_folder(self) -> Path:
        """Where the trusted keys are."""
        return self.keys or self.releases / KEYS

    def ledger(self, stack: str, model: str) -> Ledger:
        """Read the records of one model in one stack."""
        return read_ledger(self.releases, stack, model, self.trusted())

    def spec(self, name: str, file: Path | None = None) -> ModelSpec:
        """Load the spec of this name.

        Args:
            name: the spec's name.
            file: where it is. Default: the one in `specs/` that has the name.

        Raises:
            PromotionError: no spec or several have the name.
        """
        files = [file] if file else sorted((self.program / SPECS).glob("*.yaml"))
        specs = {path: load_spec(path) for path in files}
        found = [spec for spec in specs.values() if spec.name == name]
        if len(found) == 1:
            return found[0]
        there = ", ".join(f"{spec.name} ({path})" for path, spec in specs.items()) or "none"
        raise PromotionError(
            f"looking for the spec of {name}: {'none' if not found else len(found)} has this name. "
            f"Specs in {self.program / SPECS}: {there}. Give the file with --spec."
        )


def subjects_of(
    spec: ModelSpec,
    stacks: Iterable[str],
    reader: ModelReader | None = None,
    pins: Pins | None = None,
) -> dict[str, Subject]:
    """Give what each stack would deploy; a model that several share is read once.

    Args:
        spec: the whole spec, with its environments.
        stacks: their names.
        reader: reads the models. Default: one without a registry.
        pins: what a record says of the spec's models. Default: nothing.

    Raises:
        SpecError: the spec breaks rules in any of these stacks; every problem is told, and where.
        ArtifactError: a model is not what the spec says.
        ModelRegistryError: the registry has not what the spec names, or nobody approved it.
    """
    reader = ModelReader() if reader is None else reader
    pins = Pins() if pins is None else pins
    subjects: dict[str, Subject] = {}
    problems: dict[str, Sequence[Problem]] = {}
    for stack in stacks:
        try:
            merged = spec.for_environment(stack)
            artifact, beside = reader.read(merged, pins)
            extras = read_extras(merged.image)
            plan = plan_deployment(spec, stack, artifact, beside, extras)
            subjects[stack] = subject_of(spec, plan)
        except SpecError as error:
            problems[stack] = error.problems
    if problems:
        raise SpecError(told_once(spec, problems))
    return subjects


def release_stacks(spec: ModelSpec, stack: str, policy: Policy) -> list[str]:
    """Give every stack that a release made for one stack may go to, that one among them."""
    known = {*spec.environments, *policy.stacks} - {EMULATOR_ENVIRONMENT}
    return sorted({*known, stack})


def evidence_subjects(spec: ModelSpec, stack: str, subject: Subject) -> set[str]:
    """Give the digests that evidence may speak of: image, models, and packages they lie in."""
    found = {*subject.models.values(), *([] if subject.image is None else [subject.image])}
    found |= {*subject.packages.values()}
    for _place, model in spec.for_environment(stack).models():
        if model.registry is not None or SCHEME_MARK in model.path:
            continue
        path = Path(model.path)
        manifest = (path if path.is_dir() else path.parent) / MANIFEST
        if manifest.is_file():
            found.add(digest(manifest.read_bytes()))
    return found
