"""Who is at the other end of a connection, as far as the network and TLS tell.

Takes a transport, gives plain values. Must not decide what they are worth.
"""

from typing import Any


def who_is_at(transport: Any) -> tuple[str, str | None]:
    """Give the caller's address and the subject of its verified certificate, where there is one."""
    peer = transport.get_extra_info("peername")
    address = peer[0] if isinstance(peer, tuple) else ""
    tls = transport.get_extra_info("ssl_object")
    certificate = None if tls is None else tls.getpeercert()
    if not certificate:
        return address, None
    from model_server.access.certificates import subject_of  # loads ssl, which is seldom needed

    return address, subject_of(certificate)
