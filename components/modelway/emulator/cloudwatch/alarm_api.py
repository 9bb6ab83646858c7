"""The alarm operations of CloudWatch's API, where moto's differ from AWS's.

Takes moto's parsed requests; moto keeps the alarms, this checks them, gives new ones the state
INSUFFICIENT_DATA, lets updated ones keep theirs, and adds history and composite alarms.
"""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from moto.cloudwatch.exceptions import InvalidFormat, ResourceNotFound, ValidationError
from moto.cloudwatch.models import Alarm, CloudWatchBackend
from moto.cloudwatch.responses import CloudWatchResponse
from moto.core.responses import ActionResult, EmptyResult

from modelway.emulator.cloudwatch import composite, history
from modelway.emulator.cloudwatch.alarm_rules import check_alarm
from modelway.emulator.cloudwatch.alarms import State
from modelway.emulator.cloudwatch.transition import change_state
from modelway.emulator.services import Services

PAGE = 100
"""DescribeAlarms and DescribeAlarmHistory give at most so many at once."""

_put_metric_alarm = CloudWatchBackend.put_metric_alarm


class AlarmApi:
    """The operations, bound to one emulator's services."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def install(self) -> None:
        """Replace moto's methods and add those it lacks."""
        api = self

        def put_metric_alarm(backend: CloudWatchBackend, **given: Any) -> Alarm:
            return api.put(backend, given)

        def delete_alarms(backend: CloudWatchBackend, alarm_names: list[str]) -> None:
            api.delete(backend, alarm_names)

        CloudWatchBackend.put_metric_alarm = put_metric_alarm  # type: ignore[method-assign]
        CloudWatchBackend.delete_alarms = delete_alarms  # type: ignore[method-assign]

        def bound(method: Any) -> Any:
            return lambda response: method(api, response)

        for name in (
            "describe_alarm_history",
            "describe_alarms",
            "put_composite_alarm",
            "set_alarm_state",
        ):
            setattr(CloudWatchResponse, name, bound(getattr(AlarmApi, name)))

    def put(self, backend: CloudWatchBackend, given: dict[str, Any]) -> Alarm:
        """Make or update an alarm: PutMetricAlarm, and what autoscaling makes for its policies."""
        if given.get("rule") is None:
            check_alarm(given)
        old: Any = backend.alarms.get(given["name"])
        alarm: Any = _put_metric_alarm(backend, **given)
        now = self._services.clock.utcnow()
        alarm.state_transitioned_timestamp = now
        if old is None:
            alarm.state_value = str(State.INSUFFICIENT_DATA)
        else:
            # "When you update an existing alarm, its state is left unchanged" (PutMetricAlarm).
            for name in (
                "state_value",
                "state_reason",
                "state_reason_data",
                "state_updated_timestamp",
                "state_transitioned_timestamp",
            ):
                setattr(alarm, name, getattr(old, name))
        what = "created" if old is None else "updated"
        history.add(
            backend,
            alarm,
            self._services.clock.now(),
            "ConfigurationUpdate",
            f'Alarm "{alarm.name}" {what}',
            {"type": "Create" if old is None else "Update"},
        )
        return alarm

    def delete(self, backend: CloudWatchBackend, names: list[str]) -> None:
        """DeleteAlarms: all of them or, when one is missing, none."""
        missing = [name for name in names if name not in backend.alarms]
        if missing:
            raise ResourceNotFound(f"The following alarms do not exist: {', '.join(missing)}")
        for name in names:
            alarm = backend.alarms.pop(name)
            backend.tagger.delete_all_tags_for_resource(alarm.alarm_arn)
            history.add(
                backend,
                alarm,
                self._services.clock.now(),
                "ConfigurationUpdate",
                f'Alarm "{name}" deleted',
                {"type": "Delete"},
            )

    def set_alarm_state(self, response: Any) -> Any:
        """SetAlarmState: holds until the alarm's next evaluation."""
        params: Mapping[str, Any] = response._get_params()  # noqa: SLF001 - moto's way
        backend: CloudWatchBackend = response.cloudwatch_backend
        alarm: Any = backend.alarms.get(params["AlarmName"])
        if alarm is None:
            raise ResourceNotFound(f"The alarm {params['AlarmName']} does not exist")
        state = params["StateValue"]
        if state not in tuple(State):
            raise ValidationError(
                f"1 validation error detected: Value '{state}' at 'stateValue' failed to satisfy "
                "constraint: Member must satisfy enum value set: [INSUFFICIENT_DATA, ALARM, OK]"
            )
        data = params.get("StateReasonData") or "{}"
        try:
            json.loads(data)
        except ValueError as error:
            raise InvalidFormat("StateReasonData is not valid JSON") from error
        # The evaluation of the period that is running now must not take the state back.
        alarm.evaluated_at = self._services.clock.now()
        change_state(self._services, backend, alarm, state, params["StateReason"], data)
        return EmptyResult()

    def put_composite_alarm(self, response: Any) -> Any:
        """PutCompositeAlarm, without an actions suppressor."""
        params: Mapping[str, Any] = response._get_params()  # noqa: SLF001
        if params.get("ActionsSuppressor"):
            raise ValidationError(
                "The emulator does not evaluate an ActionsSuppressor; leave it out"
            )
        try:
            condition = composite.parse_rule(params["AlarmRule"])
        except composite.RuleError as error:
            raise ValidationError(str(error)) from error
        backend: CloudWatchBackend = response.cloudwatch_backend
        absent = [name for name in composite.alarms_of(condition) if name not in backend.alarms]
        if absent:
            raise ValidationError(f"AlarmRule names alarms that do not exist: {', '.join(absent)}")
        enabled = params.get("ActionsEnabled")
        self.put(
            backend,
            {
                "name": params["AlarmName"],
                "namespace": None,
                "metric_name": None,
                "comparison_operator": None,
                "evaluation_periods": None,
                "period": None,
                "threshold": None,
                "statistic": None,
                "description": params.get("AlarmDescription"),
                "dimensions": [],
                "alarm_actions": params.get("AlarmActions") or [],
                "ok_actions": params.get("OKActions") or [],
                "insufficient_data_actions": params.get("InsufficientDataActions") or [],
                "actions_enabled": True if enabled is None else enabled,
                "rule": params["AlarmRule"],
                "tags": params.get("Tags") or [],
            },
        )
        return EmptyResult()

    def describe_alarms(self, response: Any) -> Any:
        """DescribeAlarms: every filter given must hold; metric alarms only, unless asked."""
        params: Mapping[str, Any] = response._get_params()  # noqa: SLF001
        kinds = params.get("AlarmTypes") or ["MetricAlarm"]
        names = params.get("AlarmNames") or []
        if names and params.get("AlarmNamePrefix"):
            raise ValidationError("AlarmNames and AlarmNamePrefix are mutually exclusive")
        prefix = params.get("ActionPrefix") or ""
        alarms: list[Any] = [
            alarm
            for alarm in response.cloudwatch_backend.alarms.values()
            if ("MetricAlarm" if alarm.rule is None else "CompositeAlarm") in kinds
            and (not names or alarm.name in names)
            and alarm.name.startswith(params.get("AlarmNamePrefix") or "")
            and params.get("StateValue") in (None, "", alarm.state_value)
            and (not prefix or any(a.startswith(prefix) for a in alarm.alarm_actions or ()))
        ]
        page, token = _page(sorted(alarms, key=lambda alarm: alarm.name), params)
        return ActionResult(
            {
                "MetricAlarms": [alarm for alarm in page if alarm.rule is None],
                "CompositeAlarms": [_composite(alarm) for alarm in page if alarm.rule is not None],
                "NextToken": token,
            }
        )

    def describe_alarm_history(self, response: Any) -> Any:
        """DescribeAlarmHistory."""
        params: Mapping[str, Any] = response._get_params()  # noqa: SLF001
        items = history.select(
            history.items_of(response.cloudwatch_backend),
            name=params.get("AlarmName"),
            kinds=params.get("AlarmTypes") or (),
            item_type=params.get("HistoryItemType"),
            start=_aware(params.get("StartDate")),
            end=_aware(params.get("EndDate")),
            oldest_first=params.get("ScanBy") == "TimestampAscending",
        )
        page, token = _page(items, params)
        return ActionResult({"AlarmHistoryItems": page, "NextToken": token})


