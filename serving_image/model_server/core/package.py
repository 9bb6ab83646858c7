"""A model package: a folder whose manifest lists every file, signed where keys are trusted.

Takes a folder and the trusted keys, gives a `Package`, None where the folder is none and need not
be one, or `ModelUnusable` with everything that differs from the manifest. Reads each listed file
once and opens nothing else; links are never followed. Must not load anything.

``package.json`` lists the files with their digests and sizes. Beside them may lie the signature and
``evidence/*.json``, which are not of the manifest and are never opened, but for the signature.
"""

import hashlib
import json
import os
import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from model_server.core.errors import ModelUnusable
from model_server.core.package_signature import (
    MAX_SIGNATURE_BYTES,
    SIGNATURE_FILE,
    Signed,
    read_trusted_keys,
    verify_signature,
)
from model_server.core.stamps import Stamp, stamp_of

MANIFEST_FILE = "package.json"
SCHEMA = "modelway.package/1"
EVIDENCE_FOLDER = "evidence"

MAX_MANIFEST_BYTES = 4 * 2**20
MAX_FILES, MAX_DEPTH = 10_000, 32
"""Files of a package, and folders inside each other."""

MAX_LISTED = 10
"""Problems that a message lists."""

CHUNK_BYTES = 1 << 20

SHA256 = re.compile(r"[0-9a-f]{64}")

Listed = dict[str, tuple[str, int]]
"""Digest and size of files by their paths."""


@dataclass(frozen=True, slots=True)
class Package:
    """A folder that is what its manifest says."""

    digest: str
    """``sha256:`` and the hash of the manifest: the package's name."""

    key_id: str | None
    """Whose signature it has; None: no keys are trusted, and none was looked for."""

    model: Path

    sha256: dict[Path, str]
    """Hexadecimal digest of each file of the manifest; no other file may be opened."""

    stamps: tuple[tuple[Path, Stamp], ...]
    """Of the same files, when they were read."""


def check_package(folder: Path, trusted_keys: str | None) -> Package | None:
    """Compare a folder with its manifest, and its manifest with its signature.

    Args:
        folder: of the model.
        trusted_keys: as `read_trusted_keys` takes them. None: packages need no signature, and a
            folder need not be a package.

    Raises:
        ModelUnusable: it is not what was packaged or signed; a file could not be read.
    """
    if trusted_keys is None and not os.path.lexists(folder / MANIFEST_FILE):
        return None
    # First of all: a server that cannot tell whom to trust says so, whatever the folder holds.
    keys = None if trusted_keys is None else read_trusted_keys(trusted_keys)
    try:
        root = folder.resolve()
        content = _read(root / MANIFEST_FILE, MAX_MANIFEST_BYTES)
        signed = None
        if keys is not None:
            # Nothing of an unsigned package is worth reading.
            signed = verify_signature(_read(root / SIGNATURE_FILE, MAX_SIGNATURE_BYTES), keys)
        model, listed = _listed(content)
        problems = [] if signed is None else [*_unsigned(content, listed, signed)]
        found = _files(root, problems)
        sha256, stamps = _hashed(root, listed, found, problems)
    except OSError as error:
        raise ModelUnusable(f"the model package could not be read: {error.strerror}") from error
    if problems:
        left = len(problems) - MAX_LISTED
        told = "; ".join(problems[:MAX_LISTED]) + (f"; and {left} more" if left > 0 else "")
        raise ModelUnusable(f"the model package is not what was packaged: {told}", problems)
    return Package(
        digest=f"sha256:{hashlib.sha256(content).hexdigest()}",
        key_id=None if signed is None else signed.key_id,
        model=root / model,
        sha256=sha256,
        stamps=tuple(stamps.items()),
    )


