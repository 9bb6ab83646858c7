"""Verify a package: signed by somebody trusted, and nothing else than what was signed.

Takes a folder and trusted public keys, gives a `Verified`, or one `PackageError` that lists every
problem. Reads every file once, in pieces; follows no link; must not load the model.
"""

import os
import stat
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from modelway.errors import PackageError
from modelway.package.contents import differences, hashed, is_detached, is_plain_path
from modelway.package.external_data import external_locations
from modelway.package.keys import TrustedKey, read_trusted_keys
from modelway.package.manifest import (
    MANIFEST_NAME,
    SIGNATURE_NAME,
    Manifest,
    PackagedFile,
    package_digest,
    parse_manifest,
    read_manifest_bytes,
)
from modelway.package.signature import SIGNATURE_LIMIT_BYTES, verify_signature
from modelway.package.unpacking import shown


@dataclass(frozen=True)
class Verified:
    """A package that is what somebody trusted signed."""

    folder: Path
    digest: str
    """`sha256:` and the digest of its manifest."""
    manifest: Manifest
    key: TrustedKey
    """Whose signature it has."""


def verify_package(
    folder: Path, trusted_keys: Sequence[Path], *, name: str | None = None
) -> Verified:
    """Verify a package's folder.

    Args:
        folder: of the package.
        trusted_keys: PEM files of public keys, of which one must have signed.
        name: what messages call the package. Default: its folder.

    Raises:
        PackageError: every problem at once.
    """
    keys = read_trusted_keys(trusted_keys)
    name = str(folder) if name is None else name
    content = read_manifest_bytes(folder)
    problems: list[str] = []
    manifest: Manifest | None = None
    try:
        manifest = parse_manifest(content, name)
    except PackageError as error:
        problems.append(str(error))
    found = _content_files(folder, problems)
    if manifest is not None:
        problems += differences(manifest, found)
        problems += _external_problems(folder, manifest, found)
    key: TrustedKey | None = None
    try:
        signed = verify_signature(_signature(folder), keys)
        key = signed.key
        if manifest is not None:
            problems += _unsigned(content, manifest, signed.sha256)
    except PackageError as error:
        problems.append(str(error))
    if problems or manifest is None or key is None:
        raise PackageError(
            f"the package {name} is refused: {'; '.join(problems)}. Get it again from whoever "
            "signed it"
        )
    return Verified(folder, package_digest(content), manifest, key)


def _content_files(folder: Path, problems: list[str]) -> dict[str, PackagedFile]:
    """Hash the files that a manifest lists, and note what no package holds."""
    found: dict[str, PackagedFile] = {}
    try:
        for path, mode in _walk(folder):
            if not is_plain_path(path):
                problems.append(f"`{shown(path)}` is no name that a package's file has")
            elif stat.S_ISLNK(mode):
                problems.append(f"`{path}` is a symbolic link, and a package holds none")
            elif not stat.S_ISREG(mode):
                problems.append(f"`{path}` is no regular file")
            elif path != MANIFEST_NAME and not is_detached(path):
                found[path] = hashed(path, folder / path)
    except OSError as error:
        problems.append(f"`{error.filename}` cannot be read: {error.strerror}")
    except PackageError as error:
        problems.append(str(error))
    return found


def _walk(folder: Path) -> Iterator[tuple[str, int]]:
    """Give path and mode of everything that is no folder; links are not followed."""
    waiting = [""]
    while waiting:
        prefix = waiting.pop()
        with os.scandir(folder / prefix) as entries:
            for entry in entries:
                path = f"{prefix}{entry.name}"
                if entry.is_dir(follow_symlinks=False):
                    waiting.append(f"{path}/")
                else:
                    yield path, entry.stat(follow_symlinks=False).st_mode


def _external_problems(
    folder: Path, manifest: Manifest, found: Mapping[str, PackagedFile]
) -> Iterator[str]:
    """Say which external data of the model is no file of the package.

    Since a package holds no links, a plain path in the manifest is a file inside the folder.
    """
    listed = {file.path: file for file in manifest.files}
    model = manifest.model.path
    if found.get(model) is None or found[model] != listed.get(model):
        return  # said already, and what it names would be a stranger's
    try:
        locations = external_locations(folder / model)
    except PackageError as error:
        yield str(error)
        return
    for location in sorted(locations):
        if not is_plain_path(location):
            yield f"`{model}` keeps weights in `{shown(location)}`, outside the package"
        elif location not in listed:
            yield f"`{model}` keeps weights in `{shown(location)}`, which is not in the manifest"


def _signature(folder: Path) -> bytes:
    try:
        handle = os.open(folder / SIGNATURE_NAME, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        with os.fdopen(handle, "rb") as file:
            return file.read(SIGNATURE_LIMIT_BYTES + 1)
    except FileNotFoundError:
        raise PackageError(
            f"it is not signed: there is no `{SIGNATURE_NAME}`; sign it with `modelway sign`"
        ) from None
    except OSError as error:
        raise PackageError(f"`{SIGNATURE_NAME}` cannot be read: {error.strerror}") from None


def _unsigned(content: bytes, manifest: Manifest, signed: Mapping[str, str]) -> Iterator[str]:
    """Compare the manifest with what was signed."""
    wanted = {file.path: file.sha256 for file in manifest.files}
    wanted[MANIFEST_NAME] = package_digest(content).removeprefix("sha256:")
    for path in sorted(wanted.keys() | signed.keys()):
        if path not in signed:
            yield f"`{path}` was not signed"
        elif path not in wanted:
            yield f"`{shown(path)}` was signed and is not in the manifest"
        elif wanted[path] != signed[path]:
            yield f"another `{path}` was signed, with the SHA-256 {signed[path]}"
