"""A client of AWS's API that asks the emulator's own operations, without HTTP.

Takes boto3's method calls, gives what boto3 would give. Every call is first shown to `before`,
which may refuse it, and then to `after`.
"""

import copy
import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import ClientError
from moto.applicationautoscaling.responses import ApplicationAutoScalingResponse
from moto.cloudwatch.responses import CloudWatchResponse
from moto.core.exceptions import JsonRESTError, ServiceException
from moto.sagemaker.responses import SageMakerResponse

REGION = "us-east-1"
ACCOUNT = "123456789012"

RESPONSES = {
    "sagemaker": SageMakerResponse,
    "cloudwatch": CloudWatchResponse,
    "application-autoscaling": ApplicationAutoScalingResponse,
}

READING = ("describe_", "list_", "get_", "head_")


class DirectClient:
    """One service's client of one caller."""

    def __init__(
        self,
        service: str,
        before: Callable[[str, str, dict[str, Any]], None] = lambda *_: None,
        after: Callable[[str, str, dict[str, Any]], None] = lambda *_: None,
    ) -> None:
        self._service, self._before, self._after = service, before, after

    def __getattr__(self, operation: str) -> Callable[..., Any]:
        def call(**parameters: Any) -> Any:
            self._before(self._service, operation, parameters)
            try:
                return answer(self._service, operation, parameters)
            finally:
                self._after(self._service, operation, parameters)

        return call


def answer(service: str, operation: str, parameters: dict[str, Any]) -> Any:
    """Ask the emulator."""
    if service not in RESPONSES:
        # Images, artifacts and roles are there: the faults take them away where it counts.
        return {}
    response = RESPONSES[service]()
    response.service_name = service
    response.automated_parameter_parsing = service != "application-autoscaling"
    response.params = copy.deepcopy(parameters)
    response.body = json.dumps(parameters, default=str)
    response.querystring, response.uri_match, response.headers = {}, {}, {}
    response.region, response.current_account = REGION, ACCOUNT
    try:
        given = getattr(response, operation)()
    except ServiceException as error:
        raise refusal(error.code, error.message, operation) from error
    except JsonRESTError as error:
        raise refusal(error.error_type, str(error.message), operation) from error
    if isinstance(given, str):
        return json.loads(given)
    result = getattr(given, "result", None) or {}
    if operation == "describe_alarms":
        alarms = [_alarm(each) for each in result["MetricAlarms"]]
        return {"MetricAlarms": alarms, "CompositeAlarms": []}
    return _plain(result)


def refusal(code: str, message: str, operation: str) -> ClientError:
    """Give botocore's error."""
    return ClientError({"Error": {"Code": code, "Message": message}}, operation)


def _alarm(alarm: Any) -> dict[str, Any]:
    stats = [query.metric_stat for query in alarm.metric_data_queries or ()]
    metrics = [
        {"MetricStat": {"Metric": {"Dimensions": _dimensions(stat.metric.dimensions)}}}
        for stat in stats
        if stat is not None
    ]
    return {
        "AlarmName": alarm.name,
        "StateValue": str(alarm.state_value),
        "StateReason": alarm.state_reason,
        "Dimensions": _dimensions(alarm.dimensions),
        "Metrics": metrics,
    }


def _dimensions(dimensions: Any) -> list[dict[str, str]]:
    return [{"Name": each.name, "Value": each.value} for each in dimensions or ()]


def _plain(value: Any) -> Any:
    """Copy an answer, with times as botocore gives them."""
    if isinstance(value, dict):
        return {key: _plain(each) for key, each in value.items() if each is not None}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    if isinstance(value, datetime):
        return value.replace(tzinfo=UTC)
    return value
