"""The states of alarms, for the parts of AWS that act on them.

Takes an alarm's name, gives its state as of now: an evaluation that is due is made first, so that
at a high time scale nobody acts on a state that the data no longer supports. Implements
`services.Alarms`. Must not change anything but what an evaluation changes.
"""

from typing import Any

from moto.cloudwatch.models import cloudwatch_backends

from modelway.emulator.cloudwatch.evaluator import AlarmEvaluator
from modelway.emulator.cloudwatch.transition import fired_at


class AlarmStates:
    """Reads the alarms of one emulator.

    Args:
        evaluator: evaluates an alarm whose next period has come.
    """

    def __init__(self, evaluator: AlarmEvaluator) -> None:
        self._evaluator = evaluator

    def state(self, account: str, region: str, name: str) -> str | None:
        """Give OK, ALARM or INSUFFICIENT_DATA as of now; None where there is no such alarm."""
        alarm = self._alarm(account, region, name)
        return None if alarm is None else str(alarm.state_value)

    def fired_since(self, account: str, region: str, name: str, at: float) -> bool:
        """Tell whether the alarm is in ALARM now or went into it at or after virtual time `at`.

        An alarm that fired and recovered between two looks has fired all the same.
        """
        alarm = self._alarm(account, region, name)
        return alarm is not None and (alarm.state_value == "ALARM" or fired_at(alarm) >= at)

    def _alarm(self, account: str, region: str, name: str) -> Any:
        backend = cloudwatch_backends[account][region]
        if name in backend.alarms:
            self._evaluator.evaluate_now(backend, name)
        return backend.alarms.get(name)
