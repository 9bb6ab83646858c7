"""Memory shared by the processes of one server, in which each keeps its counters for the others.

Takes snapshots as bytes, gives those of all slots, and the totals of processes that have ended.
Made before the workers are forked. Must not know what is counted.

The memory is anonymous: there is no file to place, to clean up or to find half written. Each slot
has two halves. A writer fills the half that is not shown and then shows it by one store of eight
bytes, so a process killed at any moment leaves its last whole snapshot behind. A checksum tells a
reader that a writer has come round twice while it read.

One process writes a slot; only the supervisor calls `Scoreboard.retire`, and gives a slot to a new
process after that.
"""

import mmap
import struct
import time
import zlib

from model_server.observe.snapshot import add, decode, encode, what_remains

BYTES_PER_SLOT = 4 * 2**20
"""Two halves of 2 MiB: 1,000 series of each metric are 1.5 MB. Pages are not taken before they
are written: a server of one model uses 8 KiB of it."""

_PAGE = 4096

_GENERATION, _RESTARTS = 0, 1
"""Where these are in the first page, in units of eight bytes."""

_FRAME = struct.Struct("=II")
"""Length and checksum, at the start of a half."""

_TRIES = 100
"""A reader looks again while the supervisor retires a slot, which takes under a millisecond."""


class Scoreboard:
    """Slots for the counters of worker processes.

    Args:
        slots: workers at the same time, 1 or more.
        bytes_per_slot: memory of one slot, rounded up to whole pages; at least 16 KiB.
    """

    def __init__(self, slots: int, bytes_per_slot: int = BYTES_PER_SLOT) -> None:
        half = -(-max(bytes_per_slot, 4 * _PAGE) // (2 * _PAGE)) * _PAGE
        self.slots = slots
        self.capacity = half - _FRAME.size
        """Bytes of one snapshot at most."""
        # The ended processes' totals get room for the different names that each may have met.
        self._areas = [_PAGE + number * 2 * half for number in range(slots)]
        self._retired = _PAGE + slots * 2 * half
        self._halves = dict.fromkeys(self._areas, half) | {self._retired: 2 * half}
        self._map = mmap.mmap(-1, self._retired + 4 * half)
        self._words = memoryview(self._map)[:_PAGE].cast("Q")
        """The first page: the head, then the sequence number of each area."""
        self._sequence = {area: 8 + number for number, area in enumerate(self._halves)}
        if len(self._sequence) + 8 > _PAGE // 8:
            raise ValueError(f"{slots} slots are more than the {_PAGE // 8 - 9} that fit")

    @property
    def restarts(self) -> int:
        """Workers replaced so far."""
        return self._words[_RESTARTS]

    def publish(self, slot: int, data: bytes) -> None:
        """Show a new snapshot of a slot.

        Raises:
            ValueError: it is longer than ``capacity``.
        """
        self._write(self._areas[slot], data)

    def read(self, slot: int) -> bytes | None:
        """Give the latest snapshot of a slot, or None where there is none."""
        return self._read(self._areas[slot])

    def read_all(self) -> list[bytes]:
        """Give the snapshots of all slots, and the totals of the processes that ended.

        No process that ends meanwhile is in it twice or not at all.
        """
        found: list[bytes | None] = []
        for _ in range(_TRIES):
            before = self._words[_GENERATION]
            found = [self._read(area) for area in self._halves]
            if before % 2 == 0 and self._words[_GENERATION] == before:
                break
            time.sleep(0.0002)
        return [data for data in found if data is not None]

    def retire(self, slot: int, *, restarted: bool = True) -> None:
        """Keep the totals of a process that ended, and empty its slot.

        To be called by the supervisor alone, before a new process gets the slot.

        Args:
            slot: the slot of the process.
            restarted: whether it ended by itself and is being replaced.
        """
        area = self._areas[slot]
        last = self._read(area)
        if restarted:
            self._words[_RESTARTS] += 1
        if last is None:
            return
        limit = self._halves[self._retired] - _FRAME.size
        before = self._read(self._retired)
        total = decode(last)
        if before is not None:
            # The totals so far go first, so that what has a series of its own keeps it.
            ended = decode(before)
            add(ended, total)
            total = ended
        data = encode(what_remains(total, limit), limit)
        self._words[_GENERATION] += 1
        self._write(self._retired, data)
        self._words[self._sequence[area]] = 0
        self._words[_GENERATION] += 1

    def _write(self, area: int, data: bytes) -> None:
        half = self._halves[area]
        if len(data) > half - _FRAME.size:
            raise ValueError(f"a snapshot of {len(data)} bytes is over a slot's {self.capacity}")
        word = self._sequence[area]
        sequence = self._words[word] + 1
        start = area + sequence % 2 * half
        end = start + _FRAME.size + len(data)
        self._map[start:end] = _FRAME.pack(len(data), zlib.crc32(data)) + data
        self._words[word] = sequence

    def _read(self, area: int) -> bytes | None:
        half = self._halves[area]
        word = self._sequence[area]
        for _ in range(_TRIES):
            sequence = self._words[word]
            if sequence == 0:
                return None
            start = area + sequence % 2 * half
            length, checksum = _FRAME.unpack_from(self._map, start)
            begin = start + _FRAME.size
            data = self._map[begin : begin + min(length, half)]
            if zlib.crc32(data) == checksum:
                return data
        return None
