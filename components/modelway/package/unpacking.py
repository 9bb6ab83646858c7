"""Unpack a `model.tar.gz` into a folder, or refuse it.

Takes an archive that nobody vouches for yet and a folder that is not there, which appears whole or
not at all. The archive is read with a reader of its own and not with `tarfile`: it takes plain
ustar alone, as `modelway package` writes it, so that there is no extension to be led astray by.
Must not look into what the members hold.

Refused, all at once as far as the archive can be read:

- names that are absolute, hold `..`, a backslash or control characters, or are spelt oddly
- links, devices, pipes, sparse files, and extended headers, which rename what follows them
- two members of one name, or one that is a file here and a folder there
- more bytes or members than an archive of that size can honestly hold
- a wrong checksum, an archive that ends early, and anything behind its end
"""

import os
import shutil
import tempfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from modelway.errors import PackageError
from modelway.package.contents import is_plain_path

MEMBERS_LIMIT = 10_000
"""Greatest number of members, folders included."""

PROBLEMS_LIMIT = 50
"""Problems that one message lists; what has more is not worth reading on."""

EXPANSION_LIMIT = 20
"""Bytes that one byte of the archive may become: trained weights hardly shrink, text about
tenfold, and a decompression bomb a thousandfold."""

EXPANSION_ALLOWANCE_BYTES = 64 * 1024**2
"""Bytes that every archive may become, however small it is."""

_BLOCK = 512
_CHUNK_BYTES = 1024 * 1024
_GZIP = 16 + zlib.MAX_WBITS
_FILE, _FOLDER = (b"0", b"\0"), b"5"
_KINDS = {
    b"1": "a hard link",
    b"2": "a symbolic link",
    b"3": "a device",
    b"4": "a device",
    b"6": "a named pipe",
    b"S": "a sparse file",
    b"L": "an extended header (GNU)",
    b"K": "an extended header (GNU)",
    b"g": "an extended header (PAX)",
    b"x": "an extended header (PAX)",
}


def open_archive(archive: Path, folder: Path, limit_bytes: int | None = None) -> None:
    """Unpack an archive.

    Args:
        archive: a gzipped tar archive.
        folder: where its members go; it must not be there, or be empty.
        limit_bytes: greatest size of all that comes out. Default: 64 MiB and 20 times the
            archive's own size.

    Raises:
        PackageError: with everything that is wrong with the archive; then nothing is written.
    """
    if folder.is_symlink() or (folder.exists() and not _is_empty_folder(folder)):
        raise PackageError(
            f"the archive {archive} cannot be unpacked into {folder}, which is there already; "
            "name a folder that is not"
        )
    partial: Path | None = None
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        partial = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}-"))
        with archive.open("rb") as file:
            size_bytes = os.fstat(file.fileno()).st_size
            allowed = EXPANSION_ALLOWANCE_BYTES + EXPANSION_LIMIT * size_bytes
            _Unpacking(file, partial, allowed if limit_bytes is None else limit_bytes).run(archive)
        partial.chmod(0o755)
        partial.rename(folder)
    except OSError as error:
        raise PackageError(
            f"the archive {archive} cannot be unpacked into {folder}: {error.strerror}"
        ) from None
    finally:
        if partial is not None and partial.exists():
            shutil.rmtree(partial, ignore_errors=True)


def _is_empty_folder(folder: Path) -> bool:
    return folder.is_dir() and not any(folder.iterdir())


class _Unreadable(Exception):  # noqa: N818 - a state of the archive
    """What follows in the archive cannot be told; the message says why."""


