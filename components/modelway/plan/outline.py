"""Say in a few lines what a plan declares, for people.

Takes a plan, gives rows of kind, name and details. Must not decide anything.
"""

from modelway.plan.alarms import ERROR_PERCENT
from modelway.plan.model import (
    AlarmPlan,
    DeploymentPlan,
    ScalingPlan,
    SchedulePlan,
    VariantPlan,
)

_UNITS = {"Percent": " %", "Microseconds": " microseconds"}

Row = tuple[str, str, str]
"""Kind of resource, its name or path, and details."""


def outline(plan: DeploymentPlan) -> list[Row]:
    """Give a row for everything that the deployment declares beside the shared platform."""
    endpoint = plan.names.endpoint
    artifact = plan.container.artifact
    beside = sorted(artifact.beside.items())
    where = artifact.uri if artifact.uri is not None else plan.container.artifact_key
    rows = [
        ("artifact", where or "", f"{artifact.digest}, {_size(artifact.size_bytes)}"),
        *(("beside the model", name, _size(len(content))) for name, content in beside),
        _image_row(plan),
        ("role", plan.names.role, "least privilege, assumed by SageMaker alone"),
        ("model", f"{endpoint}-<content hash>", f"isolated: {_yes(plan.network.isolation)}"),
        *_beside_rows(plan),
        (
            "endpoint configuration",
            f"{endpoint}-<content hash>",
            "; ".join(_variant_note(plan, each) for each in plan.variants),
        ),
        ("endpoint", endpoint, _rollout_note(plan)),
    ]
    rows += _scaling_rows(plan)
    rows += [("alarm", alarm.name, describe_alarm(alarm)) for alarm in plan.alarms]
    rows += [
        (
            "composite alarm",
            alarm.name,
            " and ".join(describe_alarm(child) for child in alarm.children),
        )
        for alarm in plan.composite_alarms
    ]
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


def _beside_rows(plan: DeploymentPlan) -> list[Row]:
    """Describe what challengers and the shadow are made of."""
    rows: list[Row] = []
    for name, container in plan.containers.items():
        if name != plan.variant.name:
            artifact = container.artifact
            where = container.artifact_key if artifact.uri is None else artifact.uri
            size = _size(artifact.size_bytes)
            rows.append((f"artifact of {name}", where, f"{artifact.digest}, {size}"))
    shadow = plan.shadow
    if shadow is not None:
        details = (
            f"{shadow.initial_instance_count} x {shadow.instance_type}, copies of "
            f"{shadow.initial_weight * 100:g} % of the requests, answers captured and not returned"
        )
        rows.append(("shadow variant", shadow.name, details))
    return rows


def _variant_note(plan: DeploymentPlan, variant: VariantPlan) -> str:
    """Say how many of what a variant has, and its share where there are several."""
    note = f"{variant.initial_instance_count} x {variant.instance_type}, variant `{variant.name}`"
    return note if len(plan.variants) == 1 else f"{note} {variant.initial_weight:g} %"


def describe_alarm(alarm: AlarmPlan) -> str:
    """Write an alarm's condition in one line."""
    if alarm.expression is not None:
        watched, unit = alarm.expression, " %" if alarm.expression == ERROR_PERCENT else ""
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
    rows = [] if plan.scaling is None else _scaling_rows_of(plan, plan.scaling, "")
    for name, scaling in plan.challenger_scalings.items():
        rows += _scaling_rows_of(plan, scaling, f"-{name}")
    return rows


def _scaling_rows_of(plan: DeploymentPlan, scaling: ScalingPlan, suffix: str) -> list[Row]:
    """Describe one variant's."""
    bounds = f"{scaling.min_capacity} to {scaling.max_capacity} instances"
    rows: list[Row] = [("scalable target", scaling.resource_id, bounds)]
    if scaling.target_value is not None:
        details = f"{scaling.target_value:g} invocations per instance per minute"
        rows.append(("scaling policy", f"{plan.names.endpoint}{suffix}-target", details))
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
    """Say how an update moves traffic, and what rolls it back."""
    config = plan.rollout.deployment_config
    if config is None:
        return "updated all at once"
    how = "in rolling batches" if "RollingUpdatePolicy" in config else "blue/green"
    keys = ", ".join(alarm.key for alarm in plan.rollout.rollback_alarms)
    return f"updated {how}" + (f", rolled back by {keys} of the new fleet" if keys else "")


def _image_row(plan: DeploymentPlan) -> Row:
    """Say where the image comes from."""
    container = plan.container
    if container.image is not None:
        return ("image", container.image, "by digest")
    build = container.build
    if build is None:
        note = "the emulator stands in for the build; elsewhere the spec must name one"
        return ("image", "not given", note)
    added = [*build.extras.requirements.splitlines(), *build.extras.code]
    names = ", ".join(line.partition(" ")[0] for line in added) or "nothing"
    note = f"{build.variant}, {build.platform}; adds {names}"
    return ("image", f"built by {build.builder}", note)


def _size(size_bytes: int) -> str:
    """Write a size for people."""
    if size_bytes == 0:
        return "not read"
    if size_bytes < 1024 * 1024:
        return f"{size_bytes / 1024:.1f} KiB"
    return f"{size_bytes / (1024 * 1024):.1f} MiB"


def _yes(value: bool) -> str:
    return "yes" if value else "no"
