"""The files of a package, compared with its manifest.

Takes a folder, gives its manifest, digest and files, or one `PackageError` that lists everything
that differs: changed, missing and additional files, links. Only hashes files; must not load the
model, and must not check signatures.
"""

import hashlib
import os
import stat
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from modelway.errors import PackageError
from modelway.package.manifest import (
    EVIDENCE_FOLDER,
    MANIFEST_NAME,
    SIGNATURE_NAME,
    Manifest,
    PackagedFile,
    package_digest,
    parse_manifest,
    read_manifest_bytes,
)

CHUNK_BYTES = 1024 * 1024
"""Read at once, so that a large model does not fill the memory."""


@dataclass(frozen=True)
class Package:
    """A package whose files are those of its manifest."""

    folder: Path
    digest: str
    """`sha256:` and the digest of its manifest."""
    manifest: Manifest
    detached: tuple[str, ...]
    """Paths of evidence and signature, as far as there are any."""

    @property
    def files(self) -> dict[str, Path]:
        """Every file by its path in the package: the manifest, content, evidence, signature."""
        names = (MANIFEST_NAME, *(file.path for file in self.manifest.files), *self.detached)
        return {name: self.folder / name for name in sorted(names)}

    @property
    def content_size_bytes(self) -> int:
        """Of the files that the manifest lists."""
        return sum(file.size_bytes for file in self.manifest.files)


def check_package(folder: Path) -> Package:
    """Compare a folder with its manifest.

    Raises:
        PackageError: every difference at once.
    """
    content = read_manifest_bytes(folder)
    manifest = parse_manifest(content, str(folder))
    problems: list[str] = []
    found: dict[str, PackagedFile] = {}
    detached: list[str] = []
    try:
        for path, entry in _walk(folder):
            problem = _problem(path, entry)
            if problem is not None:
                problems.append(problem)
            elif is_detached(path):
                detached.append(path)
            elif path != MANIFEST_NAME:
                found[path] = hashed(path, folder / path)
    except OSError as error:
        raise PackageError(f"the package {folder} cannot be read: {error}") from None
    problems += differences(manifest, found)
    if problems:
        raise refusal(str(folder), problems)
    return Package(folder, package_digest(content), manifest, tuple(sorted(detached)))


def differences(manifest: Manifest, found: Mapping[str, PackagedFile]) -> list[str]:
    """Compare content files with what the manifest says.

    Args:
        manifest: of the package.
        found: its content files by path, without manifest, evidence and signature.
    """
    problems: list[str] = []
    listed = {file.path: file for file in manifest.files}
    problems += listing_problems(manifest)
    for path, wanted in listed.items():
        file = found.get(path)
        if file is None:
            problems.append(f"`{path}` is missing")
        elif file.size_bytes != wanted.size_bytes:
            problems.append(
                f"`{path}` has {file.size_bytes} bytes and the manifest says {wanted.size_bytes}"
            )
        elif file.sha256 != wanted.sha256:
            problems.append(
                f"`{path}` was changed: its SHA-256 is {file.sha256} and the manifest says "
                f"{wanted.sha256}"
            )
    additional = sorted(set(found) - set(listed))
    problems += [f"`{path}` is not in the manifest" for path in additional]
    return problems


def listing_problems(manifest: Manifest) -> list[str]:
    """Say what is wrong with the manifest's own list of files."""
    paths = [file.path for file in manifest.files]
    problems = [f"the manifest lists {path!a}, which {why}" for path, why in _bad_paths(paths)]
    if paths != sorted(set(paths)):
        problems.append("the manifest's files are not sorted, or one is there twice")
    if manifest.model.path not in paths:
        problems.append(f"the manifest does not list the model itself, `{manifest.model.path}`")
    return problems


def is_plain_path(path: str) -> bool:
    """Tell whether a path is relative, without `..` and spelt in the one way."""
    pure = PurePosixPath(path)
    plain = str(pure) == path and path not in ("", ".") and not pure.is_absolute()
    return plain and ".." not in pure.parts and "\\" not in path and path.isprintable()


def is_detached(path: str) -> bool:
    """Tell whether a file is the signature or a piece of evidence."""
    pure = PurePosixPath(path)
    return path == SIGNATURE_NAME or (
        pure.parent == PurePosixPath(EVIDENCE_FOLDER) and pure.suffix == ".json"
    )


def hashed(path: str, file: Path) -> PackagedFile:
    """Describe one file as a manifest does.

    Raises:
        PackageError: it cannot be read.
    """
    try:
        handle = os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        with os.fdopen(handle, "rb") as opened:
            return hashed_stream(path, opened)
    except OSError as error:
        raise PackageError(
            f"the file {file} of a package cannot be read: {error.strerror}"
        ) from None


def hashed_stream(path: str, opened: BinaryIO) -> PackagedFile:
    """Describe what is read from an open file."""
    sha, size_bytes = hashlib.sha256(), 0
    while chunk := opened.read(CHUNK_BYTES):
        sha.update(chunk)
        size_bytes += len(chunk)
    return PackagedFile(path=path, sha256=sha.hexdigest(), size_bytes=size_bytes)


def refusal(where: str, problems: Iterable[str]) -> PackageError:
    """Make one error of all that differs."""
    return PackageError(
        f"the package {where} is not what its manifest says: {'; '.join(problems)}. Make the "
        "package again with `modelway package`, or fetch it again"
    )


def _problem(path: str, entry: os.DirEntry[str]) -> str | None:
    """Say why an entry of the folder is no file that a package may have."""
    mode = entry.stat(follow_symlinks=False).st_mode
    if not is_plain_path(path):
        return f"{path!a} is no name that a package's file has"
    if stat.S_ISLNK(mode):
        return f"`{path}` is a symbolic link, and a package holds none"
    return None if stat.S_ISREG(mode) else f"`{path}` is no regular file"


def _bad_paths(paths: Iterable[str]) -> Iterator[tuple[str, str]]:
    for path in paths:
        if not is_plain_path(path):
            yield path, "is no plain path inside the folder"
        elif path == MANIFEST_NAME or is_detached(path):
            yield path, "is the manifest, evidence or the signature"


def _walk(folder: Path) -> Iterator[tuple[str, os.DirEntry[str]]]:
    """Give every entry that is no folder, by its path in the package; links are not followed."""
    waiting = [""]
    while waiting:
        prefix = waiting.pop()
        with os.scandir(folder / prefix) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    waiting.append(f"{prefix}{entry.name}/")
                else:
                    yield f"{prefix}{entry.name}", entry
