"""Models of a spec, read from files and from a registry alike."""

import pytest

from modelway.errors import ArtifactError, ModelRegistryError
from modelway.package import read_artifact
from modelway.registry import ModelReader, Pins, Status
from modelway.spec import parse_spec
from modelway.spec.model_file import Model


def spec_of(**model):
    return parse_spec({"name": "fraud", "model": model})


def test_a_reference_gives_the_same_artifact_as_the_package_itself(registry, register, package):
    version = register("1")
    told = []

    artifact, beside = ModelReader(lambda: registry, told.append).read(
        spec_of(registry="fraud@approved"), Pins()
    )

    itself = read_artifact(Model(path=str(package("1"))))
    assert (artifact.digest, artifact.content_digest) == (itself.digest, itself.content_digest)
    assert artifact.members == itself.members
    assert artifact.uri is None
    assert beside == {}
    assert told == [f"fraud@approved is version 1, package {version.package}, Approved by lead"]


def test_each_variant_is_pinned_by_itself(registry, register):
    first, second = register("1"), register("2")
    spec = parse_spec(
        {
            "name": "fraud",
            "model": {"registry": "fraud@approved"},
            "shadow": {"model": {"registry": "fraud@approved"}},
        }
    )

    artifact, beside = ModelReader(lambda: registry).read(
        spec, Pins({"primary": first.package, "shadow": second.package})
    )

    assert artifact.digest == first.package
    assert beside["shadow"].digest == second.package


def test_a_spec_may_also_say_which_digest_it_means(registry, register):
    register("1")
    wanted = f"sha256:{'0' * 64}"

    with pytest.raises(ArtifactError, match=f"model.digest is {wanted} in the spec"):
        ModelReader(lambda: registry).read(spec_of(registry="fraud/1", digest=wanted), Pins())


def test_an_unapproved_version_is_refused_before_anything_is_fetched(registry, register):
    register("1", Status.REJECTED)

    with pytest.raises(ModelRegistryError, match="only approved versions are deployed"):
        ModelReader(lambda: registry).read(spec_of(registry="fraud/1"), Pins())

    assert registry.fetched == []


def test_a_spec_of_files_opens_no_registry(package):
    artifact, _beside = ModelReader().read(spec_of(path=str(package("1"))), Pins())

    assert artifact.size_bytes > 0


def test_without_a_registry_a_reference_is_refused():
    with pytest.raises(ModelRegistryError, match="no registry can be read here"):
        ModelReader().read(spec_of(registry="fraud/1"), Pins())
