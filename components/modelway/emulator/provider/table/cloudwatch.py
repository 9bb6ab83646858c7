"""Amazon CloudWatch: alarms and dashboards."""

from collections.abc import Sequence
from typing import Any

from modelway.emulator.provider.entry import AutoName, Call, Entry, Literal, Read, Tagging
from modelway.emulator.provider.target import Target

_TAGGING = Tagging(
    listing=Call("ListTagsForResource", {"ResourceARN": "arn"}),
    tag=Call("TagResource", {"ResourceARN": "arn"}),
    untag=Call("UntagResource", {"ResourceARN": "arn"}),
)
_ACTIONS = frozenset({"alarmActions", "insufficientDataActions", "okActions"})


def _metric_alarm_state(target: Target, state: dict[str, Any], raws: Sequence[Any]) -> None:
    del target
    state.setdefault("treatMissingData", "missing")
    if raws[0].get("Metrics"):  # these belong to the queries then
        for name in ("dimensions", "period", "statistic"):
            if not state.get(name):
                state.pop(name, None)


METRIC_ALARM = Entry(
    type="aws:cloudwatch/metricAlarm:MetricAlarm",
    service="cloudwatch",
    create=Call("PutMetricAlarm"),
    put=True,
    id_property="name",
    reads=(
        Read(
            Call(
                "DescribeAlarms",
                {"AlarmNames": "id", "AlarmTypes": Literal(["MetricAlarm"])},
            ),
            "MetricAlarms[0]",
        ),
    ),
    not_found=("ResourceNotFound", "ResourceNotFoundException"),
    delete=Call("DeleteAlarms", {"AlarmNames": "id"}),
    names={
        "arn": "AlarmArn",
        "metricQueries": "Metrics",
        "metricQueries.metric": "MetricStat",
        "metricQueries.metric.dimensions": "Metric.Dimensions",
        "metricQueries.metric.metricName": "Metric.MetricName",
        "metricQueries.metric.namespace": "Metric.Namespace",
        "name": "AlarmName",
    },
    tagging=_TAGGING,
    state=_metric_alarm_state,
    auto_name=AutoName(limit=255),
    replaces=frozenset({"name"}),
    computed=frozenset({"evaluateLowSampleCountPercentiles"}),
    defaults={
        "actionsEnabled": True,
        "metricQueries.returnData": False,
        "treatMissingData": "missing",
    },
    unordered=_ACTIONS | {"metricQueries"},
)


def _suppressor_request(target: Target, parameters: dict[str, Any]) -> None:
    suppressor = target.get("actionsSuppressor")
    if suppressor:
        parameters["ActionsSuppressor"] = suppressor["alarm"]
        parameters["ActionsSuppressorWaitPeriod"] = int(suppressor["waitPeriod"])
        parameters["ActionsSuppressorExtensionPeriod"] = int(suppressor["extensionPeriod"])


def _suppressor_state(target: Target, state: dict[str, Any], raws: Sequence[Any]) -> None:
    del target
    told = raws[0]
    if told.get("ActionsSuppressor"):
        state["actionsSuppressor"] = {
            "alarm": told["ActionsSuppressor"],
            "waitPeriod": told.get("ActionsSuppressorWaitPeriod"),
            "extensionPeriod": told.get("ActionsSuppressorExtensionPeriod"),
        }


COMPOSITE_ALARM = Entry(
    type="aws:cloudwatch/compositeAlarm:CompositeAlarm",
    service="cloudwatch",
    create=Call("PutCompositeAlarm"),
    put=True,
    id_property="alarmName",
    reads=(
        Read(
            Call(
                "DescribeAlarms",
                {"AlarmNames": "id", "AlarmTypes": Literal(["CompositeAlarm"])},
            ),
            "CompositeAlarms[0]",
        ),
    ),
    not_found=("ResourceNotFound", "ResourceNotFoundException"),
    delete=Call("DeleteAlarms", {"AlarmNames": "id"}),
    names={"actionsSuppressor": "", "arn": "AlarmArn"},
    tagging=_TAGGING,
    request=_suppressor_request,
    state=_suppressor_state,
    replaces=frozenset({"actionsEnabled", "alarmName"}),
    defaults={"actionsEnabled": True},
    unordered=_ACTIONS,
)

DASHBOARD = Entry(
    type="aws:cloudwatch/dashboard:Dashboard",
    service="cloudwatch",
    create=Call("PutDashboard"),
    put=True,
    id_property="dashboardName",
    reads=(Read(Call("GetDashboard", {"DashboardName": "id"})),),
    not_found=("ResourceNotFound", "DashboardNotFoundError"),
    delete=Call("DeleteDashboards", {"DashboardNames": "id"}),
    replaces=frozenset({"dashboardName"}),
    documents=frozenset({"dashboardBody"}),
)

ENTRIES = (METRIC_ALARM, COMPOSITE_ALARM, DASHBOARD)
