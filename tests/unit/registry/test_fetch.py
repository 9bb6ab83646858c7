"""A version's package on this machine is what was registered, to the byte."""

import gzip
import shutil
from pathlib import Path

import pytest

from modelway.errors import ModelRegistryError
from modelway.package.contents import check_package
from modelway.registry.fetch import fetched_package


def test_a_package_is_fetched_once(registry, register):
    version = register("1")

    folder = fetched_package(registry, version)

    assert check_package(folder).digest == version.package
    assert fetched_package(registry, version) == folder
    assert registry.fetched == ["fraud/1"]


def test_a_damaged_package_in_the_cache_is_fetched_again(registry, register):
    version = register("1")
    folder = fetched_package(registry, version)
    (folder / "model.onnx").write_bytes(b"something else")

    assert check_package(fetched_package(registry, version)).digest == version.package
    assert registry.fetched == ["fraud/1", "fraud/1"]


def test_one_changed_byte_of_the_archive_is_refused_and_nothing_is_kept(registry, register, cache):
    version = register("1")
    archive = Path(version.location)
    content = bytearray(gzip.decompress(archive.read_bytes()))
    content[content.index(b"Identity")] ^= 1
    archive.write_bytes(gzip.compress(bytes(content)))

    with pytest.raises(ModelRegistryError) as refused:
        fetched_package(registry, version)

    assert "fetching fraud/1 from" in str(refused.value)
    assert "`model.onnx` was changed" in str(refused.value)
    assert not any((cache / "packages").glob("*"))


def test_another_package_in_its_place_is_refused(registry, register):
    first, second = register("1"), register("2")
    shutil.copyfile(second.location, first.location)

    with pytest.raises(ModelRegistryError, match=f"its package is {second.package}"):
        fetched_package(registry, first)


def test_the_same_package_with_another_signature_is_refused(registry, register):
    version = register("1")
    folder = fetched_package(registry, version)
    (folder / "model.sig").write_bytes(b"{}")
    changed = registry.folder / "changed.tar.gz"
    from modelway.package.packing import pack_package

    pack_package(folder, changed)
    shutil.copyfile(changed, version.location)

    with pytest.raises(ModelRegistryError, match="its signature is another one"):
        fetched_package(registry, version)


def test_what_is_no_archive_is_refused(registry, register):
    version = register("1")
    Path(version.location).write_bytes(b"this is no archive")

    with pytest.raises(ModelRegistryError, match="is not what was registered"):
        fetched_package(registry, version)
