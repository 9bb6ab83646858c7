"""What tells that a file has changed, without reading it.

Takes paths, gives stamps, which are equal while a file is the same. Must not open a file.
"""

import os
from pathlib import Path

Stamp = tuple[int, int, int, int]
"""Device, number, size and time of change."""


def stamp(path: Path) -> Stamp | None:
    """Give the stamp of a file, or of what a link leads to; None where there is none."""
    try:
        return stamp_of(path.stat())
    except OSError:
        return None


def stamp_of(status: os.stat_result) -> Stamp:
    """Give the stamp that a file's status holds."""
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns


def folder_stamp(folder: Path) -> frozenset[tuple[str, Stamp]]:
    """Give what changes when a file of a folder, or one that a link in it leads to, changes."""
    found: set[tuple[str, Stamp]] = set()
    if folder.is_file():
        own = stamp(folder)
        return frozenset() if own is None else frozenset({(folder.name, own)})
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                each = stamp(Path(entry.path))
                if each is not None and not entry.is_dir():
                    found.add((entry.name, each))
    except OSError:
        return frozenset()
    return frozenset(found)
