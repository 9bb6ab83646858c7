"""The parts of one serving process, put together.

Takes settings, gives an `Assembly`: models, dataplane, routes and the service behind connections.
Decides which parts there are, and nothing about requests. Must be made on the event loop, before
anything heavy is loaded.
"""

import asyncio
import math
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from model_server import local
from model_server.access.gate import Gate
from model_server.core.cache import AnswerCache
from model_server.core.dataplane import Dataplane
from model_server.core.loader import Loader
from model_server.core.multi_model import MultiModelRepository
from model_server.core.readiness import Readiness
from model_server.core.repository import Repository
from model_server.core.threads import usable_cpus
from model_server.log import Log
from model_server.observation import Observation
from model_server.observation_grpc import CallObservation
from model_server.observe.scoreboard import Scoreboard
from model_server.rest.app import App
from model_server.rest.application import Application
from model_server.rest.documentation import documentation_routes
from model_server.rest.handler import load_handler
from model_server.rest.http import Request, Route
from model_server.rest.multi_model import multi_model_routes
from model_server.rest.oip.routes import oip_routes
from model_server.rest.router import Router
from model_server.rest.sagemaker import (
    Invocations,
    execution_parameters_route,
    invocation_route,
    ping_route,
)
from model_server.settings import Settings
from model_server.settings.access import AccessSettings

if TYPE_CHECKING:
    from model_server.access.identity import Admission, Credentials
    from model_server.access.tls_files import Tls, TlsFiles

    # onnxruntime, which comes with it, is imported in the thread that loads the model.
    from model_server.core.model import Model
    from model_server.grpc_v2.server import GrpcServer

CODEC_THREADS = 2
"""Threads that read and write large bodies, apart from those that run models."""

FLUSH_SECONDS = 3.0
"""Time for the prediction log's last records when the process stops."""


