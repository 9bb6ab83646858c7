"""The sockets that the process in front listens on, for all workers.

Takes addresses, gives listening sockets. Must not accept.
"""

import socket
from dataclasses import dataclass, field

from model_server.process.connections import OpenConnections

BACKLOG = 2048
"""Connections that the kernel holds until they are accepted, if ``net.core.somaxconn`` allows."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where to listen."""

    name: str
    """What it is for: ``http``, ``manage``."""

    host: str
    port: int
    """0: any that is free."""

    variable: str
    """The setting of its port, for the hint where the port is taken."""


@dataclass(frozen=True, slots=True)
class Sockets:
    """What every worker inherits."""

    http: socket.socket
    """The one that callers connect to."""

    others: dict[str, socket.socket]
    """Further ones by the name of their address."""

    connections: OpenConnections = field(compare=False)
    """How many connections each worker has."""

    def close(self) -> None:
        """Listen no more; where no other process has them either, the system refuses callers."""
        for each in (self.http, *self.others.values()):
            each.close()


class AddressTaken(Exception):  # named for what happened
    """An address cannot be listened on."""

    def __init__(self, address: Address, reason: str) -> None:
        super().__init__(f"{address.host}:{address.port}: {reason}")
        self.address = address
        self.reason = reason


def listen(address: Address) -> socket.socket:
    """Give a socket that listens and does not block.

    Raises:
        AddressTaken: with the system's reason.
    """
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((address.host, address.port))
        listener.listen(BACKLOG)
        listener.setblocking(False)
    except OSError as error:
        listener.close()
        raise AddressTaken(address, error.strerror or str(error)) from error
    return listener
