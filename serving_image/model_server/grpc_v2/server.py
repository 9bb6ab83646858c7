"""The gRPC server of one process: its services, its port, its end.

Takes the parts that HTTP has too, gives a port that answers the Open Inference Protocol, health
checks and reflection. Several processes may share the port (SO_REUSEPORT). Importing this module
loads neither grpc nor protobuf; `GrpcServer.start` does.
"""

import asyncio
import contextlib
import time
from concurrent.futures import Executor
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from model_server.core.readiness import Readiness
from model_server.settings.grpc import GrpcSettings

if TYPE_CHECKING:
    from model_server.access.tls_files import Tls, TlsFiles
    from model_server.core.dataplane import Dataplane
    from model_server.grpc_v2.answers import Gate
    from model_server.grpc_v2.exchange import CallObserver
    from model_server.grpc_v2.health import Health
    from model_server.grpc_v2.inference import Inference
    from model_server.grpc_v2.information import Catalogue
    from model_server.grpc_v2.streams import Streams
    from model_server.grpc_v2.transport import Call, Transport

SPARE_CALLS = 128
"""Calls beside the inferences: streams, and health checks while the server is full."""

ANSWER_SECONDS = 20
"""Time for an answer to a keepalive ping, and for a TLS handshake."""

TICK_SECONDS = 0.1
"""How often watchers, slow callers and long inferences are looked at."""


class GrpcServer:
    """One process' gRPC server; on the event loop."""

    def __init__(
        self,
        settings: GrpcSettings,
        *,
        host: str,
        repository: "Catalogue",
        dataplane: "Dataplane",
        readiness: Readiness,
        executor: Executor,
        max_body_bytes: int,
        max_concurrency: int,
        invoke_seconds: float,
        gate: "Gate | None" = None,
        observer: "CallObserver | None" = None,
        tls: "TlsFiles | None" = None,
    ) -> None:
        """Put it together; nothing is loaded and nothing listens before `start`.

        Args:
            settings: what is gRPC's own.
            host: address to listen on.
            repository: where models are found.
            dataplane: runs them.
            readiness: whether the server can answer.
            executor: threads for large messages; not the dataplane's own, whose runs may be long.
            max_body_bytes: largest request message.
            max_concurrency: inferences worked on or waiting at once, unless the settings say so.
            invoke_seconds: longest time for one call.
            gate: who may do what; None: anyone.
            observer: told of every call; None: nobody is.
            tls: files for TLS; None: there is none.
        """
        self._settings = settings
        self._host = host
        self._repository = repository
        self._dataplane = dataplane
        self._readiness = readiness
        self._executor = executor
        self._max_body_bytes = max_body_bytes
        given = settings.max_concurrency
        self._max_concurrency = max_concurrency if given is None else given
        self._invoke_seconds = invoke_seconds
        self._gate = gate
        self._observer = observer
        self._tls = tls
        self._tls_in_use: Tls | None = None
        self._transport: Transport | None = None
        self._inference: Inference | None = None
        self._health: Health | None = None
        self._streams: Streams | None = None
        self._ticking: asyncio.Task[None] | None = None

    @property
    def in_flight(self) -> int:
        """Inferences accepted and not yet answered."""
        return 0 if self._inference is None else self._inference.in_flight

    @property
    def last_request(self) -> float:
        """When the last inference came in, on the monotonic clock; 0 before `start`."""
        return 0.0 if self._inference is None else self._inference.last_request

    async def start(self) -> int:
        """Load what it takes, in a thread, and listen.

        Returns:
            The port.

        Raises:
            Unusable: a package is missing or another one than expected, or the address or the TLS
                files cannot be used.
        """
        await asyncio.to_thread(_load)
        from model_server.grpc_v2.answers import Answers
        from model_server.grpc_v2.health import Health
        from model_server.grpc_v2.inference import Inference
        from model_server.grpc_v2.information import Information
        from model_server.grpc_v2.reflection import Reflection
        from model_server.grpc_v2.streams import Streams
        from model_server.grpc_v2.transport import Transport

        tls = self._tls
        verified = tls is not None and tls.client_authorities is not None and tls.required
        answers = Answers(self._gate, self._observer, certificates=verified)
        self._inference = Inference(
            self._repository,
            self._dataplane,
            answers,
            self._executor,
            max_concurrency=self._max_concurrency,
            invoke_seconds=self._invoke_seconds,
        )
        self._streams = Streams()
        self._health = Health(self._repository, self._readiness, self._streams)
        self._transport = Transport(
            {
                **self._inference.methods(),
                **Information(self._repository, self._readiness, answers).methods(),
                **self._health.methods(),
                **Reflection(answers, self._streams).methods(),
            },
            _unknown,
            self._inference.overloaded,
            self._max_concurrency + SPARE_CALLS,
            self._options(),
        )
        host = f"[{self._host}]" if ":" in self._host else self._host
        credentials = None
        if tls is not None:
            credentials, self._tls_in_use = await asyncio.to_thread(_credentials, tls)
        port = self._transport.start(f"{host}:{self._settings.port or 0}", credentials)
        self._ticking = asyncio.get_running_loop().create_task(self._tick())
        return port

    async def drain(self, seconds: float) -> int:
        """Accept no more calls, tell those who watch, and wait for what is under way.

        Args:
            seconds: longest time to wait.

        Returns:
            The number of calls that were cut off.
        """
        if self._transport is None or self._transport.closed:
            return 0
        assert self._streams is not None  # `start` has made them all
        assert self._health is not None
        self._health.look()  # who watches hears that the server stops before it does
        self._streams.end()
        lost = await self._transport.stop(seconds)
        if self._ticking is not None:
            self._ticking.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._ticking
        return lost

    async def _tick(self) -> None:
        """Look after what depends on time."""
        assert self._transport is not None  # `start` has made all three
        assert self._inference is not None
        assert self._health is not None
        while True:
            await asyncio.sleep(TICK_SECONDS)
            self._health.look()
            self._inference.tick()
            if self._tls_in_use is not None:
                self._tls_in_use.refresh()
            limit = time.monotonic() - self._invoke_seconds
            for call in [*self._transport.waiting]:
                if call.received < limit:
                    _too_slow(call)

    def _options(self) -> tuple[tuple[str, int], ...]:
        settings = self._settings
        options = {
            "grpc.so_reuseport": 1,
            "grpc.max_receive_message_length": self._max_body_bytes,
            # One connection cannot ask for more than the server may have at once, and hears so.
            "grpc.max_concurrent_streams": self._max_concurrency + SPARE_CALLS,
            "grpc.keepalive_time_ms": int(settings.keepalive_seconds * 1000),
            "grpc.keepalive_timeout_ms": ANSWER_SECONDS * 1000,
            "grpc.keepalive_permit_without_calls": 1,
            "grpc.http2.min_ping_interval_without_data_ms": int(settings.min_ping_seconds * 1000),
            "grpc.server_handshake_timeout_ms": ANSWER_SECONDS * 1000,
        }
        if settings.max_connection_seconds is not None:
            options["grpc.max_connection_age_ms"] = int(settings.max_connection_seconds * 1000)
            options["grpc.max_connection_age_grace_ms"] = int(self._invoke_seconds * 1000)
        return tuple(options.items())


