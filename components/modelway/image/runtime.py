"""A Python environment that runs the serving image's sources without Docker.

Takes `serving_image/requirements.txt`, gives the Python of a virtual environment with exactly those
packages, made once per user and reused; and takes what a spec adds, gives folders for its path. It
is never modelway's own environment: the server must prove that its own lock file is enough. Must
not start a server (that is `emulator.hosting`).
"""

import fcntl
import hashlib
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

from modelway.cache import user_cache
from modelway.errors import ImageError
from modelway.image.context import serving_image_directory
from modelway.plan.model import Extras

FINISHED = ".modelway-finished"
"""A file that is written last; a folder without it was left by an interrupted installation."""

INSTALL_SECONDS = 900
"""Longest time for the download and installation, about 150 MB."""

_KEPT = ("PATH", "HOME", "LANG", "TMPDIR", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "USER")
_KEPT_PREFIXES = ("PIP_", "SSL_CERT_", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "LC_")
_PROXIES = ("http_proxy", "https_proxy", "no_proxy", "all_proxy")

Progress = Callable[[str], None]


def server_python(progress: Progress | None = None) -> Path:
    """Give the Python that runs the model server, making its environment where it is missing.

    The first call installs about 150 MB and takes some 10 to 60 s; later calls take milliseconds.
    Callers in several processes wait for each other.

    Args:
        progress: told, in a sentence, what takes long. Default: silence.

    Raises:
        ImageError: the environment could not be made.
    """
    requirements = serving_image_directory() / "requirements.txt"
    folder = user_cache("server") / _key(requirements)
    python = folder / "bin" / "python"
    if (folder / FINISHED).is_file():
        return python
    folder.parent.mkdir(parents=True, exist_ok=True)
    with _locked(folder.with_suffix(".lock")):
        if not (folder / FINISHED).is_file():
            if progress is not None:
                progress(
                    "Installing the model server's own packages (once; onnxruntime and numpy "
                    "are about 150 MB)"
                )
            _install(requirements, folder, python)
    return python


def extra_path(extras: Extras) -> list[Path]:
    """Give folders for Python's path with what a spec adds: its code, then its packages.

    Each is made once per user and named by its content. Added packages are all that their file
    names and what the server has (`modelway.image.requirements.added`), so nothing is resolved.

    Raises:
        ImageError: the packages could not be installed.
    """
    folders = sorted({_written(name, text) for name, text in extras.code.items()})
    if extras.requirements:
        requirements = _written("requirements.txt", extras.requirements) / "requirements.txt"
        folder = user_cache("server") / f"extra-{_key(requirements)}"
        folder.parent.mkdir(parents=True, exist_ok=True)
        with _locked(folder.with_suffix(".lock")):
            if not (folder / FINISHED).is_file():
                _install_beside(requirements, folder)
        folders.append(folder)
    return folders


def _written(name: str, text: str) -> Path:
    """Keep a small file in a folder of its own, named by its content; it appears whole."""
    folder = user_cache("extras") / hashlib.sha256(f"{name}\n{text}".encode()).hexdigest()[:32]
    if not (folder / name).is_file():
        folder.mkdir(parents=True, exist_ok=True)
        partial = folder / f".{name}-{os.getpid()}"
        partial.write_text(text, encoding="utf-8")
        partial.rename(folder / name)
    return folder


def _install_beside(requirements: Path, folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    python = server_python()
    pip = [sys.executable, "-m", "pip", "--python", str(python)]
    if find_spec("pip") is None:
        pip = [str(python), "-m", "pip"]
    _run(
        [
            *pip,
            "install",
            *("--target", str(folder), "--require-hashes", "--no-deps"),
            # As in the image: what would have to be compiled is refused here, too.
            *("--only-binary", ":all:", "--no-input", "--disable-pip-version-check", "--quiet"),
            *("-r", str(requirements)),
        ],
        f"installing {requirements}",
    )
    (folder / FINISHED).touch()


def _key(requirements: Path) -> str:
    """Name an environment by everything that decides what is inside it."""
    text = "\n".join(
        (
            sys.implementation.cache_tag or sys.implementation.name,
            platform.python_version(),
            platform.machine(),
            # The environment links to this interpreter and dies with it.
            getattr(sys, "_base_executable", sys.executable),
        )
    )
    return hashlib.sha256(text.encode() + b"\n" + requirements.read_bytes()).hexdigest()[:16]


@contextmanager
def _locked(path: Path) -> Generator[None]:
    with path.open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _install(requirements: Path, folder: Path, python: Path) -> None:
    # In its final place, not renamed into it: scripts inside hold the path of their Python. What
    # an interrupted installation left has no FINISHED and goes first.
    shutil.rmtree(folder, ignore_errors=True)
    own_pip = find_spec("pip") is not None
    _run(
        [sys.executable, "-m", "venv", *(["--without-pip"] if own_pip else []), str(folder)],
        "making a virtual environment (on Debian and Ubuntu this needs the package python3-venv)",
    )
    # `--python` spares the 3 s of installing another pip where this environment has one.
    pip = [sys.executable, "-m", "pip", "--python", str(python)] if own_pip else []
    _run(
        [
            *(pip or [str(python), "-m", "pip"]),
            "install",
            "--require-hashes",
            "--no-input",
            "--disable-pip-version-check",
            "--quiet",
            "-r",
            str(requirements),
        ],
        f"installing {requirements}",
    )
    partial = folder / (FINISHED + ".part")
    partial.write_text(requirements.read_text(encoding="utf-8"), encoding="utf-8")
    partial.rename(folder / FINISHED)


def _run(command: list[str], what: str) -> None:
    try:
        done = subprocess.run(
            command,
            env=_environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=INSTALL_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise ImageError(
            f"preparing the model server: {what} took more than {INSTALL_SECONDS} s; "
            "see whether the package index answers, then try again"
        ) from error
    if done.returncode != 0:
        said = (done.stderr.strip() or done.stdout.strip()).splitlines()[-8:]
        raise ImageError(
            f"preparing the model server: {what} failed with exit status {done.returncode}. "
            "The package index must be reachable for this first installation; then try again.\n  "
            + "\n  ".join(said)
        )


def _environment() -> dict[str, str]:
    """Only what pip and its downloads need; PYTHON* variables would change what is installed."""
    return {
        name: value
        for name, value in os.environ.items()
        if name in _KEPT or name.startswith(_KEPT_PREFIXES) or name.lower() in _PROXIES
    }
