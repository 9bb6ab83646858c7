"""Look at a package, be it a folder or a `model.tar.gz`: what it says, and whether it is whole.

Takes a path, gives an `Inspection`, or one `PackageError` of all that differs from the manifest.
Nothing is unpacked: members of an archive are read in place. Must not load the model.
"""

import json
import tarfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from modelway.errors import PackageError
from modelway.package.contents import (
    check_package,
    differences,
    hashed_stream,
    is_detached,
    is_plain_path,
    refusal,
)
from modelway.package.manifest import (
    MANIFEST_LIMIT_BYTES,
    MANIFEST_NAME,
    SIGNATURE_NAME,
    Manifest,
    PackagedFile,
    package_digest,
    parse_manifest,
)

MEMBERS_LIMIT = 10_000
"""Greatest number of files in an archive that is looked at."""


@dataclass(frozen=True)
class Inspection:
    """A package that is what its manifest says."""

    digest: str
    manifest: Manifest
    evidence: Mapping[str, Any]
    """What each statement says, by its file's name without `.json`."""
    signed: bool
    """Whether there is a signature; it is not verified here."""


def inspect_package(path: Path) -> Inspection:
    """Read a package.

    Raises:
        PackageError: it is none, or its files are not those of its manifest.
    """
    if path.is_dir():
        package = check_package(path)
        content = package.files[MANIFEST_NAME].read_bytes()
        detached = {name: package.files[name].read_bytes() for name in package.detached}
    elif path.is_file():
        content, detached = _archive(path)
    else:
        raise PackageError(
            f"there is no package {path}; name a package's folder, or its model.tar.gz"
        )
    digest = package_digest(content)
    evidence = {
        name.rpartition("/")[2].removesuffix(".json"): _statement(path, name, said, digest)
        for name, said in sorted(detached.items())
        if name != SIGNATURE_NAME
    }
    manifest = parse_manifest(content, str(path))
    return Inspection(digest, manifest, evidence, SIGNATURE_NAME in detached)


def _statement(path: Path, name: str, content: bytes, digest: str) -> Any:
    """Read one piece of evidence, which must be about this package."""
    try:
        said: object = json.loads(content)
    except (ValueError, RecursionError):
        raise refusal(str(path), [f"`{name}` is no JSON"]) from None
    subject = cast("dict[str, Any]", said).get("subject") if isinstance(said, dict) else None
    if subject != digest:
        raise refusal(str(path), [f"`{name}` is about {subject} and not about {digest}"])
    return said


def _archive(path: Path) -> tuple[bytes, dict[str, bytes]]:
    """Give the manifest and what is detached of an archive whose members are the manifest's."""
    content: bytes | None = None
    detached: dict[str, bytes] = {}
    found: dict[str, PackagedFile] = {}
    problems: list[str] = []
    seen: set[str] = set()
    try:
        with tarfile.open(path, "r:*") as tar:
            for member in tar:
                name = member.name
                if name in seen or len(seen) >= MEMBERS_LIMIT:
                    problems.append(f"{name!a} is there twice, or one member too many")
                    break
                seen.add(name)
                opened = tar.extractfile(member) if member.isfile() else None
                if opened is None or not is_plain_path(name):
                    problems.append(f"{name!a} is no regular file inside the folder")
                elif name == MANIFEST_NAME:
                    content = opened.read(MANIFEST_LIMIT_BYTES + 1)
                elif is_detached(name):
                    detached[name] = opened.read(MANIFEST_LIMIT_BYTES)
                else:
                    found[name] = hashed_stream(name, cast("Any", opened))
    except (tarfile.TarError, OSError, EOFError, zlib.error):
        raise PackageError(
            f"{path} is no package: it is neither a folder nor an archive that can be read; name a "
            "package's folder, or its model.tar.gz"
        ) from None
    if content is None:
        raise PackageError(
            f"the archive {path} is no package: it has no {MANIFEST_NAME}; make one with "
            "`modelway package SOURCE --archive FILE`"
        )
    problems += differences(parse_manifest(content, str(path)), found)
    if problems:
        raise refusal(str(path), problems)
    return content, detached
