"""Messages between the process in front and a worker.

Takes a connected pair of stream sockets, gives whole messages: JSON objects, one a line, each with
a member ``kind``. Must not block and must not know what a message means.

From a worker: ``measured`` (fields of `Measured`), ``ready``, ``failed`` (``reason``), ``closed``
(it accepts no more), ``stopped`` (``requests_lost``), ``alive`` (as often as it is asked). To a
worker: ``plan`` (fields of `Plan`), ``ask`` (whether it is alive).
"""

import socket
from typing import Any

import orjson

Message = dict[str, Any]

MAX_BYTES = 1024 * 1024
"""Of one message, and of what waits to be sent. Ours are under 1 KiB; a side that does not read for
so long is broken, and what it should have read is dropped."""


class Ended(Exception):  # no error: the other side is gone, as it may be
    """The other side is gone."""


class Pipe:
    """One end of a channel."""

    def __init__(self, end: socket.socket) -> None:
        end.setblocking(False)
        self._end = end
        self._received = bytearray()
        self._unsent = bytearray()

    def fileno(self) -> int:
        """Give the file descriptor; -1 when it is closed."""
        return self._end.fileno()

    @property
    def pending(self) -> bool:
        """Whether something waits until the other side reads."""
        return bool(self._unsent)

    def send(self, message: Message) -> None:
        """Send a message, now or when the other side has read; lost where it is gone."""
        line = orjson.dumps(message, option=orjson.OPT_APPEND_NEWLINE)
        if len(self._unsent) + len(line) <= MAX_BYTES:
            self._unsent += line
        self.flush()

    def flush(self) -> None:
        """Send what waits, as far as the other side takes it."""
        try:
            while self._unsent:
                del self._unsent[: self._end.send(self._unsent)]
        except BlockingIOError:
            return
        except OSError:  # it is gone; whoever reads next is told
            self._unsent.clear()

    def receive(self) -> list[Message]:
        """Give the messages that have arrived.

        Raises:
            Ended: there are none, and there will be no more.
        """
        ended = False
        try:
            while len(self._received) <= MAX_BYTES:
                data = self._end.recv(65536)
                if not data:
                    ended = True
                    break
                self._received += data
        except BlockingIOError:
            pass
        except OSError:
            ended = True
        *lines, rest = self._received.split(b"\n")
        ended = ended or len(rest) > MAX_BYTES
        self._received = bytearray() if ended else rest
        messages = [message for line in lines if (message := _read(line)) is not None]
        if ended and not messages:
            raise Ended
        return messages

    def close(self) -> None:
        """Close this end."""
        self._end.close()


def _read(line: bytes) -> Message | None:
    try:
        message = orjson.loads(line)
    except orjson.JSONDecodeError:
        return None  # no worker may end the process in front, whatever happened to it
    return message if isinstance(message, dict) and "kind" in message else None
