# ruff: noqa: N803 - the parameter names are AWS's
"""SageMaker in memory, with its status changes, its refusals and its silent roll-back."""

import copy
import itertools
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from modelway.sagemaker.api import SageMakerApi
from modelway.sagemaker.endpoint import EndpointDeployment

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
        self.age = itertools.count()

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

    def _move(self, status, config_name, *, first):
        outcome = self.outcomes.pop(0) if self.outcomes else "ok"
        old = self.endpoint.get("EndpointConfigName", config_name)
        reason = {"FailureReason": "The primary container did not pass the ping health check."}
        end = {
            "ok": {"EndpointStatus": "InService", "EndpointConfigName": config_name},
            "rollback": {"EndpointStatus": "InService", "EndpointConfigName": old, **reason},
            "fail": {"EndpointStatus": "Failed", **reason},
            "mixed": {"EndpointStatus": "UpdateRollbackFailed", **reason},
            "stuck": {"EndpointStatus": status},
        }[outcome]
        if end["EndpointStatus"] == "InService":
            end["ProductionVariants"] = [
                {
                    "VariantName": variant["VariantName"],
                    "DesiredInstanceCount": variant["InitialInstanceCount"],
                    "DesiredWeight": variant["InitialVariantWeight"],
                }
                for variant in self.configs[end["EndpointConfigName"]]["ProductionVariants"]
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
def deployment(aws: FakeSageMaker, clock: Clock) -> EndpointDeployment:
    return EndpointDeployment(SageMakerApi(aws, 15.0, clock.sleep, clock.monotonic))


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
