"""Runs one scenario from the emulator's start to its end.

Takes a loaded scenario, gives what happened (`Rehearsed`). Everything is made in a temporary
folder and on an emulator of its own, and is taken down again whatever happens. What does not
depend on each other is started side by side, and nothing sleeps where it can wait for an event.
Must not judge.
"""

import threading
import time
from collections.abc import Callable
from functools import partial
from typing import Any

from modelway.emulator.process import RunningEmulator
from modelway.engine import ensure_engine, find_engine, repair
from modelway.engine.backend import FileBackend
from modelway.errors import RehearsalError
from modelway.image.runtime import server_python
from modelway.naming import endpoint_name
from modelway.rehearsal import inspection
from modelway.rehearsal.arrivals import Arrivals
from modelway.rehearsal.emulator_client import (
    begin_fault,
    endpoint_status,
    event_reader,
    read_clock,
)
from modelway.rehearsal.outcome import outcome_of, settled
from modelway.rehearsal.record import Event, Rehearsed, SentCall, UpRecord
from modelway.rehearsal.rows import CONTENT_TYPE, body
from modelway.rehearsal.scenario import Scenario, Up
from modelway.rehearsal.scenario_file import LoadedScenario
from modelway.rehearsal.stack import STACK, RehearsedStack
from modelway.rehearsal.timeline import Timeline
from modelway.rehearsal.traffic import Traffic, runtime_client
from modelway.rehearsal.virtual_clock import VirtualClock
from modelway.rehearsal.workplace import Progress, Sent, workplace
from modelway.spec.model import ModelSpec
from modelway.spec.rules import EMULATOR_ENVIRONMENT

STEP_SECONDS = 600.0
"""Longest real time of one `pulumi up`, and of the wait for the moment at which it begins."""

SENDERS = 32
"""Requests that may be in flight: slow answers must not hold back the next requests."""

TAIL_ANSWERS = 5
"""Answers that clients get after the last up, for each version that is expected at the end. Of
two versions with equal shares both are among ten answers but for one time in 500. The half second
for which traffic goes on anyway has no request in one rehearsal of 150 (Poisson, 10 a second), and
no good answer in one of 12 where half of them fail."""

TAIL_SECONDS = 5.0
"""Longest real time that these are waited for."""

Listener = Callable[[Event], None]


def rehearse(
    loaded: LoadedScenario,
    *,
    progress: Progress = lambda _line: None,
    listener: Listener = lambda _event: None,
    watch_traffic: Callable[[Traffic], None] = lambda _traffic: None,
    keep: bool = False,
) -> Rehearsed:
    """Run a scenario.

    Args:
        loaded: what to run.
        progress: told what is being done outside the emulator.
        listener: told every event as it comes.
        watch_traffic: given the traffic when it has started.
        keep: leave the emulator and its state when the rehearsal has ended; `progress` is told
            where they are.

    Raises:
        ModelwayError: it could not be run as asked. What only goes against expectations is no
            error here.
    """
    if find_engine() is None:
        ensure_engine(progress)
    server_python(progress)
    began = time.monotonic()
    with workplace(loaded, progress, keep) as (emulator, stack, sent):
        rehearsal = _Rehearsal(loaded, emulator, stack, sent, listener)
        rehearsal.run(progress, watch_traffic)
        return rehearsal.record(time.monotonic() - began)


