"""The Docker command line, as the emulator uses it.

Takes arguments, gives what the command printed. It must not know images or containers.
"""

import os
import shutil
import subprocess

from modelway.errors import ImageError

COMMAND_SECONDS = 30.0


def docker_command() -> str:
    """Give the command's path.

    Raises:
        ImageError: there is none.
    """
    docker = shutil.which("docker")
    if docker is None:
        raise ImageError(
            "starting a container: there is no docker on PATH; install Docker, or start the "
            "emulator with --runtime process"
        )
    return docker


def docker_environment() -> dict[str, str]:
    """Give where the daemon is and who asks; nothing else of this process's environment."""
    kept = ("PATH", "HOME", "DOCKER_HOST", "DOCKER_CONFIG", "DOCKER_CONTEXT", "XDG_RUNTIME_DIR")
    kept += ("DOCKER_TLS_VERIFY", "DOCKER_CERT_PATH")
    # The Dockerfile mounts a secret, which only BuildKit knows.
    return {name: os.environ[name] for name in kept if name in os.environ} | {
        "DOCKER_BUILDKIT": "1"
    }


def run_docker(docker: str, *arguments: str, seconds: float = COMMAND_SECONDS) -> str:
    """Run a command to its end.

    Raises:
        ImageError: it failed, or took longer than `seconds`.
    """
    try:
        done = subprocess.run(
            [docker, *arguments],
            env=docker_environment(),
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
