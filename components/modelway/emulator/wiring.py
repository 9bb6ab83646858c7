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
from modelway.emulator.front import Front
from modelway.emulator.guard import Guard
from modelway.emulator.hosting import EndpointHosting
from modelway.emulator.journal import Journal
from modelway.emulator.logs import LogWriter
from modelway.emulator.moto_world import MotoWorld
from modelway.emulator.services import Services

_EXTENSIONS = (
    cloudwatch,
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

_LATE_EXTENSIONS = {
    "applicationautoscaling": "modelway.emulator.aws.application_autoscaling",
}
"""moto package -> what extends it before its first request. moto takes a second to import this one
(it wants all of EC2), which would be half of the emulator's start."""

_ABSENT_OPERATIONS = {
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
        services.metrics = self._metrics
        services.logs = self._logs
        services.hosting = self._hosting
        for extension in _EXTENSIONS:
            extension.install(services)

    def front(
        self, world: MotoWorld, journal: Journal, reset: Callable[[], None]
    ) -> tuple[Front, Control]:
        """Give the application to serve, and its control routes."""
        control = Control(self._services, reset, self._serve_provider)
        guard = Guard(_ABSENT_OPERATIONS)
        return Front(self._services, world, journal, guard, control, self._prepare), control

    def begin(self) -> None:
        """Start what runs beside the requests, once they are answered."""
        self._services.hosting.resume()
        for package in tuple(self._late):
            self._prepare(package)

    def reset(self, journal: Journal) -> None:
        """Forget everything, on disk too; returns when nothing of it runs any more."""
        from moto.moto_api._internal.models import moto_api_backend

        # Not under the lock: a replica that ends may still have to write into moto.
        self._hosting.reset()
        with self._services.lock:
            moto_api_backend.reset()
            self._metrics.reset()
            self._logs.reset()
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
        )
