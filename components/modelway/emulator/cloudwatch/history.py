"""What DescribeAlarmHistory remembers: configuration updates, state changes and actions.

Takes alarms and what happened to them; keeps the items with moto's store, so that a reset forgets
them too. CloudWatch keeps 30 days of history (DescribeAlarmHistory); so does this.
"""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

KEPT_SECONDS = 30 * 86400


def items_of(backend: Any) -> list[dict[str, Any]]:
    """Give the history of one of moto's CloudWatch stores, oldest first."""
    history = backend.__dict__.setdefault("alarm_history", [])
    return history if isinstance(history, list) else []


def add(backend: Any, alarm: Any, at: float, kind: str, summary: str, data: dict[str, Any]) -> None:
    """Remember one item; `kind` is ConfigurationUpdate, StateUpdate or Action."""
    items = items_of(backend)
    items.append(
        {
            "AlarmName": alarm.name,
            "AlarmType": "MetricAlarm" if alarm.rule is None else "CompositeAlarm",
            "Timestamp": datetime.fromtimestamp(at, UTC),
            "HistoryItemType": kind,
            "HistorySummary": summary,
            "HistoryData": json.dumps({"version": "1.0", **data}),
        }
    )
    oldest = datetime.fromtimestamp(max(at - KEPT_SECONDS, 0), UTC)
    while items and items[0]["Timestamp"] < oldest:
        items.pop(0)


def select(
    items: Sequence[dict[str, Any]],
    *,
    name: str | None,
    kinds: Sequence[str],
    item_type: str | None,
    start: datetime | None,
    end: datetime | None,
    oldest_first: bool,
) -> list[dict[str, Any]]:
    """Give the items that a DescribeAlarmHistory request asks for, newest first by default.

    `kinds` are alarm types; MetricAlarm alone when empty, as the API documents it.
    """
    wanted = [
        item
        for item in items
        if (name is None or item["AlarmName"] == name)
        and item["AlarmType"] in (kinds or ("MetricAlarm",))
        and (item_type is None or item["HistoryItemType"] == item_type)
        and (start is None or item["Timestamp"] >= start)
        and (end is None or item["Timestamp"] <= end)
    ]
    return wanted if oldest_first else wanted[::-1]
