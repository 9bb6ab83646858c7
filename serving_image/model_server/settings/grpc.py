"""Whether there is gRPC, and how its connections are kept.

Takes a `Reader`, gives frozen settings. Must not import grpc. Sizes, times and files that gRPC
shares with HTTP are HTTP's settings.
"""

from dataclasses import dataclass
from typing import Self

from model_server.settings.reader import Reader


@dataclass(frozen=True, slots=True)
class GrpcSettings:
    """The gRPC server."""

    port: int | None = None
    """``MODEL_SERVER_GRPC_PORT``: port to listen on, 1-65535. Default none: no gRPC."""

    max_concurrency: int | None = None
    """``MODEL_SERVER_GRPC_MAX_CONCURRENCY``: inferences worked on or waiting at once, 1-65536.

    Default: ``MODEL_SERVER_MAX_CONCURRENCY``. One more is answered UNAVAILABLE.
    """

    keepalive_seconds: float = 60.0
    """``MODEL_SERVER_GRPC_KEEPALIVE_SECONDS``: silence after which a connection is asked whether it
    lives, 10-7200. Default 60; one that does not answer within 20 s is closed."""

    min_ping_seconds: float = 10.0
    """``MODEL_SERVER_GRPC_MIN_PING_SECONDS``: shortest time between a client's own pings, 1-3600.

    Default 10, the shortest that gRPC's clients can be set to (gRFC A8). Who pings more often is
    disconnected.
    """

    max_connection_seconds: float | None = None
    """``MODEL_SERVER_GRPC_MAX_CONNECTION_SECONDS``: age at which a connection is asked to end after
    its calls, 1-86400. Default none. Clients then come back, and a balancer that spreads
    connections can give them to another replica."""

    @classmethod
    def read(cls, reader: Reader) -> Self:
        """Read the settings; what is wrong with them is in the reader's problems."""
        prefix = "MODEL_SERVER_GRPC_"
        return cls(
            port=reader.optional_number(f"{prefix}PORT", int, 1, 65535),
            max_concurrency=reader.optional_number(f"{prefix}MAX_CONCURRENCY", int, 1, 65536),
            keepalive_seconds=reader.number(
                f"{prefix}KEEPALIVE_SECONDS", float, 60.0, 10.0, 7200.0
            ),
            min_ping_seconds=reader.number(f"{prefix}MIN_PING_SECONDS", float, 10.0, 1.0, 3600.0),
            max_connection_seconds=reader.optional_number(
                f"{prefix}MAX_CONNECTION_SECONDS", float, 1.0, 86400.0
            ),
        )
