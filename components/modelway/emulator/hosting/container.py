"""Starts one container with the Docker command line: the serving image itself, built on first use.

Takes the same order as `launch.ProcessLauncher`. The image is named by its content hash, so it is
built once for each content. Containers carry a label with the emulator's state folder: what an
emulator that was killed has left is removed at the next start.
"""

import contextlib
import hashlib
import shutil
import subprocess
import threading
import uuid
from pathlib import Path

from modelway.emulator.hosting.docker import docker_command, docker_environment, run_docker
from modelway.emulator.hosting.images import ImageInside, Inspect, build, local_tag
from modelway.emulator.hosting.launch import (
    LogSink,
    Order,
    RunningProcess,
    container_environment,
    free_port,
)
from modelway.emulator.services import Settings
from modelway.errors import ImageError
from modelway.image.content import ImageContent

LABEL = "modelway.emulator"
CONTAINER_PORT = 8080
MODEL_DIR = "/opt/ml/model"


class DockerLauncher:
    """Runs the serving image in containers."""

    def __init__(self, settings: Settings, inspect: Inspect) -> None:
        self._label = f"{LABEL}={hashlib.sha256(str(settings.state_dir).encode()).hexdigest()[:16]}"
        self._lock = threading.Lock()
        self._inspect = inspect
        self._images: dict[str, str] = {}
        """Names in the local Docker, by content hash."""

    def start(self, order: Order, log: LogSink) -> "RunningContainer":
        """Start one container; its port 8080 is a free port of 127.0.0.1.

        Raises:
            ImageError: Docker is missing, or the image could not be built.
        """
        docker = docker_command()
        image = self._prepared(docker, self._inspect(order.image))
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
            env=docker_environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        return RunningContainer(docker, name, process, port, log, order.model_dir)

    def close(self) -> None:
        """Remove containers that are left; there are none after a regular stop."""
        docker = shutil.which("docker")
        if docker is not None and self._images:
            self._remove_leftovers(docker)

    def _prepared(self, docker: str, inside: ImageInside) -> str:
        with self._lock:
            if not self._images:
                self._remove_leftovers(docker)
            if inside.content not in self._images:
                content = ImageContent(extras=inside.extras)
                files = {name: data for name, data, _executable in content.files()}
                build(inside.content, files, {}, lambda _line: None)
                self._images[inside.content] = local_tag(inside.content)
            return self._images[inside.content]

    def _remove_leftovers(self, docker: str) -> None:
        listed = run_docker(docker, "ps", "--all", "--quiet", "--filter", f"label={self._label}")
        for container in listed.split():
            with contextlib.suppress(ImageError):
                run_docker(docker, "rm", "--force", container)


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
                said = run_docker(self._docker, "inspect", "--format", "{{.State.Pid}}", self._name)
                self._server_pid = int(said)
        return self._server_pid

    def terminate(self) -> None:
        """Send SIGTERM to the container; `docker run` ends with it."""
        with contextlib.suppress(ImageError):
            run_docker(self._docker, "kill", "--signal", "TERM", self._name)

    def kill(self) -> None:
        """Send SIGKILL to the container."""
        with contextlib.suppress(ImageError):
            run_docker(self._docker, "kill", self._name)
        super().kill()
