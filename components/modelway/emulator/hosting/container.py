"""Starts one container with the Docker command line: the serving image itself, built on first use.

Takes the same order as `launch.ProcessLauncher`. The image is named by the content hash of
`serving_image/`, so it is built once for each state of the sources. Containers carry a label with
the emulator's state folder: what an emulator that was killed has left is removed at the next start.
"""

import contextlib
import hashlib
import os
import shutil
import subprocess
import threading
import uuid
from pathlib import Path

from modelway.emulator.hosting.launch import (
    LogSink,
    Order,
    RunningProcess,
    container_environment,
    free_port,
)
from modelway.emulator.services import Settings
from modelway.errors import ImageError
from modelway.image.context import content_hash, serving_image_directory

LABEL = "modelway.emulator"
CONTAINER_PORT = 8080
MODEL_DIR = "/opt/ml/model"
COMMAND_SECONDS = 30.0
BUILD_SECONDS = 900.0


class DockerLauncher:
    """Runs the serving image in containers."""

    def __init__(self, settings: Settings) -> None:
        self._label = f"{LABEL}={hashlib.sha256(str(settings.state_dir).encode()).hexdigest()[:16]}"
        self._lock = threading.Lock()
        self._image: str | None = None

    def start(self, order: Order, log: LogSink) -> "RunningContainer":
        """Start one container; its port 8080 is a free port of 127.0.0.1.

        Raises:
            ImageError: Docker is missing, or the image could not be built.
        """
        docker, image = self._prepare()
        port = free_port()
        # Not the instance's id alone: the name of a container that has just ended is still taken.
        name = f"modelway-{order.endpoint_name}-{order.instance_id}-{uuid.uuid4().hex[:6]}"
        command = [docker, "run", "--rm", "--name", name, "--label", self._label]
        command += ["--publish", f"127.0.0.1:{port}:{CONTAINER_PORT}"]
        command += ["--mount", f"type=bind,source={order.model_dir},target={MODEL_DIR},readonly"]
        command += ["--read-only", "--tmpfs", "/tmp", "--cap-drop", "ALL"]  # noqa: S108 - inside
        command += ["--security-opt", "no-new-privileges"]
        for key, value in container_environment(order, CONTAINER_PORT).items():
            command += ["--env", f"{key}={value}"]
        process = subprocess.Popen(
            [*command, image, "serve"],
            env=_environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        return RunningContainer(docker, name, process, port, log, order.model_dir)

    def close(self) -> None:
        """Remove containers that are left; there are none after a regular stop."""
        docker = shutil.which("docker")
        if docker is not None and self._image is not None:
            self._remove_leftovers(docker)

    def _prepare(self) -> tuple[str, str]:
        docker = shutil.which("docker")
        if docker is None:
            raise ImageError(
                "starting a container: there is no docker on PATH; install Docker, or start the "
                "emulator with --runtime process"
            )
        with self._lock:
            if self._image is None:
                self._remove_leftovers(docker)
                self._image = _built(docker)
            return docker, self._image

    def _remove_leftovers(self, docker: str) -> None:
        listed = _docker(docker, "ps", "--all", "--quiet", "--filter", f"label={self._label}")
        for container in listed.split():
            with contextlib.suppress(ImageError):
                _docker(docker, "rm", "--force", container)


class RunningContainer(RunningProcess):
    """A container behind the `docker run` that follows it."""

    def __init__(
        self,
        docker: str,
        name: str,
        process: "subprocess.Popen[bytes]",
        port: int,
        log: LogSink,
        model_dir: Path,
    ) -> None:
        super().__init__(process, port, log, (model_dir,), lambda: None)
        self._docker, self._name = docker, name
        self._server_pid = 0

    @property
    def pid(self) -> int:
        """The server's process id on this machine; 0 where the daemon runs elsewhere or is slow."""
        if not self._server_pid:
            with contextlib.suppress(ImageError, ValueError):
                said = _docker(self._docker, "inspect", "--format", "{{.State.Pid}}", self._name)
                self._server_pid = int(said)
        return self._server_pid

    def terminate(self) -> None:
        """Send SIGTERM to the container; `docker run` ends with it."""
        with contextlib.suppress(ImageError):
            _docker(self._docker, "kill", "--signal", "TERM", self._name)

    def kill(self) -> None:
        """Send SIGKILL to the container."""
        with contextlib.suppress(ImageError):
            _docker(self._docker, "kill", self._name)
        super().kill()


def _built(docker: str) -> str:
    """Give the image of the sources as they are, building it where the daemon does not have it.

    Where the build needs arguments of its own (another base image, a CA bundle), build it under
    this name beforehand.
    """
    tag = f"modelway-serving:{content_hash()[:12]}"
    if not _docker(docker, "images", "--quiet", tag).strip():
        _docker(
            docker, "build", "--tag", tag, str(serving_image_directory()), seconds=BUILD_SECONDS
        )
    return tag


def _environment() -> dict[str, str]:
    """Where the daemon is and who asks; nothing else of this process's environment."""
    kept = ("PATH", "HOME", "DOCKER_HOST", "DOCKER_CONFIG", "DOCKER_CONTEXT", "XDG_RUNTIME_DIR")
    kept += ("DOCKER_TLS_VERIFY", "DOCKER_CERT_PATH")
    # The Dockerfile mounts a secret, which only BuildKit knows.
    return {name: os.environ[name] for name in kept if name in os.environ} | {
        "DOCKER_BUILDKIT": "1"
    }


def _docker(docker: str, *arguments: str, seconds: float = COMMAND_SECONDS) -> str:
    try:
        done = subprocess.run(
            [docker, *arguments],
            env=_environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=seconds,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ImageError(f"running docker {arguments[0]}: {error}") from error
    if done.returncode != 0:
        said = done.stderr.strip() or done.stdout.strip()
        raise ImageError(
            f"running docker {arguments[0]}: exit status {done.returncode}; is the daemon "
            f"running?\n  {said}"
        )
    return done.stdout
