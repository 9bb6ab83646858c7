"""Items on their way to an OpenTelemetry collector, from a queue, in batches, by a thread.

Takes items of one signal on the event loop, gives batches to an exporter of OpenTelemetry's SDK,
which is imported in the thread. A collector that is slow or away costs items, which are counted,
and never requests. Must not know what the items are.
"""

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from typing import Any, Generic, TypeVar

from model_server.log import Log
from model_server.observe.errors import ObserveUnusable

Item = TypeVar("Item")

Export = Callable[[Sequence[Any]], bool]
"""Sends what the items became; says whether the collector took it. It may wait and try again."""

MAX_WAITING = 16_384
"""Items that wait at most: OpenTelemetry's own default of 2,048 spans is a tenth of a second of
requests here."""

BATCH = 256
"""Items sent at once; with the two children of a request's span these are 768 spans, near
OpenTelemetry's default of 512."""

TICK_SECONDS = 1.0
"""Between batches that are not full: half a second on average until a trace can be seen."""

TELL_SECONDS = 60.0


class Batches(Generic[Item]):
    """A queue and a thread for one signal.

    Args:
        signal: ``traces`` or ``logs``.
        connect: imports and makes the exporter, on the thread; gives what sends and what ends it.
        convert: makes what the exporter takes of one item; it may be several.
        log: told when the collector does not take what is sent, once a minute.
    """

    def __init__(
        self,
        signal: str,
        connect: Callable[[], tuple[Export, Callable[[], None]]],
        convert: Callable[[Item], Sequence[Any]],
        log: Log,
    ) -> None:
        self.signal = signal
        self.dropped = 0
        """Items that were not sent."""
        self.sent = 0
        self._connect = connect
        self._convert = convert
        self._log = log
        self._queue: deque[Item] = deque()
        self._wake = threading.Event()
        self._calm = threading.Event()
        self._closing = self._flushing = False
        self._told = -TELL_SECONDS
        self._thread = threading.Thread(target=self._run, name=f"otlp-{signal}", daemon=True)

    def start(self) -> None:
        """Start the thread; to be called after the last fork."""
        self._thread.start()

    def offer(self, item: Item) -> None:
        """Take an item, or drop it where too many wait; never waits."""
        if len(self._queue) >= MAX_WAITING or self._closing:
            self.dropped += 1
            return
        self._queue.append(item)

    def flush(self, seconds: float) -> bool:
        """Send everything that was offered before; not to be called on the event loop.

        Returns:
            Whether it was sent or dropped within that time.
        """
        self._calm.clear()
        self._flushing = True
        self._wake.set()
        return self._calm.wait(seconds)

    def close(self, seconds: float) -> None:
        """Send what is there and end, within that time; not to be called on the event loop."""
        self._closing = True
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join(seconds)

    def _run(self) -> None:
        try:
            export, end = self._connect()
        except Exception as error:  # noqa: BLE001  # told; requests are served without it
            self._tell(f"{type(error).__name__}: {error}")
            self._closing = True
            self.dropped += len(self._queue)
            self._queue.clear()
            self._calm.set()
            return
        while True:
            if not self._closing:
                self._wake.wait(TICK_SECONDS)
                self._wake.clear()
            closing, flushing = self._closing, self._flushing
            while self._queue:
                self._send(export)
            if flushing:
                self._flushing = False
                self._calm.set()
            if closing:
                break
        end()

    def _send(self, export: Export) -> None:
        items = [self._queue.popleft() for _ in range(min(BATCH, len(self._queue)))]
        try:
            taken = export([made for item in items for made in self._convert(item)])
            reason = "the collector did not take what was sent"
        except Exception as error:  # noqa: BLE001  # whatever a library raises, the thread goes on
            taken, reason = False, f"{type(error).__name__}: {error}"
        if taken:
            self.sent += len(items)
            return
        self.dropped += len(items)
        self._tell(reason)

    def _tell(self, reason: str) -> None:
        now = time.monotonic()
        if now - self._told >= TELL_SECONDS:
            self._told = now
            self._log.warning("telemetry_fails", signal=self.signal, reason=reason)


def need_opentelemetry() -> None:
    """Make sure that the packages are there, without importing them.

    Raises:
        ObserveUnusable: they are not.
    """
    try:
        found = find_spec("opentelemetry.exporter.otlp.proto.http")
    except ModuleNotFoundError:
        found = None
    if found is None:
        raise ObserveUnusable(
            "MODEL_SERVER_OTLP_ENDPOINT needs OpenTelemetry's packages, which are not installed: "
            "pip install 'model-server[telemetry]'"
        )


def resource(service: str) -> Any:
    """Give what the collector is told of this process, ``OTEL_RESOURCE_ATTRIBUTES`` included."""
    import os

    from opentelemetry.sdk.resources import Resource

    from model_server import __version__

    return Resource.create({
        "service.name": service,
        "service.version": __version__,
        "process.pid": os.getpid(),
    })  # fmt: skip
