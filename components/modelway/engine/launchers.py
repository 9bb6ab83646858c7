"""The two executables that a built engine looks for on PATH to run Python.

Takes this interpreter, gives a directory with `pulumi-language-python` and
`pulumi-resource-pulumi-python`. It must not share launchers between interpreters: a program runs
under the one that has modelway and the program's other packages installed.

A built engine gets a link of its own in that directory, because the engine warns at every use of a
host that it finds on PATH but not beside itself (pulumi/pulumi:
sdk/go/common/workspace/plugins.go, v3.225.0). It follows symbolic links, so the link is a hard one.
"""

import hashlib
import os
import shlex
import shutil
import sys
from pathlib import Path

from modelway.engine.cache import workshop
from modelway.errors import EngineError

MODULES = {
    "pulumi-language-python": "modelway.engine.hosts.language",
    "pulumi-resource-pulumi-python": "modelway.engine.hosts.dynamic",
}


def launcher_text(interpreter: str, module: str) -> str:
    """Write one launcher.

    `exec` keeps the engine as the parent, `-P` keeps files of the program's directory from
    shadowing the host's own imports, `-u` passes output on as it comes.
    """
    return f'#!/bin/sh\nexec {shlex.quote(interpreter)} -P -u -m {module} "$@"\n'


def ensure_launchers(
    cache: Path, engine: Path | None = None, interpreter: str | None = None
) -> Path:
    """Give the directory of the launchers for one interpreter, made when missing.

    Args:
        cache: the engine cache (`cache_directory`).
        engine: a built `pulumi` to have beside them, as `pulumi`; default: none.
        interpreter: default: the one that runs this.

    Raises:
        EngineError: Python does not know its own executable, or the cache cannot be written.
    """
    interpreter = sys.executable if interpreter is None else interpreter
    if not interpreter:
        raise EngineError(
            "setting up the Pulumi engine: this Python does not know its own executable "
            "(sys.executable is empty); run modelway with a regular python3"
        )
    texts = {name: launcher_text(interpreter, module) for name, module in MODULES.items()}
    identity = "".join([*texts.values(), _identity(engine)])
    directory = cache / "hosts" / hashlib.sha256(identity.encode()).hexdigest()[:16]
    if directory.is_dir():  # it appears whole, by one rename
        return directory
    try:
        with workshop(directory) as made:
            for name, text in texts.items():
                (made / name).write_text(text, encoding="utf-8")
                (made / name).chmod(0o755)
            if engine is not None:
                _link(engine, made / "pulumi")
    except OSError as error:
        if not directory.is_dir():  # else another process has just made the same
            raise EngineError(
                f"setting up the Pulumi engine in {str(cache)!r}: {error}; make it writable, or "
                "name another cache with XDG_CACHE_HOME"
            ) from error
    return directory


def _identity(engine: Path | None) -> str:
    """Name one build of an engine, so that a new build is not mistaken for the linked one."""
    if engine is None:
        return ""
    state = engine.stat()
    return f"{engine} {state.st_size} {state.st_mtime_ns}"


def _link(source: Path, target: Path) -> None:
    """Link a file, or copy it where the file system has no hard links."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)
