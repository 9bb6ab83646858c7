"""One alarm changes its state: store, history and actions.

Takes one of moto's alarms and the new state; needs `services.lock` held. Used by the evaluator and
by SetAlarmState alike.
"""

import json
import logging
from typing import Any

from modelway.emulator.cloudwatch import history
from modelway.emulator.cloudwatch.notification import Change, message, subject
from modelway.emulator.services import Services

log = logging.getLogger(__name__)

_NEVER = float("-inf")


def change_state(
    services: Services, backend: Any, alarm: Any, state: str, reason: str, reason_data: str
) -> None:
    """Set the state; where it is another one, remember the change and perform the actions."""
    at = services.clock.now()
    change = Change(alarm.state_value, state, reason, at)
    before = _described(alarm)
    alarm.state_value = state
    alarm.state_reason = reason
    alarm.state_reason_data = reason_data
    alarm.state_updated_timestamp = services.clock.utcnow()
    if change.old_state == state:
        return
    alarm.state_transitioned_timestamp = alarm.state_updated_timestamp
    if state == "ALARM":
        alarm.fired_at = at
    history.add(
        backend,
        alarm,
        at,
        "StateUpdate",
        f"Alarm updated from {change.old_state} to {state}",
        {"oldState": before, "newState": _described(alarm)},
    )
    if services.replaying:
        return
    services.events.add(
        _endpoint_of(alarm),
        "alarm",
        f"Alarm {alarm.name} went from {change.old_state} to {state}.",
        **{"name": alarm.name, "from": change.old_state, "to": state},
    )
    if not alarm.actions_enabled:
        return
    for action in actions_for(alarm, state):
        _perform(services, backend, alarm, action, change)


def fired_at(alarm: Any) -> float:
    """Give the virtual time at which an alarm last went into ALARM; minus infinity for never."""
    at: float = alarm.__dict__.get("fired_at", _NEVER)
    return at


def _endpoint_of(alarm: Any) -> str:
    """Give the endpoint whose metric an alarm watches; empty where there is none."""
    dimensions = list(alarm.dimensions or ())
    for query in alarm.metric_data_queries or ():
        if query.metric_stat is not None:
            dimensions += query.metric_stat.metric.dimensions
    return next((each.value for each in dimensions if each.name == "EndpointName"), "")


def actions_for(alarm: Any, state: str) -> list[str]:
    """Give the ARNs of what an alarm does on entering a state."""
    actions = {
        "ALARM": alarm.alarm_actions,
        "OK": alarm.ok_actions,
        "INSUFFICIENT_DATA": alarm.insufficient_data_actions,
    }
    return list(actions[state] or ())


def _described(alarm: Any) -> dict[str, Any]:
    return {
        "stateValue": alarm.state_value,
        "stateReason": alarm.state_reason,
        "stateReasonData": json.loads(alarm.state_reason_data or "{}"),
    }


def _perform(services: Services, backend: Any, alarm: Any, action: str, change: Change) -> None:
    service = action.split(":")[2] if action.count(":") > 2 else ""  # noqa: PLR2004 - arn:aws:NAME
    if service == "autoscaling":
        return  # The scaler looks at the states of alarms itself, every minute.
    error = ""
    if service == "sns":
        # Imported late: SNS brings cryptography, and most emulators never notify.
        from moto.sns.models import sns_backends

        account, region = action.split(":")[4], action.split(":")[3]
        try:
            sns_backends[account][region].publish(
                message(alarm, change), arn=action, subject=subject(alarm, change)
            )
        except Exception as problem:  # noqa: BLE001 - moto raises what its services raise
            error = getattr(problem, "message", None) or str(problem)
    else:
        error = f"the emulator performs no actions of the service '{service}'"
    if error:
        log.warning("alarm %s: action %s failed: %s", alarm.name, action, error)
    history.add(
        backend,
        alarm,
        services.clock.now(),
        "Action",
        f"{'Failed to execute' if error else 'Successfully executed'} action {action}",
        {
            "actionState": "Failed" if error else "Succeeded",
            "stateUpdateTimestamp": int(change.at * 1000),
            "notificationResource": action,
            **({"error": error} if error else {}),
        },
    )
