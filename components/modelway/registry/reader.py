"""The models of a spec, wherever they are: in files, in S3 or in a registry.

Takes a spec of one environment, gives artifacts as the plan wants them. Must not know which
registry it reads.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from modelway.errors import ModelRegistryError
from modelway.package import read_artifact
from modelway.plan.model import Artifact
from modelway.registry.fetch import fetched_package
from modelway.registry.resolve import resolve
from modelway.registry.version import Registry
from modelway.spec.model import ModelSpec
from modelway.spec.model_file import Model
from modelway.spec.registry import parse_reference
from modelway.spec.rules.variants import CHAMPION


@dataclass(frozen=True)
class Pins:
    """What a stack's release record says of the spec's models."""

    packages: Mapping[str, str] = field(default_factory=dict[str, str])
    """Digest of each package, by variant. Empty where there is no record."""
    deployed: bool = True
    """False where the stack goes back to something else: then nobody need have approved these."""


@dataclass
class ModelReader:
    """Reads each model once.

    Args:
        open_registry: gives the registry, as soon as a model is in one. Default: there is none.
        tell: is told which version a reference stands for.
    """

    open_registry: Callable[[], Registry] | None = None
    tell: Callable[[str], None] = lambda _said: None
    _known: dict[tuple[str, str | None], Artifact] = field(
        default_factory=dict[tuple[str, str | None], Artifact]
    )

    def read(self, spec: ModelSpec, pins: Pins) -> tuple[Artifact, dict[str, Artifact]]:
        """Read the champion's model, and each of those beside it by variant name.

        Args:
            spec: of one environment.
            pins: of the stack's release record.

        Raises:
            ArtifactError: a model is not what the spec says.
            ModelRegistryError: the registry has not what the spec names, nobody approved it, or its
                archive is not what was registered.
        """
        beside = {each.name: self._read(each.model, each.name, pins) for each in spec.beside}
        return self._read(spec.model, CHAMPION, pins), beside

    def _read(self, model: Model, variant: str, pins: Pins) -> Artifact:
        pinned = pins.packages.get(variant)
        key = (model.model_dump_json(), pinned)
        if key not in self._known:
            self._known[key] = (
                read_artifact(model)
                if model.registry is None
                else self._from_registry(model, model.registry, pinned, deployed=pins.deployed)
            )
        return self._known[key]

    def _from_registry(
        self, model: Model, registry: str, pinned: str | None, *, deployed: bool
    ) -> Artifact:
        if self.open_registry is None:
            raise ModelRegistryError(
                f"resolving {registry}: no registry can be read here; give `model.path`"
            )
        opened = self.open_registry()
        version = resolve(opened, parse_reference(registry), pinned, deployed=deployed)
        folder = fetched_package(opened, version)
        by = f" by {version.decided_by}" if version.decided_by else ""
        self.tell(
            f"{registry} is version {version.number}, package {version.package}, "
            f"{version.status}{by}"
        )
        return read_artifact(model.model_copy(update={"path": str(folder), "registry": None}))
