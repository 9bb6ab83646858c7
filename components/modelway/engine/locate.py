"""Finds a Pulumi engine on this machine, or gets one.

Takes PATH and the user's cache, gives an `Engine`. `find_engine` must not use the network or
change anything but the launchers in the cache; `ensure_engine` may download an official release
or build the engine, and leaves nothing half-made.
"""

import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from modelway.engine.cache import (
    Progress,
    cache_directory,
    clear_workshops,
    exclusive,
    silent,
)
from modelway.engine.launchers import ensure_launchers
from modelway.engine.version import (
    BUILT_VERSION,
    SUPPORTED,
    ask_version,
    is_supported,
    official_version,
)
from modelway.errors import EngineError

Origin = Literal["path", "official", "built"]

OFFLINE_VARIABLE = "MODELWAY_ENGINE_OFFLINE"
"""Set to 1 or true to forbid downloads and builds."""

LANGUAGE_HOST = "pulumi-language-python"


@dataclass(frozen=True)
class Engine:
    """A Pulumi engine that can run Python programs."""

    executable: Path
    """The `pulumi` program."""
    version: str
    """For example `3.225.0`."""
    origin: Origin
    """Found on PATH, an official release in the cache, or built from source in the cache."""
    path_entries: tuple[Path, ...]
    """Directories that must come first on PATH when the engine runs; empty where PATH will do."""


def built_directory(cache: Path) -> Path:
    """Where the built engine is kept; it need not exist."""
    return cache / BUILT_VERSION / "built"


def official_directory(cache: Path) -> Path:
    """Where the official release is kept; it need not exist."""
    return cache / official_version() / "official"


def find_engine(path: str | None = None, cache: Path | None = None) -> Engine | None:
    """Look for a supported engine: on PATH, then an official release, then a built one.

    Args:
        path: the directories to search, as in PATH; default: this process's PATH.
        cache: default: `cache_directory()`.

    Returns:
        The engine, or None. Other `pulumi` programs on PATH that are not supported are passed
        over.
    """
    path = os.environ.get("PATH", os.defpath) if path is None else path
    cache = cache_directory() if cache is None else cache
    return _on_path(path, cache) or _official(cache) or _built(cache)


def ensure_engine(
    progress: Progress = silent,
    path: str | None = None,
    cache: Path | None = None,
    offline: bool | None = None,
) -> Engine:
    """Find an engine or get one; safe to call from several processes at once.

    Args:
        progress: told what is being done, and why it takes long.
        path: as for `find_engine`.
        cache: as for `find_engine`.
        offline: refuse to download or build; default: what MODELWAY_ENGINE_OFFLINE says.

    Raises:
        EngineError: there is none, with what was tried and how to get one.
    """
    cache = cache_directory() if cache is None else cache
    if offline is None:
        offline = os.environ.get(OFFLINE_VARIABLE, "").lower() in {"1", "true", "yes"}
    if engine := find_engine(path, cache):
        return engine
    if offline:
        raise EngineError(
            f"looking for the Pulumi engine: no `pulumi` {SUPPORTED} on PATH and none cached in "
            f"{cache}; {OFFLINE_VARIABLE} forbids downloading or building one. Install Pulumi "
            f"(its version must be {SUPPORTED}), or unset {OFFLINE_VARIABLE} and run "
            "`modelway doctor --setup` once on a machine with a network"
        )
    from modelway.engine.build import build_engine
    from modelway.engine.official import download_official

    try:
        with exclusive(cache, progress):
            if engine := find_engine(path, cache):
                return engine
            tried = []
            for get, directory, find in (
                (download_official, official_directory(cache), _official),
                (build_engine, built_directory(cache), _built),
            ):
                clear_workshops(directory)
                try:
                    get(directory, progress)
                except EngineError as error:
                    tried.append(f"  - {error}")
                    continue
                if engine := find(cache):
                    return engine
    except OSError as error:
        raise EngineError(f"getting the Pulumi engine into {str(cache)!r}: {error}") from error
    raise EngineError(
        f"getting the Pulumi engine: no `pulumi` {SUPPORTED} on PATH, and\n"
        + "\n".join(tried)
        + f"\nInstall Pulumi {SUPPORTED} yourself, or run again with a network that reaches "
        "Pulumi's downloads, or the Go module proxy and the Python package index"
    )


def _on_path(path: str, cache: Path) -> Engine | None:
    """Find the first supported engine on PATH that is not one of the cache's own."""
    for entry in path.split(os.pathsep):
        found = shutil.which("pulumi", path=entry) if entry else None
        if found is None or Path(found).resolve().is_relative_to(cache.resolve()):
            continue
        version = ask_version(Path(found))
        if version is None or not is_supported(version):
            continue
        executable = Path(found).absolute()
        # Moving a directory to the front of PATH could hide the user's own python.
        first = shutil.which("pulumi", path=path) == found
        entries: tuple[Path, ...] = () if first else (executable.parent,)
        # A `pulumi` that was built or packaged alone cannot run Python by itself.
        if _language_host(executable, path) is None:
            entries += (ensure_launchers(cache),)
        return Engine(executable, version, "path", entries)
    return None


def _language_host(executable: Path, path: str) -> str | None:
    """Find the language host that an engine would use: from PATH, or from beside itself."""
    beside = f"{executable.parent}{os.pathsep}{executable.resolve().parent}"
    return shutil.which(LANGUAGE_HOST, path=f"{path}{os.pathsep}{beside}")


def _official(cache: Path) -> Engine | None:
    """Find the cached official release; it brings its own hosts."""
    executable = official_directory(cache) / "bin" / "pulumi"
    if not os.access(executable, os.X_OK):
        return None
    return Engine(executable, official_version(), "official", (executable.parent,))


def _built(cache: Path) -> Engine | None:
    """Find the cached build and give it this interpreter's hosts."""
    executable = built_directory(cache) / "bin" / "pulumi"
    if not os.access(executable, os.X_OK):
        return None
    directory = ensure_launchers(cache, executable)
    return Engine(directory / "pulumi", BUILT_VERSION, "built", (directory,))
