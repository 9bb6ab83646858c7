"""Sampled traces of rollouts, lived through twice: by the model, and by the real engine.

What the model says must happen (`rollout_model.predict`), and the rules of rollouts hold on the
way. `make rollouts` replays 50 traces, `make test` the first few.
"""

import os
from contextlib import contextmanager

import pytest

from modelway.rehearsal import run
from rollout_model.predict import predict
from rollout_model.replay import Watch, broken_rules, scenario_file, steps
from rollout_model.trace import Trace, sample
from rollout_model.world import World

# One at a time on a machine: virtual time goes on while a loaded machine stands still.
pytestmark = [
    pytest.mark.integration,
    pytest.mark.timeout(900),
    pytest.mark.xdist_group("rehearsal"),
]

TRACES = 50 if os.environ.get("ROLLOUTS") == "full" else 2


def predicted(folder, trace: Trace):
    """Ask the model, and take it down before anything real begins."""
    with pytest.MonkeyPatch.context() as patch:
        world = World(folder, patch)
        try:
            return predict(world, trace)
        finally:
            world.close()


@pytest.fixture
def watch(monkeypatch):
    """Look at the emulator of the next rehearsal all the time."""
    made = Watch()
    workplace = run.workplace

    @contextmanager
    def watched(*arguments):
        with workplace(*arguments) as place:
            made.begin(place[0])
            try:
                yield place
            finally:
                made.end()

    monkeypatch.setattr(run, "workplace", watched)
    return made


@pytest.mark.parametrize("seed", range(TRACES))
def test_what_the_model_says_is_what_the_engine_does(seed, tmp_path, rehearsed, watch):
    trace = sample(seed)
    expected = predicted(tmp_path, trace)

    done, broken, _said = rehearsed(scenario_file(trace, tmp_path), listener=watch.event)

    story = "\n".join(
        [
            *(f"{move.title}: {step}" for move, step in zip(trace.moves, expected, strict=True)),
            *(f"{event.at - done.began:7.0f} {event.kind} {event.text}" for event in done.events),
        ]
    )
    assert [*broken, *watch.broken, *broken_rules(trace, done)] == [], story
    assert watch.looks > 0
    found = steps(done)
    for number, (move, said, seen) in enumerate(zip(trace.moves, expected, found, strict=True)):
        if trace.finishes(number):
            # What was left under way may have ended before it is looked at again.
            assert {said.outcome, seen.outcome} <= {"promoted", "unchanged"}, story
        else:
            assert seen.outcome == said.outcome, f"{move.title}\n{story}"
        if move.stop is None:
            assert (seen.live, seen.targets) == (said.live, said.targets), f"{move.title}\n{story}"
