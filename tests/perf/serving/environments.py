"""What the benchmark installs: an environment for each server, and the tools that make the load.

Takes requirements with exact versions, gives a Python that has them, made once in the user's cache.
All servers run on the same base Python. Nothing of it touches the project's own environment.
"""

import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path

from modelway.cache import user_cache

PEERS = Path(__file__).parent / "peers"
FINISHED = ".finished"

GHZ = "github.com/bojand/ghz/cmd/ghz@v0.120.0"

PYTHON_VARIABLE = "BENCH_PYTHON"
"""The environment variable that names another base Python."""

SYSTEM_PYTHON = "/usr/bin/python3"


class UnavailableError(Exception):
    """Something that is measured, or measures, cannot be had here."""


@cache
def base_python() -> str:
    """Give the Python that every server runs on, ours and the peers.

    The system's own one where it is new enough: distributions build theirs with profile-guided
    optimisation. One compiled at home often lacks it: Python code then takes half as long again.
    """
    chosen = os.environ.get(PYTHON_VARIABLE)
    if chosen is not None:
        return chosen
    own = getattr(sys, "_base_executable", sys.executable)
    return SYSTEM_PYTHON if _described(SYSTEM_PYTHON) else own


@cache
def python_description() -> str:
    """Say which Python that is."""
    return f"Python {_described(base_python()).get('version')} ({base_python()})"


def python_library_folder() -> str:
    """Give the folder of libpython, which Triton's Python backend links to."""
    return str(_described(base_python()).get("libraries", ""))


def installed(name: str, requirements: Path, progress: Callable[[str], None]) -> Path:
    """Give the Python of a server's own environment.

    Args:
        name: of the server.
        requirements: every package with its exact version.
        progress: told what takes long.

    Raises:
        UnavailableError: the packages cannot be had.
    """
    base = base_python()
    key = hashlib.sha256(requirements.read_bytes() + python_description().encode())
    folder = user_cache("bench") / f"{name}-{key.hexdigest()[:12]}"
    python = folder / "bin" / "python"
    if (folder / FINISHED).is_file():
        return python
    progress(f"installing {name}'s packages into {folder} (once)")
    shutil.rmtree(folder, ignore_errors=True)
    uv = str(Path(sys.executable).with_name("uv"))
    _run([uv, "venv", "--quiet", "--python", base, str(folder)])
    _run([uv, "pip", "install", "--quiet", "--python", str(python), "-r", str(requirements)])
    (folder / FINISHED).touch()
    return python


@cache
def _described(python: str) -> dict[str, str]:
    """Describe a Python; nothing where there is none, or it is older than 3.11."""
    script = (
        "import json, platform, sys, sysconfig; sys.exit(1) if sys.version_info < (3, 11) else"
        " print(json.dumps({'version': platform.python_version(),"
        " 'libraries': sysconfig.get_config_var('LIBDIR')}))"
    )
    try:
        done = subprocess.run([python, "-c", script], capture_output=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return {}
    return json.loads(done.stdout)


def wrk() -> str:
    """Give the path of wrk.

    Raises:
        UnavailableError: it is not installed.
    """
    path = shutil.which("wrk")
    if path is None:
        raise UnavailableError("wrk makes the load and is not here; on Debian: apt-get install wrk")
    return path


def ghz(progress: Callable[[str], None]) -> Path:
    """Give the path of ghz, the load tool for gRPC, building it where it is missing.

    Raises:
        UnavailableError: there is no Go, or the module cannot be had.
    """
    folder = user_cache("bench") / "go"
    path = folder / "ghz"
    if path.is_file():
        return path
    go = shutil.which("go")
    if go is None:
        raise UnavailableError("ghz makes the gRPC load and is built with Go, which is not here")
    progress(f"building {GHZ} (once, some minutes)")
    _run([go, "install", GHZ], GOBIN=str(folder))
    return path


def _run(command: list[str], **environment: str) -> None:
    done = subprocess.run(
        command,
        env={**os.environ, **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise UnavailableError(f"{' '.join(command)} failed:\n{done.stderr[-2000:]}")
