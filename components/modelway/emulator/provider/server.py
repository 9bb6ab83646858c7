"""The provider's gRPC server: one per provider instance of an engine, on loopback only.

Takes the emulator's address, gives a port. It starts and stops no process.
"""

from concurrent import futures
from dataclasses import dataclass
from pathlib import Path

import grpc
from pulumi.runtime.proto import provider_pb2_grpc

from modelway.emulator.provider.clients import Clients
from modelway.emulator.provider.docker_build import DockerBuildProvider
from modelway.emulator.provider.plugin import Plugin
from modelway.emulator.provider.servicer import AwsProvider
from modelway.errors import EmulatorError

PACKAGES = (AwsProvider.package, DockerBuildProvider.package)
"""The Pulumi packages that the emulator has providers for."""

_THREADS = 32
_GRACE_SECONDS = 1.0
_OPTIONS = [
    # The engine's own limit (pulumi/pulumi: sdk/go/common/util/rpcutil/serve.go).
    ("grpc.max_receive_message_length", 400 * 1024 * 1024),
    ("grpc.max_send_message_length", 400 * 1024 * 1024),
    ("grpc.so_reuseport", 0),
]
_clients: dict[str, Clients] = {}


@dataclass(frozen=True)
class ProviderServer:
    """A running provider."""

    port: int
    """On 127.0.0.1."""
    _server: grpc.Server
    _provider: Plugin

    def stop(self) -> None:
        """End every wait, let running calls finish within a second, then close."""
        self._provider.Cancel(None, None)
        self._server.stop(_GRACE_SECONDS).wait()


def serve(
    package: str,
    emulator_url: str,
    *,
    directory: str = "",
    region: str = "",
    runtime: str = "process",
) -> ProviderServer:
    """Start a provider that works on the emulator.

    Args:
        package: the Pulumi package, one of `PACKAGES`.
        emulator_url: the emulator's address, for example `http://127.0.0.1:4510`.
        directory: the directory of the Pulumi program, where relative paths of its assets begin.
        region: where the program configures none. Default: us-east-1.
        runtime: what a replica is; with `docker`, images are really built.

    Raises:
        EmulatorError: the emulator has no provider for the package.
    """
    if package not in PACKAGES:
        raise EmulatorError(
            f"starting the Pulumi provider {package!r}: the emulator has none; it has: "
            f"{', '.join(PACKAGES)}"
        )
    clients = _clients.setdefault(emulator_url, Clients(emulator_url))
    provider: Plugin = (
        AwsProvider(clients, directory, region or "us-east-1")
        if package == AwsProvider.package
        else DockerBuildProvider(clients, Path(directory), runtime)
    )
    server = grpc.server(
        futures.ThreadPoolExecutor(_THREADS, thread_name_prefix=f"provider-{package}"),
        options=_OPTIONS,
    )
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(provider, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    return ProviderServer(port, server, provider)
