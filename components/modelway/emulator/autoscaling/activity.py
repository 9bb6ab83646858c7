"""What DescribeScalingActivities remembers.

Takes what the scaler does; keeps the items with moto's store, so that a reset forgets them. AWS
keeps six weeks of activities (DescribeScalingActivities); so does this.
"""

import uuid
from typing import Any

KEPT_SECONDS = 42 * 86400


def items_of(backend: Any) -> list[dict[str, Any]]:
    """Give the activities of one of moto's stores, oldest first."""
    held: list[dict[str, Any]] = backend.__dict__.setdefault("scaling_activities", [])
    return held


def begin(backend: Any, target: Any, at: float, description: str, cause: str) -> dict[str, Any]:
    """Remember an activity that starts now; give it, to be ended by `end`."""
    items = items_of(backend)
    item = {
        "ActivityId": str(uuid.uuid4()),
        "ServiceNamespace": target.service_namespace,
        "ResourceId": target.resource_id,
        "ScalableDimension": target.scalable_dimension,
        "Description": description,
        "Cause": cause,
        "StartTime": at,
        "StatusCode": "InProgress",
    }
    items.append(item)
    while items[0]["StartTime"] < at - KEPT_SECONDS:
        items.pop(0)
    return item


def end(item: dict[str, Any], at: float, status: str, message: str) -> None:
    """End an activity: Successful, Failed, Unfulfilled or Overridden."""
    item |= {"EndTime": at, "StatusCode": status, "StatusMessage": message}
