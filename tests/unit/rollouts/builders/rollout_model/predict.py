"""What the model of rollouts says of a trace: the same story, in process, on a stepped clock.

Takes the emulator in process and a trace, gives a `Step` for each move, and holds the invariants of
`checks` on the way. Must not start anything real.
"""

from collections.abc import Iterator
from typing import Any

from modelway.rehearsal.outcome import outcome_of
from modelway.rehearsal.scenario import Outcome
from rollout_model.checks import Checks
from rollout_model.deployer import Deployer, Run, Stack
from rollout_model.trace import Move, Step, Trace, numbered
from rollout_model.versions import image_of, inputs_from
from rollout_model.world import ENDPOINT, World

STEP_SECONDS = 1.0
LONGEST_RUN_SECONDS = 4 * 3600
BETWEEN_SECONDS = 400.0
"""Virtual seconds from one run to the next, as a real engine takes to begin."""

REQUESTS_A_TICK = 5
"""Ten a virtual minute, as the replay sends."""


def predict(world: World, trace: Trace) -> list[Step]:
    """Live through a trace.

    Raises:
        AssertionError: an invariant of rollouts is broken.
    """
    world.begin_anew()
    world.put_guard()
    world.guard(fires=False)
    world.traffic, world.requests_a_tick = True, REQUESTS_A_TICK
    stack = Stack()
    checks = Checks(world, stack)
    deployer = Deployer(world, stack, checks.at_any_moment, checks.at_the_end)
    outcomes: list[Outcome] = []
    live: list[str] = []
    targets: list[tuple[str, ...]] = []
    for move in (trace.FIRST, *trace.moves):
        world.traffic = move.traffic
        run, kinds = _deploy(world, deployer, move)
        outcomes.append(
            outcome_of(
                0 if run.outcome == "succeeded" else 1,
                kinds,
                created=move is trace.FIRST,
                interrupted=run.outcome == "killed",
            )
        )
        assert world.record is not None
        assert stack.outputs is not None
        live.append(world.record.endpoint_config_name)
        targets.append(tuple(each["endpoint_config_name"] for each in stack.outputs["history"]))
        world.traffic = True
        world.clock.advance(BETWEEN_SECONDS)
    named = numbered(live, targets)
    return [
        Step(outcome, now, others) for outcome, (now, others) in zip(outcomes, named, strict=True)
    ][1:]


def _deploy(world: World, deployer: Deployer, move: Move) -> tuple[Run, list[Any]]:
    """Run one `pulumi up` to its end; give its events too."""
    happened: list[Any] = []
    reading = _events(world)
    acted = False
    deployer.up(inputs_from({"name": "fraud", **move.spec}, image_of(move.version)))
    end = world.clock.now() + LONGEST_RUN_SECONDS
    while deployer.busy:
        assert world.clock.now() < end, "a run does not end"
        world.clock.advance(STEP_SECONDS)
        happened += next(reading)
        if not acted and move.at in {event.kind for event in happened}:
            acted = True
            if move.fault is not None:
                world.fault(**move.fault, **({} if _of_calls(move) else {"endpoint": ENDPOINT}))
            if move.stop is not None:
                deployer.kill(0)
    assert deployer.run is not None
    return deployer.run, [*happened, *next(reading)]


def _of_calls(move: Move) -> bool:
    return move.fault is not None and "fleet" not in move.fault


def _events(world: World) -> Iterator[list[Any]]:
    following = world.services.events.since(0)[1]
    while True:
        found, following = world.services.events.since(following)
        yield found
