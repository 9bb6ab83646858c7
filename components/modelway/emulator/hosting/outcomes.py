"""What came of operations that take time, kept across restarts of the emulator.

The journal holds the calls, which say that an endpoint was to be created; only this file says
whether it came into service. Replaying both gives the state as it was. One JSON line each, appended
and flushed. Must not interpret an outcome (that is `record`).
"""

import json
import threading
from dataclasses import asdict
from datetime import datetime
from pathlib import Path

from modelway.emulator.hosting.record import EndpointRecord, Mix, Operation, Outcome


class Outcomes:
    """The file of outcomes.

    Args:
        path: the file; it and its folder are made when the first outcome is written.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._known: dict[str, Outcome] = {}
        if path.is_file():
            for line in path.read_text(encoding="utf-8").splitlines():
                self._remember(line)

    def of(self, record: EndpointRecord, operation: Operation) -> Outcome | None:
        """Give what came of an operation; None when it was still running."""
        return self._known.get(_key(record, operation))

    def add(self, record: EndpointRecord, operation: Operation, outcome: Outcome) -> None:
        """Remember what came of an operation; a later outcome of the same takes its place."""
        line = json.dumps(
            {
                "operation": _key(record, operation),
                "succeeded": outcome.succeeded,
                "failure_reason": outcome.failure_reason,
                "at": outcome.at.isoformat(),
                "mix": None if outcome.mix is None else asdict(outcome.mix),
            }
        )
        with self._lock:
            self._remember(line)
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with self._path.open("a", encoding="utf-8") as file:
                file.write(line + "\n")

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._known.clear()
            self._path.unlink(missing_ok=True)

    def _remember(self, line: str) -> None:
        try:
            entry = json.loads(line)
            mix = entry.get("mix")
            self._known[entry["operation"]] = Outcome(
                succeeded=entry["succeeded"],
                failure_reason=entry["failure_reason"],
                at=datetime.fromisoformat(entry["at"]),
                mix=None if mix is None else Mix(**mix),
            )
        except (ValueError, KeyError):
            # The last line of an emulator that was killed while it wrote: that operation counts
            # as still running, and is carried on.
            return


def _key(record: EndpointRecord, operation: Operation) -> str:
    return f"{record.account_id}/{record.region}/{record.endpoint_name}/{operation.number}"
