"""Write `model.tar.gz` so that its bytes depend on the members' bytes alone.

Takes a model file with small files beside it, or all files of a package, and gives an archive. The
tar headers and the gzip frame are written by hand: Python's tarfile differs between versions, and
zlib's output differs between builds. Stored blocks (RFC 1951, 3.2.4) need no compressor; weights
hardly shrink anyway.
"""

import hashlib
import os
import struct
import tempfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from modelway.errors import ArtifactError

MEMBER_NAME = "model.onnx"
"""The model's name in the archive, where the model server looks for it."""

MEMBER_LIMIT_BYTES = 8**11 - 1
"""Greatest member of a plain ustar archive: 11 octal digits (POSIX.1-1988)."""

MEMBER_NAME_LIMIT = 100
"""Longest name in the one field that is used for it (POSIX.1-1988), in ASCII."""

STORED_BLOCK_BYTES = 65_535
"""Greatest stored block (RFC 1951, 3.2.4)."""

_TAR_BLOCK = 512
_TAR_RECORD = 20 * _TAR_BLOCK
_GZIP_HEADER = bytes((0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 255))
"""Deflate, no name, no time, unknown system (RFC 1952, 2.3)."""


@dataclass(frozen=True)
class FileMember:
    """A member whose content is read from a file while it is packed."""

    name: str
    path: Path
    sha256: str | None = None
    """What the content must be, hexadecimal; None to take what is there."""


@dataclass(frozen=True)
class BytesMember:
    """A member whose content is at hand."""

    name: str
    content: bytes


Member = FileMember | BytesMember


def write_archive(
    model_path: Path, destination: Path, beside: Mapping[str, bytes] | None = None
) -> None:
    """Pack a model file; `destination` appears whole or not at all, replacing what was there.

    Args:
        model_path: the file.
        destination: the archive.
        beside: contents of other members by name, up to 100 ASCII characters. Default: none.

    Raises:
        ArtifactError: the model cannot be read, changes while it is read, or is over 8 GiB.
    """
    members: list[Member] = [BytesMember(*item) for item in sorted((beside or {}).items())]
    members.append(FileMember(MEMBER_NAME, model_path))
    write_members(members, destination, f"the model file {model_path}")


def write_members(members: Sequence[Member], destination: Path, what: str) -> None:
    """Pack members in the order given; `destination` appears whole or not at all.

    Args:
        members: with different names.
        destination: the archive; one that is there is replaced.
        what: is packed, for messages.

    Raises:
        ArtifactError: a file cannot be read, changes while it is read, is not what its digest says
            or is over 8 GiB, or a name does not fit.
    """
    try:
        sizes = [_size(member, what) for member in members]
        destination.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=destination.parent, prefix=f".{destination.name}-")
    except OSError as error:
        raise ArtifactError(f"cannot pack {what}: {error.strerror}") from None
    try:
        with os.fdopen(handle, "wb") as file:
            file.writelines(_gzip(_tar(members, sizes, what)))
        Path(temporary).chmod(0o644)
        Path(temporary).replace(destination)
    except OSError as error:
        Path(temporary).unlink(missing_ok=True)
        raise ArtifactError(f"cannot pack {what} into {destination}: {error.strerror}") from None
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def _size(member: Member, what: str) -> int:
    """Give a member's size, once it is sure that it and its name fit."""
    if not member.name.isascii() or len(member.name) > MEMBER_NAME_LIMIT:
        raise ArtifactError(
            f"cannot pack {what}: the name `{member.name}` is not ASCII or longer than the "
            f"{MEMBER_NAME_LIMIT} characters that a tar member's name has; rename the file"
        )
    if isinstance(member, BytesMember):
        return len(member.content)
    size_bytes = member.path.stat().st_size
    if size_bytes > MEMBER_LIMIT_BYTES:
        raise ArtifactError(
            f"cannot pack {what}: {size_bytes} bytes are more than the {MEMBER_LIMIT_BYTES} that a "
            "tar member holds"
        )
    return size_bytes


def _tar(members: Sequence[Member], sizes: Sequence[int], what: str) -> Iterator[bytes]:
    """Give the archive in pieces: headers, contents, and zeros up to a whole record."""
    used = 0
    for member, size_bytes in zip(members, sizes, strict=True):
        yield _tar_header(member.name, size_bytes)
        yield from _content(member, size_bytes, what)
        padding = -size_bytes % _TAR_BLOCK
        yield bytes(padding)
        used += _TAR_BLOCK + size_bytes + padding
    # Two blocks of zeros end an archive; tar itself fills up to a record of 20 blocks.
    end = -(-(used + 2 * _TAR_BLOCK) // _TAR_RECORD) * _TAR_RECORD
    yield bytes(end - used)


def _content(member: Member, size_bytes: int, what: str) -> Iterator[bytes]:
    """Give a member's bytes, and make sure at the end that they are those that were announced."""
    if isinstance(member, BytesMember):
        yield member.content
        return
    read, sha = 0, hashlib.sha256()
    with member.path.open("rb") as file:
        while chunk := file.read(1024 * 1024):
            read += len(chunk)
            if member.sha256 is not None:
                sha.update(chunk)
            yield chunk
    if read != size_bytes or (member.sha256 is not None and sha.hexdigest() != member.sha256):
        raise ArtifactError(f"{what} changed while it was packed; wait until it is written")


def _tar_header(name: str, size_bytes: int) -> bytes:
    """Give the ustar header of a member: mode 0644, owner 0, time 0."""
    fields = (
        name.encode("ascii").ljust(100, b"\0"),
        b"0000644\0",
        b"0000000\0",
        b"0000000\0",
        f"{size_bytes:011o}\0".encode(),
        b"00000000000\0",
        b" " * 8,  # the checksum's own place counts as spaces
        b"0",
        bytes(100),
        b"ustar\x0000",
        bytes(32),
        bytes(32),
        b"0000000\0",
        b"0000000\0",
        bytes(155),
        bytes(12),
    )
    header = b"".join(fields)
    checksum = f"{sum(header):06o}\0 ".encode()
    return header[:148] + checksum + header[156:]


def _gzip(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """Frame bytes as gzip with stored blocks only."""
    yield _GZIP_HEADER
    checksum, size = 0, 0
    pending = b""
    for piece in pieces:
        checksum = zlib.crc32(piece, checksum)
        size += len(piece)
        pending += piece
        start = 0
        while len(pending) - start > STORED_BLOCK_BYTES:
            yield _stored(pending[start : start + STORED_BLOCK_BYTES], last=False)
            start += STORED_BLOCK_BYTES
        pending = pending[start:]
    yield _stored(pending, last=True)
    yield struct.pack("<II", checksum, size & 0xFFFFFFFF)


def _stored(block: bytes, *, last: bool) -> bytes:
    """Frame one stored block."""
    return struct.pack("<BHH", int(last), len(block), len(block) ^ 0xFFFF) + block
