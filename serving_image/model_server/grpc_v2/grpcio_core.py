"""grpcio's inner module, and what this server takes of it.

Takes the installed package, gives its module or says what is wrong with it. Must not start
anything.
"""

import os
from typing import Any


class Unusable(Exception):
    """The port or the installed grpcio cannot be used; the message says which and why."""


OTHER_INTERFACE = (
    "the installed grpcio has another inner interface than this server knows; install one from "
    "1.81 to 1.85"
)


def core_of_grpcio() -> Any:
    """Give grpcio's inner module, with what this module takes of it.

    Raises:
        Unusable: something is missing.
    """
    # Nothing of grpcio's own on standard error, which is no log: `Unusable` and the statuses say
    # what happened. Without its event engine one thread does what otherwise three hand to each
    # other: 70 us a call and not 105. A release that does not know the name goes on without.
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")
    os.environ.setdefault("GRPC_EXPERIMENTS", "-event_engine_listener")
    try:
        import grpc  # noqa: F401  # sets up what the inner module needs
        from grpc._cython import cygrpc
    except ImportError as error:
        raise Unusable("gRPC needs the package grpcio; install model-server[grpc]") from error
    names = (
        "CompletionQueue",
        "CompletionType",
        "ReceiveCloseOnServerOperation",
        "ReceiveMessageOperation",
        "SendInitialMetadataOperation",
        "SendMessageOperation",
        "SendStatusFromServerOperation",
        "Server",
        "auth_context",
    )
    if not all(hasattr(cygrpc, name) for name in names):
        raise Unusable(OTHER_INTERFACE)
    return cygrpc


def address_of(peer: str | bytes) -> str:
    """Give the network address in gRPC's name of a peer, such as ``ipv4:127.0.0.1:5000``."""
    text = peer.decode("utf-8", "replace") if isinstance(peer, bytes) else peer
    kind, _, rest = text.partition(":")
    if kind == "ipv4":
        return rest.rpartition(":")[0]
    if kind == "ipv6":
        # Brackets come percent-encoded: ipv6:%5B::1%5D:5000.
        inner = rest.replace("%5B", "[").replace("%5D", "]").replace("%25", "%")
        return inner.rpartition(":")[0].strip("[]")
    return ""
