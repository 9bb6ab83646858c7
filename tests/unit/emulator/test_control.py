"""Who may change an emulator: programs on this machine, and no page in a browser."""

import json
from types import SimpleNamespace

import pytest

from modelway.emulator.control import Control


@pytest.fixture
def control():
    """Control routes of an emulator that only notes what it was told to do."""
    done = []
    services = SimpleNamespace(stopping=SimpleNamespace(set=lambda: done.append("stop")))
    faults = SimpleNamespace(answer=lambda *_: None)
    made = Control(services, lambda: done.append("reset"), None, faults, None, None)
    made.done = done
    return made


def ask(control, method, route, **headers):
    answers = []
    environ = {
        "REQUEST_METHOD": method,
        "PATH_INFO": f"/_modelway/{route}",
        "QUERY_STRING": "",
        "wsgi.input": SimpleNamespace(read=lambda: b""),
        **headers,
    }
    body = b"".join(control(environ, lambda status, _headers: answers.append(status)))
    return answers[0], json.loads(body)


@pytest.mark.parametrize("route", ["stop", "reset"])
def test_a_program_may_stop_and_reset(control, route):
    assert ask(control, "POST", route)[0] == "200 OK"
    assert control.done == [route]


@pytest.mark.parametrize("route", ["stop", "reset", "faults"])
@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://127.0.0.1:4566"])
def test_a_page_in_a_browser_changes_nothing(control, route, origin):
    status, answer = ask(control, "POST", route, HTTP_ORIGIN=origin)

    assert status == "403 Forbidden"
    assert answer == {"error": f"POST {route!r} is not for browsers; it came from {origin!r}"}
    assert control.done == []