class Assembly:
    """Everything of one process but its life."""

    def __init__(
        self,
        settings: Settings,
        log: Log,
        readiness: Readiness,
        threads: int,
        share: float = 1.0,
        scoreboard: Scoreboard | None = None,
        slot: int = 0,
    ) -> None:
        """Put it together.

        Args:
            settings: the settings.
            log: the log.
            readiness: the process' state, which its owner changes.
            threads: of one run of a model.
            share: this process' part of every rate: 1 divided by the number of processes.
            scoreboard: what the processes count together; None where there is one.
            slot: this process' place in it.
        """
        self.settings = settings
        self.log = log
        self.readiness = readiness
        self._share = share
        self.gate = Gate.from_settings(settings.access, share, log.event)
        self.threads = threads
        """Of one run of a model."""
        runs = ThreadPoolExecutor(max(threads, usable_cpus()), thread_name_prefix="inference")
        self.codecs = ThreadPoolExecutor(CODEC_THREADS, thread_name_prefix="codec")
        self.observation = Observation(settings.observe, log, scoreboard, slot)
        self.dataplane = Dataplane(runs, settings.batching, threads, self.observation.ran)
        rows = settings.batching.max_rows if settings.batching.enabled else 1
        self._loader = Loader(
            settings.execution, threads, log, rows, trusted_keys=settings.trust.trusted_keys
        )
        self.repository = _repository(settings, self._loader)
        cache_mib = settings.batching.cache_mib
        self.cache = AnswerCache(cache_mib * 2**20) if cache_mib else None
        self.invocations = Invocations(self.dataplane, self.codecs, self.cache)
        gate = self.gate if self.gate.enabled else None
        self.tls = _tls(settings.access, log)
        """What connections are encrypted with; None: they are not."""
        chosen = settings.application
        self._application = None if chosen.app is None else Application(chosen, self._app_fault)
        self.app = App(
            settings, readiness, Router(self._routes()), log, gate, self.observation.answered
        )
        self.grpc = self._grpc()
        self.observation.watch(lambda: self.in_flight, self.repository, self.cache)
        local.bind(self.repository.get, self.dataplane, settings.invoke_seconds)

    def _grpc(self) -> "GrpcServer | None":
        settings = self.settings
        if settings.grpc.port is None:
            return None
        from model_server.grpc_v2.server import GrpcServer

        return GrpcServer(
            settings.grpc,
            host=settings.host,
            repository=self.repository,
            dataplane=self.dataplane,
            readiness=self.readiness,
            executor=self.codecs,
            max_body_bytes=settings.max_body_bytes,
            max_concurrency=settings.max_concurrency,
            invoke_seconds=settings.invoke_seconds,
            gate=_CurrentGate(self) if self.gate.enabled else None,
            observer=CallObservation(self.observation, self.log),
            tls=_tls_files(settings.access),
        )

    async def start_grpc(self) -> None:
        """Listen for gRPC where it is wanted.

        Raises:
            Unusable: a package is missing, or the address or the TLS files cannot be used.
        """
        if self.grpc is not None:
            port = await self.grpc.start()
            self.log.info("listening_grpc", host=self.settings.host, port=port)

    async def drain_grpc(self, seconds: float) -> int:
        """Accept no more calls, and give how many were cut off."""
        return 0 if self.grpc is None else await self.grpc.drain(max(0.0, seconds))

    @property
    def in_flight(self) -> int:
        """Inferences accepted and not yet answered, of all protocols."""
        return self.app.in_flight + (0 if self.grpc is None else self.grpc.in_flight)

    @property
    def last_request(self) -> float:
        """When the last inference came in, on the monotonic clock."""
        grpc = 0.0 if self.grpc is None else self.grpc.last_request
        return max(self.app.last_request, grpc)

    def start(self) -> None:
        """Start what runs beside the event loop."""
        self.gate.start()
        self.observation.start()

    async def load(self) -> None:
        """Load the models and the user's own code.

        Raises:
            ModelUnusable: nothing can be served, with the reason.
        """
        # First: a handler is given the model folder, which is checked when the model is loaded.
        await self.repository.refresh()
        chosen = self.settings.application
        if chosen.handler is not None:
            self.invocations.handler = await asyncio.to_thread(
                load_handler, chosen, self.settings.model_dir
            )
        if self._application is not None:
            await self._application.start()

    async def settle(self, threads: int, share: float) -> None:
        """Go on with the threads and the part of every rate that were settled after `load`.

        Raises:
            ModelUnusable: the models could not be loaded again for other threads.
        """
        if threads != self.threads:
            self.threads = self.dataplane.parallel = self._loader.threads = threads
            await self.repository.reload()
        limit = self.settings.max_concurrency
        self.app.max_concurrency = max(1, math.ceil(limit * share))
        if share != self._share:
            self._share = share
            if self.gate.enabled:
                self.gate.close()
                self.gate = Gate.from_settings(self.settings.access, share, self.log.event)
                self.gate.start()
                self.app.gate = self.gate

    async def stop(self) -> None:
        """Stop what `start` and `load` started."""
        if self._application is not None:
            await self._application.stop()
        self.gate.close()
        await asyncio.to_thread(self.observation.stop, FLUSH_SECONDS)

    def _app_fault(self, detail: str) -> None:
        self.log.error("application_failed", detail=detail)

    def _routes(self) -> list[Route]:
        routes = [
            ping_route(self.readiness),
            invocation_route(self._find, self.readiness, self.invocations),
            execution_parameters_route(self.settings.max_body_bytes, usable_cpus()),
            *oip_routes(self.repository, self.dataplane, self.readiness, self.codecs),
        ]
        if isinstance(self.repository, MultiModelRepository):
            routes += multi_model_routes(self.repository, self.invocations.invoke)
        if self.observation.metrics is not None:
            routes.append(self.observation.route())
        if self.settings.documentation:
            methods = self.gate.methods
            routes += documentation_routes(self.repository, self.settings, routes, methods)
        if self._application is not None:
            routes.append(self._application.route("infer"))
        return routes

    def _find(self, _request: Request) -> "Model":
        return self.repository.get()


class _CurrentGate:
    """The gate as it is now: `Assembly.settle` may put another one in its place."""

    def __init__(self, parts: Assembly) -> None:
        self._parts = parts

    def admit(self, credentials: "Credentials", scope: str, model: str | None) -> "Admission":
        return self._parts.gate.admit(credentials, scope, model)

    def release(self, admission: "Admission") -> None:
        self._parts.gate.release(admission)


def _repository(settings: Settings, loader: Loader) -> Repository:
    chosen = settings.repository
    if chosen.multi_model:
        return MultiModelRepository(chosen.models_dir, loader)
    return Repository(settings.model_dir, loader, name=chosen.model_name, versions=chosen.versions)


def _tls_files(access: AccessSettings) -> "TlsFiles | None":
    if access.tls_cert_file is None or access.tls_key_file is None:
        return None
    from model_server.access.tls_files import TlsFiles

    return TlsFiles(
        access.tls_cert_file,
        access.tls_key_file,
        access.tls_client_ca_file,
        access.tls_client_certificates == "required",
    )


def _tls(access: AccessSettings, log: Log) -> "Tls | None":
    files = _tls_files(access)
    if files is None:
        return None
    from model_server.access.tls_files import Tls

    return Tls(files, log.event)
