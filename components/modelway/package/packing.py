"""A package as one file: a deterministic `model.tar.gz` that SageMaker's `ModelDataUrl` takes.

Takes a package's folder, or an artifact that was read before, gives an archive. What is packed must
be what was checked.
"""

from pathlib import Path

from modelway.errors import ArtifactError
from modelway.package.archive import (
    BytesMember,
    FileMember,
    Member,
    write_archive,
    write_members,
)
from modelway.package.contents import check_package
from modelway.package.manifest import MANIFEST_NAME
from modelway.plan.model import Artifact


def pack_package(folder: Path, destination: Path) -> None:
    """Pack all files of a package, sorted by path.

    Raises:
        PackageError: the folder is not what its manifest says.
        ArtifactError: the archive cannot be written.
    """
    package = check_package(folder)
    digests = {file.path: file.sha256 for file in package.manifest.files}
    digests[MANIFEST_NAME] = package.digest.removeprefix("sha256:")
    members: list[Member] = [
        FileMember(name, path, digests.get(name)) for name, path in package.files.items()
    ]
    write_members(members, destination, f"the package {folder}")


def pack_artifact(artifact: Artifact, destination: Path) -> None:
    """Pack what is deployed: a model file with what is beside it, or a package without evidence.

    Args:
        artifact: one with a path, as `read_artifact` gave it.
        destination: the archive.

    Raises:
        ArtifactError: it cannot be packed, or was changed since it was read.
    """
    if artifact.path is None:
        raise ArtifactError(f"cannot pack {artifact.uri}: it lies in S3, packed")
    if not artifact.members:
        write_archive(artifact.path, destination, artifact.beside)
        return
    members: list[Member] = [
        FileMember(name, artifact.path / name, sha256) for name, sha256 in artifact.members.items()
    ]
    members += [BytesMember(name, content) for name, content in artifact.beside.items()]
    members.sort(key=lambda member: member.name)
    write_members(members, destination, f"the package {artifact.path}")
