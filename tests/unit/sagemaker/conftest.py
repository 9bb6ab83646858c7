# ruff: noqa: N803 - the parameter names are AWS's
"""SageMaker in memory, with its status changes, its refusals and its silent roll-back."""

import copy
import itertools
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError

from modelway.sagemaker.api import SageMakerApi
from modelway.sagemaker.calls import Calls
from modelway.sagemaker.endpoint import EndpointDeployment
from modelway.sagemaker.told import Told

ARN = "arn:aws:sagemaker:us-east-1:123456789012:"
DESCRIBES_WHILE_MOVING = 2


class FakeSageMaker:
    """The operations of boto3's client that `SageMakerApi` uses.

    `outcomes` says how the next creates and updates of the endpoint end: `ok`, `rollback`, `fail`,
    `mixed` (UpdateRollbackFailed) or `stuck`. `refusals` raises given errors on the next calls.
    """

    def __init__(self) -> None:
        self.models: dict[str, dict[str, Any]] = {}
        self.configs: dict[str, dict[str, Any]] = {}
        self.endpoint: dict[str, Any] | None = None
        self.tags: dict[str, dict[str, str]] = {}
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.outcomes: list[str] = []
        self.refusals: dict[str, list[Exception]] = {}
        self.pending: tuple[int, str, dict[str, Any]] | None = None
        self.stages: list[str] = []
        """Statuses of the variants that the next update shows, one a look."""
        self.summary: list[dict[str, Any]] = []
        self.age = itertools.count()
        self.reason = "The primary container did not pass the ping health check."
        """Of the next update or creation that fails."""

    def __getattr__(self, operation: str) -> Callable[..., Any]:
        handler = object.__getattribute__(self, f"_{operation}")

        def call(**parameters: Any) -> Any:
            self.calls.append((operation, copy.deepcopy(parameters)))
            if self.refusals.get(operation):
                raise self.refusals[operation].pop(0)
            return copy.deepcopy(handler(**parameters))

        return call

    def called(self, *operations: str) -> list[dict[str, Any]]:
        return [parameters for operation, parameters in self.calls if operation in operations]

    def order(self, *operations: str) -> list[str]:
        return [operation for operation, _parameters in self.calls if operation in operations]

    def _create_model(self, ModelName, Tags, **content):
        return self._add(self.models, "model", ModelName, content, Tags)

    def _create_endpoint_config(self, EndpointConfigName, Tags, **content):
        for variant in content["ProductionVariants"]:
            if variant["ModelName"] not in self.models:
                raise refusal(f'Could not find model "{variant["ModelName"]}".')
        return self._add(self.configs, "endpoint-config", EndpointConfigName, content, Tags)

    def _add(self, store, kind, name, content, tags):
        if name in store:
            raise refusal(f"Cannot create already existing {kind} {name}")
        store[name] = {**content, "arn": f"{ARN}{kind}/{name}", "age": next(self.age)}
        self.tags[store[name]["arn"]] = {tag["Key"]: tag["Value"] for tag in tags}
        return {}

    def _describe_model(self, ModelName):
        if ModelName not in self.models:
            raise refusal(f'Could not find model "{ModelName}".')
        return {"ModelName": ModelName, "ModelArn": self.models[ModelName]["arn"]}

    def _describe_endpoint_config(self, EndpointConfigName):
        if EndpointConfigName not in self.configs:
            raise refusal(f'Could not find endpoint configuration "{EndpointConfigName}".')
        found = self.configs[EndpointConfigName]
        return {
            "EndpointConfigName": EndpointConfigName,
            "EndpointConfigArn": found["arn"],
            "ProductionVariants": found["ProductionVariants"],
            "ShadowProductionVariants": found.get("ShadowProductionVariants", []),
        }

    def _list_models(self, NameContains, **_sorting):
        return {"Models": [{"ModelName": n} for n in self._listed(self.models, NameContains)]}

    def _list_endpoint_configs(self, NameContains, **_sorting):
        names = self._listed(self.configs, NameContains)
        return {"EndpointConfigs": [{"EndpointConfigName": name} for name in names]}

    def _listed(self, store, part):
        return sorted((n for n in store if part in n), key=lambda name: store[name]["age"])

    def _delete_model(self, ModelName):
        if self.models.pop(ModelName, None) is None:
            raise refusal(f'Could not find model "{ModelName}".')

    def _delete_endpoint_config(self, EndpointConfigName):
        if self.endpoint and self.endpoint["EndpointConfigName"] == EndpointConfigName:
            raise AssertionError("the live configuration was deleted")
        if self.configs.pop(EndpointConfigName, None) is None:
            raise refusal(f'Could not find endpoint configuration "{EndpointConfigName}".')

    def _create_endpoint(self, EndpointName, EndpointConfigName, Tags):
        if self.endpoint is not None:
            raise refusal(f"Cannot create already existing endpoint {EndpointName}")
        arn = f"{ARN}endpoint/{EndpointName}"
        self.endpoint = {"EndpointName": EndpointName, "EndpointArn": arn}
        self.tags[arn] = {tag["Key"]: tag["Value"] for tag in Tags}
        self._move("Creating", EndpointConfigName, first=True)

    def _update_endpoint(self, EndpointName, EndpointConfigName, **_options):
        if self.endpoint["EndpointStatus"] == "Updating":
            raise refusal("Cannot update in-progress endpoint")
        assert self.endpoint["EndpointStatus"] != "Failed"
        self._move("Updating", EndpointConfigName, first=False)
        self.summary = [
            {
                "EndpointConfigName": EndpointConfigName,
                "ProductionVariants": [
                    {
                        "VariantName": "primary",
                        "VariantStatus": [
                            {
                                "Status": status,
                                "StartTime": datetime(2026, 11, 28, 10, number, tzinfo=UTC),
                            }
                        ],
                    }
                ],
            }
            for number, status in enumerate(self.stages)
        ]
        self.pending = (max(len(self.summary), DESCRIBES_WHILE_MOVING), *self.pending[1:])

    def _move(self, status, config_name, *, first):
        outcome = self.outcomes.pop(0) if self.outcomes else "ok"
        old = self.endpoint.get("EndpointConfigName", config_name)
        reason = {"FailureReason": self.reason}
        end = {
            "ok": {"EndpointStatus": "InService", "EndpointConfigName": config_name},
            "rollback": {"EndpointStatus": "InService", "EndpointConfigName": old, **reason},
            "fail": {"EndpointStatus": "Failed", **reason},
            "mixed": {"EndpointStatus": "UpdateRollbackFailed", **reason},
            "stuck": {"EndpointStatus": status},
        }[outcome]
        if end["EndpointStatus"] == "InService":
            config = self.configs[end["EndpointConfigName"]]
            for kind in ("ProductionVariants", "ShadowProductionVariants"):
                end[kind] = [
                    {
                        "VariantName": variant["VariantName"],
                        "DesiredInstanceCount": variant["InitialInstanceCount"],
                        "DesiredWeight": variant["InitialVariantWeight"],
                    }
                    for variant in config.get(kind, [])
                ]
        self.endpoint.pop("FailureReason", None)
        if first:
            self.endpoint["EndpointConfigName"] = config_name
        self.endpoint["EndpointStatus"] = status
        self.pending = (DESCRIBES_WHILE_MOVING, outcome, end)

    def _update_endpoint_weights_and_capacities(self, EndpointName, DesiredWeightsAndCapacities):
        for change in DesiredWeightsAndCapacities:
            for variant in self.endpoint["ProductionVariants"]:
                if variant["VariantName"] == change["VariantName"]:
                    variant.update(change)

    def _describe_endpoint(self, EndpointName):
        if self.pending is not None:
            left, outcome, end = self.pending
            self.pending = (left - 1, outcome, end)
            if left == 0:
                self.pending = None
                if end.get("EndpointStatus") == "Gone":
                    self.endpoint = None
                else:
                    self.endpoint.update(end)
        if self.endpoint is None or self.endpoint["EndpointName"] != EndpointName:
            raise refusal(f'Could not find endpoint "{EndpointName}".')
        if self.pending is not None and self.summary:
            return {**self.endpoint, "PendingDeploymentSummary": self.summary.pop(0)}
        return self.endpoint

    def _delete_endpoint(self, EndpointName):
        if self.endpoint is None:
            raise refusal(f'Could not find endpoint "{EndpointName}".')
        self.endpoint["EndpointStatus"] = "Deleting"
        self.pending = (DESCRIBES_WHILE_MOVING, "gone", {"EndpointStatus": "Gone"})

    def _list_tags(self, ResourceArn):
        tags = self.tags.get(ResourceArn, {})
        return {"Tags": [{"Key": key, "Value": value} for key, value in tags.items()]}

    def _add_tags(self, ResourceArn, Tags):
        self.tags[ResourceArn].update({tag["Key"]: tag["Value"] for tag in Tags})

    def _delete_tags(self, ResourceArn, TagKeys):
        for key in TagKeys:
            self.tags[ResourceArn].pop(key)


