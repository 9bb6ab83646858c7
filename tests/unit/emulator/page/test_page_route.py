"""The page over HTTP: who is answered, with what, and which events come again."""

import json
from types import SimpleNamespace

import pytest

from modelway.emulator.clock import Clock
from modelway.emulator.cloudwatch import MetricStore
from modelway.emulator.page.route import Page
from modelway.emulator.services import Services, Settings


@pytest.fixture
def page(tmp_path):
    services = Services(Settings(port=4510, state_dir=tmp_path), Clock(origin=1_700_000_000.0))
    services.hosting = SimpleNamespace(status=list)
    services.events.add("fraud", "create-started", "one")
    services.events.add("fraud", "create-ended", "two")
    return Page(services, MetricStore(services.clock), lambda: ("a warning",))


@pytest.fixture
def get(page):
    def ask(path="/_modelway/", host="127.0.0.1:4510", query="", method="GET"):
        started = []
        body = page(
            {
                "REQUEST_METHOD": method,
                "PATH_INFO": path,
                "QUERY_STRING": query,
                **({} if host is None else {"HTTP_HOST": host}),
            },
            lambda status, headers: started.append((status, dict(headers))),
        )
        return *started[0], b"".join(body)

    return ask


def data(get, query=""):
    return json.loads(get("/_modelway/page/data", query=query)[2])


def test_the_page_and_its_parts_have_the_types_that_browsers_need(get):
    shown = {
        path: get(path)[1]["Content-Type"]
        for path in ("/_modelway/", "/_modelway/page/page.css", "/_modelway/page/page.js")
    }

    assert shown == {
        "/_modelway/": "text/html; charset=utf-8",
        "/_modelway/page/page.css": "text/css; charset=utf-8",
        "/_modelway/page/page.js": "text/javascript; charset=utf-8",
    }
    assert get("/_modelway/page/icon.svg")[1]["Content-Type"] == "image/svg+xml"


def test_nothing_inline_runs_and_nothing_comes_from_elsewhere(get):
    policy = get()[1]["Content-Security-Policy"]

    assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self'; ")
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    for path in ("/_modelway/page/data", "/_modelway/page/page.js", "/_modelway/page/absent"):
        assert get(path)[1]["Content-Security-Policy"] == policy
        assert get(path)[1]["X-Content-Type-Options"] == "nosniff"
    markup = get()[2].decode()
    assert "style=" not in markup
    assert "onclick" not in markup
    assert '<script type="module" src="page/page.js"></script>' in markup
    assert "http" not in markup


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1:4510", "127.0.0.1", "localhost:4510", "LOCALHOST:9", "[::1]:4510"],
)
def test_this_machines_own_names_are_answered(get, host):
    assert get(host=host)[0] == "200 OK"


@pytest.mark.parametrize(
    "host",
    [
        "rebound.example:4510",
        "127.0.0.1.rebound.example",
        "localhost.rebound.example:4510",
        "127.0.0.1:4510@rebound.example",
        "192.168.1.7:4510",
        "",
        None,
    ],
)
@pytest.mark.parametrize("path", ["/_modelway/", "/_modelway/page/data"])
def test_a_foreign_name_that_leads_here_is_refused(get, host, path):
    status, _, body = get(path, host=host)

    assert status == "403 Forbidden"
    assert "open http://127.0.0.1:4510/_modelway/" in json.loads(body)["error"]


def test_the_page_can_only_be_read(get):
    assert get(method="HEAD")[0] == "200 OK"
    assert get(method="POST")[0] == "405 Method Not Allowed"


@pytest.mark.parametrize("name", ["../route.py", "..%2froute.py", "index.html", "page.css/", ""])
def test_only_the_pages_own_files_are_given(get, name):
    assert get(f"/_modelway/page/{name}")[0] == "404 Not Found"


def test_the_data_says_which_emulator_this_is(get, page):
    shown = data(get)

    assert shown["run"] == page.run
    assert shown["endpoints"] == []
    assert shown["emulator"]["url"] == "http://127.0.0.1:4510"
    assert shown["emulator"]["time_scale"] == 1.0
    assert shown["emulator"]["warnings"] == ["a warning"]


def test_only_events_that_were_not_given_yet_are_given(get, page):
    first = data(get)
    page.services.events.add("fraud", "deleted", "three")
    second = data(get, f"run={first['run']}&since={first['next']}")

    assert [event["text"] for event in first["events"]] == ["one", "two"]
    assert second["since"] == 2
    assert [event["text"] for event in second["events"]] == ["three"]
    assert second["events"][0]["endpoint"] == "fraud"
    assert second["events"][0]["kind"] == "deleted"


def test_after_a_restart_all_events_are_given(get):
    shown = data(get, "run=another&since=2")

    assert shown["since"] == 0
    assert [event["text"] for event in shown["events"]] == ["one", "two"]


def test_after_a_reset_pages_begin_anew(get, page):
    before = data(get)
    page.services.events.clear()
    page.begin_anew()

    after = data(get, f"run={before['run']}&since={before['next']}")

    assert after["run"] != before["run"]
    assert (after["since"], after["events"]) == (0, [])


def test_a_long_history_is_cut_to_its_newest_events(get, page):
    for number in range(500):
        page.services.events.add("", "fault", str(number))

    shown = data(get)

    assert len(shown["events"]) == 300
    assert shown["events"][-1]["text"] == "499"
    assert shown["next"] == 502


@pytest.mark.parametrize("since", ["-1", "x", "²", ""])
def test_a_since_that_is_no_number_means_all(get, page, since):
    assert data(get, f"run={page.run}&since={since}")["since"] == 0
