"""Words from a plugin process to whoever runs `pulumi up`.

Takes phrases, hands them to the engine that started this process, which shows them in its status
line or in its output. Without an engine they go nowhere. A phrase that cannot be delivered is
dropped: no deployment may fail because nobody could be told how it goes.

The dynamic provider's interface gives its resources no way to speak (pulumi 3.272,
sdk/python/lib/pulumi/dynamic/__main__.py); but the engine starts every plugin with its own address
as the first argument, and takes messages there (`pulumirpc.Engine.Log`).
"""

import sys
from collections.abc import Sequence
from functools import cache
from typing import Any

import grpc
from pulumi.runtime.proto import engine_pb2, engine_pb2_grpc

SECONDS = 2.0
"""A message that the engine does not take in this time is dropped."""


def step(text: str) -> None:
    """Show a phrase in the status line, until the next one."""
    _send(text, ephemeral=True)


def note(text: str) -> None:
    """Show a phrase that stays in the output."""
    _send(text, ephemeral=False)


def engine_address(arguments: Sequence[str]) -> str | None:
    """Give the engine's address among a plugin's arguments; None when there is none."""
    address = arguments[1] if len(arguments) > 1 else ""
    host, _, port = address.rpartition(":")
    return address if host and port.isdigit() else None


def tell(address: str, text: str, *, urn: str = "", ephemeral: bool = False) -> None:
    """Show a phrase at an engine of which the address is known.

    Args:
        address: `host:port`.
        text: the phrase.
        urn: of the resource that it is about. Default: none.
        ephemeral: show it in the status line only, until the next one.
    """
    request = engine_pb2.LogRequest(
        severity=engine_pb2.LogSeverity.INFO, message=text, urn=urn, ephemeral=ephemeral
    )
    try:
        _engine(address).Log(request, timeout=SECONDS)
    except grpc.RpcError:
        return


def _send(text: str, *, ephemeral: bool) -> None:
    address = engine_address(sys.argv)
    if address is not None:
        tell(address, text, ephemeral=ephemeral)


@cache
def _engine(address: str) -> Any:
    return engine_pb2_grpc.EngineStub(grpc.insecure_channel(address))
