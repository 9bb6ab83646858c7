"""Starts, finds and stops emulators, each a process of its own.

Takes a port, gives a `RunningEmulator`. The process outlives the one that started it; its log is in
its state folder. This module must not import moto: it is on the way of every command.

    emulator = start(port=0, time_scale=60)
    subprocess.run(["pulumi", "up"], env=emulator.child_environment())
    emulator.stop()
"""

import contextlib
import errno
import json
import os
import shutil
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from modelway.emulator.environment import (
    backend_folder,
    child_environment,
    client_environment,
    server_environment,
)
from modelway.emulator.state import StateFolder, default_state_folder
from modelway.errors import EmulatorError, EmulatorNotRunning, PortTaken

DEFAULT_PORT = 4510

READY_SECONDS = 60.0
"""How long a start may take: 2 s when the state is new, longer when much has to be restored."""

STOP_SECONDS = 45.0
"""How long a stop may take: replicas get 30 s to drain, as SageMaker gives a container."""

_ANSWER_SECONDS = 5.0
_DOCKER_SECONDS = 10.0
_LOG_LINES = 15
# A request for loopback must not go to the user's proxy.
_opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))


@dataclass(frozen=True)
class RunningEmulator:
    """An emulator that answers."""

    url: str
    """For example `http://127.0.0.1:4510`."""
    port: int
    pid: int
    state_dir: Path

    def environment(self) -> dict[str, str]:
        """Give the variables that lead a program to this emulator (`modelway emulator env`)."""
        return client_environment(self.url, self.state_dir)

    def child_environment(self) -> dict[str, str]:
        """Give this process's environment, led to this emulator: for `subprocess`."""
        return child_environment(self.url, self.state_dir, os.environ)

    def status(self) -> dict[str, Any]:
        """Give what the emulator says about itself.

        Raises:
            EmulatorNotRunning: it is gone, or does not answer within 5 s.
        """
        return control(self.url, "GET", "status")

    def reset(self, keep_stacks: bool = False) -> None:
        """Make it forget everything: resources, state on disk, metrics, replicas.

        Args:
            keep_stacks: keep Pulumi's state too. By default it goes, since the resources it names
                are gone.
        """
        control(self.url, "POST", "reset", seconds=STOP_SECONDS)
        if not keep_stacks:
            shutil.rmtree(backend_folder(self.state_dir), ignore_errors=True)
            backend_folder(self.state_dir).mkdir(exist_ok=True)

    def stop(self, wait_seconds: float = STOP_SECONDS) -> None:
        """Stop it and all that it started; does nothing when it is gone already.

        Args:
            wait_seconds: real seconds until it is killed.
        """
        try:
            process = psutil.Process(self.pid)
            family = [process, *process.children(recursive=True)]
            process.terminate()
        except psutil.NoSuchProcess:
            return
        deadline = time.monotonic() + wait_seconds
        while not _ended(process) and time.monotonic() < deadline:
            time.sleep(0.02)
        for each in family:
            with contextlib.suppress(psutil.NoSuchProcess):
                each.kill()
        while not all(_ended(each) for each in family):
            time.sleep(0.02)


def _ended(process: psutil.Process) -> bool:
    try:
        # psutil's own wait takes a zombie of somebody else's for a process that still runs.
        return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def start(
    port: int = DEFAULT_PORT,
    time_scale: float = 1.0,
    runtime: str = "process",
    state: Path | None = None,
    replicas: bool = True,
    wait_seconds: float = READY_SECONDS,
) -> RunningEmulator:
    """Start an emulator and wait until it answers.

    Args:
        port: 1 to 65535; 0 for any free one. Default: 4510.
        time_scale: virtual seconds per real second, above 0. Default: 1.
        runtime: what a replica is, `process` or `docker`. Default: `process`.
        state: the folder that keeps what exists across restarts. Default: under
            `$XDG_STATE_HOME/modelway`, by port.
        replicas: False lets endpoints come into service with nothing behind them.
        wait_seconds: real seconds to become ready. Default: 60.

    Raises:
        PortTaken: something listens on the port.
        EmulatorError: the options make no sense, the folder is in use, or the process failed; the
            message ends with its last words.
    """
    _check(port, time_scale, runtime)
    if runtime == "docker":
        _require_docker()
    listening = _listen(port)
    with listening:
        port = listening.getsockname()[1]
        folder = StateFolder((state or default_state_folder(port, dict(os.environ))).absolute())
        folder.hold()
        backend_folder(folder.path).mkdir(exist_ok=True)
        folder.release()
        command = [
            *(sys.executable, "-P", "-m", "modelway.emulator.server"),
            *("--port", str(port), "--state", str(folder.path)),
            *("--time-scale", repr(time_scale), "--runtime", runtime),
            *("--listening-fd", str(listening.fileno())),
            *([] if replicas else ["--no-replicas"]),
        ]
        process = _spawn(command, folder, listening.fileno())
    _await_ready(process, folder, wait_seconds)
    return RunningEmulator(f"http://127.0.0.1:{port}", port, process.pid, folder.path)


