"""Starts one container as a process: the model server's own sources in their own environment.

Takes what SageMaker would give a container (model directory, environment), gives a `Running`: its
address and the means to end it. The process gets nothing of the emulator's environment. Must not
decide when to start or stop (that is `replica`).
"""

import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from modelway.emulator.hosting.images import ImageInside, Inspect
from modelway.image.context import serving_image_directory
from modelway.image.runtime import extra_path, server_python

LogSink = Callable[[Sequence[str]], None]
"""Takes lines of standard output and error, without line ends."""

_READ_BYTES = 65_536


@dataclass(frozen=True)
class Order:
    """What is to be started."""

    endpoint_name: str
    variant: str
    instance_id: str
    image: str
    model_dir: Path
    environment: Mapping[str, str]
    region: str


class Running(Protocol):
    """One container that was started."""

    @property
    def pid(self) -> int:
        """Process id on this machine; 0 where there is none to see."""
        ...

    @property
    def port(self) -> int:
        """Port on 127.0.0.1 where it is to answer."""
        ...

    @property
    def scratch(self) -> tuple[Path, ...]:
        """Folders that fill the instance's volume: the model's and the container's own."""
        ...

    def exit_status(self) -> int | None:
        """Give the exit status, or None while it runs."""
        ...

    def wait(self, seconds: float) -> bool:
        """Wait for its end; True when it has ended and its last log line was handed on."""
        ...

    def terminate(self) -> None:
        """Ask it to end (SIGTERM)."""
        ...

    def kill(self) -> None:
        """End it (SIGKILL)."""
        ...


class Launcher(Protocol):
    """A way to run containers."""

    def start(self, order: Order, log: LogSink) -> Running:
        """Start one; it is not yet healthy. Raises ModelwayError where that is impossible."""
        ...

    def close(self) -> None:
        """Give up what the launcher holds; everything it started has ended before."""
        ...


class ProcessLauncher:
    """Runs the serving image's sources as processes of this machine.

    Args:
        inspect: looks into an image for what a spec has added to it.
    """

    def __init__(self, inspect: Inspect = lambda _image: ImageInside()) -> None:
        self._inspect = inspect
        # PR_SET_PDEATHSIG follows the *thread* that started the child (prctl(2)), so all are
        # started by one thread that lives as long as the emulator.
        self._starter = ThreadPoolExecutor(1, thread_name_prefix="replica-starter")

    def start(self, order: Order, log: LogSink) -> Running:
        """Start one server on a free port."""
        python = server_python()
        added = extra_path(self._inspect(order.image).extras)
        port = free_port()
        scratch = tempfile.TemporaryDirectory(
            prefix="modelway-replica-", ignore_cleanup_errors=True
        )
        # One process a replica unless the spec says otherwise: an instance has its CPUs to itself,
        # and here all replicas share one machine's.
        environment = {"MODEL_SERVER_WORKERS": "1"} | container_environment(order, port)
        environment |= {
            "MODEL_SERVER_HOST": "127.0.0.1",
            "MODEL_SERVER_MODEL_DIR": str(order.model_dir),
            "PYTHONPATH": os.pathsep.join(
                str(folder) for folder in (serving_image_directory(), *added)
            ),
            # Compiled files go beside the environment, not into the user's sources.
            "PYTHONPYCACHEPREFIX": str(python.parents[1] / "pycache"),
            "PYTHONUNBUFFERED": "1",
            "PATH": os.defpath,
            "HOME": scratch.name,
            "TMPDIR": scratch.name,
            "LANG": "C.UTF-8",
        }
        leash = Path(__file__).with_name("leash.py")
        command = [sys.executable, "-I", "-S", str(leash), str(os.getpid())]
        command += [str(python), "-m", "model_server", "serve"]
        try:
            process = self._starter.submit(
                subprocess.Popen,
                command,
                cwd=scratch.name,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
            ).result()
        except BaseException:
            scratch.cleanup()
            raise
        folders = (order.model_dir, Path(scratch.name))
        return RunningProcess(process, port, log, folders, scratch.cleanup)

    def close(self) -> None:
        """End the thread that started the processes."""
        self._starter.shutdown()


class RunningProcess:
    """A child process whose output is handed on line by line."""

    def __init__(
        self,
        process: "subprocess.Popen[bytes]",
        port: int,
        log: LogSink,
        scratch: tuple[Path, ...],
        cleanup: Callable[[], None],
    ) -> None:
        self._process = process
        self.port = port
        self.scratch = scratch
        self._log = log
        self._cleanup = cleanup
        self._reader = threading.Thread(target=self._read, name=f"log-{process.pid}", daemon=True)
        self._reader.start()

    @property
    def pid(self) -> int:
        """The child's process id."""
        return self._process.pid

    def exit_status(self) -> int | None:
        """Give the exit status (negative: the signal that ended it), or None while it runs."""
        return self._process.poll()

    def wait(self, seconds: float) -> bool:
        """Wait for the end of the process and of its output."""
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            return False
        self._reader.join(5)
        return True

    def terminate(self) -> None:
        """Send SIGTERM."""
        self._process.terminate()

    def kill(self) -> None:
        """Send SIGKILL."""
        self._process.send_signal(signal.SIGKILL)

    def _read(self) -> None:
        stream = self._process.stdout
        if stream is None:
            return
        rest = b""
        with stream:
            # os.read gives what is there: whole bursts of lines become one call of the sink.
            while chunk := os.read(stream.fileno(), _READ_BYTES):
                *lines, rest = (rest + chunk).split(b"\n")
                if lines:
                    self._log([line.decode(errors="replace").rstrip("\r") for line in lines])
        if rest:
            self._log([rest.decode(errors="replace")])
        self._process.wait()
        self._cleanup()


def container_environment(order: Order, port: int) -> dict[str, str]:
    """Give what SageMaker puts into a container's environment, the model's own entries included.

    https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-inference-code.html (read
    2026-11). Credentials are left out: no container needs any here.
    """
    return {
        **order.environment,
        "AWS_REGION": order.region,
        "AWS_DEFAULT_REGION": order.region,
        "SAGEMAKER_BIND_TO_PORT": str(port),
    }


def free_port() -> int:
    """Give a port on 127.0.0.1 that nobody listens on at this moment.

    Somebody else may take it before the server does; the server then ends and is started again,
    with another port.
    """
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