class FakeService:
    """Another service: answers by operation, remembers its calls in the order of all services."""

    def __init__(self, name: str, calls: list[tuple[str, dict[str, Any]]]) -> None:
        self.name = name
        self.calls = calls
        self.answers: dict[str, Any] = {}

    def __getattr__(self, operation: str) -> Callable[..., Any]:
        def call(**parameters: Any) -> Any:
            self.calls.append((operation, copy.deepcopy(parameters)))
            answer = self.answers.get(operation, {})
            if isinstance(answer, Exception):
                raise answer
            return copy.deepcopy(answer(**parameters) if callable(answer) else answer)

        return call


class FakeCloudWatch(FakeService):
    """Alarms that are put, described and deleted; `states` says how each is."""

    def __init__(self, calls: list[tuple[str, dict[str, Any]]]) -> None:
        super().__init__("cloudwatch", calls)
        self.alarms: dict[str, dict[str, Any]] = {}
        self.states: dict[str, str] = {}
        self.answers = {
            "put_metric_alarm": self._put,
            "describe_alarms": self._describe,
            "delete_alarms": self._delete,
        }

    def _put(self, AlarmName, **request):
        self.alarms[AlarmName] = request
        return {}

    def _describe(self, AlarmNames=None, AlarmNamePrefix="", **_paging):
        names = AlarmNames
        if names is None:
            names = [name for name in self.alarms if name.startswith(AlarmNamePrefix)]
        return {
            "MetricAlarms": [
                {
                    **self.alarms.get(name, {}),
                    "AlarmName": name,
                    "StateValue": self.states.get(name, "OK"),
                    "StateReason": "Threshold Crossed: 2 datapoints were greater than 0.5.",
                }
                for name in names
                if name in self.alarms
            ]
        }

    def _delete(self, AlarmNames):
        for name in AlarmNames:
            del self.alarms[name]
        return {}