def find(port: int = DEFAULT_PORT) -> RunningEmulator | None:
    """Give the emulator on `port`, or None when no emulator answers there."""
    try:
        status = control(f"http://127.0.0.1:{port}", "GET", "status")
        return RunningEmulator(
            status["url"], status["port"], status["pid"], Path(status["state_dir"])
        )
    except (EmulatorNotRunning, KeyError, TypeError):
        pass
    # One that hangs is still there, and must be stoppable.
    folder = default_state_folder(port, dict(os.environ))
    record = StateFolder(folder).record() if folder.is_dir() else None
    if record is None or record.port != port:
        return None
    return RunningEmulator(f"http://127.0.0.1:{port}", port, record.pid, folder)


def require(port: int = DEFAULT_PORT) -> RunningEmulator:
    """Give the emulator on `port`.

    Raises:
        EmulatorNotRunning: there is none.
    """
    emulator = find(port)
    if emulator is None:
        option = "" if port == DEFAULT_PORT else f" --port {port}"
        raise EmulatorNotRunning(
            f"no emulator answers on port {port}; start one with `modelway emulator start{option}`"
        )
    return emulator


def control(
    url: str,
    method: str,
    route: str,
    seconds: float = _ANSWER_SECONDS,
    content: Mapping[str, Any] | None = None,
) -> Any:
    """Ask one of the emulator's own routes and give its JSON; `content` is sent as JSON.

    Raises:
        EmulatorNotRunning: nothing answers there in time.
        EmulatorError: it refused; the message says why.
    """
    request = urllib.request.Request(  # noqa: S310 - the emulator's own address
        f"{url}/_modelway/{route}",
        data=None if content is None else json.dumps(content).encode(),
        headers={"Content-Type": "application/json"},
        method=method,
    )
    try:
        with _opener.open(request, timeout=seconds) as response:
            return json.load(response)
    except urllib.error.HTTPError as error:
        try:
            reason = json.load(error)["error"]
        except (ValueError, KeyError, TypeError):
            raise EmulatorNotRunning(f"what answers at {url} is no modelway emulator") from error
        raise EmulatorError(str(reason)) from error
    except (OSError, ValueError) as error:
        raise EmulatorNotRunning(f"no emulator answers at {url} ({error})") from error


def _check(port: int, time_scale: float, runtime: str) -> None:
    problems = []
    if not 0 <= port <= 65535:  # noqa: PLR2004 - TCP's range
        problems.append(f"port is {port}; allowed: 0 (any free one) to 65535")
    if not 0 < time_scale < float("inf"):
        problems.append(f"time scale is {time_scale}; it must be above 0")
    if runtime not in {"process", "docker"}:
        problems.append(f"runtime is {runtime!r}; allowed: process, docker")
    if problems:
        raise EmulatorError("starting the emulator: " + "; ".join(problems))


def _require_docker() -> None:
    try:
        subprocess.run(
            ["docker", "version", "--format", "{{.Server.Version}}"],
            env=server_environment(),
            check=True,
            capture_output=True,
            timeout=_DOCKER_SECONDS,
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise EmulatorError(
            "starting the emulator: --runtime docker needs a Docker daemon, and none answers;"
            " start Docker, or use --runtime process, which runs the same model server"
        ) from error


def _listen(port: int) -> socket.socket:
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(("127.0.0.1", port))
        listening.listen(256)
    except OSError as error:
        listening.close()
        if error.errno == errno.EADDRINUSE:
            raise PortTaken(_taken(port)) from error
        raise EmulatorError(
            f"starting the emulator: port {port} cannot be used ({error.strerror});"
            " choose another with --port, 1024 or above"
        ) from error
    return listening


def _taken(port: int) -> str:
    emulator = find(port)
    if emulator is not None:
        return (
            f"starting the emulator: port {port} already has an emulator (process {emulator.pid},"
            f" state {emulator.state_dir}); use it, stop it with `modelway emulator stop --port"
            f" {port}`, or start another with --port"
        )
    return (
        f"starting the emulator: port {port} is taken by {_holder(port)};"
        " choose another with --port (0 takes any free one)"
    )


def _holder(port: int) -> str:
    try:
        for connection in psutil.net_connections("tcp"):
            if connection.status == psutil.CONN_LISTEN and connection.laddr.port == port:
                name = psutil.Process(connection.pid).name()
                return f"process {connection.pid} ({name})"
    except (psutil.Error, OSError):
        pass  # other users' processes may not be looked at
    return "another process"


def _spawn(command: Sequence[str], folder: StateFolder, fd: int) -> subprocess.Popen[bytes]:
    with folder.log_file.open("wb") as output:
        return subprocess.Popen(
            command,
            cwd=folder.path,
            env=server_environment(),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            pass_fds=(fd,),
            start_new_session=True,  # Ctrl-C in the terminal is not meant for it
        )


def _await_ready(process: subprocess.Popen[bytes], folder: StateFolder, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        record = folder.record()
        if record is not None and record.pid == process.pid:
            # Nobody else collects it when it ends while this process still runs.
            threading.Thread(target=process.wait, daemon=True).start()
            return
        if process.poll() is not None:
            raise EmulatorError(
                f"starting the emulator: its process ended with status {process.returncode}."
                f" The end of {folder.log_file}:\n{_last_lines(folder.log_file)}"
            )
        time.sleep(0.02)
    process.kill()
    process.wait()
    raise EmulatorError(
        f"starting the emulator: not ready after {seconds:g} s."
        f" The end of {folder.log_file}:\n{_last_lines(folder.log_file)}"
    )


def _last_lines(path: Path) -> str:
    try:
        return "\n".join(path.read_text(errors="replace").splitlines()[-_LOG_LINES:])
    except OSError:
        return "(no log)"
