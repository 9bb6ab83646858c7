"""A build context on disk, as BuildKit would read it.

Takes the folder that a resource names, gives its files and their hash. It must not build anything.
"""

import hashlib
import stat
from collections.abc import Mapping
from pathlib import Path

from modelway.errors import EmulatorError


def context_folder(inputs: Mapping[str, object], directory: Path) -> Path:
    """Give the folder of a build context.

    Args:
        inputs: of the resource.
        directory: of the program, where relative paths begin.

    Raises:
        EmulatorError: the resource names none that is there.
    """
    context = inputs.get("context")
    location = str(context.get("location", "")) if isinstance(context, Mapping) else ""
    folder = directory / location
    if not location or not (folder / "Dockerfile").is_file():
        raise EmulatorError(
            f"context.location: {location!r} is no folder with a Dockerfile below {directory}; the "
            "emulator builds from folders of this machine only"
        )
    return folder


def context_files(folder: Path) -> dict[str, bytes]:
    """Give the files of a build context by their relative paths, in the order of these."""
    found = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(found)}


def context_hash(folder: Path) -> str:
    """Give 64 hexadecimal digits that paths, bytes and modes decide.

    The real provider hashes the same three (pulumi/pulumi-docker-build:
    provider/internal/context.go), so what makes it build again does so here.
    """
    total = hashlib.sha256()
    for name, content in context_files(folder).items():
        mode = stat.filemode((folder / name).stat().st_mode)
        total.update(f"{name} {mode} {len(content)}\n".encode() + content)
    return total.hexdigest()
