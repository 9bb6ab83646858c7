"""A file of keys that changes while the server runs."""

import json
import os
import time

import pytest

from model_server.access.gate import Gate
from model_server.access.identity import Credentials
from model_server.access.keys import ApiKeys
from model_server.core.errors import Forbidden, Unauthenticated

KEY = "msk_" + "k" * 43
OTHER_KEY = "msk_" + "o" * 43


def test_an_empty_list_lets_nobody_in(keys_gate, key_file, entry):
    gate = keys_gate(entry())
    key_file()
    refresh(gate)

    with pytest.raises(Unauthenticated):
        gate.admit(Credentials(api_key=KEY), "infer")


def refresh(gate):
    """Do at once what the thread does every second."""
    for each in gate._background:
        for action in each._actions:
            action()


def test_a_key_taken_out_of_the_file_is_refused_and_a_new_one_taken(
    keys_gate, key_file, entry, events
):
    gate = keys_gate(entry())
    gate.admit(Credentials(api_key=KEY), "infer")

    path = key_file(entry("other", OTHER_KEY))
    refresh(gate)

    assert events == [("access_file_changed", {"file": str(path)})]
    assert gate.admit(Credentials(api_key=OTHER_KEY), "infer").identity.name == "other"
    with pytest.raises(Unauthenticated):
        gate.admit(Credentials(api_key=KEY), "infer")


def test_a_connection_that_shows_its_key_again_is_refused_once_the_key_is_out_of_the_file(
    keys_gate, key_file, entry
):
    gate = keys_gate(entry())
    shown = Credentials(authorization=f"Bearer {KEY}")
    names = [gate.admit(shown, "infer").identity.name for _ in range(2)]

    key_file(entry("other", OTHER_KEY))
    refresh(gate)

    assert names == ["scoring-job", "scoring-job"]
    for _ in range(2):
        with pytest.raises(Unauthenticated, match="the API key is not known"):
            gate.admit(shown, "infer")


def test_a_connection_that_shows_its_key_again_is_another_caller_when_the_file_says_so(
    keys_gate, key_file, entry
):
    gate = keys_gate(entry())
    shown = Credentials(api_key=KEY)
    gate.admit(shown, "infer")

    key_file(entry("renamed", scopes=["metrics"]))
    refresh(gate)

    assert gate.admit(shown, "metrics").identity.name == "renamed"
    with pytest.raises(Forbidden):
        gate.admit(shown, "infer")


def test_a_key_is_worked_out_once_for_what_a_connection_shows_again(keys_gate, entry, monkeypatch):
    gate = keys_gate(entry())
    identified, identify = [], gate._keys.identify
    monkeypatch.setattr(gate._keys, "identify", lambda key: identified.append(key) or identify(key))
    shown = Credentials(api_key=KEY)

    for _ in range(3):
        gate.admit(shown, "infer")

    assert identified == [KEY]


def test_a_wrong_key_is_worked_out_each_time(keys_gate, entry):
    gate = keys_gate(entry())
    shown = Credentials(api_key=OTHER_KEY)

    for _ in range(2):
        with pytest.raises(Unauthenticated):
            gate.admit(shown, "infer")
    assert shown.proved is None


def test_a_connection_that_shows_its_key_again_is_refused_once_the_key_has_expired(key_file, entry):
    now = 1_900_000_000.0  # 2030-03-17T17:46:40Z
    gate = Gate(ApiKeys(key_file(entry(expires="2030-03-17T17:46:41Z")), clock=lambda: now))
    shown = Credentials(api_key=KEY)
    gate.admit(shown, "infer")

    now += 1

    with pytest.raises(Unauthenticated, match="the API key has expired"):
        gate.admit(shown, "infer")


def test_the_thread_notices_a_change_by_itself(keys_gate, key_file, entry):
    gate = keys_gate(entry())
    gate.start()
    try:
        key_file(entry("other", OTHER_KEY))
        until = time.monotonic() + 10
        while time.monotonic() < until:
            try:
                gate.admit(Credentials(api_key=KEY), "infer")
            except Unauthenticated:
                break
            time.sleep(0.02)
        took = time.monotonic() - until + 10
    finally:
        gate.close()

    assert took < 5  # about a second, on a machine with nothing else to do


def test_what_a_caller_has_used_up_stays_used_up_when_the_file_changes(keys_gate, key_file, entry):
    gate = keys_gate(entry(rate={"per_second": 0.001, "burst": 3}))
    for _ in range(3):
        gate.admit(Credentials(api_key=KEY), "infer")

    key_file(entry(rate={"per_second": 0.001, "burst": 4}))
    refresh(gate)

    admission = gate.admit(Credentials(api_key=KEY), "infer")
    assert admission.headers[1] == (b"ratelimit", b'"default";r=0;t=4000')


def test_a_broken_new_file_keeps_the_old_keys_and_is_told_once(keys_gate, key_file, entry, events):
    gate = keys_gate(entry())

    path = key_file(text='[{"name": "half')
    refresh(gate)
    refresh(gate)

    assert gate.admit(Credentials(api_key=KEY), "infer").identity.name == "scoring-job"
    assert events == [
        (
            "access_file_unusable",
            {
                "file": str(path),
                "problems": ["it is no JSON (line 1)"],
                "hint": "what was read before stays in force",
            },
        )
    ]


def test_a_file_that_is_gone_keeps_the_old_keys_until_it_comes_back(
    keys_gate, key_file, entry, events
):
    gate = keys_gate(entry())
    path = key_file(entry())

    path.unlink()
    refresh(gate)
    refresh(gate)
    kept = gate.admit(Credentials(api_key=KEY), "infer")
    key_file(entry("other", OTHER_KEY))
    refresh(gate)

    assert kept.identity.name == "scoring-job"
    assert events.names == ["access_file_unusable", "access_file_changed"]
    assert events[0][1]["problems"] == ["it cannot be read: No such file or directory"]
    with pytest.raises(Unauthenticated):
        gate.admit(Credentials(api_key=KEY), "infer")


def test_a_file_behind_a_link_that_is_swapped_is_noticed(tmp_path, entry):
    # As Kubernetes updates a mounted secret; both files have one size and one time.
    for name, key in (("one", KEY), ("two", OTHER_KEY)):
        file = tmp_path / name
        file.write_text(json.dumps([entry(key=key)]))
        file.chmod(0o600)
        os.utime(file, (1_000_000_000, 1_000_000_000))
    link = tmp_path / "keys.json"
    link.symlink_to("one")
    keys = ApiKeys(link)

    (tmp_path / "next").symlink_to("two")
    (tmp_path / "next").replace(link)
    keys.poll()

    assert keys.identify(OTHER_KEY).identity.name == "scoring-job"


def test_a_file_that_everybody_can_read_is_told(key_file, entry, events):
    path = key_file(entry())
    path.chmod(0o644)

    ApiKeys(path, events)

    assert events == [
        (
            "access_file_readable_by_all",
            {
                "file": str(path),
                "hint": "take the right to read it away from others: chmod o-r",
            },
        )
    ]
