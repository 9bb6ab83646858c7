"""The state folder: its lock, its record of who serves, and its memory of time."""

import os
import stat
from pathlib import Path

import pytest

from modelway.emulator.state import Record, StateFolder, Times, default_state_folder
from modelway.errors import EmulatorError


def test_the_folder_is_for_its_owner_only(tmp_path):
    folder = StateFolder(tmp_path / "a" / "b")

    assert stat.S_IMODE(folder.path.stat().st_mode) == 0o700


def test_two_emulators_cannot_hold_one_folder(tmp_path):
    first, second = StateFolder(tmp_path), StateFolder(tmp_path)
    first.hold()

    with pytest.raises(EmulatorError, match="is used by another process"):
        second.hold()

    first.release()
    second.hold()
    second.release()


def test_the_holder_is_named_when_it_has_announced_itself(tmp_path):
    first = StateFolder(tmp_path)
    first.hold()
    first.announce(4510)

    with pytest.raises(EmulatorError, match=f"is used by process {os.getpid()} on port 4510"):
        StateFolder(tmp_path).hold()

    first.release()


def test_the_record_of_a_process_that_is_gone_counts_for_nothing(tmp_path):
    folder = StateFolder(tmp_path)
    folder.announce(4510)
    assert folder.record() == Record(os.getpid(), folder.record().started, 4510)

    # The same process id, but another process: it started at another time.
    path = tmp_path / "emulator.json"
    path.write_text(f'{{"pid": {os.getpid()}, "started": 1.0, "port": 4510}}')

    assert folder.record() is None


@pytest.mark.parametrize("text", ["", "{", "[]", '{"pid": 1}', "null"])
def test_a_damaged_record_counts_for_nothing(tmp_path, text):
    (tmp_path / "emulator.json").write_text(text)

    assert StateFolder(tmp_path).record() is None


def test_time_is_remembered(tmp_path):
    assert StateFolder(tmp_path).times() is None

    StateFolder(tmp_path).remember(Times(birth=1.5, last=2.5))

    assert StateFolder(tmp_path).times() == Times(birth=1.5, last=2.5)


def test_a_folder_that_cannot_be_made_is_a_clear_error(tmp_path):
    (tmp_path / "file").write_text("")

    with pytest.raises(EmulatorError, match="name another with --state"):
        StateFolder(tmp_path / "file" / "state")


def test_the_default_folder_follows_port_and_environment():
    assert default_state_folder(4510, {"XDG_STATE_HOME": "/srv/state"}) == Path(
        "/srv/state/modelway/emulator-4510"
    )
