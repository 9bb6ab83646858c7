"""Our server under the benchmark: everything switched on, and the count of its prediction log.

Takes a model and a folder, gives the environment of ``python -m model_server serve``; the server
runs in its own locked environment. Must not know the peers.
"""

import hashlib
import json
import os
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path

from environments import installed
from models import Model, input_rules

from modelway.image.context import serving_image_directory

KEY = "benchmark-key-0123456789abcdef0123456789abcdef"
HEADERS = {"Authorization": f"Bearer {KEY}"}

BASE_ENVIRONMENT = {
    "SAGEMAKER_BIND_TO_PORT": "{port}",
    "MODEL_SERVER_MODEL_DIR": "{folder}/model",
}
"""With these alone it runs at its defaults."""

OURS_ENVIRONMENT = {
    "MODEL_SERVER_GRPC_PORT": "{grpc_port}",
    "MODEL_SERVER_API_KEYS_FILE": "{folder}/keys.json",
    "MODEL_SERVER_RATE_PER_SECOND": "1000000",
    "MODEL_SERVER_PREDICTION_LOG": "{folder}/predictions",
}
"""All features: API key, rate limiter, metrics, access log, whole prediction log; no cache."""

LOGGED = "model_server_prediction_log_written_total"
DROPPED = "model_server_prediction_log_dropped_total"
ANSWERED = "model_server_requests_total"
"""Counters; the last one counts answers of inference routes only."""

UNFINISHED = ".part"
"""What ends the name of a file of the prediction log that is still written."""

FLUSH_SECONDS = 10.0


@dataclass(frozen=True)
class Ports:
    """Where it listens."""

    http: int
    grpc: int


@dataclass(frozen=True)
class LogCount:
    """What became of the prediction log."""

    received: int
    """Answers that the load tools and the samples counted. Fewer than were given: when a load
    ends, some are under way."""

    answers: int
    """As the server's metrics count them."""

    lines: int
    """Lines in the files."""

    dropped: int

    @property
    def complete(self) -> bool:
        """Whether every answer is accounted for."""
        return self.lines + self.dropped == self.answers >= self.received > 0


def source() -> Path:
    """Give the folder of the server's sources."""
    return Path(os.environ.get("BENCH_SERVING_IMAGE", serving_image_directory()))


def python(progress: Callable[[str], None]) -> Path:
    """Give the Python of an environment with exactly its own lock file."""
    return installed("ours", source() / "requirements.txt", progress)


def prepare(
    model: Model, folder: Path, ports: Ports, *, full: bool, threads: int | None = 1
) -> dict[str, str]:
    """Write its model folder and key file, and give its environment.

    Args:
        model: what it serves.
        folder: an empty folder.
        ports: where it listens.
        full: with all features on, or at its defaults.
        threads: of one inference; None leaves it to the server.
    """
    home = folder / "model"
    home.mkdir()
    shutil.copy(model.path, home)
    places = {"folder": folder, "port": ports.http, "grpc_port": ports.grpc}
    table = dict(BASE_ENVIRONMENT)
    if full:
        table |= OURS_ENVIRONMENT
        (home / "input_rules.json").write_text(input_rules(model))
        digest = hashlib.sha256(KEY.encode()).hexdigest()
        entry = {"name": "bench", "sha256": digest, "scopes": ["infer", "metrics"]}
        (folder / "keys.json").write_text(json.dumps([entry]))
    environment = {name: value.format(**places) for name, value in table.items()}
    if threads is not None:
        environment["MODEL_SERVER_THREADS"] = str(threads)
    return environment | {"PYTHONPATH": str(source())}


class PredictionLog:
    """The prediction log of one running server, counted and thrown away file by file."""

    def __init__(self, folder: Path, port: int) -> None:
        self._folder = folder / "predictions"
        self._port = port
        self._counted = 0
        self.received = 0
        """To be added to: answers that came back."""

    def count(self) -> LogCount | None:
        """Count it, once it is written out; no load may run.

        Returns:
            None where there is no log, or nothing was answered yet.
        """
        if not self._folder.exists() or not self.received:
            return None
        until = time.monotonic() + FLUSH_SECONDS
        while True:
            counters = _counters(self._port)
            answers, dropped = counters[ANSWERED], counters[DROPPED]
            late = time.monotonic() > until
            if counters[LOGGED] + dropped == answers or late:
                lines = self._lines()
                # When a load ends, some requests are under way: one may have ended just now.
                if late or _counters(self._port)[ANSWERED] == answers:
                    return LogCount(self.received, answers, lines, dropped)
            time.sleep(0.1)

    def _lines(self) -> int:
        unfinished = 0
        for path in sorted(self._folder.rglob("*")):
            if not path.is_file():
                continue
            if path.name.endswith(UNFINISHED):
                unfinished += _count_lines(path)
            else:
                self._counted += _count_lines(path)
                path.unlink()  # some gigabytes a run
        return self._counted + unfinished


def _count_lines(path: Path) -> int:
    total = 0
    with path.open("rb") as file:
        while block := file.read(2**20):
            total += block.count(b"\n")
    return total


def _counters(port: int) -> dict[str, int]:
    """Read the counters, each added up over its labels."""
    connection = HTTPConnection("127.0.0.1", port, timeout=5)
    connection.request("GET", "/metrics", headers=HEADERS)
    text = connection.getresponse().read().decode()
    connection.close()
    totals = dict.fromkeys((LOGGED, DROPPED, ANSWERED), 0)
    for line in text.splitlines():
        name = line.replace("{", " ").partition(" ")[0]
        if name in totals:
            # An exemplar would come after a hash.
            totals[name] += int(float(line.partition(" # ")[0].rpartition(" ")[2]))
    return totals
