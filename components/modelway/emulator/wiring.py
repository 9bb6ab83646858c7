"""Which parts an emulator has, and how they hang together.

Takes the shared services; puts the parts in, extends moto and gives the front. The only module that
knows every part. moto's own modules must see the emulator's time (`moto_world`) before this is
imported.
"""

import threading
from collections.abc import Callable, Mapping
from importlib import import_module

from modelway.emulator.aws import (
    cloudwatch,
    codebuild,
    ecr,
    iam,
    kms,
    logs,
    resourcegroupstaggingapi,
    s3,
    sagemaker,
    sns,
    sts,
)
from modelway.emulator.cloudwatch import MetricStore
from modelway.emulator.control import Control, ProviderServer
from modelway.emulator.faults import FaultInjection
from modelway.emulator.front import Front
from modelway.emulator.guard import Guard
from modelway.emulator.hosting import EndpointHosting
from modelway.emulator.journal import Journal
from modelway.emulator.logs import LogWriter
from modelway.emulator.moto_world import MotoWorld
from modelway.emulator.page.route import Page
from modelway.emulator.registry.api import RegistryApi
from modelway.emulator.registry.blobs import BlobStore
from modelway.emulator.registry.catalog import Catalog
from modelway.emulator.registry.scans import Scans
from modelway.emulator.registry.tokens import Tokens
from modelway.emulator.services import Services

_EXTENSIONS = (
    cloudwatch,
    codebuild,
    iam,
    kms,
    logs,
    resourcegroupstaggingapi,
    s3,
    sagemaker,
    sns,
    sts,
)

_LATE_EXTENSIONS = {
    "applicationautoscaling": "modelway.emulator.aws.application_autoscaling",
}
"""moto package -> what extends it before its first request. moto takes a second to import this one
(it wants all of EC2), which would be half of the emulator's start."""

_ABSENT_OPERATIONS = {
    # The registry's HTTP API gives layers, to who has a token.
    "ecr": frozenset({"GetDownloadUrlForLayer"}),
    "s3": s3.ABSENT_OPERATIONS,
    # moto answers it at once, with made-up results in a bucket that it invents.
    "sagemaker-runtime": frozenset({"InvokeEndpointAsync"}),
}


class Parts:
    """The parts of one emulator; moto must not have been asked anything before."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._late = dict(_LATE_EXTENSIONS)
        self._late_lock = threading.Lock()
        self._metrics = MetricStore(services.clock)
        self._logs = LogWriter(services)
        self._hosting = EndpointHosting(services)
        self._page = Page(services, self._metrics)
        services.metrics = self._metrics
        services.logs = self._logs
        services.hosting = self._hosting
        self._faults = FaultInjection(services, self._hosting, self._metrics)
        services.faults = self._faults.effects
        images = services.settings.state_dir / "registry"
        self._blobs, self._tokens = BlobStore(images), Tokens(images, services.clock)
        for extension in _EXTENSIONS:
            extension.install(services)
        ecr.install(services, self._blobs, self._tokens)
        self._scans = Scans()
        self._scans.install()

    def front(
        self, world: MotoWorld, journal: Journal, reset: Callable[[], None]
    ) -> tuple[Front, Control]:
        """Give the application to serve, and its control routes."""
        control = Control(
            self._services,
            reset,
            self._serve_provider,
            self._faults.routes,
            self._page,
            self._scans.answer,
        )
        self._page.warnings = lambda: control.warnings
        guard = Guard(_ABSENT_OPERATIONS)
        refuse = self._faults.refusals.answer
        front = Front(self._services, world, journal, guard, control, self._prepare, refuse)
        self._hosting.capture.store = front.store
        catalog = Catalog(self._services, front.call)
        url = self._services.settings.url
        front.registry = RegistryApi(self._blobs, catalog, self._tokens, url)
        return front, control

    def begin(self) -> None:
        """Start what runs beside the requests, once they are answered."""
        self._services.hosting.resume()
        codebuild.resume()
        self._faults.start()
        for package in tuple(self._late):
            self._prepare(package)

    def reset(self, journal: Journal) -> None:
        """Forget everything, on disk too; returns when nothing of it runs any more."""
        from moto.moto_api._internal.models import moto_api_backend

        # Not under the lock: a replica that ends may still have to write into moto.
        self._faults.reset()
        self._hosting.reset()
        with self._services.lock:
            moto_api_backend.reset()
            self._metrics.reset()
            self._logs.reset()
            self._services.events.clear()
            self._page.begin_anew()
            self._blobs.clear()
            self._scans.clear()
            journal.clear()

    def _prepare(self, package: str) -> None:
        if package not in self._late:
            return
        with self._late_lock:
            module = self._late.get(package)
            if module is not None:
                import_module(module).install(self._services)
                del self._late[package]

    def _serve_provider(self, package: str, options: Mapping[str, str]) -> ProviderServer:
        from modelway.emulator.provider import serve  # takes a second, and is not always used

        return serve(
            package,
            self._services.settings.url,
            directory=options.get("directory", ""),
            region=options.get("region", ""),
            runtime=self._services.settings.runtime,
        )