def refusal(message: str, code: str = "ValidationException") -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": message}}, "Operation")


class Clock:
    """Time that passes only while somebody sleeps."""

    def __init__(self) -> None:
        self.now = 0.0

    def sleep(self, seconds: float) -> None:
        self.now += seconds

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def aws() -> FakeSageMaker:
    return FakeSageMaker()


@pytest.fixture
def refuse() -> Callable[..., ClientError]:
    return refusal


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def services(aws: FakeSageMaker) -> dict[str, Any]:
    """The other services by boto3's names; their calls are in `aws.calls` too."""
    scaling = FakeService("application-autoscaling", aws.calls)
    scaling.answers = {"describe_scalable_targets": {"ScalableTargets": []}}
    return {
        "application-autoscaling": scaling,
        "cloudwatch": FakeCloudWatch(aws.calls),
        **{name: FakeService(name, aws.calls) for name in ("ecr", "iam", "logs", "s3")},
    }


@pytest.fixture
def heard() -> dict[str, list[str]]:
    """What was told while the deployment went on."""
    return {"steps": [], "notes": []}


@pytest.fixture
def deployment(
    aws: FakeSageMaker, services: dict[str, Any], heard: dict[str, list[str]], clock: Clock
) -> EndpointDeployment:
    return EndpointDeployment(
        SageMakerApi(aws, 15.0, clock.sleep, clock.monotonic),
        lambda name: Calls(services[name], 15.0, clock.sleep, clock.monotonic),
        Told(heard["steps"].append, heard["notes"].append),
    )


@pytest.fixture
def inputs() -> Callable[..., dict[str, Any]]:
    """Inputs of the endpoint `fraud-dev`; `image` tells versions apart."""

    def make(image: str = "a", count: int = 1, **changes: Any) -> dict[str, Any]:
        return {
            "endpoint_name": "fraud-dev",
            "region": "us-east-1",
            "owner": "organization/modelway/dev",
            "models": {
                "primary": {
                    "image": f"123456789012.dkr.ecr.us-east-1.amazonaws.com/m@sha256:{image * 64}",
                    "model_data_url": "s3://artifacts/models/fraud/00/model.tar.gz",
                    "environment": {"MODEL_SERVER_THREADS": "1"},
                    "execution_role_arn": "arn:aws:iam::123456789012:role/fraud",
                    "enable_network_isolation": True,
                }
            },
            "variants": [
                {
                    "name": "primary",
                    "model": "primary",
                    "instance_type": "ml.m5.large",
                    "initial_instance_count": count,
                    "initial_weight": 1.0,
                    "startup_timeout_seconds": 480,
                    "download_timeout_seconds": 300,
                }
            ],
            "autoscaled": False,
            "history_limit": 3,
            "tags": {"team": "risk"},
            "timeout_seconds": 3600,
            **changes,
        }

    return make
