"""The serving image's build context and its content hash.

Takes nothing, gives the folder with the Dockerfile and a digest of what an image is built from. The
digest names image tags and, in the emulator, manifests, so a spurious change of it would be a
spurious roll-out in production: it depends on relative paths and bytes only, never on time stamps,
modes or the folder's own place. Must not build anything and must not write.
"""

import hashlib
from collections.abc import Iterator
from pathlib import Path

from modelway.errors import ImageError

PACKAGED = "_serving_image"
"""The folder inside the wheel (pyproject.toml, force-include)."""

NOISE_FOLDERS = frozenset({"__pycache__", "tests", "dist", "build", "venv", "node_modules"})
"""Folders that tools or developers leave in a context and that no image takes."""

NOISE_FILES = frozenset({"pyproject.toml"})
"""Files beside the sources that no image takes: requirements.txt says what is installed."""

NOISE_SUFFIXES = (".pyc", ".pyo", ".egg-info", ".log", ".tmp", ".md", "~")
"""Ends of names of files and folders that no image takes."""


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


def content_hash(directory: Path | None = None) -> str:
    """Give 64 hexadecimal digits that change exactly when what the image is built from changes.

    Args:
        directory: the build context. Default: `serving_image_directory()`.
    """
    root = serving_image_directory() if directory is None else directory
    total = hashlib.sha256()
    for path in sorted(_files(root), key=lambda each: each.relative_to(root).as_posix()):
        name = path.relative_to(root).as_posix().encode()
        content = path.read_bytes()
        # Lengths keep apart what concatenation would join: ("ab", "c") and ("a", "bc").
        total.update(b"%d %d\n" % (len(name), len(content)))
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
