"""The serving image's build context and its content hash.

Takes nothing, gives the folder with the Dockerfile and a digest of what is in it. The digest names
image tags and, in the emulator, manifests, so a spurious change of it would be a spurious roll-out
in production: it depends on relative paths, bytes and the executable bit only, never on time
stamps, other modes or the folder's own place. Must not build anything and must not write.
"""

import hashlib
import stat
from collections.abc import Iterator
from pathlib import Path

from modelway.errors import ImageError

REQUIREMENTS = {"cpu": "requirements.txt", "cuda": "requirements-cuda.txt"}
"""The locked packages of each variant of the image."""

PACKAGED = "_serving_image"
"""The folder inside the wheel (pyproject.toml, force-include)."""

NOISE_FOLDERS = frozenset({"__pycache__", "tests", "dist", "build", "venv", "node_modules"})
"""Folders that tools or developers leave in a context and that no image takes."""

NOISE_FILES = frozenset({"pyproject.toml"})
"""Files beside the sources that no image takes: requirements.txt says what is installed."""

NOISE_SUFFIXES = (".pyc", ".pyo", ".egg-info", ".log", ".tmp", ".md", "~")
"""Ends of names of files and folders that no image takes."""

_BASE_ARGUMENT = "ARG BASE_IMAGE="


def serving_image_directory() -> Path:
    """Give the build context: the copy in the installed package, or the one in the repository.

    Raises:
        ImageError: neither is there.
    """
    package = Path(__file__).resolve().parents[1]
    packaged = package / PACKAGED
    if (packaged / "requirements.txt").is_file():
        return packaged
    repository = package.parents[1] / "serving_image"
    if (repository / "requirements.txt").is_file():
        return repository
    raise ImageError(
        "finding the serving image's sources: they are neither in the installed package "
        f"({packaged}) nor in a repository around it ({repository}); install modelway again"
    )


def server_requirements(variant: str) -> Path:
    """Give the file of the model server's own locked packages.

    Args:
        variant: `cpu` or `cuda`.
    """
    return serving_image_directory() / REQUIREMENTS[variant]


def context_files(directory: Path | None = None) -> dict[str, Path]:
    """Give what an image is built from: files by their relative paths, in the order of these."""
    root = serving_image_directory() if directory is None else directory
    found = {path.relative_to(root).as_posix(): path for path in _files(root)}
    return dict(sorted(found.items()))


def is_executable(path: Path) -> bool:
    """Tell whether its owner may run a file."""
    return bool(path.stat().st_mode & stat.S_IXUSR)


def content_hash(directory: Path | None = None) -> str:
    """Give 64 hexadecimal digits that change exactly when what is in the build context changes.

    Args:
        directory: the build context. Default: `serving_image_directory()`.
    """
    total = hashlib.sha256()
    for relative, path in context_files(directory).items():
        name, content = relative.encode(), path.read_bytes()
        kind = b" x" if is_executable(path) else b""
        # Lengths keep apart what concatenation would join: ("ab", "c") and ("a", "bc").
        total.update(b"%d %d%b\n" % (len(name), len(content), kind))
        total.update(name)
        total.update(content)
    return total.hexdigest()


def _files(folder: Path) -> Iterator[Path]:
    for path in folder.iterdir():
        # Names with a leading dot are editors', tools' and version control's own, and
        # .dockerignore only says what this function leaves out too.
        if path.name.startswith(".") or path.name.endswith(NOISE_SUFFIXES):
            continue
        if path.is_dir():
            if path.name not in NOISE_FOLDERS:
                yield from _files(path)
        elif path.is_file() and path.name not in NOISE_FILES:
            yield path


def default_base_image(directory: Path | None = None) -> str:
    """Give the base image that the Dockerfile names, with its digest.

    Args:
        directory: the build context. Default: `serving_image_directory()`.

    Raises:
        ImageError: the Dockerfile names none.
    """
    root = serving_image_directory() if directory is None else directory
    for line in (root / "Dockerfile").read_text(encoding="utf-8").splitlines():
        if line.startswith(_BASE_ARGUMENT):
            return line.removeprefix(_BASE_ARGUMENT).strip()
    raise ImageError(f"reading {root / 'Dockerfile'}: it has no line `{_BASE_ARGUMENT}...`")
