"""The rollback file: written whole, read strictly."""

import json

import pytest

from modelway import load_rollback
from modelway.errors import DeploymentError
from modelway.rollback.file import Rollback, rollback_path, save_rollback

MEMBERS = {
    "endpoint": "fraud-prod",
    "back_to": "fraud-prod-1a",
    "instead_of": "fraud-prod-2b",
    "content": {"models": {"primary": {"image": "m@sha256:1"}}, "variants": []},
    "written_at": "2026-11-28T10:00:00+00:00",
}


def write(folder, text):
    path = rollback_path(folder, "fraud", "prod")
    path.parent.mkdir(parents=True)
    path.write_text(text)


def test_what_was_saved_is_loaded_and_readable_in_a_diff(tmp_path):
    path = rollback_path(tmp_path, "fraud", "prod")

    save_rollback(path, Rollback(**MEMBERS))

    assert path == tmp_path / "rollbacks" / "prod" / "fraud.json"
    assert load_rollback(tmp_path, "fraud", "prod") == MEMBERS
    assert path.read_text().splitlines()[1] == '  "back_to": "fraud-prod-1a",'
    assert list(path.parent.iterdir()) == [path]


def test_without_a_file_there_is_no_rollback(tmp_path):
    assert load_rollback(tmp_path, "fraud", "prod") is None


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("{", "it is not JSON"),
        ("[]", "its members must be exactly back_to, content, endpoint, instead_of, written_at"),
        (json.dumps({**MEMBERS, "note": "x"}), "its members must be exactly"),
        (json.dumps({**MEMBERS, "back_to": 3}), "back_to is not what `modelway rollback` writes"),
        (json.dumps({**MEMBERS, "content": {}}), "content is not what `modelway rollback` writes"),
    ],
)
def test_a_file_that_is_no_rollback_is_refused_with_the_way_out(tmp_path, text, why):
    write(tmp_path, text)

    with pytest.raises(DeploymentError) as failure:
        load_rollback(tmp_path, "fraud", "prod")

    assert why in str(failure.value)
    assert "Delete the file to deploy the spec" in str(failure.value)
