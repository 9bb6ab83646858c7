"""Key sets behind a URL: rotation, an issuer that is down, and addresses that lead elsewhere."""

import threading
import time

import pytest

from model_server.access.background import Background
from model_server.access.gate import Gate
from model_server.access.identity import Credentials
from model_server.access.key_fetch import FetchedKeySet, FetchFailed, fetch
from model_server.core.errors import NotReady, Unauthenticated
from model_server.settings.access import AccessSettings


class Clock:
    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def fetched(key_server, clock, events):
    """A key set that is fetched from the server, every 300 s by a clock of the test's."""
    return FetchedKeySet(key_server.url, ("RS256", "ES256"), 300.0, events, clock)


def test_keys_are_fetched_by_the_first_poll_and_then_when_it_is_time(
    fetched, key_server, issuer, clock
):
    key_server.body = issuer.key_set("rsa-1")
    before = fetched.value

    fetched.poll()
    first = fetched.value
    clock.now += 299
    fetched.poll()
    asked = len(key_server.asked)
    clock.now += 1
    fetched.poll()

    assert before is None
    assert first.ids == {"rsa-1"}
    assert asked == 1
    assert key_server.asked == ["/jwks", "/jwks"]
    assert fetched.value is first  # the same bytes are the same keys: nothing is forgotten


def test_an_unknown_key_is_fetched_at_most_once_a_minute(fetched, key_server, issuer, clock):
    key_server.body = issuer.key_set("rsa-1")
    fetched.poll()
    key_server.body = issuer.key_set("rsa-1", "rsa-2")

    for _ in range(59):
        fetched.want()
        fetched.poll()
        clock.now += 1
    early = len(key_server.asked)
    clock.now += 1
    fetched.poll()
    for _ in range(59):
        fetched.want()
        fetched.poll()
        clock.now += 1

    assert early == 1
    assert len(key_server.asked) == 2
    assert fetched.value.ids == {"rsa-1", "rsa-2"}


@pytest.mark.parametrize(
    ("status", "body", "reason"),
    [
        (500, b"", "the address answers 500"),
        (404, b"", "the address answers 404"),
        (200, b"<html>", 'it is no {"keys": [...]} of up to 100 keys and 262144 bytes'),
        (200, b'{"keys": []}', "it holds no key that can be used"),
        (200, b" " * 262_145, "the answer is over 262144 bytes"),
    ],
)
def test_old_keys_stay_in_force_while_a_fetch_fails(
    fetched, key_server, issuer, clock, events, status, body, reason
):
    key_server.body = issuer.key_set("rsa-1")
    fetched.poll()
    old = fetched.value

    key_server.status, key_server.body = status, body
    clock.now += 300
    fetched.poll()

    assert fetched.value is old
    assert events == [
        ("token_keys_changed", {"key_ids": ["rsa-1"]}),
        ("token_keys_not_fetched", {"reason": reason, "hint": "old keys stay in force"}),
    ]


def test_an_issuer_that_is_down_from_the_start_is_asked_less_and_less_often(
    fetched, key_server, issuer, clock
):
    key_server.status = 503
    times = []
    for _ in range(400):
        before = len(key_server.asked)
        fetched.poll()
        if len(key_server.asked) > before:
            times.append(int(clock.now) - 1000)
        clock.now += 1
    key_server.status, key_server.body = 200, issuer.key_set("rsa-1")
    clock.now += 60
    fetched.poll()

    assert times[:8] == [0, 1, 3, 7, 15, 31, 63, 123]
    assert fetched.value.ids == {"rsa-1"}


def test_an_address_where_nobody_listens_is_told(clock, events):
    FetchedKeySet("http://127.0.0.1:1/jwks", ("RS256",), 300.0, events, clock).poll()

    assert events.names == ["token_keys_not_fetched"]
    assert events[0][1]["hint"] == "no token can be checked"
    assert events[0][1]["reason"].startswith("the address cannot be reached")


