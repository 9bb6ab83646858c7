"""`new-key`: the digest goes into the file, the key is shown once, and nothing is ever lost."""

import json
import stat

import pytest

from model_server.access.key_file import add_key
from model_server.access.keys import parse_keys


def test_the_first_key_makes_a_file_for_its_owner_alone(tmp_path):
    path = tmp_path / "keys.json"

    key = add_key(path, "scoring-job", ["infer", "metadata"])

    (entry,) = json.loads(path.read_text())
    assert (entry["name"], entry["scopes"]) == ("scoring-job", ["infer", "metadata"])
    assert key not in path.read_text()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert len(parse_keys(path.read_bytes())) == 1


def test_further_keys_are_added(tmp_path):
    path = tmp_path / "keys.json"
    add_key(path, "one")

    add_key(path, "two", expires="2027-01-31T00:00:00Z")

    first, second = json.loads(path.read_text())
    assert (first["name"], second["name"]) == ("one", "two")
    assert second["expires"] == "2027-01-31T00:00:00Z"


@pytest.mark.parametrize("content", ["", "{}", '[{"name": "one"}]', "not json"])
def test_a_file_of_something_else_is_left_as_it_is(tmp_path, content):
    path = tmp_path / "keys.json"
    path.write_text(content)

    with pytest.raises(ValueError, match="something else than keys"):
        add_key(path, "one")

    assert path.read_text() == content
    assert [each.name for each in tmp_path.iterdir()] == ["keys.json"]


def test_a_wrong_scope_changes_nothing(tmp_path):
    with pytest.raises(ValueError, match="'fly' is no scope"):
        add_key(tmp_path / "keys.json", "one", ["fly"])

    assert list(tmp_path.iterdir()) == []


def test_whoever_could_read_the_file_still_can(tmp_path):
    path = tmp_path / "keys.json"
    add_key(path, "one")
    path.chmod(0o640)

    add_key(path, "two")

    assert stat.S_IMODE(path.stat().st_mode) == 0o640


def test_a_link_to_the_file_stays_a_link(tmp_path):
    target = tmp_path / "target.json"
    add_key(target, "one")
    link = tmp_path / "keys.json"
    link.symlink_to(target)

    add_key(link, "two")

    assert link.is_symlink()
    assert len(parse_keys(target.read_bytes())) == 2
