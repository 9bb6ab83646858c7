"""Every scenario that ships holds, with the real engine, real model servers and real requests."""

import pytest

from modelway.rehearsal.scenario_file import shipped

# One at a time on a machine: virtual time goes on while a loaded machine stands still.
pytestmark = [
    pytest.mark.integration,
    pytest.mark.timeout(600),
    pytest.mark.xdist_group("rehearsal"),
]


@pytest.mark.parametrize("name", sorted(shipped()))
def test_what_a_shipped_scenario_expects_is_what_happens(name, rehearsed):
    done, broken, _said = rehearsed(shipped()[name])

    timeline = "\n".join(
        f"{event.at - done.began:7.0f} {event.kind} {event.text}" for event in done.events
    )
    assert broken == [], f"{timeline}\n{done.ups[-1].output}"
    assert len(done.calls) > 50
