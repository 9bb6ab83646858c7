"""Copies of requests for the shadow variant: sent, measured and captured, never answered with.

Takes a request that production has had, sends a share of them to the shadow variant of the same
fleet, in threads of its own: a caller never waits for a shadow, however slow it is. The share is
the shadow's weight as a part of the champion's; in the developer guide's page "Shadow variants"
both have 1, for all requests. Must not give anything back.
"""

import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Protocol

from modelway.emulator.hosting.capture import Capture, EvenSample, Exchange
from modelway.emulator.hosting.fleet import Fleet
from modelway.emulator.hosting.record import EndpointRecord
from modelway.emulator.hosting.routing import Choice, Lease

COPIES_AT_ONCE = 32
"""Copies that are with shadows at the same time, of all endpoints."""

MOST_WAITING = 1000
"""Copies that wait; more count as 503 of the shadow, which could not keep up."""


class Call(Protocol):
    """What a container made of one request."""

    @property
    def status(self) -> int:
        """HTTP status; 0 when there was no HTTP answer."""
        ...

    @property
    def headers(self) -> Mapping[str, str]:
        """Of the answer."""
        ...

    @property
    def body(self) -> bytes:
        """The answer."""
        ...


Send = Callable[[Lease, bytes, Mapping[str, str]], Call | None]
Measure = Callable[[EndpointRecord, Choice, Call | None, float], None]


@dataclass(frozen=True)
class Copy:
    """One request to be repeated."""

    record: EndpointRecord
    fleet: Fleet
    body: bytes
    headers: Mapping[str, str]
    """As sent to the container that answered."""
    captured: bool
    """Whether the exchange is captured, as that of production was."""


class Mirror:
    """Repeats requests to shadow variants.

    Args:
        send: sends a request to a leased replica.
        measure: records the metrics of one request.
        capture: takes what is captured.
    """

    def __init__(self, send: Send, measure: Measure, capture: Capture) -> None:
        self._send, self._measure, self._capture = send, measure, capture
        self._sample = EvenSample()
        self._pool = ThreadPoolExecutor(COPIES_AT_ONCE, thread_name_prefix="shadow")
        self._room = threading.Semaphore(COPIES_AT_ONCE + MOST_WAITING)

    def offer(self, copy: Copy) -> None:
        """Repeat a request if it is the shadow's turn; returns at once."""
        shadow = copy.fleet.deployment.shadow
        if shadow is None or not self._sample.takes(
            (copy.record.arn, copy.fleet.config_name), copy.fleet.copied_share()
        ):
            return
        if not self._room.acquire(blocking=False):
            self._measure(copy.record, Choice(copy.fleet.config_name, shadow.name, 0), None, 0.0)
            return
        try:
            self._pool.submit(self._repeat, copy, shadow.name)
        except RuntimeError:  # the emulator stops
            self._room.release()

    def close(self) -> None:
        """Take no more copies; those under way end with their replicas."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _repeat(self, copy: Copy, variant: str) -> None:
        try:
            begun = time.perf_counter()
            replicas = copy.fleet.healthy(variant)
            choice = Choice(copy.fleet.config_name, variant, len(replicas))
            call: Call | None = None
            if replicas:
                replica = min(replicas, key=lambda each: each.in_flight)
                replica.take()
                try:
                    call = self._send(Lease(choice, replica), copy.body, copy.headers)
                finally:
                    replica.release()
                if call is None:
                    replica.suspect()
            self._measure(copy.record, choice, call, time.perf_counter() - begun)
            if copy.captured and call is not None and 200 <= call.status < 300:  # noqa: PLR2004
                given = call.headers.get("Content-Type", "application/octet-stream")
                exchange = Exchange(variant, copy.body, copy.headers, call.body, given)
                self._capture.add(copy.record, copy.fleet.deployment.config, exchange)
        finally:
            self._room.release()
