"""Lines of files and folders on this machine, gzipped or not.

Takes a path or an open stream, gives lines. Bytes that are no UTF-8 are replaced, so that one torn
line does not end a reading. Must not know what the lines mean.
"""

import gzip
import io
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from modelway.errors import ExperimentError
from modelway.experiment.line import Line

SUFFIXES = (".jsonl", ".json", ".csv", ".log", ".part", ".ndjson")
"""Of files that are read in a folder, each also with `.gz`. `.part` is what the model server is
still writing."""


def lines_in_files(path: Path) -> Iterator[Line]:
    """Give the lines of a file, or of every file under a folder in the order of names.

    Raises:
        ExperimentError: there is nothing to read, or it cannot be read.
    """
    if path.is_dir():
        files = sorted(
            file
            for file in path.rglob("*")
            if file.name.lower().removesuffix(".gz").endswith(SUFFIXES) and file.is_file()
        )
        if not files:
            raise ExperimentError(
                f"reading {path}: no file in this folder ends with {', '.join(SUFFIXES)} (or these "
                "and .gz); give the folder with the captured files"
            )
    else:
        files = [path]
    for file in files:
        shown = file.relative_to(path).as_posix() if file != path else file.as_posix()
        try:
            with file.open("rb") as stream:
                yield from lines_of(shown, stream, str(file))
        except OSError as error:
            raise ExperimentError(
                f"reading {file}: {error.strerror or error}; give a file or a folder that exists"
            ) from error


def lines_of(path: str, stream: IO[bytes] | Any, where: str) -> Iterator[Line]:
    """Give the lines of one stream.

    Args:
        path: what the lines are marked with; gzip by its name.
        stream: of bytes, anything with `read`.
        where: named in errors.

    Raises:
        ExperimentError: it is not the gzip that its name says, or is cut off.
    """
    opened = gzip.GzipFile(fileobj=stream) if path.lower().endswith(".gz") else stream
    try:
        text = io.TextIOWrapper(io.BufferedReader(_Raw(opened)), "utf-8", errors="replace")
        for number, line in enumerate(text, 1):
            yield Line(path, number, line.rstrip("\n"))
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise ExperimentError(
            f"reading {where}: {error}; it is no whole gzip file, so write it again or take it out"
        ) from error


class _Raw(io.RawIOBase):
    """Bytes of anything with `read`; botocore's bodies are not quite streams."""

    def __init__(self, source: Any) -> None:
        super().__init__()
        self._source = source

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = self._source.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)
