"""How many connections each worker has, where every worker can see it.

Takes and gives counts in memory that the processes share. Must not be trusted to the last one:
each worker writes only its own count, without a lock, and may die at any moment. It decides who
accepts next, and nothing else.
"""

import mmap

NOT_ACCEPTING = 2**63
"""In the place of a count: more than any other."""

_BYTES = 8


class OpenConnections:
    """One count for each worker; made before the first of them is forked."""

    def __init__(self, slots: int) -> None:
        # Anonymous and shared: forked processes see the same memory, and it goes with the last.
        self._memory = mmap.mmap(-1, slots * _BYTES)
        self._counts = memoryview(self._memory).cast("Q")
        for slot in range(slots):
            self._counts[slot] = NOT_ACCEPTING

    def set(self, slot: int, count: int) -> None:
        """Tell how many connections a worker has; it accepts more."""
        self._counts[slot] = count

    def withdraw(self, slot: int) -> None:
        """Tell that a worker accepts no more, or is gone."""
        self._counts[slot] = NOT_ACCEPTING

    def get(self, slot: int) -> int | None:
        """Give a worker's count; None where it does not accept."""
        count = self._counts[slot]
        return None if count == NOT_ACCEPTING else count

    def least_of_others(self, slot: int) -> int:
        """Give the smallest count of all other workers; `NOT_ACCEPTING` where there are none."""
        counts = self._counts.tolist()
        counts[slot] = NOT_ACCEPTING
        return min(counts)
