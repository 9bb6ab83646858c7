"""The plot: well-formed, with every mark where it belongs."""

from xml.etree import ElementTree as ET

import pytest

from modelway.rehearsal.plot import plot
from modelway.rehearsal.record import Event

SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture
def drawn(rehearsed, call):
    """A canary of 600 virtual seconds that an alarm ended."""
    calls = [
        (1100.0 + 5 * n, call(n / 12, version="1" if n % 2 else "2", error="x" if n == 7 else ""))
        for n in range(80)
    ]
    events = [
        Event(1150.0, "traffic", "", {"shares": {"old": 0.5, "new": 0.5}}),
        Event(1150.0, "bake-started", "", {"seconds": 300}),
        Event(1160.0, "fault", "", {"kind": "slow", "action": "begins"}),
        Event(1300.0, "alarm", "", {"name": "a<b", "from": "OK", "to": "ALARM"}),
        Event(1310.0, "rollback-started", "", {}),
        Event(1320.0, "traffic", "", {"shares": {"old": 1.0}}),
        Event(1360.0, "alarm", "", {"name": "a<b", "from": "ALARM", "to": "OK"}),
        Event(1400.0, "fault", "", {"kind": "slow", "action": "ends"}),
    ]
    text = plot(rehearsed({"name": "canary"}, calls=calls, events=events))
    return ET.fromstring(text)


def texts(root):
    return [element.text for element in root.iter(f"{SVG}text")]


def test_it_is_an_svg_with_a_title_and_no_outside_parts(drawn):
    assert drawn.tag == f"{SVG}svg"
    assert drawn.find(f"{SVG}title").text == "canary"
    assert {element.tag.removeprefix(SVG) for element in drawn.iter()} == {
        *("svg", "title", "desc", "rect", "line", "polyline", "text"),
    }


def test_it_has_four_panels_with_their_lines(drawn):
    found = texts(drawn)

    for title in (
        "requests per second",
        "latency of clients in ms",
        "answers by version in %",
        "traffic by fleet in %",
    ):
        assert title in found
    lines = {line.find(f"{SVG}title").text for line in drawn.iter(f"{SVG}polyline")}
    assert lines == {"requests", "errors", "p50", "p99", "version 1", "version 2", "old", "new"}


def test_bakes_alarms_and_faults_are_marked_at_their_times(drawn):
    marks = {
        rect.get("class"): (float(rect.get("x")), float(rect.get("width")))
        for rect in drawn.iter(f"{SVG}rect")
        if rect.get("class")
    }

    # 600 virtual seconds are 870 pixels from 70 on; the bake ended when the roll-back began.
    assert marks["bake"] == (287.5, 232.0)
    assert marks["fault"] == (302.0, 348.0)
    assert marks["alarm"] == (505.0, 87.0)
    assert {"bake", "fault slow", "alarm a<b"} <= set(texts(drawn))


def test_the_ends_of_ups_are_marked_with_their_outcome(drawn):
    lines = [line for line in drawn.iter(f"{SVG}line") if line.get("class") == "up"]

    assert [float(line.get("x1")) for line in lines] == [215.0, 795.0]
    assert {"up 0: promoted", "up 1: promoted"} <= set(texts(drawn))


def test_the_traffic_split_is_drawn_in_steps(drawn):
    (new,) = [
        line for line in drawn.iter(f"{SVG}polyline") if line.find(f"{SVG}title").text == "new"
    ]

    points = [tuple(map(float, point.split(","))) for point in new.get("points").split()]
    top, bottom = min(y for _, y in points), max(y for _, y in points)
    assert [x for x, _ in points] == [287.5, 534.0, 534.0, 940.0, 940.0]
    assert bottom - top == 60.0


def test_a_rehearsal_without_requests_and_events_is_drawn_too(rehearsed):
    root = ET.fromstring(plot(rehearsed({"traffic": None})))

    assert list(root.iter(f"{SVG}polyline")) == []


def test_labels_near_the_right_edge_stay_inside_and_none_covers_another(rehearsed, call):
    events = [
        Event(at, "alarm", "", {"name": f"greeter-local-{name}", "from": "OK", "to": "ALARM"})
        for at, name in (
            (1480.0, "rollout-too-few-requests"),
            (1560.0, "error-rate"),
            (1570.0, "rollout-new-error-rate"),
        )
    ]
    done = rehearsed({"name": "canary"}, calls=[(1100.0, call(0.0))], events=events)
    root = ET.fromstring(plot(done))

    labels = [e for e in root.iter(f"{SVG}text") if e.get("class") == "alarm"]
    places = []
    for label in labels:
        at, length = float(label.get("x")), 6.2 * len(label.text)
        left = at - length if label.get("text-anchor") == "end" else at
        places.append((label.get("y"), left, left + length))
    prefix = done.endpoint + "-"
    assert all(prefix not in label.text for label in labels)
    assert len(places) == 3
    assert all(left >= 0 and right <= 960 for _row, left, right in places)
    for row, left, right in places:
        beside = [each for each in places if each != (row, left, right) and each[0] == row]
        assert all(right < other[1] or left > other[2] for other in beside)
