"""What exists at the end of a rehearsal, compared with what should.

Takes the emulator and the stack's state, gives what is left over and how scaling differs. It
changes nothing.
"""

import json
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from modelway.emulator.process import RunningEmulator
from modelway.engine.backend import FileBackend
from modelway.engine.orphan import find_orphans
from modelway.rehearsal.emulator_client import client, endpoint_status
from modelway.rehearsal.record import EndpointInState, Leftovers

SETTLE_SECONDS = 5.0
"""Real seconds in which an old fleet may still drain after its update ended."""

CAPTURE_SECONDS = 30.0
"""Real seconds until captured answers must be in S3; the emulator writes them every few virtual
minutes."""

ROLLOUT_ALARMS = "-rollout-"
"""Is in the names of alarms that live as long as one rollout."""

_CHANGING = (
    *("CreationTime", "StartTime", "EndTime", "Alarms"),
    *("ScalableTargetARN", "PolicyARN", "ScheduledActionARN"),
)
"""Fields that are new whenever a target is registered again, on AWS too."""


def leftovers(emulator: RunningEmulator, endpoint: str, backend: FileBackend) -> Leftovers:
    """Look for what should be gone, until nothing is left or the time to settle is over."""
    deadline = time.monotonic() + SETTLE_SECONDS
    while True:
        found = _leftovers(emulator, endpoint, backend)
        if not found.names() or time.monotonic() >= deadline:
            return found
        time.sleep(0.1)


def endpoint_in_state(backend: FileBackend, endpoint: str) -> EndpointInState:
    """Read what Pulumi's state says of an endpoint."""
    for outputs in _outputs(backend):
        # A stack may export the name and the configuration; only the resource has a history.
        if outputs.get("endpoint_name") == endpoint and "history" in outputs:
            targets = tuple(str(each["endpoint_config_name"]) for each in outputs["history"])
            return EndpointInState(str(outputs["endpoint_config_name"]), targets)
    return EndpointInState("", ())


def shadow_fields(environment: Mapping[str, str], endpoint: str) -> dict[str, bool]:
    """Tell by field whether the shadow's captured answers differ from production's.

    Args:
        environment: leads to the emulator.
        endpoint: its name.

    Returns:
        Empty where nothing was captured of both within the time that capture takes.
    """
    command = [str(Path(sys.executable).with_name("modelway")), "shadow", endpoint, "--json"]
    deadline = time.monotonic() + CAPTURE_SECONDS
    while True:
        done = subprocess.run(
            command, env=dict(environment), capture_output=True, text=True, check=False
        )
        # Before anything is captured there is no object to read.
        fields = json.loads(done.stdout)["fields"] if done.stdout.startswith("{") else []
        if fields or time.monotonic() >= deadline:
            return {each["path"]: each["differing"] > 0 for each in fields}
        time.sleep(0.5)


def scaling_of(emulator: RunningEmulator, endpoint: str) -> dict[str, dict[str, Any]]:
    """Give the scalable targets, policies and scheduled actions of an endpoint, by their names."""
    aws = client(emulator, "application-autoscaling")
    found: dict[str, dict[str, Any]] = {}
    for kind, key, name in (
        ("scalable_targets", "ScalableTargets", "ScalableDimension"),
        ("scaling_policies", "ScalingPolicies", "PolicyName"),
        ("scheduled_actions", "ScheduledActions", "ScheduledActionName"),
    ):
        for each in getattr(aws, f"describe_{kind}")(ServiceNamespace="sagemaker")[key]:
            if f"endpoint/{endpoint}/" in each["ResourceId"]:
                plain = {field: value for field, value in each.items() if field not in _CHANGING}
                found[f"{key} {each['ResourceId']} {each[name]}"] = plain
    return found


def scaling_changes(
    before: Mapping[str, Mapping[str, Any]], after: Mapping[str, Mapping[str, Any]]
) -> tuple[str, ...]:
    """Say what is gone, new or different."""
    changes = [f"{name} is gone" for name in before if name not in after]
    changes += [f"{name} is new" for name in after if name not in before]
    changes += [
        f"{name}: {field} was {before[name].get(field)} and is {after[name].get(field)}"
        for name in before
        if name in after
        for field in sorted({*before[name], *after[name]})
        if before[name].get(field) != after[name].get(field)
    ]
    return tuple(changes)


def _leftovers(emulator: RunningEmulator, endpoint: str, backend: FileBackend) -> Leftovers:
    entry = endpoint_status(emulator, endpoint)
    live = "" if entry is None else entry["config"]
    remembered = _remembered(backend) | {live}
    sagemaker, cloudwatch = client(emulator, "sagemaker"), client(emulator, "cloudwatch")
    configurations = [
        each["EndpointConfigName"]
        for each in sagemaker.list_endpoint_configs(NameContains=endpoint)["EndpointConfigs"]
    ]
    described = [
        sagemaker.describe_endpoint_config(EndpointConfigName=name)
        for name in configurations
        if name in remembered
    ]
    used = {
        variant["ModelName"]
        for config in described
        for kind in ("ProductionVariants", "ShadowProductionVariants")
        for variant in config.get(kind, ())
    }
    models = [each["ModelName"] for each in sagemaker.list_models(NameContains=endpoint)["Models"]]
    alarms = cloudwatch.describe_alarms(AlarmNamePrefix=f"{endpoint}{ROLLOUT_ALARMS}")
    return Leftovers(
        replicas=tuple(
            f"{replica['instance_id']} of {replica['config']}"
            for replica in ([] if entry is None else entry["replicas"])
            if replica["config"] != live
        ),
        configurations=tuple(name for name in configurations if name not in remembered),
        models=tuple(name for name in models if name not in used),
        alarms=tuple(alarm["AlarmName"] for alarm in alarms["MetricAlarms"]),
        processes=tuple(f"{orphan.name} ({orphan.pid})" for orphan in find_orphans(backend)),
    )


def _remembered(backend: FileBackend) -> set[str]:
    """Give the configurations that the stack's state names: the live one and roll-back targets."""
    return {
        str(each["endpoint_config_name"])
        for outputs in _outputs(backend)
        for each in (outputs, *(outputs.get("history") or ()))
        if isinstance(each, Mapping) and each.get("endpoint_config_name")
    }


def _outputs(backend: FileBackend) -> Iterator[Mapping[str, Any]]:
    for stack in backend.stacks():
        for resource in backend.resources(stack):
            yield resource.get("outputs") or {}
