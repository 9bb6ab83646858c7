"""Structured logs: one JSON object a line on standard output.

Takes an event name and fields, gives a line with ``time``, ``level``, ``event`` and the fields.
Must not write request bodies, predictions or headers that were not made safe before.
"""

import logging
import os
import threading
import time
from collections.abc import Callable, Mapping

import orjson

_RANK = {"debug": 10, "info": 20, "warning": 30, "error": 40}
INFO = _RANK["info"]

KNOWN_CALLERS = 256
"""Names that are remembered as they are written."""


Tee = Callable[[str, str, Mapping[str, object]], None]
"""Takes a level, an event and its fields."""


class Log:
    """Writes events at or above a level.

    Lines go straight to the file descriptor: a line is whole or absent even when the process is
    killed. Those of `access` wait for the end of the event loop's turn, so that the answers of one
    batch cost one system call.
    """

    def __init__(self, level: str = "info", descriptor: int = 1) -> None:
        self._rank = _RANK[level]
        self._descriptor = descriptor
        self._stamp = (0, "")
        """A second and how it is written; one object, since several threads write."""
        self._millisecond, self._access_head = 0, ""
        """When the last answers were told of, and how their lines begin."""
        self._callers: dict[str, str] = {}
        """Callers' names as JSON."""
        self._loop_thread = 0
        self._later_call: Callable[[Callable[[], None]], object] | None = None
        self._later: list[str] = []
        self.tee: Tee | None = None
        """Told of every event that is written but the answers; None: nobody."""

    def debug(self, event: str, **fields: object) -> None:
        """Write what only matters while looking for a fault."""
        self._write("debug", event, fields)

    def info(self, event: str, **fields: object) -> None:
        """Write what happened as it should."""
        self._write("info", event, fields)

    def warning(self, event: str, **fields: object) -> None:
        """Write what the server could handle and somebody should look at."""
        self._write("warning", event, fields)

    def error(self, event: str, **fields: object) -> None:
        """Write what the server could not do."""
        self._write("error", event, fields)

    def event(self, event: str, **fields: object) -> None:
        """Write what another part tells, as a warning."""
        self._write("warning", event, fields)

    def access(
        self,
        request_id: str,
        path: str,
        status: int,
        seconds: float,
        answer_bytes: int,
        caller: str | None = None,
    ) -> None:
        """Write that a request was answered as it should; on the event loop only."""
        if self._rank > INFO:
            return
        if not self._later:
            if self._later_call is None:
                import asyncio  # the process in front has none

                self._later_call = asyncio.get_running_loop().call_soon
                self._loop_thread = threading.get_ident()
            self._later_call(self._flush)
        if '"' in request_id or "\\" in request_id:
            request_id = orjson.dumps(request_id)[1:-1].decode()
        millisecond = int(time.time() * 1000)
        if millisecond != self._millisecond:
            self._millisecond = millisecond
            self._access_head = self._head("info", "invocation")
        name = "" if caller is None else self._callers.get(caller) or self._caller(caller)
        self._later.append(
            f'{self._access_head},"request_id":"{request_id}","path":"{path}","status":{status},'
            f'"duration_ms":{seconds * 1000:.3f},"answer_bytes":{answer_bytes}{name}}}\n'
        )

    def _caller(self, name: str) -> str:
        if len(self._callers) >= KNOWN_CALLERS:
            self._callers.clear()
        text = self._callers[name] = f',"caller":{orjson.dumps(name).decode()}'
        return text

    def _flush(self) -> None:
        lines, self._later = self._later, []
        self._put("".join(lines).encode())

    def _write(self, level: str, event: str, fields: dict[str, object]) -> None:
        if _RANK[level] < self._rank:
            return
        if self._later and threading.get_ident() == self._loop_thread:
            self._flush()  # lines stay in the order of what they tell
        self._put(self._line(level, event, fields))
        if self.tee is not None:
            self.tee(level, event, fields)

    def raw(self, line: bytes) -> None:
        """Write a line that is complete, with its newline."""
        self._put(line)

    def _line(self, level: str, event: str, fields: dict[str, object]) -> bytes:
        head = self._head(level, event)
        if not fields:
            return f"{head}}}\n".encode()
        return b"%s,%s\n" % (head.encode(), orjson.dumps(fields, default=str)[1:])

    def _head(self, level: str, event: str) -> str:
        """Give the start of a line, an object that is still open."""
        now = time.time()
        second = int(now)
        known, stamp = self._stamp
        if second != known:
            stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(second))
            self._stamp = second, stamp
        thousandth = int((now - second) * 1000)
        return f'{{"time":"{stamp}.{thousandth:03d}Z","level":"{level}","event":"{event}"'

    def _put(self, data: bytes) -> None:
        try:
            while data:
                data = data[os.write(self._descriptor, data) :]
        except OSError:
            # Whoever read the log is gone. Serving goes on without it.
            pass


class LoggingBridge(logging.Handler):
    """Hands records of the standard library's logging (uvicorn, asyncio) to a `Log`."""

    def __init__(self, log: Log) -> None:
        super().__init__()
        self._log = log

    def emit(self, record: logging.LogRecord) -> None:
        """Write one record as an event named ``library``."""
        fields: dict[str, object] = {"logger": record.name, "message": record.getMessage()}
        if record.exc_info:
            fields["trace"] = logging.Formatter().formatException(record.exc_info)
        if record.levelno >= logging.ERROR:
            self._log.error("library", **fields)
        elif record.levelno >= logging.WARNING:
            self._log.warning("library", **fields)
        else:
            self._log.debug("library", **fields)


def bridge_library_logs(log: Log) -> None:
    """Send everything that libraries log through the given `Log`."""
    root = logging.getLogger()
    root.handlers[:] = [LoggingBridge(log)]
    root.setLevel(logging.INFO)
