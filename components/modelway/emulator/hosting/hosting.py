"""EndpointHosting: every endpoint of the emulator, by account, region and name.

Takes accepted operations from the control plane and requests from the data plane, gives each to
its endpoint. Implements `services.Hosting`. Must not check requests against AWS's rules.
"""

import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from modelway.emulator.hosting.artifact import Fetch, ModelStore
from modelway.emulator.hosting.container import DockerLauncher
from modelway.emulator.hosting.deployment import Capacity, Deployment, Variant
from modelway.emulator.hosting.endpoint import Endpoint
from modelway.emulator.hosting.fleet import Fleet
from modelway.emulator.hosting.invoke import Invoker
from modelway.emulator.hosting.launch import Launcher, LogSink, Order, ProcessLauncher, Running
from modelway.emulator.hosting.objects import reader
from modelway.emulator.hosting.outcomes import Outcomes
from modelway.emulator.hosting.record import EndpointRecord, Operation
from modelway.emulator.hosting.replica import Replica
from modelway.emulator.hosting.utilization import Utilization
from modelway.emulator.services import ACCOUNT_ID, Services

Key = tuple[str, str, str]
"""Account, region, endpoint name."""


def log_group(endpoint_name: str) -> str:
    """Give the log group that SageMaker writes an endpoint's containers to."""
    return f"/aws/sagemaker/Endpoints/{endpoint_name}"