class _Rehearsal:
    """One run of one scenario on an emulator that is there."""

    def __init__(
        self,
        loaded: LoadedScenario,
        emulator: RunningEmulator,
        stack: RehearsedStack,
        sent: Sent,
        listener: Listener,
    ) -> None:
        self._loaded, self._emulator, self._stack = loaded, emulator, stack
        self._sent = sent
        self._endpoint = endpoint_name(loaded.specs[0].name, EMULATOR_ENVIRONMENT)
        self._clock: VirtualClock = read_clock(emulator)
        fetch = event_reader(emulator, self._endpoint)
        self._timeline = Timeline(fetch, self._clock, listener)
        self._traffic: Traffic | None = None
        self._began = self._ended = self._clock.now()
        self._instances = 0
        self._ups: list[UpRecord] = []
        self._settled: int | None = None
        self._found: dict[str, Any] = {}

    @property
    def _backend(self) -> FileBackend:
        return FileBackend.from_url(self._stack.backend_url)

    @property
    def _scenario(self) -> Scenario:
        return self._loaded.scenario

    def run(self, progress: Progress, watch_traffic: Callable[[Traffic], None]) -> None:
        """Go through all steps, then look at what is left."""
        self._timeline.start()
        try:
            self._deploy(progress, watch_traffic)
        finally:
            self._timeline.stop()

    def _deploy(self, progress: Progress, watch_traffic: Callable[[Traffic], None]) -> None:
        try:
            progress("pulumi up: the first version")
            first = self._step(None, self._loaded.specs[0])
            if first.exit_status != 0:
                raise RehearsalError(
                    f"rehearsing {self._scenario.name}: the first `pulumi up` failed, so there is "
                    f"nothing to change:\n{first.output.strip()}"
                )
            scaling = (
                inspection.scaling_of(self._emulator, self._endpoint)
                if self._scenario.expect.scaling_kept
                else {}
            )
            self._start_traffic(watch_traffic)
            for up, spec in zip(self._scenario.ups, self._loaded.specs[1:], strict=True):
                progress(up.announcement)
                self._step(up, spec)
            self._start_preview()
            self._hear_clients()
        finally:
            if self._traffic is not None:
                self._traffic.stop()
        self._ended = self._clock.now()
        # Now: without traffic, autoscaling takes instances away while the rest is looked at.
        self._instances = self._count()
        self._timeline.synchronize()
        self._inspect(scaling)

    def _hear_clients(self) -> None:
        """Let clients go on after the last up, until what they see of it is more than chance."""
        traffic = self._traffic
        if traffic is None:
            return
        time.sleep(self._scenario.tail_seconds)
        wanted = TAIL_ANSWERS * len(self._scenario.expect.versions_at_end or ())
        until = time.monotonic() + TAIL_SECONDS
        while self._answered_since_last_up(traffic) < wanted and time.monotonic() < until:
            time.sleep(0.05)

    def _answered_since_last_up(self, traffic: Traffic) -> int:
        ended = self._ups[-1].ended
        return sum(
            not call.error and self._clock.at(traffic.began + call.sent_seconds) >= ended
            for call in traffic.calls()
        )

    def record(self, seconds: float) -> Rehearsed:
        """Give all that happened."""
        calls = () if self._traffic is None else tuple(self._traffic.calls())
        began = 0.0 if self._traffic is None else self._traffic.began
        return Rehearsed(
            scenario=self._scenario,
            endpoint=self._endpoint,
            began=self._began,
            ended=self._ended,
            seconds=seconds,
            ups=tuple(self._ups),
            events=tuple(
                sorted(
                    (event for event in self._timeline.since() if event.at <= self._ended),
                    key=lambda event: event.at,
                )
            ),
            calls=tuple(
                SentCall(call, self._clock.at(began + call.sent_seconds))
                for call in sorted(calls, key=lambda call: call.at_seconds)
            ),
            instances_at_end=self._instances,
            **self._found,
        )

    def _step(self, up: Up | None, spec: ModelSpec) -> UpRecord:
        """Deploy one spec: wait for its moment, break what is to be broken, follow `pulumi up`."""
        first = len(self._timeline.since())
        before = self._live()
        self._stack.write(spec)
        interrupted = threading.Event()
        forget = [] if up is None else self._prepare(up, interrupted)
        began, started = self._clock.now(), time.monotonic()
        self._stack.start_up()
        self._timeline.add("up-started", f"pulumi up of step {len(self._ups)}")
        while (run := self._stack.end_up(0.2)) is None:
            self._timeline.check()
            if time.monotonic() - started > STEP_SECONDS:
                raise RehearsalError(
                    f"rehearsing {self._scenario.name}: `pulumi up` of step {len(self._ups)} is "
                    f"not over after {STEP_SECONDS:g} s"
                )
        ended = self._clock.now()
        self._timeline.synchronize()
        for each in forget:
            # What did not happen in this step is not for the next one.
            each()
        events = self._timeline.since(first)
        mine = [event for event in events if event.at >= began]
        record = UpRecord(
            up=up,
            exit_status=run.exit_status,
            output=run.output,
            seconds=time.monotonic() - started,
            began=began,
            ended=ended,
            events=events,
            config_before=before,
            config_after=self._live(),
            outcome=outcome_of(
                run.exit_status, mine, created=up is None, interrupted=interrupted.is_set()
            ),
            state=None
            if interrupted.is_set()
            else inspection.endpoint_in_state(self._backend, self._endpoint),
        )
        self._ups.append(record)
        done = settled(events)
        self._settled = first + (len(events) if done is None else done)
        self._timeline.add("up-ended", f"exit status {run.exit_status}: {record.outcome}")
        return record

    def _interrupt(self, signal: str, interrupted: threading.Event) -> None:
        interrupted.set()
        self._timeline.add("interrupted", f"the engine gets {signal}")
        self._stack.interrupt(signal)

    def _prepare(self, up: Up, interrupted: threading.Event) -> list[Callable[[], None]]:
        """Wait for the step's turn; give what makes it forget faults that have not begun."""
        forget = [
            # The emulator counts `after_seconds` itself, by its own clock.
            self._timeline.when(
                fault.at,
                partial(begin_fault, self._emulator, fault.request(self._endpoint)),
                at_event=True,
            )
            for fault in up.faults
        ]
        if up.repair:
            for action in repair(self._stack.backend_url, f"{self._stack.project}/{STACK}"):
                self._timeline.add("repaired", f"{action.action} {action.subject}")
        number = len(self._ups)
        begin = partial(
            self._timeline.add, "step-started", up.title or f"step {number}", {"step": number}
        )
        if up.begin.event == "step-started":
            begin()
            time.sleep(up.begin.after_seconds / self._scenario.time_scale)
        else:
            self._timeline.wait_for(up.begin, STEP_SECONDS, begin, first=self._settled)
        if up.interrupt is not None:
            kill = partial(self._interrupt, up.interrupt.signal, interrupted)
            forget.append(self._timeline.when(up.interrupt.at, kill))
        return forget

    def _start_traffic(self, watch: Callable[[Traffic], None]) -> None:
        wanted = self._scenario.traffic
        if wanted is None:
            return
        scale = self._scenario.time_scale
        traffic = Traffic(
            self._endpoint,
            [body(row) for row in self._sent.rows],
            wanted.requests_per_second * 60 / scale,
            time_scale=scale,
            client=partial(runtime_client, self._emulator.url),
            content_type=CONTENT_TYPE,
            arrivals=Arrivals(wanted.requests_per_second, kind=wanted.arrivals, seed=wanted.seed),
            version_of=self._sent.versions.tell,
            inference_ids=self._endpoint,
            workers=SENDERS,
        )
        for change in wanted.changes:
            self._timeline.when(change.at, partial(traffic.change_rate, change.requests_per_second))
        traffic.start()
        self._traffic = traffic
        watch(traffic)

    def _live(self) -> str:
        entry = endpoint_status(self._emulator, self._endpoint)
        return "" if entry is None else entry["config"]

    def _count(self) -> int:
        entry = endpoint_status(self._emulator, self._endpoint) or {"variants": []}
        return sum(variant["instances"] for variant in entry["variants"])

    @property
    def _previews(self) -> bool:
        expect = self._scenario.expect
        return expect.next_up_changes_nothing or expect.next_up_leaves_endpoint

    def _start_preview(self) -> None:
        """Look at what the next up would do, while clients go on and the rest is inspected."""
        if not self._previews:
            return
        good = [
            spec
            for record, spec in zip(self._ups, self._loaded.specs, strict=True)
            if record.exit_status == 0
        ]
        self._stack.write(good[-1])
        self._stack.start_preview()

    def _inspect(self, scaling: dict[str, dict[str, Any]]) -> None:
        expect = self._scenario.expect
        if expect.scaling_kept:
            now = inspection.scaling_of(self._emulator, self._endpoint)
            self._found["scaling_changes"] = inspection.scaling_changes(scaling, now)
        if expect.shadow_differs_in is not None:
            self._found["shadow_fields"] = inspection.shadow_fields(
                self._stack.environment, self._endpoint
            )
        if expect.nothing_left:
            self._found["leftovers"] = inspection.leftovers(
                self._emulator, self._endpoint, self._backend
            )
        if self._previews:
            changes, on_endpoint = self._stack.changes()
            self._found["next_changes"] = changes
            self._found["next_endpoint_operations"] = on_endpoint