def _read(path: Path, limit_bytes: int) -> bytes:
    """Read a small file; a link is not followed, and a pipe not waited for."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    except FileNotFoundError:
        signed = "" if path.name == MANIFEST_FILE else ", so it is not signed"
        raise ModelUnusable(
            f"the model folder has no {path.name}{signed}; with MODEL_SERVER_TRUSTED_KEYS only "
            "signed packages are loaded"
        ) from None
    except NotADirectoryError:
        raise ModelUnusable(
            "the model is a file, and with MODEL_SERVER_TRUSTED_KEYS only signed packages are "
            "loaded, which are folders"
        ) from None
    except OSError as error:
        raise ModelUnusable(f"{path.name} could not be read: {error.strerror}") from error
    with open(descriptor, "rb") as file:  # noqa: PTH123 - of a descriptor
        content = file.read(limit_bytes + 1)
    if len(content) > limit_bytes:
        raise ModelUnusable(f"{path.name} is larger than {limit_bytes} bytes")
    return content


def _listed(content: bytes) -> tuple[str, Listed]:
    """Give the model's path, and what the manifest lists."""
    try:
        manifest = json.loads(content)
        again = json.dumps(manifest, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        # Also refuses keys that stand twice, which readers take for one or the other.
        if again.encode() + b"\n" != content:
            raise ModelUnusable(f"{MANIFEST_FILE} was edited: it is not in canonical form")
        if manifest["schema"] != SCHEMA:
            raise ModelUnusable(f"{MANIFEST_FILE} is not one of {SCHEMA}")
        files: list[Any] = manifest["files"]
        model = manifest["model"]["path"]
        listed = {file["path"]: (file["sha256"], file["size_bytes"]) for file in files}
        well_formed = all(_is_well_formed(*each) for each in listed.items())
        lists_model = model in listed
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise ModelUnusable(f"{MANIFEST_FILE} is no manifest of {SCHEMA}") from error
    if not well_formed or [*listed] != sorted(file["path"] for file in files):
        raise ModelUnusable(
            f"{MANIFEST_FILE} lists a file without digest and size, outside the folder, twice, or "
            "in another order than that of the names"
        )
    if not lists_model or len(listed) > MAX_FILES:
        raise ModelUnusable(f"{MANIFEST_FILE} does not list the model, or over {MAX_FILES} files")
    return model, listed


def _is_well_formed(path: Any, said: tuple[Any, Any]) -> bool:
    sha256, size = said
    pure = PurePosixPath(path)
    plain = str(pure) == path != "." and not pure.is_absolute() and ".." not in pure.parts
    return (
        plain
        and path.isprintable()
        and "\\" not in path
        and path != MANIFEST_FILE
        and not _is_detached(path)
        and SHA256.fullmatch(sha256) is not None
        and type(size) is int
        and size >= 0
    )


def _is_detached(path: str) -> bool:
    pure = PurePosixPath(path)
    return path == SIGNATURE_FILE or (
        pure.parent == PurePosixPath(EVIDENCE_FOLDER) and pure.suffix == ".json"
    )


def _unsigned(content: bytes, listed: Listed, signed: Signed) -> Iterator[str]:
    """Compare the manifest with what was signed."""
    wanted = {path: sha256 for path, (sha256, _) in listed.items()}
    wanted[MANIFEST_FILE] = hashlib.sha256(content).hexdigest()
    for path in sorted(wanted.keys() | signed.sha256.keys()):
        if path not in signed.sha256:
            yield f"{path!r} was not signed"
        elif path not in wanted:
            yield f"{path!r} was signed and is not in the manifest"
        elif wanted[path] != signed.sha256[path]:
            yield f"another {path!r} was signed"


def _files(root: Path, problems: list[str]) -> set[str]:
    """Give the paths of all files but the manifest, signature and evidence."""
    found: set[str] = set()
    waiting = [""]
    while waiting:
        prefix = waiting.pop()
        if prefix.count("/") > MAX_DEPTH or len(found) > MAX_FILES:
            problems.append(f"it has over {MAX_FILES} files, or over {MAX_DEPTH} levels of folders")
            break
        with os.scandir(root / prefix) as entries:
            for entry in entries:
                path = f"{prefix}{entry.name}"
                if entry.is_symlink():
                    problems.append(f"{path[:200]!r} is a link")
                elif entry.is_dir(follow_symlinks=False):
                    waiting.append(f"{path}/")
                elif not entry.is_file(follow_symlinks=False):
                    problems.append(f"{path[:200]!r} is no ordinary file")
                elif path != MANIFEST_FILE and not _is_detached(path):
                    found.add(path)
    return found


def _hashed(
    root: Path, listed: Listed, found: set[str], problems: list[str]
) -> tuple[dict[Path, str], dict[Path, Stamp]]:
    """Hash the files of the manifest, and say how the folder differs from it."""
    problems += [f"{path[:200]!r} is not in the manifest" for path in sorted(found - listed.keys())]
    digests: dict[Path, str] = {}
    stamps: dict[Path, Stamp] = {}
    for path, (sha256, size) in listed.items():
        if path not in found:
            problems.append(f"{path!r} is missing")
            continue
        file = root / path
        descriptor = os.open(file, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
        try:
            status = os.fstat(descriptor)
            if not stat.S_ISREG(status.st_mode) or status.st_size != size:
                problems.append(
                    f"{path!r} has {status.st_size} bytes, and was packaged with {size}"
                )
            elif hash_of(descriptor) != sha256:
                problems.append(f"{path!r} was changed")
        finally:
            os.close(descriptor)
        digests[file], stamps[file] = sha256, stamp_of(status)
    return digests, stamps


def hash_of(descriptor: int) -> str:
    """Give the hexadecimal SHA-256 of an open file."""
    digest = hashlib.sha256()
    position = 0
    while chunk := os.pread(descriptor, CHUNK_BYTES, position):
        position += len(chunk)
        digest.update(chunk)
    return digest.hexdigest()