def _composite(alarm: Any) -> dict[str, Any]:
    return {
        "AlarmName": alarm.name,
        "AlarmArn": alarm.alarm_arn,
        "AlarmDescription": alarm.description,
        "AlarmRule": alarm.rule,
        "ActionsEnabled": alarm.actions_enabled,
        "AlarmActions": alarm.alarm_actions,
        "OKActions": alarm.ok_actions,
        "InsufficientDataActions": alarm.insufficient_data_actions,
        "AlarmConfigurationUpdatedTimestamp": alarm.configuration_updated_timestamp,
        "StateValue": alarm.state_value,
        "StateReason": alarm.state_reason,
        "StateReasonData": alarm.state_reason_data,
        "StateUpdatedTimestamp": alarm.state_updated_timestamp,
        "StateTransitionedTimestamp": alarm.state_transitioned_timestamp,
    }


def _page(items: list[Any], params: Mapping[str, Any]) -> tuple[list[Any], str | None]:
    size = params.get("MaxRecords") or PAGE
    first = int(params.get("NextToken") or 0)
    more = str(first + size) if first + size < len(items) else None
    return items[first : first + size], more


def _aware(at: datetime | None) -> datetime | None:
    return at.replace(tzinfo=UTC) if at is not None and at.tzinfo is None else at
