"""The members of a small ZIP archive, within bounds.

Takes a whole archive, gives each member's name and bytes, or `InvalidInput`. Memory is bounded by
the caller before anything is inflated: what an archive says of itself is checked, never believed.
Must not know what members mean, and writes nothing to disk.

It is our own because the standard library's reader goes through as many entries as an archive
has, whatever the caller wants of it, and copies members that are not even compressed. Format:
https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT (6.3.10), without encryption, split
archives and ZIP64, which ``numpy.savez`` needs from 4 GiB on.
"""

import struct
import zlib

from model_server.core.errors import InvalidInput

END = struct.Struct("<4s4H2LH")
ENTRY = struct.Struct("<4s6H3L5H2L")
LOCAL = struct.Struct("<4s5H3L2H")
END_MAGIC, ENTRY_MAGIC, LOCAL_MAGIC = b"PK\x05\x06", b"PK\x01\x02", b"PK\x03\x04"
STORED, DEFLATED = 0, 8
ENCRYPTED = 1


def read_members(body: bytes, most: int, limit_bytes: int) -> dict[str, memoryview]:
    """Read every member.

    Args:
        body: the archive.
        most: members that it may have.
        limit_bytes: bytes that all members together may have, inflated.

    Raises:
        InvalidInput: it is no such archive, or goes beyond a bound.
    """
    try:
        return _read(memoryview(body), most, limit_bytes)
    except (struct.error, zlib.error) as error:
        raise InvalidInput("the body is a damaged ZIP archive") from error


def _read(body: memoryview, most: int, limit_bytes: int) -> dict[str, memoryview]:
    # An archive's own comment would stand behind its end; numpy writes none.
    if len(body) < END.size or body[-END.size :][:4] != END_MAGIC:
        raise InvalidInput("the body is no ZIP archive, or has something behind its end")
    end = END.unpack(body[-END.size :])
    count, position = end[4], end[6]
    if count > most:
        raise InvalidInput(f"the archive has {count} members; {most} are the most of use here")
    members: dict[str, memoryview] = {}
    for _ in range(count):
        entry = ENTRY.unpack_from(body, position)
        magic, _, _, flags, method = entry[:5]
        crc, packed_size, size, name_length, extra_length, comment_length = entry[7:13]
        start = entry[16]
        if magic != ENTRY_MAGIC:
            raise InvalidInput("the body is a damaged ZIP archive")
        name = _name(body[position + ENTRY.size :][:name_length])
        position += ENTRY.size + name_length + extra_length + comment_length
        if name in members:
            raise InvalidInput(f"the archive has two members {name!r}")
        if flags & ENCRYPTED or method not in (STORED, DEFLATED):
            raise InvalidInput(f"the archive's member {name!r} is encrypted or packed unusually")
        limit_bytes -= size
        if limit_bytes < 0:
            raise InvalidInput("the archive's members are too large when inflated")
        packed = _packed(body, start, packed_size)
        data = packed if method == STORED else _inflated(packed, size)
        if len(data) != size or zlib.crc32(data) != crc:
            raise InvalidInput(f"the archive's member {name!r} is damaged")
        members[name] = data
    return members


def _name(raw: memoryview) -> str:
    # Names of ZIP are CP437 or UTF-8; names of a model's tensors that differ in them are rare.
    return str(raw, "utf-8", "replace")


def _packed(body: memoryview, start: int, size: int) -> memoryview:
    """Give a member's bytes as they stand in the archive."""
    local = LOCAL.unpack_from(body, start)
    if local[0] != LOCAL_MAGIC:
        raise InvalidInput("the body is a damaged ZIP archive")
    # Sizes here may be those of ZIP64, which numpy asks for in advance; the directory has them.
    begin = start + LOCAL.size + local[9] + local[10]
    data = body[begin : begin + size]
    if len(data) != size:
        raise InvalidInput("the body is a damaged ZIP archive")
    return data


def _inflated(packed: memoryview, size: int) -> memoryview:
    """Inflate a member to the size that it has, and not a byte further than shows that it lies."""
    return memoryview(zlib.decompressobj(-zlib.MAX_WBITS).decompress(packed, size + 1))
