"""The emulator in process, on a clock that the test drives."""

from collections.abc import Iterator

import pytest

from rollout_model.world import World


@pytest.fixture
def world(tmp_path, monkeypatch) -> Iterator[World]:
    made = World(tmp_path, monkeypatch)
    made.begin_anew()
    yield made
    made.close()
