"""A constant rate of requests over raw sockets: one process, one core.

    python open_loop.py PORT REQUESTS LENGTHS RATE SECONDS

Request number i is due at start + i / rate, whatever the server does, and its latency counts from
then: a server (or this program) that falls behind makes later requests late, and that is seen.
It waits busily, for timers are too coarse. Prints one JSON object.
"""

import collections
import json
import select
import socket
import statistics
import sys
import time
from pathlib import Path

MAX_CONNECTIONS = 256
GRACE_SECONDS = 2.0
"""How long answers are awaited after the last request was due."""

RECEIVE_BYTES = 65536


class Connection:
    """One keep-alive connection."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=5)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.due = 0.0
        self._received = b""

    def send(self, request: bytes, due: float) -> None:
        """Send a request that was due then."""
        self.due = due
        self._received = b""
        self.socket.sendall(request)

    def receive(self) -> int | None:
        """Read on, and give the status once the answer is complete."""
        data = self.socket.recv(RECEIVE_BYTES)
        if not data:
            raise ConnectionError("closed by the server")
        self._received += data
        head, separator, body = self._received.partition(b"\r\n\r\n")
        if not separator:
            return None
        length = head.lower().partition(b"content-length:")[2].split(b"\r\n")[0]
        return int(head.split(None, 2)[1]) if len(body) >= int(length) else None


def attack(port: int, requests: list[bytes], rate: float, seconds: float) -> dict[str, object]:
    """Send, and give what came of it."""
    latencies: list[float] = []
    connections: dict[int, Connection] = {}
    idle: list[Connection] = []
    late: collections.deque[float] = collections.deque()
    poll = select.epoll()
    refused = errors = 0
    sent = next_number = 0
    total = int(rate * seconds)
    start = time.perf_counter() + 0.05
    last = start
    while True:
        now = time.perf_counter()
        while next_number < total and start + next_number / rate <= now:
            late.append(start + next_number / rate)
            next_number += 1
        while late and (idle or len(connections) < MAX_CONNECTIONS):
            if not idle:
                fresh = Connection(port)
                connections[fresh.socket.fileno()] = fresh
                poll.register(fresh.socket.fileno(), select.EPOLLIN)
                idle.append(fresh)
            idle.pop().send(requests[sent % len(requests)], late.popleft())
            sent += 1
        for number, _ in poll.poll(0):
            connection = connections[number]
            try:
                status = connection.receive()
            except OSError:
                errors += 1
                poll.unregister(number)
                del connections[number]
                connection.socket.close()
                continue
            if status is None:
                continue
            last = time.perf_counter()
            latencies.append(last - connection.due)
            refused += not 200 <= status < 300
            idle.append(connection)
        over = now - start - seconds
        if over > GRACE_SECONDS or (over > 0 and not late and len(idle) == len(connections)):
            break
    cuts = statistics.quantiles(latencies, n=100) if len(latencies) > 1 else [float("nan")] * 99
    return {
        "due": total,
        "answers": len(latencies),
        "refused": refused,
        "errors": errors,
        "unanswered": total - len(latencies),
        "seconds": last - start,
        "p50_ms": cuts[49] * 1000,
        "p99_ms": cuts[98] * 1000,
        "connections": len(connections),
    }


def read_requests(requests: Path, lengths: Path) -> list[bytes]:
    """Cut the file of requests into its parts."""
    with requests.open("rb") as file:
        return [file.read(int(line)) for line in lengths.read_text().split()]


if __name__ == "__main__":
    print(  # noqa: T201 - the result
        json.dumps(
            attack(
                int(sys.argv[1]),
                read_requests(Path(sys.argv[2]), Path(sys.argv[3])),
                float(sys.argv[4]),
                float(sys.argv[5]),
            )
        )
    )