class EndpointHosting:
    """The endpoints of one emulator.

    Args:
        services: the emulator's parts; `metrics` and `logs` must be set before the first call.
        fetch: reads model data. Default: from the emulated S3.
        launcher: how replicas run. Default: as `services.settings.runtime` says.
    """

    def __init__(
        self, services: Services, fetch: Fetch | None = None, launcher: Launcher | None = None
    ) -> None:
        self._services = services
        settings = services.settings
        self._models = ModelStore(
            settings.state_dir / "models", reader(services) if fetch is None else fetch
        )
        self._outcomes = Outcomes(settings.state_dir / "hosting.jsonl")
        self._endpoints: dict[Key, Endpoint] = {}
        self._numbers: dict[Key, int] = {}
        self._lock = threading.Lock()
        self._invoker = Invoker(services)
        self._utilization = Utilization(services, self._running)
        if launcher is None:
            launcher = (
                DockerLauncher(settings) if settings.runtime == "docker" else ProcessLauncher()
            )
        self._launcher = launcher

    def create(
        self,
        record: EndpointRecord,
        deployment: Deployment,
        capacities: Mapping[str, Capacity],
        forget: Callable[[], None],
    ) -> None:
        """Bring up a new endpoint. Call this, like all that follow, under `services.lock`.

        Args:
            record: its control-plane side.
            deployment: what it is to run.
            capacities: with how many instances and which weights.
            forget: called when the endpoint has been deleted and its last replica has ended.
        """
        key = _key(record)

        def gone(endpoint: Endpoint) -> None:
            with self._lock:
                if self._endpoints.get(key) is endpoint:
                    del self._endpoints[key]
            forget()

        made = Endpoint(
            record,
            self._services,
            self._outcomes,
            self._fleet if self._services.settings.replicas else None,
            gone,
        )
        with self._lock:
            self._endpoints[key] = made
        if not self._services.replaying:
            self._utilization.start()
        made.begin(self._operation(record, "create", deployment, capacities))

    def update(
        self, record: EndpointRecord, deployment: Deployment, capacities: Mapping[str, Capacity]
    ) -> None:
        """Move an endpoint to another configuration."""
        operation = self._operation(record, "update", deployment, capacities)
        self._endpoints[_key(record)].begin(operation)

    def resize(self, record: EndpointRecord, capacities: Mapping[str, Capacity]) -> None:
        """Change weights and numbers of instances."""
        operation = self._operation(record, "resize", record.deployment, capacities)
        self._endpoints[_key(record)].begin(operation)

    def catch_up(self, record: EndpointRecord) -> None:
        """Before a call is checked: what was under way when it was made had ended by then.

        Only in a replay, and only where the outcome was lost when the emulator was killed.
        """
        if self._services.replaying:
            self._endpoints[_key(record)].settle_replayed()

    def delete(self, record: EndpointRecord) -> None:
        """End an endpoint."""
        operation = self._operation(record, "delete", None, {})
        self._endpoints[_key(record)].begin(operation)

    def invoke(
        self, region: str, endpoint_name: str, body: bytes, headers: Mapping[str, str]
    ) -> tuple[int, dict[str, str], bytes]:
        """Answer InvokeEndpoint: status, headers and body as AWS gives them."""
        given = {name.lower(): value for name, value in headers.items()}
        account = given.get("x-moto-account-id", ACCOUNT_ID)
        endpoint = self._endpoints.get((account, region, endpoint_name))
        return self._invoker.invoke(account, endpoint_name, endpoint, body, given)

    def status(self) -> list[dict[str, Any]]:
        """Give one entry per endpoint, for `modelway emulator status`."""
        return [_status(endpoint) for endpoint in self._all()]

    def resume(self) -> None:
        """After a replay: start what should be running."""
        for endpoint in self._all():
            self._utilization.start()
            endpoint.resume()

    def stop(self) -> None:
        """Stop every replica; returns when none is left."""
        self._services.stopping.set()
        self._end(self._all())
        self._launcher.close()

    def reset(self) -> None:
        """Forget every endpoint and outcome; returns when no replica is left."""
        endpoints = self._all()
        with self._lock:
            self._endpoints.clear()
            self._numbers.clear()
        self._end(endpoints)
        self._outcomes.clear()
        self._models.clear()

    def _end(self, endpoints: Sequence[Endpoint]) -> None:
        # Side by side: each stop may take 30 s.
        threads = [threading.Thread(target=endpoint.stop) for endpoint in endpoints]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def _all(self) -> list[Endpoint]:
        with self._lock:
            return list(self._endpoints.values())

    def _operation(
        self,
        record: EndpointRecord,
        kind: str,
        deployment: Deployment | None,
        capacities: Mapping[str, Capacity],
    ) -> Operation:
        key = _key(record)
        self._numbers[key] = self._numbers.get(key, 0) + 1
        return Operation(
            kind=kind,
            number=self._numbers[key],
            deployment=deployment,
            capacities=capacities,
            started_at=self._services.clock.utcnow(),
        )

    def _fleet(
        self, record: EndpointRecord, deployment: Deployment, stopping: threading.Event
    ) -> Fleet:
        folders = {
            variant.name: self._models.directory(variant.container.model_data, stopping)
            for variant in deployment.variants
        }
        group = log_group(record.endpoint_name)

        def launch(variant: Variant, replica: Replica, log: LogSink) -> Running:
            order = Order(
                endpoint_name=record.endpoint_name,
                variant=variant.name,
                instance_id=replica.instance_id,
                image=variant.container.resolved_image,
                model_dir=folders[variant.name],
                environment=variant.container.environment,
                region=record.region,
            )
            return self._launcher.start(order, log)

        return Fleet(
            deployment,
            launch,
            lambda stream, lines: self._services.logs.write(group, stream, lines),
            stopping,
        )

    def _running(self) -> list[tuple[EndpointRecord, Fleet]]:
        return [(endpoint.record, fleet) for endpoint in self._all() for fleet in endpoint.fleets]


def _key(record: EndpointRecord) -> Key:
    return (record.account_id, record.region, record.endpoint_name)


def _status(endpoint: Endpoint) -> dict[str, Any]:
    record = endpoint.record
    replicas = [
        {
            "variant": variant.name,
            "config": fleet.config_name,
            "instance_id": replica.instance_id,
            "state": str(replica.state),
            "pid": replica.running.pid if replica.running is not None else None,
            "port": replica.running.port if replica.running is not None else None,
            "restarts": replica.restarts,
            "last_exit_status": replica.last_exit_status,
        }
        for fleet in endpoint.fleets
        for variant in fleet.deployment.variants
        for replica in fleet.replicas(variant.name)
    ]
    return {
        "name": record.endpoint_name,
        "account": record.account_id,
        "region": record.region,
        "status": record.endpoint_status,
        "config": record.endpoint_config_name,
        "failure_reason": record.failure_reason,
        "variants": [
            {
                "name": name,
                "weight": record.current[name].weight,
                "instances": record.current[name].instances,
                "desired_instances": desired.instances,
            }
            for name, desired in record.desired.items()
        ],
        "replicas": replicas,
        "log_group": log_group(record.endpoint_name),
        "last_failure_log": list(endpoint.last_failure_log),
    }
