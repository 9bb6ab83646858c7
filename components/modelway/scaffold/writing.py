"""Files on disk, all or none.

Takes a folder and contents by path. A file that is there with the same content is left, so that an
interrupted run can be repeated; any other file in the way is an error, and then nothing is written.
Must not follow links out of the folder.
"""

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from modelway.errors import ScaffoldError


def write_files(folder: Path, contents: Mapping[str, bytes]) -> list[str]:
    """Write the files that are not there yet.

    Args:
        folder: where they go; made when missing.
        contents: by relative path with `/`.

    Returns:
        The paths that were written.

    Raises:
        ScaffoldError: files are in the way, all of them are told; or one cannot be written.
    """
    in_the_way = sorted({*_in_the_way(folder, contents)})
    if in_the_way:
        listed = "".join(f"\n  {each}" for each in in_the_way)
        raise ScaffoldError(
            f"writing into {folder}: these are in the way, and nothing was written:{listed}\n"
            "Take an empty folder, or move them."
        )
    missing = [path for path in contents if not (folder / path).exists()]
    try:
        _place(folder, {path: contents[path] for path in missing})
    except OSError as error:
        raise ScaffoldError(
            f"writing into {folder}: {error.strerror} ({error.filename}); nothing was written"
        ) from None
    return missing


def _in_the_way(folder: Path, contents: Mapping[str, bytes]) -> Iterator[str]:
    for path, content in contents.items():
        target = folder / path
        inside = [folder / parent for parent in Path(path).parents]
        blocked = [each for each in inside if each.exists() and not each.is_dir()]
        linked = [each for each in inside if each != folder and each.is_symlink()]
        if wrong := [*blocked, *linked]:
            yield wrong[0].relative_to(folder).as_posix()
        elif target.is_symlink() or (target.exists() and not _same(target, content)):
            yield path


def _same(target: Path, content: bytes) -> bool:
    return target.is_file() and target.read_bytes() == content


def _place(folder: Path, contents: Mapping[str, bytes]) -> None:
    """Write into a workshop, then link every file into place; on failure take all away again."""
    made_folders = _make(folder)
    workshop = Path(tempfile.mkdtemp(prefix=".modelway-init-", dir=folder))
    placed: list[Path] = []
    try:
        for number, (path, content) in enumerate(contents.items()):
            part = workshop / str(number)
            part.write_bytes(content)
            target = folder / path
            made_folders += _make(target.parent)
            os.link(part, target)  # fails where something came meanwhile
            placed.append(target)
    except BaseException:
        for target in placed:
            target.unlink(missing_ok=True)
        shutil.rmtree(workshop, ignore_errors=True)
        for made in reversed(made_folders):
            with contextlib.suppress(OSError):
                made.rmdir()
        raise
    shutil.rmtree(workshop)


def _make(folder: Path) -> list[Path]:
    """Make a folder and those above it; give the ones that were made, the outermost first."""
    missing = [each for each in (folder, *folder.parents) if not each.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    return missing[::-1]
