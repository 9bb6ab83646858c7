"""Answers remembered for requests with the same bytes.

Takes and gives bytes. Bounded by memory, the least recently used going first. Off unless asked for:
only whoever made a model knows that the same input always has the same answer. Must not know
formats or models beyond the digest that tells them apart.
"""

import hashlib
from collections import OrderedDict
from collections.abc import Iterable

ENTRY_BYTES = 200
"""What an entry costs beside its bytes: key, tuple and two places in the table."""

Entry = tuple[bytes, bytes]
"""An answer's body and its media type."""


class AnswerCache:
    """The answers of one process."""

    def __init__(self, limit_bytes: int) -> None:
        self._limit = limit_bytes
        self._entries: OrderedDict[bytes, Entry] = OrderedDict()
        self._bytes = 0
        self.hits = 0
        self.misses = 0

    def key(self, digest: str, media: object, formats: Iterable[object], body: bytes) -> bytes:
        """Give the key of a request: its bytes, what they mean, the model, and the answer's form.

        Args:
            digest: of the model file.
            media: the request's media type with its parameters.
            formats: what decides the answer's form beside the model.
            body: the request's bytes.
        """
        # SHA-256: a caller who could make two bodies with one key could read another's answer.
        found = hashlib.sha256(repr((digest, media, tuple(formats))).encode())
        found.update(b"\n")
        found.update(body)
        return found.digest()

    def get(self, key: bytes) -> Entry | None:
        """Give a remembered answer, or None."""
        entry = self._entries.get(key)
        if entry is None:
            self.misses += 1
            return None
        self.hits += 1
        self._entries.move_to_end(key)
        return entry

    def put(self, key: bytes, entry: Entry) -> None:
        """Remember an answer; one that would take more than a tenth of the memory is not."""
        size = _cost(entry)
        if size * 10 > self._limit:
            return
        before = self._entries.pop(key, None)
        if before is not None:
            self._bytes -= _cost(before)
        self._entries[key] = entry
        self._bytes += size
        while self._bytes > self._limit:
            _, dropped = self._entries.popitem(last=False)
            self._bytes -= _cost(dropped)


def _cost(entry: Entry) -> int:
    return len(entry[0]) + len(entry[1]) + ENTRY_BYTES
