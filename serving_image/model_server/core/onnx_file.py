"""What an ONNX file refers to outside itself, read without an ONNX library.

Takes an open file, gives the external data it names, and whether it embeds engines or loops. Must
not follow any of it, and must not hold more of the file in memory than a window, or one node of
64 MiB.

An ONNX file is one protobuf message. Weights may lie in other files, which tensors name under
``external_data``; that name has been the way out of the model folder in CVE-2022-25882,
CVE-2024-27318, CVE-2024-5187, CVE-2025-51480 and CVE-2026-27489. onnxruntime refuses names that
leave the folder as well (1.24 and 1.32 were tried), but takes hard links and what a NUL byte hides,
and its message shows where the file is. So names are read here, before onnxruntime sees the file.

`SCHEMA` is every way from a model to a tensor, as of ONNX 1.23; a test compares it with the
official descriptors. protobuf merges a message that is given twice, so every occurrence is read,
and an entry counts whether or not its tensor says that its data is external.
"""

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass

MODEL, TRAINING, FUNCTION, GRAPH, NODE, ATTRIBUTE, SPARSE, TENSOR, ENTRY = range(9)

SCHEMA: tuple[dict[int, int], ...] = (
    {7: GRAPH, 20: TRAINING, 25: FUNCTION},
    {1: GRAPH, 2: GRAPH},
    {7: NODE, 11: ATTRIBUTE},
    {1: NODE, 5: TENSOR, 15: SPARSE},
    {5: ATTRIBUTE},
    {5: TENSOR, 6: GRAPH, 10: TENSOR, 11: GRAPH, 22: SPARSE, 23: SPARSE},
    {1: TENSOR, 2: TENSOR},
    {13: ENTRY},
    {},
)
"""For each kind of message, the fields that lead to a tensor, and the kind that is there."""

OPERATOR_FIELD = 4
"""NodeProto.op_type."""

MAX_DEPTH = 100
"""Messages inside each other: protobuf's own limit for parsers, which onnxruntime keeps."""

MAX_FIELDS = 10_000_000
"""Fields read in one file at most, some seconds of work; lists of numbers count as one field."""

MAX_TEXT_BYTES = 4096
"""Longest name of a file: PATH_MAX of Linux."""

WINDOW_BYTES = 1 << 20

LOOPS = (b"Loop", b"Scan")
"""Operators that run their graph as often as their input says."""

NEEDLES = (b"location", b"EPContext", *(bytes((0x22, len(name))) + name for name in LOOPS))
"""A node without these bytes holds no external data, no engine and no loop: texts are stored as
they are in protobuf, those of `OPERATOR_FIELD` behind its tag and their length. So most nodes are
searched, in C, and not walked."""

MAX_SEARCHED_BYTES = 64 * 2**20
"""A larger node is walked, not read into memory."""

# An attribute of a tree model holds a million numbers, each with its own tag: skipped in C.
_NUMBERS = re.compile(rb"(?:\x3d.{4})++|(?:\x40[\x80-\xff]{0,9}+[\x00-\x7f])++", re.DOTALL)


class Malformed(Exception):
    """The file is no ONNX model; the message says why."""


@dataclass(frozen=True, slots=True)
class Reference:
    """One ``external_data`` of one tensor, as it stands in the file."""

    location: bytes | None
    offset: bytes | None = None
    length: bytes | None = None


@dataclass(frozen=True, slots=True)
class Contents:
    """What a file refers to."""

    references: frozenset[Reference]

    engines: bool
    """Whether it holds nodes with a precompiled engine, as accelerators' compilers make."""

    loops: bool
    """Whether it holds operators of `LOOPS`."""


def read_contents(descriptor: int, size_bytes: int) -> Contents:
    """Walk a file.

    Raises:
        Malformed: it is no ONNX model, is damaged, or has too many parts to walk.
    """
    return _Walk(descriptor, size_bytes).contents()


