"""A version's package in the user's cache: fetched once, and checked at every use.

Takes a registry and a version, gives a package's folder, or refuses. The archive is unpacked with
limits; package and signature must be those that the registry names, to the byte.
"""

import shutil
import tempfile
from pathlib import Path

from modelway.cache import user_cache
from modelway.errors import ModelRegistryError, PackageError
from modelway.package.contents import check_package
from modelway.package.manifest import SIGNATURE_NAME
from modelway.package.unpacking import open_archive
from modelway.plan.model import Artifact
from modelway.registry.version import Registry, Version


def fetched_package(registry: Registry, version: Version) -> Path:
    """Give the folder of a version's package.

    Raises:
        ModelRegistryError: it cannot be fetched, or it is not what was registered.
    """
    folder = user_cache("packages") / version.content.removeprefix("sha256:")
    if folder.is_dir() and _fault(folder, version) is None:
        return folder
    with tempfile.TemporaryDirectory(prefix="modelway-registry-") as temporary:
        archive, unpacked = Path(temporary) / "model.tar.gz", Path(temporary) / "package"
        registry.fetch(version, archive)
        fault: str | None
        try:
            open_archive(archive, unpacked)
            fault = _fault(unpacked, version)
        except PackageError as error:
            fault = str(error)
        if fault is not None:
            raise ModelRegistryError(
                f"fetching {version.name} from {version.location}: this is not what was "
                f"registered: {fault}. Find out who changed it, and register the package again"
            )
        _keep(unpacked, folder)
    return folder


def _fault(folder: Path, version: Version) -> str | None:
    """Say why a folder is not the version's package, signature included; it is not loaded."""
    try:
        found = check_package(folder)
        signed = SIGNATURE_NAME in found.detached
        beside = {SIGNATURE_NAME: found.files[SIGNATURE_NAME].read_bytes()} if signed else {}
    except (PackageError, OSError) as error:
        return str(error)
    if found.digest != version.package:
        return f"its package is {found.digest}, the registry says {version.package}"
    content = Artifact(found.digest, found.content_size_bytes, beside=beside).content_digest
    if content != version.content:
        return (
            f"its signature is another one: with it the package is {content}, the registry says "
            f"{version.content}"
        )
    return None


def _keep(made: Path, folder: Path) -> None:
    """Put a package where it stays, whole or not at all; what is there is damaged and goes."""
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        beside = Path(tempfile.mkdtemp(dir=folder.parent, prefix=".fetched-"))
        try:
            shutil.move(made, beside / "package")
            if folder.exists():
                folder.rename(beside / "damaged")
            (beside / "package").rename(folder)
        finally:
            shutil.rmtree(beside, ignore_errors=True)
    except OSError as error:
        raise ModelRegistryError(
            f"keeping a package in {folder}: {error}. Make room there, or let XDG_CACHE_HOME name "
            "another folder"
        ) from None
