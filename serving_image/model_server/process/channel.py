"""A worker's line to the process in front.

Takes one end of a socket pair and what was settled when the worker was forked, gives messages. On
the worker's event loop only. Ends the worker when the process in front is gone.
"""

import asyncio
import os
import socket
from collections import deque
from collections.abc import Callable
from dataclasses import asdict

from model_server.process.messages import Ended, Message, Pipe
from model_server.process.plan import Measured, Plan, Terms
from model_server.process.status import Status


class Channel:
    """What a worker is told and tells."""

    def __init__(self, end: socket.socket, terms: Terms) -> None:
        """Make one that is not open yet; ``end`` is this worker's end of the pair."""
        self.terms = terms
        """What was settled when this worker was forked."""
        self.plan = terms.plan
        """How many processes and threads there are; None until `measured` was told."""
        self._pipe = Pipe(end)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._callbacks: list[Callable[[Message], None]] = []
        self._inbox: deque[Message] = deque()
        self._waiting: deque[asyncio.Future[Message]] = deque()

    def open(self) -> None:
        """Begin to listen, on the running event loop."""
        if self._loop is None:
            self._loop = asyncio.get_running_loop()
            self._loop.add_reader(self._pipe.fileno(), self._arrived)

    def close(self) -> None:
        """Listen no more, as at the end of the event loop."""
        if self._loop is not None:
            self._loop.remove_reader(self._pipe.fileno())
            self._loop.remove_writer(self._pipe.fileno())
        self._pipe.close()

    async def measured(self, measured: Measured) -> Plan:
        """Tell what was measured, and wait for what is made of it; it becomes `plan`."""
        self._send({"kind": "measured", **asdict(measured)})
        while True:
            message = await self.receive()
            if message["kind"] == "plan":
                fields = {name: value for name, value in message.items() if name != "kind"}
                self.plan = Plan(**fields)
                return self.plan

    def ready(self) -> None:
        """Tell that the model is loaded and this worker answers; the others may start."""
        self._send({"kind": "ready"})

    def failed(self, reason: str) -> None:
        """Tell why the model cannot be served, in words for callers."""
        self._send({"kind": "failed", "reason": reason})

    def stopped(self, requests_lost: int) -> None:
        """Tell how many requests were not answered; the last message."""
        self._send({"kind": "stopped", "requests_lost": requests_lost})

    async def receive(self) -> Message:
        """Wait for the next message that nobody has received yet."""
        self.open()
        if self._inbox:
            return self._inbox.popleft()
        future: asyncio.Future[Message] = asyncio.get_running_loop().create_future()
        self._waiting.append(future)
        return await future

    def on_message(self, callback: Callable[[Message], None]) -> None:
        """Have every message from now on given to a function too."""
        self.open()
        self._callbacks.append(callback)

    def _arrived(self) -> None:
        try:
            messages = self._pipe.receive()
        except Ended:
            # Without the process in front nothing can be replaced or told to stop. Linux has
            # killed this process by now; this is for other systems.
            os._exit(Status.REQUESTS_LOST)
        for message in messages:
            if message["kind"] == "ask":  # here, where only a living event loop comes
                self._send({"kind": "alive"})
                continue
            for callback in self._callbacks:
                callback(message)
            while self._waiting and self._waiting[0].done():  # whoever waited was cancelled
                self._waiting.popleft()
            if self._waiting:
                self._waiting.popleft().set_result(message)
            else:
                self._inbox.append(message)

    def _send(self, message: Message) -> None:
        self.open()
        self._pipe.send(message)
        self._watch()

    def _watch(self) -> None:
        if self._loop is not None and self._pipe.pending:
            self._loop.add_writer(self._pipe.fileno(), self._flush)

    def _flush(self) -> None:
        self._pipe.flush()
        if self._loop is not None and not self._pipe.pending:
            self._loop.remove_writer(self._pipe.fileno())