class _Unpacking:
    """One archive on its way into a folder that nobody else knows."""

    def __init__(self, file: BinaryIO, folder: Path, limit_bytes: int) -> None:
        self._stream = _Decompressed(file, limit_bytes)
        self._folder = folder
        self._problems: list[str] = []
        self._names: set[str] = set()

    def run(self, archive: Path) -> None:
        """Unpack every member, or say what is wrong with all of them."""
        try:
            self._members()
        except _Unreadable as error:
            self._problems.append(str(error))
        if self._problems:
            raise PackageError(
                f"the archive {archive} is refused: {'; '.join(self._problems)}. Get it again, or "
                "make it with `modelway package SOURCE --archive FILE`"
            )

    def _members(self) -> None:
        for number, header in enumerate(self._headers()):
            if len(self._problems) >= PROBLEMS_LIMIT:
                raise _Unreadable("and more")
            if number >= MEMBERS_LIMIT:
                raise _Unreadable(f"it has more than {MEMBERS_LIMIT} members")
            self._member(header)
        if not self._names and not self._problems:
            raise _Unreadable("it has no files")

    def _headers(self) -> Iterator[bytes]:
        """Give each member's header, up to the end of the archive."""
        while True:
            header = self._stream.read(_BLOCK)
            if not any(header):
                break
            yield header
        if any(self._stream.read(_BLOCK)):
            raise _Unreadable("its end is damaged")
        self._stream.check_end()

    def _member(self, header: bytes) -> None:
        """Write one member, or note why not and step over it."""
        if header[257:265] not in (b"ustar\x0000", b"ustar  \0"):
            raise _Unreadable("it is no tar archive, or one of another kind than ustar")
        checksum = sum(header[:148]) + sum(header[156:]) + 8 * ord(" ")
        if _octal(header[148:156]) != checksum:
            raise _Unreadable("a header's checksum is wrong")
        size_bytes, kind = _octal(header[124:136]), header[156:157]
        name = _name(header)
        problem = self._problem(name, kind, size_bytes)
        if problem is not None:
            self._problems.append(f"the member `{shown(name)}` {problem}")
        elif kind in _FILE:
            self._names.add(name)
            # Once something is wrong, the rest is read only to say what else is.
            if not self._problems:
                self._write(name, size_bytes)
                return
        for _ in self._stream.pieces(size_bytes):
            pass

    def _problem(self, name: str, kind: bytes, size_bytes: int) -> str | None:
        if kind not in (*_FILE, _FOLDER):
            return f"is {_KINDS.get(kind, 'of an unknown kind')}; a package has files alone"
        if kind == _FOLDER:
            plain = name == "." or is_plain_path(name.removesuffix("/"))
            return None if plain and size_bytes == 0 else "is no folder inside the package"
        if not is_plain_path(name):
            return "is no plain path inside the package"
        if name in self._names:
            return "is there twice"
        return None

    def _write(self, name: str, size_bytes: int) -> None:
        path = self._folder / name
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            # Refuses what is there, also in another spelling that the file system takes for it.
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o644)
        except (FileExistsError, NotADirectoryError):
            raise _Unreadable(
                f"the member `{shown(name)}` collides with another of the same name"
            ) from None
        with os.fdopen(handle, "wb") as file:
            for piece in self._stream.pieces(size_bytes):
                file.write(piece)


class _Decompressed:
    """The bytes inside gzip, never more than allowed and never many at a time."""

    def __init__(self, file: BinaryIO, limit_bytes: int) -> None:
        self._file = file
        self._left = limit_bytes
        self._limit_bytes = limit_bytes
        self._gzip = zlib.decompressobj(_GZIP)
        self._pending = b""

    def read(self, count: int) -> bytes:
        """Give exactly so many bytes."""
        return b"".join(self._some(count))

    def pieces(self, size_bytes: int) -> Iterator[bytes]:
        """Give a member's content; what fills its last block is read and dropped."""
        # Before anything is written: what is announced counts as well.
        if size_bytes > self._left:
            raise self._too_large()
        yield from self._some(size_bytes)
        self.read(-size_bytes % _BLOCK)

    def check_end(self) -> None:
        """Make sure that nothing but zeros, and then nothing at all, follows."""
        while piece := self._next(_CHUNK_BYTES):
            if any(piece):
                raise _Unreadable("it has data behind its end")
        if not self._gzip.eof:
            raise _Unreadable("it ends early")
        if self._gzip.unused_data or self._file.read(1):
            raise _Unreadable("it has data behind its end")

    def _some(self, count: int) -> Iterator[bytes]:
        while count > 0:
            piece = self._next(min(count, _CHUNK_BYTES))
            if not piece:
                raise _Unreadable("it ends early")
            count -= len(piece)
            yield piece

    def _next(self, count: int) -> bytes:
        """Give up to so many bytes; none at the end."""
        try:
            while not self._gzip.eof:
                given = self._pending or self._file.read(_CHUNK_BYTES)
                piece = self._gzip.decompress(given, count)
                self._pending = self._gzip.unconsumed_tail
                if piece:
                    self._left -= len(piece)
                    if self._left < 0:
                        raise self._too_large()
                    return piece
                if not given:
                    break
        except zlib.error:
            raise _Unreadable("it is no gzip file, or a damaged one") from None
        return b""

    def _too_large(self) -> _Unreadable:
        return _Unreadable(
            f"unpacked it has more than the {self._limit_bytes} bytes that are allowed for an "
            "archive of its size"
        )


def shown(name: str) -> str:
    """Give a stranger's name for a message: printable, and not endless."""
    text = name.encode("unicode_escape").decode()
    return text if len(text) <= 100 else f"{text[:100]}..."  # noqa: PLR2004 - as it says


def _name(header: bytes) -> str:
    """Give a member's name; what is no UTF-8 becomes one that is not plain."""
    name = header[:100].split(b"\0")[0]
    if header[257:263] == b"ustar\0" and header[345]:
        name = header[345:500].split(b"\0")[0] + b"/" + name
    text = name.decode(errors="backslashreplace")
    # `tar -C folder -cz .` begins every name like this.
    return text.removeprefix("./") or "."


def _octal(field: bytes) -> int:
    digits = field.rstrip(b" \0").lstrip(b" ")
    # Not int() alone, which takes signs, underscores and more spaces.
    if not digits or not set(digits) <= set(b"01234567"):
        raise _Unreadable("a header holds a number that is none")
    return int(digits, 8)
