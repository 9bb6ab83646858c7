"""What became of one `pulumi up`, from its exit status and the events meanwhile.

Takes plain values, gives an `Outcome` and the figures of a roll-back. Must not ask anybody.
"""

from collections.abc import Sequence

from modelway.rehearsal.record import Event
from modelway.rehearsal.scenario import Outcome

_SETTLED = ("create-ended", "promoted", "rolled-back")


def outcome_of(
    exit_status: int, events: Sequence[Event], *, created: bool, interrupted: bool
) -> Outcome:
    """Tell the outcome.

    Args:
        exit_status: of `pulumi up`.
        events: from its start to its end.
        created: whether nothing served before.
        interrupted: whether the rehearsal stopped the engine.
    """
    kinds = {event.kind for event in events}
    if exit_status == 0:
        return "promoted" if "promoted" in kinds or created else "unchanged"
    if interrupted:
        return "failed"
    if "rolled-back" in kinds:
        return "rolled-back"
    return "failed" if kinds & {"update-started", "create-started"} else "refused"


def settled(events: Sequence[Event]) -> int | None:
    """Give the index of the first event after SageMaker had done what it was asked; None: nothing.

    The engine tidies up and ends some real seconds later, hence up to minutes of virtual time,
    in which autoscaling and alarms go on already.
    """
    ends = [index for index, event in enumerate(events) if event.kind in _SETTLED]
    return ends[-1] + 1 if ends else None


def rolled_back_by(events: Sequence[Event]) -> str:
    """Give the reason of a roll-back, with the alarms that fired then; empty without one."""
    firing: dict[str, bool] = {}
    for event in events:
        if event.kind == "alarm":
            firing[str(event.data.get("name", ""))] = event.data.get("to") == "ALARM"
        elif event.kind == "rollback-started":
            reason = str(event.data.get("reason") or event.text)
            alarms = [name for name, fires in firing.items() if fires and name not in reason]
            return " ".join([reason, *alarms])
    return ""


def seconds_to_roll_back(events: Sequence[Event]) -> float | None:
    """Give the virtual seconds from the first fault, or else the first bake, to the roll-back.

    None where there was no roll-back, or nothing that it could be counted from.
    """
    rolled = next((event.at for event in events if event.kind == "rollback-started"), None)
    if rolled is None:
        return None
    for kind in ("fault", "bake-started"):
        begun = [
            event.at
            for event in events
            if event.kind == kind and event.data.get("action", "begins") == "begins"
        ]
        if begun:
            return rolled - begun[0]
    return None
