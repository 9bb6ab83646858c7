"""The thread that makes scalable targets scale.

Takes targets, policies and scheduled actions from moto's store, metrics and alarms; changes the
number of instances through `VariantClient`. Policies are asked once a virtual minute, after the
alarms; schedules and new limits as soon as they are due. An endpoint that is not InService is left
alone.
"""

import logging
import threading
import time
from dataclasses import dataclass, field
from typing import Any, cast

from moto.applicationautoscaling.models import applicationautoscaling_backends

from modelway.emulator.autoscaling import activity
from modelway.emulator.autoscaling.policies import Wish, wish_of
from modelway.emulator.autoscaling.resource import INSTANCE_COUNT, VariantResource, variant_of
from modelway.emulator.autoscaling.schedules import due_actions
from modelway.emulator.autoscaling.target_tracking import Activity, Limits, Past
from modelway.emulator.autoscaling.variant_client import CallFailed, VariantClient, VariantState
from modelway.emulator.cloudwatch.metrics import MetricStore
from modelway.emulator.services import ACCOUNT_ID, Services

log = logging.getLogger(__name__)

_SHORTEST_TICK_SECONDS = 0.05
_LONGEST_TICK_SECONDS = 0.5
_FOLLOW_SECONDS = 0.25
"""Real seconds between two looks at an endpoint that is changing."""
_MINUTE_SECONDS = 60
_AFTER_ALARMS_SECONDS = 5
"""Virtual seconds that policies wait after a full minute, while the alarms are evaluated."""


@dataclass
class _Tracked:
    """What the scaler remembers of one target."""

    past: Past = field(default_factory=Past)
    minute: float = float("-inf")
    running: dict[str, Any] | None = None
    follow_from: float = 0.0
    wanted: int = 0
    before: int = 0


