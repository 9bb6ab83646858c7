"""The language host: a gRPC server through which the engine runs programs written in Python.

Takes the engine's address as its last argument, gives its port on the first line of standard
output, then serves pulumirpc.LanguageRuntime. Programs and plugins run as child processes under
this same interpreter, so the `virtualenv` and `toolchain` options of Pulumi.yaml are not needed
and not read. It must not write anything else to standard output, and must not outlive its engine.
"""

# ruff: noqa: ARG002, N802 - names and parameters are those of the gRPC service
import contextlib
import importlib.metadata
import json
import logging
import os
import platform
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc

from modelway.engine.hosts.lifeline import follow_parent, follow_signals
from modelway.engine.hosts.pluginstream import stream_plugin
from modelway.engine.hosts.program import REPORTED, ProgramRequest
from modelway.engine.hosts.protocol import language_pb2, language_pb2_grpc, plugin_pb2

SERVER_THREADS = 16
"""Each running program or component plugin holds one thread for as long as it runs."""

CHANNEL_OPTIONS = [
    ("grpc.max_send_message_length", -1),
    ("grpc.max_receive_message_length", -1),
]
"""No limit: a stack's configuration or a plugin's output may pass gRPC's 4 MiB."""

PROGRAM_RUNNER = "modelway.engine.hosts.program"


class PythonHost(language_pb2_grpc.LanguageRuntimeServicer):
    """Runs programs and plugins for one engine.

    Args:
        engine_address: `host:port` of the engine, where programs send their log messages.
    """

    def __init__(self, engine_address: str) -> None:
        self.engine_address = engine_address
        self.children: set[subprocess.Popen[bytes]] = set()
        self.lock = threading.Lock()

    @contextlib.contextmanager
    def child(self, process: subprocess.Popen[bytes], context: Any) -> Iterator[None]:
        """Keep a child for as long as its call is wanted, and not longer."""
        with self.lock:
            self.children.add(process)
        context.add_callback(lambda: process.poll() is None and process.terminate())
        try:
            yield
        finally:
            with self.lock:
                self.children.discard(process)

    def stop(self) -> None:
        """Stop every child; their lifelines end those that do not listen."""
        with self.lock:
            for process in self.children:
                with contextlib.suppress(ProcessLookupError):
                    process.terminate()

    def Run(self, request: Any, context: Any) -> Any:
        """Run a program to its end and say what went wrong, if the program has not."""
        wanted: ProgramRequest = {
            "monitor": request.monitor_address,
            "engine": self.engine_address,
            "project": request.project,
            "stack": request.stack,
            "organization": request.organization or "organization",
            "root_directory": request.info.root_directory,
            "program_directory": request.info.program_directory or request.pwd,
            "entry_point": request.info.entry_point or request.program or ".",
            "working_directory": request.pwd,
            "arguments": list(request.args),
            "config": dict(request.config),
            "config_secret_keys": list(request.configSecretKeys),
            "dry_run": request.dryRun,
            "parallel": request.parallel,
        }
        reader, writer = os.pipe()
        with os.fdopen(writer, "wb") as pipe:
            with os.fdopen(reader, "rb"):
                process = subprocess.Popen(
                    [sys.executable, "-P", "-u", "-m", PROGRAM_RUNNER, str(reader)],
                    stdin=subprocess.DEVNULL,
                    cwd=request.pwd,
                    pass_fds=[reader],
                )
            with self.child(process, context):
                with contextlib.suppress(BrokenPipeError):
                    pipe.write(json.dumps(wanted).encode() + b"\n")
                    pipe.flush()
                status = process.wait()
        if status == 0:
            return language_pb2.RunResponse()
        if status == REPORTED:
            return language_pb2.RunResponse(bail=True)
        if status < 0:
            name = signal.Signals(-status).name
            return language_pb2.RunResponse(error=f"the program was ended by {name}")
        return language_pb2.RunResponse(error=f"the program exited with status {status}")

    def RunPlugin(self, request: Any, context: Any) -> Iterator[Any]:
        """Run a plugin written in Python and stream its output until it ends."""
        yield from stream_plugin(request, lambda process: self.child(process, context))

    def GetRequiredPackages(self, request: Any, context: Any) -> Any:
        """Name no package: each resource names the provider and the version that it needs."""
        return language_pb2.GetRequiredPackagesResponse()

    def GetRequiredPlugins(self, request: Any, context: Any) -> Any:
        """Name no plugin, as `GetRequiredPackages`."""
        return language_pb2.GetRequiredPluginsResponse()

    def InstallDependencies(self, request: Any, context: Any) -> Iterator[Any]:
        """Install nothing: programs run under the interpreter that has modelway."""
        text = f"Programs run under {sys.executable}; install packages there with pip.\n"
        yield language_pb2.InstallDependenciesResponse(stdout=text.encode())

    def About(self, request: Any, context: Any) -> Any:
        """Name the interpreter, for `pulumi about`."""
        return language_pb2.AboutResponse(
            executable=sys.executable, version=platform.python_version()
        )

    def GetProgramDependencies(self, request: Any, context: Any) -> Any:
        """List the installed distributions, for `pulumi about`."""
        found = {dist.metadata["Name"]: dist.version for dist in importlib.metadata.distributions()}
        return language_pb2.GetProgramDependenciesResponse(
            dependencies=[
                language_pb2.DependencyInfo(name=name, version=version)
                for name, version in sorted(found.items())
            ]
        )

    def GetPluginInfo(self, request: Any, context: Any) -> Any:
        """Give the version of the SDK that this host speaks for."""
        return plugin_pb2.PluginInfo(version=importlib.metadata.version("pulumi"))

    def Handshake(self, request: Any, context: Any) -> Any:
        """Take the engine's address from an engine that attaches to a running host."""
        self.engine_address = request.engine_address or self.engine_address
        return language_pb2.LanguageHandshakeResponse()

    def Cancel(self, request: Any, context: Any) -> Any:
        """Stop what runs."""
        from google.protobuf import empty_pb2

        self.stop()
        return empty_pb2.Empty()


def main() -> None:
    """Serve until the engine says stop or is gone."""
    # Calls that this host does not have answer UNIMPLEMENTED; gRPC would also log a traceback.
    logging.getLogger("grpc").setLevel(logging.CRITICAL)
    host = PythonHost(sys.argv[-1] if len(sys.argv) > 1 else "")
    stopping = threading.Event()
    follow_signals(stopping.set)
    follow_parent(stopping.set)
    server = grpc.server(ThreadPoolExecutor(SERVER_THREADS), options=CHANNEL_OPTIONS)
    language_pb2_grpc.add_LanguageRuntimeServicer_to_server(host, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()
    stopping.wait()
    host.stop()
    os._exit(0)  # the threads of unfinished calls would keep the process


if __name__ == "__main__":
    main()
