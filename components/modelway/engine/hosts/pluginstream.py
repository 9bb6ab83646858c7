"""Runs a plugin process for the language host and turns its output into gRPC messages.

Takes a RunPlugin request, gives the stream of its answers: standard output, standard error, and
last the exit status. It must not buffer: the engine waits for the port that the plugin prints.
"""

import contextlib
import os
import queue
import subprocess
import sys
import threading
import tomllib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import IO, Any

from modelway.engine.hosts.protocol import language_pb2

CHUNK_BYTES = 65536


def plugin_target(directory: Path) -> str:
    """Say what to run of a plugin: its directory, or the installed package it is the source of.

    Args:
        directory: where PulumiPlugin.yaml lies.

    Raises:
        FileNotFoundError: there is neither a `__main__.py` nor a named project.
    """
    if (directory / "__main__.py").is_file():
        return str(directory)
    with contextlib.suppress(FileNotFoundError, KeyError):
        project = tomllib.loads((directory / "pyproject.toml").read_text(encoding="utf-8"))
        return str(project["project"]["name"])
    raise FileNotFoundError(
        f"running the plugin in {str(directory)!r}: it has neither a __main__.py nor a "
        "pyproject.toml with project.name; add a __main__.py that starts the provider"
    )


def stream_plugin(
    request: Any,
    hold: Callable[[subprocess.Popen[bytes]], AbstractContextManager[None]],
) -> Iterator[Any]:
    """Run a plugin and yield what it writes until it ends.

    Args:
        request: pulumirpc.RunPluginRequest.
        hold: keeps the process for the time of the call, and ends it when the call is cancelled.
    """
    try:
        target = plugin_target(Path(request.info.program_directory, request.info.entry_point))
    except (FileNotFoundError, tomllib.TOMLDecodeError) as error:
        yield language_pb2.RunPluginResponse(stderr=f"{error}\n".encode())
        yield language_pb2.RunPluginResponse(exitcode=1)
        return
    environment = dict(entry.partition("=")[::2] for entry in request.env) or dict(os.environ)
    reader, writer = os.pipe()
    with os.fdopen(writer, "wb"):
        with os.fdopen(reader, "rb"):
            process = subprocess.Popen(
                [
                    sys.executable,
                    "-P",
                    "-u",
                    "-m",
                    "modelway.engine.hosts.plugin",
                    str(reader),
                    target,
                    *request.args,
                ],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                cwd=request.pwd or None,
                env=environment,
                pass_fds=[reader],
            )
        with hold(process):
            yield from _output(process)
            yield language_pb2.RunPluginResponse(exitcode=process.wait())


def _output(process: subprocess.Popen[bytes]) -> Iterator[Any]:
    """Yield both output streams of a process as they come, until both are closed."""
    messages: queue.SimpleQueue[tuple[str, bytes]] = queue.SimpleQueue()

    def pump(name: str, stream: IO[bytes] | None) -> None:
        if stream is not None:
            while data := os.read(stream.fileno(), CHUNK_BYTES):
                messages.put((name, data))
        messages.put((name, b""))

    for name, stream in (("stdout", process.stdout), ("stderr", process.stderr)):
        threading.Thread(target=pump, args=(name, stream), daemon=True).start()
    open_streams = 2
    while open_streams:
        name, data = messages.get()
        if data:
            yield language_pb2.RunPluginResponse(**{name: data})
        else:
            open_streams -= 1