class Scaler:
    """Scales the endpoint variants of one emulator."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._store = cast("MetricStore", services.metrics)
        self._clients: dict[str, VariantClient] = {}
        self._tracked: dict[str, _Tracked] = {}
        self._looked_at = float("-inf")

    def start(self) -> None:
        """Scale from now on, until `services.stopping` is set."""
        threading.Thread(target=self._run, name="scaler", daemon=True).start()

    def _run(self) -> None:
        virtual = self._services.clock.real_seconds(_AFTER_ALARMS_SECONDS)
        tick = min(max(virtual, _SHORTEST_TICK_SECONDS), _LONGEST_TICK_SECONDS)
        # Here, not in the constructor: a replay may hold the clock of the thread that makes this.
        self._looked_at = self._services.clock.now()
        while not self._services.stopping.wait(tick):
            if self._services.replaying:
                self._looked_at = self._services.clock.now()
                continue
            try:
                self.run_due()
            except Exception:
                # One broken target must not end the scaling of all others.
                log.exception("scaling")

    def run_due(self) -> None:
        """Do what is due now."""
        now = self._services.clock.now()
        since, self._looked_at = self._looked_at, now
        with self._services.lock:
            backends = list(applicationautoscaling_backends[ACCOUNT_ID].values())
        for backend in backends:
            if not backend.targets and not backend.scheduled_actions:
                continue
            with self._services.lock:
                scheduled = due_actions(backend, since, now)
                targets = list(backend.targets.get(INSTANCE_COUNT, {}).values())
            for action, target in scheduled:
                self._fire(backend, target, action)
            for target in targets:
                try:
                    self._look_at(backend, target, now)
                except CallFailed as error:
                    log.warning("scaling %s: %s", target.resource_id, error)

    def _client(self, region: str) -> VariantClient:
        if region not in self._clients:
            self._clients[region] = VariantClient(self._services.settings.url, region)
        return self._clients[region]

    def _fire(self, backend: Any, target: Any, action: Any) -> None:
        """A scheduled action: set the target's limits; the capacity follows them."""
        given = action.scalable_target_action or {}
        limits = {name: given.get(f"{name.title()}Capacity") for name in ("min", "max")}
        told = " and ".join(f"{n} capacity to {v}" for n, v in limits.items() if v is not None)
        now = self._services.clock.now()
        if (target.suspended_state or {}).get("ScheduledScalingSuspended"):
            return
        item = activity.begin(
            backend,
            target,
            now,
            f"Setting {told}",
            f"scheduled action name {action.scheduled_action_name} was triggered",
        )
        try:
            self._client(backend.region_name).set_limits(target, limits["min"], limits["max"])
        except CallFailed as error:
            activity.end(item, now, "Failed", f"Failed to set {told}. Reason: {error}")
            return
        activity.end(item, self._services.clock.now(), "Successful", f"Successfully set {told}")

    def _look_at(self, backend: Any, target: Any, now: float) -> None:
        resource = variant_of(target.resource_id)
        if resource is None:
            return
        tracked = self._tracked.setdefault(target.arn, _Tracked())
        minute = (now - _AFTER_ALARMS_SECONDS) // _MINUTE_SECONDS * _MINUTE_SECONDS
        new_minute = tracked.minute < minute
        if not new_minute and not target.__dict__.get("limits_changed", False):
            if tracked.running is None or time.monotonic() < tracked.follow_from:
                return
            tracked.follow_from = time.monotonic() + _FOLLOW_SECONDS
        client = self._client(backend.region_name)
        state = client.state(resource)
        tracked.minute = minute
        if state is None:
            client.deregister(target)
            self._tracked.pop(target.arn, None)
            return
        if tracked.running is not None:
            self._follow(tracked, state)
        if tracked.running is None and state.settled:
            wish = self._wish(backend, target, state, now, minute if new_minute else None)
            if wish is not None:
                self._scale(backend, target, resource, state, wish)

    def _wish(
        self, backend: Any, target: Any, state: VariantState, now: float, minute: float | None
    ) -> Wish | None:
        """What limits and, at a full minute, policies want; None for no change."""
        limits = Limits(int(target.min_capacity), int(target.max_capacity))
        if target.__dict__.get("limits_changed", False):
            target.limits_changed = False
            if limits.clamp(state.desired) != state.desired:
                return _clamped(limits, state.desired)
        with self._services.lock:
            policies = [
                policy
                for policy in backend.policies.values()
                if policy.resource_id == target.resource_id
                and policy.scalable_dimension == target.scalable_dimension
            ]
        if minute is None or not policies:
            return None
        wish = wish_of(
            policies,
            backend,
            self._store,
            capacity=state.desired,
            limits=limits,
            past=self._tracked[target.arn].past,
            now=now,
            minute=minute,
        )
        if wish is None:
            return None
        way = "Out" if wish.capacity > state.desired else "In"
        suspended = (target.suspended_state or {}).get(f"DynamicScaling{way}Suspended")
        return None if suspended else wish

    def _scale(
        self, backend: Any, target: Any, resource: VariantResource, state: VariantState, wish: Wish
    ) -> None:
        tracked = self._tracked[target.arn]
        count = wish.capacity
        item = activity.begin(
            backend,
            target,
            self._services.clock.now(),
            f"Setting desired instance count to {count}.",
            wish.cause,
        )
        log.info("%s: %d -> %d: %s", target.resource_id, state.desired, count, wish.cause)
        try:
            self._client(backend.region_name).set_capacity(resource, count)
        except CallFailed as error:
            message = f"Failed to set desired instance count to {count}. Reason: {error}"
            activity.end(item, self._services.clock.now(), "Failed", message)
            return
        tracked.running, tracked.wanted, tracked.before = item, count, state.desired

    def _follow(self, tracked: _Tracked, state: VariantState) -> None:
        """See how the activity in progress ended, and count the cooldown from there."""
        if not state.settled or tracked.running is None:
            return
        now = self._services.clock.now()
        item, tracked.running = tracked.running, None
        if state.current != tracked.wanted:
            activity.end(
                item,
                now,
                "Unfulfilled",
                f"Desired instance count was set to {tracked.wanted}, but {state.current} "
                "instances are in service.",
            )
            return
        activity.end(
            item,
            now,
            "Successful",
            f"Successfully set desired instance count to {tracked.wanted}. "
            "Change successfully fulfilled by sagemaker.",
        )
        done = Activity(now, tracked.wanted - tracked.before)
        if done.change > 0:
            # Scaling out ends the scale-in cooldown (the user guide, "Define cooldown periods").
            tracked.past = Past(last_out=done)
        else:
            tracked.past = Past(tracked.past.last_out, last_in=done)


def _clamped(limits: Limits, desired: int) -> Wish:
    if desired < limits.minimum:
        return Wish(limits.minimum, f"minimum capacity was set to {limits.minimum}")
    return Wish(limits.maximum, f"maximum capacity was set to {limits.maximum}")
