"""The thread that keeps every alarm's state true.

Takes the alarms of moto's CloudWatch stores and the metrics; changes states by
`modelway.emulator.cloudwatch.transition`. Alarms are evaluated once a virtual minute (every 10
virtual seconds for periods below a minute), at the boundaries of the virtual clock, and never more
often than every 50 ms of real time: at very high time scales boundaries are skipped.
"""

import logging
import threading
from typing import Any, cast

from moto.cloudwatch.models import cloudwatch_backends

from modelway.emulator.cloudwatch import composite
from modelway.emulator.cloudwatch.alarms import Verdict, evaluate
from modelway.emulator.cloudwatch.definition import Definition, datapoints_of, definition_of
from modelway.emulator.cloudwatch.expression import MathError
from modelway.emulator.cloudwatch.metrics import MetricStore
from modelway.emulator.cloudwatch.notification import long_time
from modelway.emulator.cloudwatch.reason import state_reason, state_reason_data
from modelway.emulator.cloudwatch.transition import change_state
from modelway.emulator.services import Services

log = logging.getLogger(__name__)

_SHORTEST_TICK_SECONDS = 0.05
_LONGEST_TICK_SECONDS = 0.5
_FINEST_INTERVAL_SECONDS = 10
_NEVER = float("-inf")


class AlarmEvaluator:
    """Evaluates the alarms of every account and region of one emulator."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._store = cast("MetricStore", services.metrics)

    def start(self) -> None:
        """Evaluate from now on, until `services.stopping` is set."""
        threading.Thread(target=self._run, name="alarms", daemon=True).start()

    def _run(self) -> None:
        virtual = self._services.clock.real_seconds(_FINEST_INTERVAL_SECONDS / 2)
        tick = min(max(virtual, _SHORTEST_TICK_SECONDS), _LONGEST_TICK_SECONDS)
        while not self._services.stopping.wait(tick):
            if self._services.replaying:
                continue
            try:
                self.evaluate_due()
            except Exception:
                # One broken alarm must not end the evaluation of all others.
                log.exception("evaluating alarms")

    def evaluate_due(self) -> None:
        """Evaluate every alarm whose next boundary has come."""
        now = self._services.clock.now()
        due: list[tuple[Any, Any, Definition, float]] = []
        composites: list[tuple[Any, Any]] = []
        with self._services.lock:
            for backend in _backends():
                for alarm in backend.alarms.values():
                    if alarm.rule is not None:
                        composites.append((backend, alarm))
                        continue
                    found = _due(alarm, now)
                    if found is not None:
                        due.append((backend, alarm, *found))
        for backend, alarm, definition, boundary in due:
            self._evaluate(backend, alarm, definition, boundary)
        for backend, alarm in composites:
            self._evaluate_composite(backend, alarm)

    def evaluate_now(self, backend: Any, name: str) -> None:
        """Evaluate one alarm if its next boundary has come, a composite one with its children."""
        now = self._services.clock.now()
        with self._services.lock:
            alarm = backend.alarms.get(name)
            if alarm is None or self._services.replaying:
                return
            if alarm.rule is not None:
                children = composite.alarms_of(composite.parse_rule(alarm.rule))
                for child in children:
                    self.evaluate_now(backend, child)
            due = None if alarm.rule is not None else _due(alarm, now)
        if due is not None:
            self._evaluate(backend, alarm, *due)
        elif alarm.rule is not None:
            self._evaluate_composite(backend, alarm)

    def _evaluate(self, backend: Any, alarm: Any, definition: Definition, boundary: float) -> None:
        try:
            points = datapoints_of(definition, self._store, backend.region_name, boundary)
            verdict = evaluate(definition.rule, points)
        except MathError as error:
            log.warning("alarm %s cannot be evaluated: %s", alarm.name, error)
            return
        with self._services.lock:
            if (
                backend.alarms.get(alarm.name) is not alarm
                or alarm.__dict__.get("evaluated_at", _NEVER) >= boundary
            ):
                return  # Deleted, replaced or set by hand while it was being evaluated.
            alarm.evaluated_at = boundary
            alarm.recent_datapoints = tuple(
                point.value for point in points if point.value is not None
            )
            if verdict.state is not None:
                self._apply(backend, alarm, definition, verdict)

    def _apply(self, backend: Any, alarm: Any, definition: Definition, verdict: Verdict) -> None:
        if verdict.state is None or verdict.state == alarm.state_value:
            return
        change_state(
            self._services,
            backend,
            alarm,
            str(verdict.state),
            state_reason(definition.rule, verdict, alarm.state_value),
            state_reason_data(
                definition.rule,
                verdict,
                at=self._services.clock.now(),
                period_seconds=definition.period_seconds,
                statistic=definition.statistic,
            ),
        )

    def _evaluate_composite(self, backend: Any, alarm: Any) -> None:
        with self._services.lock:
            if backend.alarms.get(alarm.name) is not alarm:
                return
            condition = composite.parse_rule(alarm.rule)
            children = [
                child
                for name in composite.alarms_of(condition)
                if (child := backend.alarms.get(name)) is not None
            ]
            states = {child.name: child.state_value for child in children}
            wanted = "ALARM" if composite.holds(condition, states.get) else "OK"
            if wanted == alarm.state_value:
                return
            latest = max(children, key=lambda c: c.state_updated_timestamp, default=None)
            reason = (
                "the rule holds no alarm that exists"
                if latest is None
                else f"{latest.alarm_arn} transitioned to {latest.state_value} "
                f"at {long_time(self._services.clock.now())}"
            )
            change_state(self._services, backend, alarm, wanted, reason, "{}")


def _due(alarm: Any, now: float) -> tuple[Definition, float] | None:
    """Give a metric alarm's definition and boundary; None where it was evaluated since."""
    definition: Definition | None = alarm.__dict__.get("definition")
    if definition is None:
        definition = alarm.definition = definition_of(alarm)
    boundary = now // definition.interval_seconds * definition.interval_seconds
    return (definition, boundary) if alarm.__dict__.get("evaluated_at", _NEVER) < boundary else None


def _backends() -> list[Any]:
    return [
        backend for account in list(cloudwatch_backends.values()) for backend in account.values()
    ]
