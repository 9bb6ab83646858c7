"""Load: wrk for closed loops, ghz for gRPC, `open_loop` for a constant rate.

Takes prepared requests and a port, gives what the load tool counted. Each tool runs on one core
that the server does not have.
"""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from environments import UnavailableError

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Requests:
    """Prepared requests on disk: all in one file, and their lengths in another."""

    content: Path
    lengths: Path

    @classmethod
    def write(cls, folder: Path, name: str, requests: list[bytes]) -> "Requests":
        """Write them."""
        made = cls(folder / f"{name}.requests", folder / f"{name}.lengths")
        made.content.write_bytes(b"".join(requests))
        made.lengths.write_text("".join(f"{len(request)}\n" for request in requests))
        return made


@dataclass(frozen=True)
class Load:
    """What a load tool counted."""

    answers: int
    seconds: float
    refused: int
    """Answers that were not 2xx (gRPC: not OK)."""

    errors: int
    """Connections that failed, and requests without an answer."""

    p50_ms: float
    p99_ms: float

    @property
    def per_second(self) -> float:
        """Measured answers per second."""
        return self.answers / self.seconds if self.seconds else 0.0


def closed_loop(
    wrk: str, requests: Requests, port: int, connections: int, seconds: float, core: int
) -> Load:
    """Keep so many connections busy, each with one request at a time."""
    command = [wrk, "-t1", f"-c{connections}", f"-d{max(1, round(seconds))}s", "--timeout", "10s"]
    command += ["-s", str(HERE / "wrk.lua"), f"http://127.0.0.1:{port}/"]
    command += ["--", str(requests.content), str(requests.lengths)]
    said = _run(command, core)
    line = next(line for line in said.splitlines() if line.startswith("RESULT "))
    return Load(**json.loads(line.removeprefix("RESULT ")))


def constant_rate(requests: Requests, port: int, rate: float, seconds: float, core: int) -> Load:
    """Send at a fixed rate, whatever comes back."""
    command = [sys.executable, str(HERE / "open_loop.py"), str(port)]
    command += [str(requests.content), str(requests.lengths), str(rate), str(seconds)]
    said = json.loads(_run(command, core))
    return Load(
        answers=said["answers"],
        seconds=said["seconds"],
        refused=said["refused"],
        errors=said["errors"] + said["unanswered"],
        p50_ms=said["p50_ms"],
        p99_ms=said["p99_ms"],
    )


def grpc_load(
    ghz: Path,
    proto: Path,
    messages: Path,
    metadata: dict[str, str],
    port: int,
    in_flight: int,
    seconds: float,
    core: int,
) -> Load:
    """Keep so many ModelInfer calls in flight on one channel."""
    command = [str(ghz), "--insecure", "--proto", str(proto)]
    command += ["--call", "inference.GRPCInferenceService.ModelInfer"]
    command += ["--data-file", str(messages), "--metadata", json.dumps(metadata)]
    command += ["--disable-template-data", "--disable-template-functions"]
    command += ["--concurrency", str(in_flight), "--duration", f"{seconds}s"]
    command += ["--duration-stop", "wait", "--timeout", "10s", "--format", "json"]
    said = json.loads(_run([*command, f"127.0.0.1:{port}"], core, GOMAXPROCS="1"))
    answers = said["statusCodeDistribution"].get("OK", 0)
    marks = {mark["percentage"]: mark["latency"] / 1e6 for mark in said["latencyDistribution"]}
    return Load(
        answers=answers,
        seconds=said["total"] / 1e9,
        refused=said["count"] - answers,
        errors=0,
        p50_ms=marks[50],
        p99_ms=marks[99],
    )


def _run(command: list[str], core: int, **environment: str) -> str:
    done = subprocess.run(
        ["taskset", "--cpu-list", str(core), *command],
        env={**os.environ, **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise UnavailableError(f"{Path(command[0]).name} failed: {done.stderr[-1000:]}")
    return done.stdout