def _load() -> None:
    """Import what takes long.

    Raises:
        Unusable: a package is missing or another one than expected.
    """
    from model_server.grpc_v2.grpcio_core import Unusable, core_of_grpcio

    core_of_grpcio()
    try:
        from model_server.grpc_v2 import health, inference, reflection  # noqa: F401  # loaded
    except ImportError as error:
        raise Unusable(
            f"gRPC needs the package {error.name}; install model-server[grpc]"
        ) from error


def _credentials(files: "TlsFiles") -> tuple[Any, "Tls"]:
    """Give grpcio's form of the files, and what looks whether they changed.

    Raises:
        Unusable: they are not what they should be.
    """
    import grpc

    from model_server.access.entries import FileUnusable
    from model_server.access.tls_files import Tls
    from model_server.grpc_v2.grpcio_core import Unusable

    authorities = files.client_authorities if files.required else None
    try:
        # grpcio says of wrong files that the port cannot be had; OpenSSL says what is wrong. HTTP
        # tells of changes.
        tls = Tls(replace(files, client_authorities=authorities))
        first = _configuration(tls.files)
    except FileUnusable as error:
        raise Unusable(f"the TLS files cannot be used: {'; '.join(error.problems)}") from error
    used = tls.context

    def changed() -> Any:
        """Give what the next handshake uses; None: the same. In a thread of grpcio's."""
        nonlocal used
        if tls.context is used:
            return None
        used = tls.context
        return _configuration(tls.files)

    demand = authorities is not None
    return grpc.dynamic_ssl_server_credentials(first, changed, demand), tls


def _configuration(files: "TlsFiles") -> Any:
    import grpc

    authorities = files.client_authorities
    pair = files.key.read_bytes(), files.certificate.read_bytes()
    roots = None if authorities is None else authorities.read_bytes()
    return grpc.ssl_server_certificate_configuration([pair], roots)


def _unknown(call: "Call") -> None:
    """Answer a call of a method that there is not."""
    call.refuse(12, b"there is no such method; server reflection lists what there is")


def _too_slow(call: "Call") -> None:
    """End a call whose message does not come."""
    call.refuse(4, b"the request did not arrive in time")
