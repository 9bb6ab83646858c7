"""What an endpoint serves now, how its alarms are, and what ECR found in an image; read from AWS.

Takes an endpoint's name or an image, gives a `Live` or a `Scan`. Must not change or judge anything.
"""

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from modelway.errors import DeploymentError
from modelway.promotion.gate import Live, LiveAlarm
from modelway.promotion.ledger import Entry, Ledger
from modelway.promotion.release import told_digest
from modelway.promotion.scan import Finding, Scan


def read_live(endpoint: str, region: str | None, *, watch: bool = False) -> Live | None:
    """Give what an endpoint does; None when there is no such endpoint.

    Args:
        endpoint: its name.
        region: default: boto3's own.
        watch: also find the alarms that fired since it serves this.

    Raises:
        DeploymentError: AWS refused, or could not be reached.
    """
    from boto3.session import Session
    from botocore.exceptions import BotoCoreError, ClientError

    from modelway.monitoring.endpoint_status import read_status
    from modelway.sagemaker.calls import error_message

    status = read_status(endpoint, region, 0)
    if status is None:
        return None
    session = Session(region_name=region)
    since = serving_since(status)
    try:
        sagemaker = session.client("sagemaker")
        config = sagemaker.describe_endpoint_config(EndpointConfigName=status["configuration"])
        urls = _model_data_urls(sagemaker, config)
        alarms = tuple(
            LiveAlarm(each["alarm"], each["state"], each["why"]) for each in status["alarms"]
        )
        watched = [each.name for each in alarms] if watch else []
        fired = _fired(session.client("cloudwatch"), watched, since)
    except (BotoCoreError, ClientError) as error:
        raise DeploymentError(f"reading endpoint {endpoint}: {error_message(error)}") from error
    told = {url: told_digest(url) for url in urls}
    return Live(
        endpoint=endpoint,
        status=status["status"],
        images=frozenset(each["image"].partition("@")[2] for each in status["variants"]),
        models=frozenset(digest for digest in told.values() if digest is not None),
        untold=tuple(url for url, digest in told.items() if digest is None),
        alarms=alarms,
        since=since,
        now=_answered_at(config),
        fired=fired,
    )


def read_scan(image: str) -> Scan | None:
    """Give what ECR's scan found in an image; None when there is no scan of it.

    Args:
        image: in ECR, by digest.

    Raises:
        DeploymentError: AWS refused, or could not be reached.
    """
    from boto3.session import Session
    from botocore.exceptions import BotoCoreError, ClientError

    from modelway.image.reference import image_reference

    place = image_reference(image)
    found: list[Finding] = []
    try:
        client = Session(region_name=place.region).client("ecr")
        pages = client.get_paginator("describe_image_scan_findings").paginate(
            registryId=place.account,
            repositoryName=place.name,
            imageId={"imageDigest": place.digest},
        )
        for page in pages:
            findings = page.get("imageScanFindings", {})
            found += [
                Finding(each["name"], each["severity"]) for each in findings.get("findings", [])
            ]
            found += [_enhanced(each) for each in findings.get("enhancedFindings", [])]
    except (BotoCoreError, ClientError) as error:
        if getattr(error, "response", {}).get("Error", {}).get("Code") == "ScanNotFoundException":
            return None
        raise DeploymentError(f"reading the scan of {image}: {error}") from error
    status = page["imageScanStatus"]
    return Scan(status["status"], status.get("description", ""), tuple(found), _answered_at(page))


def _enhanced(finding: Mapping[str, Any]) -> Finding:
    """Give a finding of Inspector's; closed ones are no longer listed."""
    details = finding.get("packageVulnerabilityDetails", {})
    name = details.get("vulnerabilityId") or finding.get("title", "unnamed")
    return Finding(name, finding.get("severity", "UNDEFINED"))


def served(ledger: Ledger, live: Live | None) -> Entry | None:
    """Give the newest record whose image and models an endpoint serves."""
    if live is None:
        return None
    newest_first = reversed(ledger.entries)
    return next(
        (each for each in newest_first if live.runs(each.record) and live.serves(each.record)), None
    )


def serving_since(status: Mapping[str, Any]) -> datetime:
    """Give when the endpoint began to serve its configuration.

    The log of rollouts says when it was promoted. An endpoint that was never updated has none: then
    the last change counts, which a change of its instance count makes later, never earlier.
    """
    for entry in status["rollouts"]:
        at, *words = str(entry).split(" ")
        if words[:1] == ["promoted"] and status["configuration"] in words[1:2]:
            return datetime.strptime(at, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    return datetime.fromisoformat(status["changed"])


def _answered_at(answer: Mapping[str, Any]) -> datetime:
    """Give the time by AWS's clock: this machine's may be wrong, and the emulator's runs faster."""
    return parsedate_to_datetime(answer["ResponseMetadata"]["HTTPHeaders"]["date"])


def _model_data_urls(sagemaker: Any, config: Mapping[str, Any]) -> list[str]:
    """Give the addresses of all models of a configuration, a shadow's among them, each once."""
    from modelway.sagemaker.desired import all_variants

    names = dict.fromkeys(each["ModelName"] for each in all_variants(config))
    described = [sagemaker.describe_model(ModelName=name) for name in names]
    return [str(each["PrimaryContainer"].get("ModelDataUrl", "")) for each in described]


def _fired(cloudwatch: Any, alarms: Iterable[str], since: datetime) -> tuple[str, ...]:
    """Give the alarms that went to ALARM since then."""
    found: list[str] = []
    pages = cloudwatch.get_paginator("describe_alarm_history")
    for name in alarms:
        items = [
            item
            for page in pages.paginate(
                AlarmName=name, HistoryItemType="StateUpdate", StartDate=since
            )
            for item in page["AlarmHistoryItems"]
        ]
        if any(_to_alarm(item) for item in items):
            found.append(name)
    return tuple(found)


def _to_alarm(item: Mapping[str, Any]) -> bool:
    """Tell by CloudWatch's own data whether a change of state was one to ALARM."""
    data = json.loads(item.get("HistoryData") or "{}")
    return (data.get("newState") or {}).get("stateValue") == "ALARM"
