"""Rules of scaling: bounds, tracking and schedules.

Takes the spec of one environment, gives `Problem`s.
"""

from collections.abc import Iterator

from modelway.errors import Problem
from modelway.spec.instances import instance_type
from modelway.spec.model import ModelSpec, Scaling, Schedule
from modelway.spec.paths import path_text
from modelway.spec.rules.schedule import FORMS, schedule_fault, timezone_fault

_SCHEDULED = "Application Auto Scaling PutScheduledAction"


def scaling_problems(spec: ModelSpec) -> Iterator[Problem]:
    """Check the bounds, the target and every schedule."""
    scaling = spec.scaling
    highest = scaling.min_instances if scaling.max_instances is None else scaling.max_instances
    if highest < scaling.min_instances:
        yield Problem(
            path="scaling.max_instances",
            message=f"is below `scaling.min_instances`, which is {scaling.min_instances}",
            value=highest,
            allowed=f"{scaling.min_instances} or more",
            source="Application Auto Scaling RegisterScalableTarget",
        )
    if highest > scaling.min_instances and (
        scaling.target_invocations_per_instance_per_minute is None
    ):
        yield Problem(
            path="scaling.target_invocations_per_instance_per_minute",
            message=(
                f"is missing: with {scaling.min_instances} to {highest} instances there must be a "
                "number to scale by. Measure what one instance serves and take about 70 % of it"
            ),
            allowed="a number above 0",
            source="Application Auto Scaling SageMakerVariantInvocationsPerInstance",
        )
    machine = instance_type(spec.serving.instance_type)
    scales = highest > scaling.min_instances or bool(scaling.schedules)
    if scales and machine is not None and machine.burstable:
        yield Problem(
            path="serving.instance_type",
            message="is burstable, and burstable instances cannot be scaled automatically",
            value=machine.name,
            allowed="another family such as ml.m5, or a fixed number of instances",
            source="SageMaker developer guide, automatic scaling",
        )
    yield from _schedule_problems(scaling, highest)


def _schedule_problems(scaling: Scaling, highest: int) -> Iterator[Problem]:
    """Check every schedule, and that their names differ."""
    names: set[str] = set()
    for index, schedule in enumerate(scaling.schedules):
        place = ("scaling", "schedules", index)
        if schedule.name in names:
            yield Problem(
                path=path_text((*place, "name")),
                message="is used by an earlier schedule",
                value=schedule.name,
                allowed="a name of its own",
                source=_SCHEDULED,
            )
        names.add(schedule.name)
        fault = schedule_fault(schedule.schedule)
        if fault is not None:
            yield Problem(
                path_text((*place, "schedule")), fault, schedule.schedule, FORMS, _SCHEDULED
            )
        fault = timezone_fault(schedule.timezone)
        if fault is not None:
            allowed = "a name such as UTC or Europe/Berlin"
            yield Problem(
                path_text((*place, "timezone")), fault, schedule.timezone, allowed, _SCHEDULED
            )
        problem = _bounds_problem(path_text(place), schedule, scaling.min_instances, highest)
        if problem is not None:
            yield problem


def _bounds_problem(path: str, schedule: Schedule, lowest: int, highest: int) -> Problem | None:
    """Check the bounds that a schedule sets; the one it leaves out is that of `scaling`."""
    least, most = schedule.min_instances, schedule.max_instances
    if least is None and most is None:
        return Problem(
            path=path,
            message="changes nothing: it sets neither bound",
            allowed="`min_instances`, `max_instances` or both",
            source=_SCHEDULED,
        )
    low = lowest if least is None else least
    high = highest if most is None else most
    if low <= high:
        return None
    return Problem(
        path=f"{path}.{'max_instances' if least is None else 'min_instances'}",
        message=f"makes the bounds {low} to {high}",
        value=most if least is None else least,
        allowed="a lower bound up to the upper one; give both where they move together",
        source=_SCHEDULED,
    )
