"""A thread that looks after files and key sets, so that the event loop never waits for them.

Takes functions that are quick when there is nothing to do, calls them every second. Must not end
because one of them fails.
"""

import threading
from collections.abc import Callable, Sequence

from model_server.access.entries import OnEvent, no_events

INTERVAL_SECONDS = 1.0
"""How old a withdrawn key may get: one look at each file costs about 3 us."""


class Background:
    """One thread, which ends with the process."""

    def __init__(
        self,
        name: str,
        actions: Sequence[Callable[[], object]],
        on_event: OnEvent = no_events,
        interval_seconds: float = INTERVAL_SECONDS,
    ) -> None:
        self._actions = actions
        self._on_event = on_event
        self._interval_seconds = interval_seconds
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Begin; once, and in the process that is to have the thread."""
        self._thread.start()

    def stop(self) -> None:
        """End soon; does not wait."""
        self._stop.set()

    def _run(self) -> None:
        while True:
            for action in self._actions:
                try:
                    action()
                except Exception as error:  # noqa: BLE001  # told; the thread has to go on
                    self._on_event("access_refresh_failed", error=type(error).__name__)
            if self._stop.wait(self._interval_seconds):
                return
