"""CloudWatch Logs as the services write it.

Takes lines of a group and a stream, stamped with virtual time as they come; gives them to moto's
Logs store, where boto3's reads find them. `write` only queues: it never waits for a request in
progress, so that a replica's output can be written by any thread. Whoever reads calls `flush` first
(`modelway.emulator.aws.logs` does).
"""

import threading
from collections import deque
from collections.abc import Sequence
from typing import Any

from modelway.emulator.services import ACCOUNT_ID, Services

MOST_QUEUED_LINES = 100_000
"""Older lines are dropped when nobody takes them."""
_FLUSH_SECONDS = 0.1


class LogWriter:
    """Writes into the Logs store of the emulator's own account and region."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._queue: deque[tuple[str, str, int, str]] = deque(maxlen=MOST_QUEUED_LINES)

    def start(self) -> None:
        """Empty the queue from time to time, until `services.stopping` is set."""
        threading.Thread(target=self._run, name="logs", daemon=True).start()

    def write(self, group: str, stream: str, lines: Sequence[str]) -> None:
        """Append lines, making group and stream where they are missing; empty lines are dropped."""
        at = int(self._services.clock.now() * 1000)
        self._queue.extend((group, stream, at, line) for line in lines if line.strip())

    def flush(self) -> None:
        """Move what is queued into the store."""
        if not self._queue:
            return
        # Imported late: the store must exist only after the emulator has prepared moto.
        from moto.logs.models import logs_backends

        with self._services.lock:
            backend = logs_backends[ACCOUNT_ID][self._services.settings.region]
            while self._queue:
                group, stream, at, line = self._queue.popleft()
                _store(backend, group, stream, at, line)

    def reset(self) -> None:
        """Forget what is queued."""
        self._queue.clear()

    def _run(self) -> None:
        while not self._services.stopping.wait(_FLUSH_SECONDS):
            if not self._services.replaying:
                self.flush()


def _store(backend: Any, group: str, stream: str, at: int, line: str) -> None:
    backend.ensure_log_group(group)
    backend.ensure_log_stream(group, stream)
    backend.groups[group].streams[stream].put_log_events([{"timestamp": at, "message": line}])
