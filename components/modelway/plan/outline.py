"""Say in a few lines what a plan declares, for people.

Takes a plan, gives rows of kind, name and details. Must not decide anything.
"""

from modelway.plan.model import AlarmPlan, DeploymentPlan, SchedulePlan

_UNITS = {"Percent": " %", "Microseconds": " microseconds"}

Row = tuple[str, str, str]
"""Kind of resource, its name or path, and details."""


def outline(plan: DeploymentPlan) -> list[Row]:
    """Give a row for everything that the deployment declares beside the shared platform."""
    endpoint = plan.names.endpoint
    variant = plan.variant
    artifact = plan.container.artifact
    beside = sorted(artifact.beside.items())
    where = artifact.uri if artifact.uri is not None else plan.container.artifact_key
    rows = [
        ("artifact", where or "", f"{artifact.digest}, {_size(artifact.size_bytes)}"),
        *(("beside the model", name, _size(len(content))) for name, content in beside),
        ("image", plan.container.image or "not given", _image_note(plan)),
        ("role", plan.names.role, "least privilege, assumed by SageMaker alone"),
        ("model", f"{endpoint}-<content hash>", f"isolated: {_yes(plan.network.isolation)}"),
        (
            "endpoint configuration",
            f"{endpoint}-<content hash>",
            f"{variant.initial_instance_count} x {variant.instance_type}, variant `{variant.name}`",
        ),
        ("endpoint", endpoint, _rollout_note(plan)),
    ]
    rows += _scaling_rows(plan)
    rows += [("alarm", alarm.name, describe_alarm(alarm)) for alarm in plan.alarms]
    rows += [("subscription", address, "told by every alarm") for address in plan.notify]
    rows += [
        ("dashboard", plan.names.dashboard, "traffic, latency, errors, utilisation"),
        ("log group", plan.names.log_group, f"kept {plan.log_retention_days} days"),
    ]
    capture = plan.data_capture
    if capture is not None:
        target = capture.destination or f"{capture.destination_prefix} in the platform's bucket"
        sides = " and ".join(capture.capture_modes).lower()
        rows.append(("data capture", target, f"{capture.sampling_percent} % of {sides}"))
    return rows


def describe_alarm(alarm: AlarmPlan) -> str:
    """Write an alarm's condition in one line."""
    if alarm.expression is not None:
        watched, unit = alarm.expression, " %"
    else:
        metric = alarm.metrics[0]
        watched = f"{metric.statistic} of {metric.name}"
        unit = _UNITS.get(metric.unit or "", "")
    sign = ">" if alarm.comparison_operator == "GreaterThanThreshold" else "<"
    return (
        f"{watched} {sign} {alarm.threshold:g}{unit}, {alarm.datapoints_to_alarm} of "
        f"{alarm.evaluation_periods} x {alarm.period_seconds} s, "
        f"missing data {alarm.treat_missing_data}"
    )


def _scaling_rows(plan: DeploymentPlan) -> list[Row]:
    """Describe the scalable target, its policy and its schedules."""
    scaling = plan.scaling
    if scaling is None:
        return []
    bounds = f"{scaling.min_capacity} to {scaling.max_capacity} instances"
    rows: list[Row] = [("scalable target", scaling.resource_id, bounds)]
    if scaling.target_value is not None:
        details = f"{scaling.target_value:g} invocations per instance per minute"
        rows.append(("scaling policy", f"{plan.names.endpoint}-target", details))
    for schedule in scaling.schedules:
        details = f"{schedule.schedule} {schedule.timezone}: {_bounds(schedule)} instances"
        rows.append(("scheduled action", schedule.name, details))
    return rows


def _bounds(schedule: SchedulePlan) -> str:
    """Say what a schedule sets."""
    low, high = schedule.min_capacity, schedule.max_capacity
    if low is None:
        return f"at most {high}"
    return f"at least {low}" if high is None else f"{low} to {high}"


def _rollout_note(plan: DeploymentPlan) -> str:
    """Say how an update moves traffic."""
    config = plan.rollout.deployment_config
    if config is None:
        return "updated all at once"
    if "RollingUpdatePolicy" in config:
        return "updated in rolling batches, rolled back by the objectives' alarms"
    watched = "AutoRollbackConfiguration" in config
    return "updated blue/green" + (", rolled back by the objectives' alarms" if watched else "")


def _image_note(plan: DeploymentPlan) -> str:
    """Say what becomes of a missing image."""
    if plan.container.image is not None:
        return "by digest"
    return "the emulator stands in for the build; elsewhere the spec must name one"


def _size(size_bytes: int) -> str:
    """Write a size for people."""
    if size_bytes == 0:
        return "not read"
    if size_bytes < 1024 * 1024:
        return f"{size_bytes / 1024:.1f} KiB"
    return f"{size_bytes / (1024 * 1024):.1f} MiB"


def _yes(value: bool) -> str:
    return "yes" if value else "no"
