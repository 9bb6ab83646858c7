"""Callers that mean harm or know no better, against real servers.

Every test has a short form for `make test` and a full one, `ABUSE=full`, as the README says. The
short forms' bounds leave room for a machine that does other things at once.
"""

import contextlib
import os
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import pytest

from raw_http import Line

FULL = os.environ.get("ABUSE") == "full"

FULL_TIMEOUT_SECONDS = 3600


def pytest_collection_modifyitems(items):
    here = str(Path(__file__).parent)
    for item in items:
        if FULL and str(item.path).startswith(here):
            item.add_marker(pytest.mark.timeout(FULL_TIMEOUT_SECONDS))


@pytest.fixture(scope="session")
def size():
    """`size(40, 200)`: how much of something, in the short and in the full form."""
    return lambda short, full: full if FULL else short


def family(server):
    """Give the processes of a server: the front and its workers."""
    front = psutil.Process(server.process.pid)
    return [front, *front.children(recursive=True)]


def over_all(server, look):
    total = 0
    for process in family(server):
        with contextlib.suppress(psutil.NoSuchProcess):
            total += look(process)
    return total


@pytest.fixture(scope="session")
def memory_mib():
    """Give the memory of all processes of a server, in MiB."""
    return lambda server: over_all(server, lambda each: each.memory_info().rss) / 2**20


@pytest.fixture(scope="session")
def rise_mib(memory_mib):
    """Give how much memory a server has more than before, once that is little enough.

    What a request took is given back just after its answer; so this looks for some seconds.
    """

    def look(server, before, enough, seconds=10.0):
        end = time.monotonic() + seconds
        while (rise := memory_mib(server) - before) >= enough and time.monotonic() < end:
            time.sleep(0.05)
        return rise

    return look


@pytest.fixture(scope="session")
def descriptors():
    return lambda server: over_all(server, lambda each: each.num_fds())


@pytest.fixture(scope="session")
def threads_of():
    return lambda server: over_all(server, lambda each: each.num_threads())


@pytest.fixture(scope="session")
def workers():
    """Give the worker processes of a server."""
    return lambda server: psutil.Process(server.process.pid).children()


@pytest.fixture(scope="session")
def unharmed():
    """Check that a server is ready, and that none of its workers has died."""

    def check(server):
        assert server.wait(200, 10.0).status == 200
        assert server.events("worker_died") == []
        assert server.events("unexpected") == []
        assert server.process.poll() is None

    return check


@dataclass
class Traffic:
    """What a stream of requests has seen, each of them on one of a few connections."""

    answers: list[tuple[int, float]] = field(default_factory=list)
    """Status, and seconds from the request to the whole answer."""
    lost: list[Exception] = field(default_factory=list)
    """Connections that broke while a request was under way."""
    refused: list[Exception] = field(default_factory=list)
    """Connections that could not be made."""

    def add(self, status, seconds):
        self.answers.append((status, seconds))

    @property
    def statuses(self):
        return [status for status, _ in self.answers]

    def percentile(self, part, status=200):
        """Give the seconds that this part of the answers of a status keeps."""
        ordered = sorted(seconds for given, seconds in self.answers if given == status)
        return ordered[min(len(ordered) - 1, int(part * len(ordered)))]


def converse(server, request, pause, seen, over, *, reuse):
    """Send one request after the other until it is over."""
    open_line = None
    while not over.is_set():
        begun = time.perf_counter()
        if open_line is None:
            try:
                open_line = Line(server.port)
            except OSError as error:
                seen.refused.append(error)
                over.wait(0.05)
                continue
        try:
            status, headers, _ = open_line.ask(request)
        except OSError as error:
            seen.lost.append(error)
            open_line.close()
            open_line = None
            continue
        seen.add(status, time.perf_counter() - begun)
        if not reuse or headers.get("connection") == "close":
            open_line.close()
            open_line = None
        over.wait(max(0.0, pause - (time.perf_counter() - begun)))
    if open_line is not None:
        open_line.close()


@pytest.fixture
def traffic():
    """`with traffic(server, request, callers=4, rate=100) as seen:` sends all the while."""

    @contextlib.contextmanager
    def stream(server, request, callers=4, rate=None, *, reuse=True):
        seen, over = Traffic(), threading.Event()
        pause = 0.0 if rate is None else callers / rate
        running = [
            threading.Thread(
                target=converse, args=(server, request, pause, seen, over), kwargs={"reuse": reuse}
            )
            for _ in range(callers)
        ]
        for thread in running:
            thread.start()
        try:
            yield seen
        finally:
            over.set()
            for thread in running:
                thread.join()

    return stream
