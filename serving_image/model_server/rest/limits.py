"""What a connection allows a caller: times and sizes that protect the server.

Gives constants. The size of a body and the time for it are settings.
"""

HEAD_SECONDS = 9.0
"""Longest time for a request's head, from its first byte or from the connection's opening; with the
second between two looks at it, a connection that sends nothing is closed within 10 s."""

KEEP_ALIVE_SECONDS = 75.0
"""How long an idle connection stays open: longer than the 60 s after which balancers drop theirs,
so that it is never this side that closes one just as a request comes in."""

DISCARD_SECONDS = 2.0
"""How long the rest of a refused body is read before the connection is closed: bytes under way
would reset the connection, and the caller would never see the answer."""

MAX_HEAD_BYTES = 65_536
"""Target and headers of one request. SageMaker's own headers are under 2 KiB; a JWT with many
claims is under 16."""

MAX_HEADERS = 100

MAX_CHUNKS = 65_536
"""Chunks of one body: Triton's bound."""

MAX_PIPELINED = 64
"""Requests read ahead of the one being answered; reading pauses as soon as there is one."""