class _Walk:
    """One pass over a file through a window."""

    def __init__(self, descriptor: int, size_bytes: int) -> None:
        self._descriptor = descriptor
        self._size_bytes = size_bytes
        self._window = b""
        self._window_start = 0
        self._fields = 0
        self._graphs = 0

    def contents(self) -> Contents:
        references: set[Reference] = set()
        engines = loops = False
        for kind, number, start, stop in self._values():
            if SCHEMA[kind].get(number) == TENSOR:
                references.update(self._references(start, stop))
            elif kind == NODE and number == OPERATOR_FIELD:
                operator = self._bytes(start, stop)
                engines = engines or operator == b"EPContext"
                loops = loops or operator in LOOPS
        if not self._graphs:
            raise Malformed("it holds no graph")
        return Contents(frozenset(references), engines, loops)

    def _values(self) -> Iterator[tuple[int, int, int, int]]:
        """Give the tensors and other values with a length: in what, which field, from, to."""
        kind, position, end = MODEL, 0, self._size_bytes
        outer: list[tuple[int, int, int]] = []
        while position < end or outer:
            if position >= end:
                kind, position, end = outer.pop()
                continue
            if kind == ATTRIBUTE and (after := self._after_numbers(position, end)) > position:
                position = after
                continue
            number, wire, start, position = self.field(position, end)
            inner = SCHEMA[kind].get(number) if wire == 2 else None
            if inner is None or inner == TENSOR:
                if wire == 2:
                    yield kind, number, start, position
                continue
            if inner == NODE and not self._needs_walk(start, position):
                continue
            self._graphs += inner == GRAPH and position > start
            if len(outer) >= MAX_DEPTH:
                raise Malformed(f"its messages are nested deeper than {MAX_DEPTH} levels")
            outer.append((kind, position, end))
            kind, position, end = inner, start, position

    def _needs_walk(self, start: int, stop: int) -> bool:
        if stop - start > MAX_SEARCHED_BYTES:
            return True
        offset = start - self._window_start
        if offset >= 0 and stop - self._window_start <= len(self._window):
            data = self._window[offset : stop - self._window_start]
        else:
            data = os.pread(self._descriptor, stop - start, start)
        return any(needle in data for needle in NEEDLES)

    def field(self, position: int, end: int) -> tuple[int, int, int, int]:
        """Give a field's number and wire type, and where its value starts and stops."""
        self._fields += 1
        if self._fields > MAX_FIELDS:
            raise Malformed(f"it has more than {MAX_FIELDS} fields")
        tag, start = self._varint(position, end)
        number, wire = tag >> 3, tag & 7
        if wire == 2:
            length, start = self._varint(start, end)
            stop = start + length
        elif wire == 0:
            _, stop = self._varint(start, end)
        elif wire == 5:
            stop = start + 4
        elif wire == 1:
            stop = start + 8
        else:
            raise Malformed("it has fields of a kind that ONNX does not use")
        if stop > end or number == 0:
            raise Malformed("it ends in the middle, or is damaged")
        return number, wire, start, stop

    def _references(self, position: int, end: int) -> list[Reference]:
        """Give the external data of one tensor; several where it names several files."""
        found: dict[bytes, list[bytes]] = {}
        while position < end:
            number, wire, start, position = self.field(position, end)
            if wire == 2 and number == 13:
                key, value = self._entry(start, position)
                found.setdefault(key, []).append(value)
        if not found:
            return []
        locations: list[bytes | None] = [*found.get(b"location", [None])]
        offsets: list[bytes | None] = [*found.get(b"offset", [None])]
        lengths: list[bytes | None] = [*found.get(b"length", [None])]
        if len(offsets) > 1 or len(lengths) > 1:
            raise Malformed("a tensor has several offsets or lengths of external data")
        return [Reference(location, offsets[0], lengths[0]) for location in locations]

    def _entry(self, position: int, end: int) -> tuple[bytes, bytes]:
        texts: dict[int, bytes] = {}
        while position < end:
            number, wire, start, position = self.field(position, end)
            if wire != 2 or number not in (1, 2) or number in texts:
                raise Malformed("an entry of external data is no pair of texts")
            texts[number] = self._bytes(start, position)
        return texts.get(1, b""), texts.get(2, b"")

    def _after_numbers(self, position: int, end: int) -> int:
        """Skip numbers of an attribute's list, as far as the window reaches."""
        self._fill(position)
        offset = position - self._window_start
        match = _NUMBERS.match(self._window, offset, end - self._window_start)
        return position if match is None else self._window_start + match.end()

    def _bytes(self, start: int, stop: int) -> bytes:
        if stop - start > MAX_TEXT_BYTES:
            raise Malformed(f"a text in it is longer than {MAX_TEXT_BYTES} bytes")
        return os.pread(self._descriptor, stop - start, start)

    def _varint(self, position: int, end: int) -> tuple[int, int]:
        self._fill(position)
        window = self._window
        index = position - self._window_start
        last = min(end - self._window_start, len(window))
        value, shift = 0, 0
        while index < last:
            byte = window[index]
            index += 1
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                # protobuf cuts a number to 64 bits; a longer one is only made on purpose.
                if value >> 64:
                    break
                return value, self._window_start + index
            shift += 7
            if shift > 63:
                break
        raise Malformed("it ends in the middle, or is damaged")

    def _fill(self, position: int) -> None:
        """Have at least one whole number, up to 10 bytes, in the window."""
        offset = position - self._window_start
        more = self._window_start + len(self._window) < self._size_bytes
        if offset < 0 or (more and offset + 10 > len(self._window)):
            self._window = os.pread(self._descriptor, WINDOW_BYTES, position)
            self._window_start = position
