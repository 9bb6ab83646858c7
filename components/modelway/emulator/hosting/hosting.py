"""EndpointHosting: every endpoint of the emulator, by account, region and name.

Takes accepted operations from the control plane and requests from the data plane, gives each to
its endpoint. Implements `services.Hosting`. Must not check requests against AWS's rules.
"""

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any

from modelway.emulator.hosting.artifact import Fetch, ModelStore
from modelway.emulator.hosting.container import DockerLauncher
from modelway.emulator.hosting.deployment import Capacity, Deployment, Variant
from modelway.emulator.hosting.endpoint import Endpoint
from modelway.emulator.hosting.fleet import Fleet, IdleFleet
from modelway.emulator.hosting.images import inspector
from modelway.emulator.hosting.invoke import Invoker
from modelway.emulator.hosting.launch import Launcher, LogSink, Order, ProcessLauncher, Running
from modelway.emulator.hosting.objects import reader
from modelway.emulator.hosting.outcomes import Outcomes
from modelway.emulator.hosting.record import EndpointRecord, Operation
from modelway.emulator.hosting.replica import Replica
from modelway.emulator.hosting.stages import course_of
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
        self.capture = self._invoker.capture
        """Where captured data goes; `store` is set by whoever can put objects."""
        self._utilization = Utilization(services, self.running)
        if launcher is None:
            inspect = inspector(services)
            launcher = (
                DockerLauncher(settings, inspect)
                if settings.runtime == "docker"
                else ProcessLauncher(inspect)
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
            # Before DescribeEndpoint no longer finds it: its bucket may go next.
            self.capture.flush()
            forget()

        made = Endpoint(
            record,
            self._services,
            self._outcomes,
            self._fleet,
            gone,
        )
        with self._lock:
            self._endpoints[key] = made
        if not self._services.replaying:
            self._utilization.start()
            self.capture.start()
        made.begin(self._operation(record, "create", deployment, capacities))

    def update(
        self,
        record: EndpointRecord,
        deployment: Deployment,
        capacities: Mapping[str, Capacity],
        deployment_config: Mapping[str, Any] | None = None,
    ) -> None:
        """Move an endpoint to another configuration.

        Args:
            record: its control-plane side.
            deployment: what it is to run.
            capacities: with how many instances and which weights.
            deployment_config: UpdateEndpoint's DeploymentConfig, checked. Default: all at once.
        """
        operation = self._operation(record, "update", deployment, capacities)
        both = (*deployment.variants, *(record.deployment.variants if record.deployment else ()))
        course = course_of(
            deployment_config,
            capacities,
            record.current,
            guarded=all(variant.guarded for variant in both),
        )
        self._services.faults.update_begins(
            record.endpoint_name, record.endpoint_config_name, deployment.config_name
        )
        self._endpoints[_key(record)].begin(replace(operation, course=course))

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
            self.capture.start()
            endpoint.resume()

    def stop(self) -> None:
        """Stop every replica; returns when none is left."""
        self._services.stopping.set()
        self._end(self._all())
        self._invoker.close()
        self._launcher.close()

    def reset(self) -> None:
        """Forget every endpoint and outcome; returns when no replica is left."""
        endpoints = self._all()
        with self._lock:
            self._endpoints.clear()
            self._numbers.clear()
        self._end(endpoints)
        self.capture.reset()
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
        faults, whose = self._services.faults, (record.endpoint_name, deployment.config_name)

        def provision(variant: Variant) -> str | None:
            return faults.provisioning(*whose, variant)

        if not self._services.settings.replicas:
            return IdleFleet(deployment, stopping, provision)
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
            running = self._launcher.start(order, log)
            faults.container_started(*whose, running, log)
            return running

        return Fleet(
            deployment,
            launch,
            lambda stream, lines: self._services.logs.write(group, stream, lines),
            stopping,
            exited=lambda replica: self._services.events.add(
                record.endpoint_name,
                "replica-exited",
                f"Instance {replica.instance_id} of {deployment.config_name} ended by itself.",
                config=deployment.config_name,
                instance_id=replica.instance_id,
                status=replica.last_exit_status,
            ),
            provision=provision,
        )

    def running(self) -> list[tuple[EndpointRecord, Fleet]]:
        """Give every fleet with its endpoint's record."""
        return [(endpoint.record, fleet) for endpoint in self._all() for fleet in endpoint.fleets]

    def updates(self) -> dict[str, tuple[str, str]]:
        """Give the configurations that endpoints move from and to, by endpoint name."""
        records = [endpoint.record for endpoint in self._all()]
        return {
            record.endpoint_name: (
                record.endpoint_config_name,
                record.operation.deployment.config_name,
            )
            for record in records
            if record.operation is not None
            and record.operation.kind == "update"
            and record.operation.deployment is not None
        }


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
        "last_failure_log": list(endpoint.site.last_failure_log),
        "traffic": endpoint.router.shares(),
        "rollout": None if endpoint.site.rollout is None else asdict(endpoint.site.rollout),
    }