@pytest.mark.parametrize(
    "location",
    [
        "http://127.0.0.2:{port}/jwks",
        "http://localhost:{port}/jwks",
        "http://127.0.0.1:1/jwks",
        "https://127.0.0.1:{port}/jwks",
        "//example.com/jwks",
        "http://user@127.0.0.1:{port}/jwks",
    ],
)
def test_a_redirect_to_another_host_port_or_scheme_is_not_followed(key_server, location):
    port = key_server.url.rsplit(":", 1)[1].split("/")[0]
    key_server.status, key_server.location = 302, location.format(port=port)

    with pytest.raises(FetchFailed, match="redirects to another host, which is not followed"):
        fetch(key_server.url)

    assert key_server.asked == ["/jwks"]


@pytest.mark.parametrize("location", ["file:///etc/passwd", "ftp://127.0.0.1/x", "data:,{}"])
def test_a_redirect_to_anything_but_http_is_not_followed(key_server, location):
    key_server.status, key_server.location = 302, location

    with pytest.raises(FetchFailed):
        fetch(key_server.url)

    assert key_server.asked == ["/jwks"]


def test_redirects_in_a_circle_end(key_server):
    key_server.status, key_server.location = 302, "/jwks"

    with pytest.raises(FetchFailed, match="the address answers 302"):
        fetch(key_server.url)

    assert len(key_server.asked) <= 5


def test_a_proxy_of_the_environment_is_not_asked_for_this_machine(key_server, issuer, monkeypatch):
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    key_server.body = issuer.key_set("rsa-1")

    assert fetch(key_server.url) == key_server.body


@pytest.fixture
def url_gate(issuer, key_server, events):
    gate = Gate.from_settings(
        AccessSettings(jwt_issuer=issuer.name, jwt_audiences=("models",), jwks_url=key_server.url),
        on_event=events,
    )
    yield gate
    gate.close()


def admit(gate, token):
    return gate.admit(Credentials(authorization=f"Bearer {token}"), "infer").identity.name


def test_the_gate_says_not_ready_until_keys_are_there(url_gate, key_server, issuer):
    token = issuer.token()

    with pytest.raises(NotReady, match="the issuer's keys are being fetched"):
        admit(url_gate, token)
    assert key_server.asked == []  # never on the caller's thread


def test_a_new_key_of_the_issuer_is_taken_without_a_restart(
    url_gate, key_server, issuer, monkeypatch
):
    source = url_gate._tokens._source
    key_server.body = issuer.key_set("rsa-1")
    url_gate.start()
    wait_for(lambda: source.value is not None)
    first = admit(url_gate, issuer.token("rsa-1"))
    asked_from = []
    monkeypatch.setattr(
        "model_server.access.key_fetch.fetch",
        lambda url: asked_from.append(threading.current_thread().name) or fetch(url),
    )

    key_server.body = issuer.key_set("rsa-2")
    source._last -= 60  # a minute goes by
    with pytest.raises(Unauthenticated, match="if it is new, try again in a minute"):
        admit(url_gate, issuer.token("rsa-2"))
    wait_for(lambda: "rsa-2" in source.value.ids)

    assert first == "user-7"
    assert admit(url_gate, issuer.token("rsa-2")) == "user-7"
    assert asked_from == ["access-jwks"]
    with pytest.raises(Unauthenticated):
        admit(url_gate, issuer.token("rsa-1"))


def wait_for(condition, seconds=10):
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, "it did not come to pass"
        time.sleep(0.01)


def test_the_thread_goes_on_when_something_fails(events):
    done = threading.Event()
    left = [ZeroDivisionError("secret"), None]

    def action():
        error = left.pop(0)
        if error:
            raise error
        done.set()

    background = Background("access-test", [action], events, interval_seconds=0.01)
    background.start()
    went_on = done.wait(5)
    background.stop()
    background._thread.join(5)

    assert went_on
    assert events[0] == ("access_refresh_failed", {"error": "ZeroDivisionError"})
    assert "secret" not in repr(events)
