"""A registry in memory, and small packages to put into it."""

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

import onnx
import pytest
from onnx import TensorProto, helper

from modelway.errors import ModelRegistryError
from modelway.package import pack_artifact
from modelway.package.assemble import make_package
from modelway.package.manifest import RegisteredModel
from modelway.package.request import PackageRequest
from modelway.registry.candidate import read_candidate
from modelway.registry.version import Candidate, Status, Version

IMAGE = f"models@sha256:{'1' * 64}"


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache of each test's own, so that every package is fetched."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache/modelway"


@dataclass
class MemoryRegistry:
    """One group, `fraud`, whose archives are files of a folder."""

    folder: Path
    kept: list[Version] = field(default_factory=list)
    fetched: list[str] = field(default_factory=list)

    def versions(self, group: str) -> Iterator[Version]:
        assert group == "fraud"
        yield from reversed(self.kept)

    def find(self, group: str, package: str) -> Version | None:
        return next((each for each in self.versions(group) if each.package == package), None)

    def version(self, group: str, number: int) -> Version:
        found = [each for each in self.versions(group) if each.number == number]
        if not found:
            raise ModelRegistryError(f"{group} has no version {number}")
        return found[0]

    def register(self, group: str, candidate: Candidate) -> tuple[Version, bool]:
        number = len(self.kept) + 1
        archive = self.folder / f"{number}.tar.gz"
        pack_artifact(candidate.artifact, archive)
        version = Version(
            group=group,
            number=number,
            status=Status.PENDING,
            package=candidate.package.digest,
            content=candidate.artifact.content_digest,
            signed_by=candidate.signed_by,
            location=str(archive),
            registered_at=datetime(2026, 11, 1, tzinfo=UTC),
        )
        self.kept.append(version)
        return version, True

    def decide(self, group: str, number: int, status: Status, reason: str) -> Version:
        decided = replace(
            self.version(group, number), status=status, decided_by="lead", reason=reason
        )
        self.kept[number - 1] = decided
        return decided

    def fetch(self, version: Version, archive: Path) -> None:
        self.fetched.append(version.name)
        shutil.copyfile(version.location, archive)


@pytest.fixture
def package(tmp_path: Path) -> Callable[[str], Path]:
    """Make a package of an ONNX file; another version label is another package."""

    def make(version: str = "1") -> Path:
        graph = helper.make_graph(
            [helper.make_node("Identity", ["pixels"], ["scores"])],
            "identity",
            [helper.make_tensor_value_info("pixels", TensorProto.FLOAT, ("batch", 4))],
            [helper.make_tensor_value_info("scores", TensorProto.FLOAT, ("batch", 4))],
        )
        opsets = [helper.make_opsetid("", 17)]
        source = tmp_path / "fraud.onnx"
        onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=8), source)
        request = PackageRequest(
            source=source,
            name="fraud",
            version=version,
            metrics={"auc": 0.93},
            licence="Apache-2.0",
            training_job="job-7",
            registered=RegisteredModel(registry="mlflow", name="risk", version="3"),
        )
        folder = tmp_path / f"fraud-{version}"
        return make_package(request, folder, replace=False).folder

    return make


@pytest.fixture
def registry(tmp_path: Path) -> MemoryRegistry:
    """An empty registry."""
    (tmp_path / "registry").mkdir()
    return MemoryRegistry(tmp_path / "registry")


@pytest.fixture
def register(registry: MemoryRegistry, package: Callable[[str], Path]) -> Callable[..., Version]:
    """Make a package, register it and decide about it."""

    def make(label: str, status: Status | None = Status.APPROVED) -> Version:
        version, _new = registry.register("fraud", read_candidate(package(label), IMAGE))
        if status is not None:
            version = registry.decide("fraud", version.number, status, "because")
        return version

    return make
