"""What an endpoint is doing now, read from AWS.

Takes an endpoint's name, gives plain values for people and programs. Must not change anything.
"""

from datetime import UTC, datetime
from typing import Any

from modelway.errors import DeploymentError

NEWEST_EVENTS = 1000
"""Log lines looked at for errors, the newest first by stream."""

NEWEST_STREAMS = 5


def read_status(endpoint: str, region: str | None, error_lines: int) -> dict[str, Any] | None:
    """Give an endpoint's state; None when there is no such endpoint.

    Args:
        endpoint: its name.
        region: default: boto3's own.
        error_lines: how many of the last lines with errors to give, 0 or more.

    Raises:
        DeploymentError: AWS refused, or could not be reached.
    """
    from boto3.session import Session
    from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError, NoRegionError

    from modelway.sagemaker.api import SageMakerApi, is_missing
    from modelway.sagemaker.calls import error_message
    from modelway.sagemaker.container_log import LOG_GROUP
    from modelway.sagemaker.rollout_log import outcomes

    session = Session(region_name=region)
    try:
        sagemaker = session.client("sagemaker")
        try:
            found = sagemaker.describe_endpoint(EndpointName=endpoint)
        except ClientError as error:
            if is_missing(error):
                return None
            raise
        group = f"{LOG_GROUP}{endpoint}"
        return {
            "endpoint": endpoint,
            "arn": found["EndpointArn"],
            "status": found["EndpointStatus"],
            "configuration": found["EndpointConfigName"],
            "changed": found["LastModifiedTime"].isoformat(timespec="seconds"),
            "reason": found.get("FailureReason", ""),
            "rollout": _rollout(found),
            "variants": _variants(sagemaker, found),
            "alarms": _alarms(session.client("cloudwatch"), endpoint),
            "rollouts": outcomes(SageMakerApi(sagemaker).tags(found["EndpointArn"])),
            "log_group": group,
            "errors": _errors(session.client("logs"), group, error_lines),
        }
    except (NoCredentialsError, NoRegionError) as error:
        raise DeploymentError(
            f"showing endpoint {endpoint}: {error_message(error)} For AWS set AWS_REGION (or give "
            "it with --region) and your credentials; for the emulator run "
            'eval "$(modelway emulator env)"'
        ) from error
    except (BotoCoreError, ClientError) as error:
        raise DeploymentError(f"showing endpoint {endpoint}: {error_message(error)}") from error


def _rollout(found: dict[str, Any]) -> str:
    """Say where an update under way is; empty when there is none."""
    from modelway.sagemaker.progress import phrase, stage_of

    if found["EndpointStatus"] not in {"Updating", "RollingBack"}:
        return ""
    stage = stage_of(found)
    policy = found.get("LastDeploymentConfig")
    said = phrase(stage, policy, 0, [], datetime.now(UTC))
    return f"{said}, to {stage.config_name}" if stage.config_name else said


def _variants(sagemaker: Any, found: dict[str, Any]) -> list[dict[str, Any]]:
    config = sagemaker.describe_endpoint_config(EndpointConfigName=found["EndpointConfigName"])
    wanted = {variant["VariantName"]: variant for variant in config["ProductionVariants"]}
    total = sum(each.get("CurrentWeight") or 0.0 for each in found.get("ProductionVariants", []))
    variants = []
    for variant in found.get("ProductionVariants", []):
        name = variant["VariantName"]
        images = variant.get("DeployedImages") or [{}]
        variants.append(
            {
                "variant": name,
                "model": wanted.get(name, {}).get("ModelName", ""),
                "instance_type": wanted.get(name, {}).get("InstanceType", ""),
                "instances": variant.get("CurrentInstanceCount"),
                "wanted_instances": variant.get("DesiredInstanceCount"),
                "traffic_percent": _share(variant.get("CurrentWeight"), total),
                "image": images[0].get("ResolvedImage", ""),
            }
        )
    return variants


def _share(weight: float | None, total: float) -> float | None:
    """Give a variant's share of the requests; weights count relative to their sum."""
    return None if weight is None or total <= 0 else round(100 * weight / total, 1)


def _alarms(cloudwatch: Any, endpoint: str) -> list[dict[str, Any]]:
    pages = cloudwatch.get_paginator("describe_alarms").paginate(AlarmNamePrefix=f"{endpoint}-")
    return [
        {
            "alarm": alarm["AlarmName"],
            "state": alarm["StateValue"],
            "why": alarm.get("StateReason", ""),
        }
        for page in pages
        for alarm in page["MetricAlarms"]
        if _watches(alarm, endpoint)
    ]


def _watches(alarm: dict[str, Any], endpoint: str) -> bool:
    """Tell apart the alarms of `fraud-dev` and of `fraud-dev-eu`."""
    metrics = [query.get("MetricStat", {}).get("Metric", {}) for query in alarm.get("Metrics", [])]
    dimensions = [
        dimension for metric in (alarm, *metrics) for dimension in metric.get("Dimensions", [])
    ]
    return {"Name": "EndpointName", "Value": endpoint} in dimensions


def read_errors(endpoint: str, region: str | None, count: int) -> list[str]:
    """Give the last lines of errors in an endpoint's log, which is there when the endpoint is not.

    Args:
        endpoint: its name.
        region: default: boto3's own.
        count: how many lines, 0 or more.

    Raises:
        DeploymentError: AWS refused, or could not be reached.
    """
    from boto3.session import Session
    from botocore.exceptions import BotoCoreError, ClientError

    from modelway.sagemaker.calls import error_message
    from modelway.sagemaker.container_log import LOG_GROUP

    group = f"{LOG_GROUP}{endpoint}"
    try:
        return _errors(Session(region_name=region).client("logs"), group, count)
    except (BotoCoreError, ClientError) as error:
        raise DeploymentError(f"reading the log {group}: {error_message(error)}") from error


def _errors(logs: Any, group: str, count: int) -> list[str]:
    """Give the last lines that tell of errors, the oldest first."""
    from modelway.sagemaker.container_log import tells_of_error

    if count == 0:
        return []
    try:
        streams = logs.describe_log_streams(
            logGroupName=group, orderBy="LastEventTime", descending=True, limit=NEWEST_STREAMS
        )["logStreams"]
    except logs.exceptions.ResourceNotFoundException:
        return []
    events = []
    for stream in streams:
        page = logs.get_log_events(
            logGroupName=group,
            logStreamName=stream["logStreamName"],
            limit=NEWEST_EVENTS,
            startFromHead=False,
        )
        events += [(event["timestamp"], event["message"].rstrip()) for event in page["events"]]
    return [line for _time, line in sorted(events) if tells_of_error(line)][-count:]
