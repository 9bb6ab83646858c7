"""Schedule expressions and the times they give."""

from datetime import UTC, datetime
from types import SimpleNamespace

import pytest

from modelway.emulator.autoscaling.schedule import ScheduleError, parse
from modelway.emulator.autoscaling.schedules import due_actions, next_time

# A Wednesday.
NOW = datetime(2026, 7, 15, 12, 30, tzinfo=UTC)


def following(expression, after=NOW, timezone=None, anchor=NOW):
    found = parse(expression, timezone, anchor.timestamp()).next_after(after.timestamp())
    return None if found is None else datetime.fromtimestamp(found, UTC).isoformat(" ", "minutes")


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("cron(0 8 * * ? *)", "2026-07-16 08:00+00:00"),
        ("cron(45 12 * * ? *)", "2026-07-15 12:45+00:00"),
        ("cron(30 12 * * ? *)", "2026-07-16 12:30+00:00"),
        ("cron(0/15 * * * ? *)", "2026-07-15 12:45+00:00"),
        ("cron(5/20 12 * * ? *)", "2026-07-15 12:45+00:00"),
        ("cron(0 8-18/2 * * ? *)", "2026-07-15 14:00+00:00"),
        ("cron(0 8 ? * MON-FRI *)", "2026-07-16 08:00+00:00"),
        ("cron(0 8 ? * 1 *)", "2026-07-19 08:00+00:00"),
        ("cron(0 8 ? * SAT,SUN *)", "2026-07-18 08:00+00:00"),
        ("cron(0 8 1,20 * ? *)", "2026-07-20 08:00+00:00"),
        ("cron(0 8 L * ? *)", "2026-07-31 08:00+00:00"),
        ("cron(0 8 ? * L *)", "2026-07-18 08:00+00:00"),
        ("cron(0 8 ? * FRIL *)", "2026-07-31 08:00+00:00"),
        ("cron(0 8 ? * 2#1 *)", "2026-08-03 08:00+00:00"),
        ("cron(0 8 1W * ? *)", "2026-08-03 08:00+00:00"),
        ("cron(0 8 LW * ? *)", "2026-07-31 08:00+00:00"),
        ("cron(0 0 29 FEB ? *)", "2028-02-29 00:00+00:00"),
        ("cron(0 0 1 JAN ? 2030)", "2030-01-01 00:00+00:00"),
        ("cron(0 0 1 1 ? 2020)", None),
        ("at(2026-07-15T13:00:00)", "2026-07-15 13:00+00:00"),
        ("at(2026-07-15T12:00:00)", None),
        ("rate(5 minutes)", "2026-07-15 12:35+00:00"),
        ("rate(1 day)", "2026-07-16 12:30+00:00"),
    ],
)
def test_the_next_time_of_an_expression(expression, expected):
    assert following(expression) == expected


def test_cron_and_at_follow_their_time_zone():
    assert following("cron(0 9 * * ? *)", timezone="Europe/Berlin") == "2026-07-16 07:00+00:00"
    assert following("at(2026-07-15T09:00:00)", timezone="America/New_York") == (
        "2026-07-15 13:00+00:00"
    )


def test_a_time_that_the_clock_change_skips_comes_an_hour_later():
    march = datetime(2026, 3, 28, 12, tzinfo=UTC)

    # On 29 March 2026 Berlin goes from 02:00 CET to 03:00 CEST: 02:30 CET would be 01:30 UTC.
    assert following("cron(30 2 * * ? *)", march, "Europe/Berlin") == "2026-03-29 01:30+00:00"


def test_a_rate_counts_from_its_anchor():
    late = datetime(2026, 7, 15, 12, 42, tzinfo=UTC)

    assert following("rate(5 minutes)", after=late) == "2026-07-15 12:45+00:00"


@pytest.mark.parametrize(
    ("expression", "told"),
    [
        ("every day", "allowed: at"),
        ("cron(0 8 * * ?)", "cron has 6 fields, this has 5"),
        ("cron(0 8 * * * *)", "must be \\?"),
        ("cron(0 8 ? * ? *)", "must be \\?"),
        ("cron(60 8 * * ? *)", "'60' is outside 0 to 59"),
        ("cron(0 8 32 * ? *)", "'32' is outside 1 to 31"),
        ("cron(0 8 ? * MOON *)", "'MOON' is not a number"),
        ("cron(0/0 8 * * ? *)", "a step must be 1 or more"),
        ("cron(0 8 ? * 2#6 *)", "1 to 5"),
        ("rate(1 minutes)", "positive whole number"),
        ("rate(0 minutes)", "positive whole number"),
        ("at(tomorrow)", "tomorrow"),
    ],
)
def test_a_wrong_expression_is_refused_with_the_reason(expression, told):
    with pytest.raises(ScheduleError, match=told):
        parse(expression, None, 0.0)


def test_an_unknown_time_zone_is_refused():
    with pytest.raises(ScheduleError, match="Invalid Timezone: Mars/Olympus"):
        parse("rate(1 day)", "Mars/Olympus", 0.0)


def action(schedule, **times):
    return SimpleNamespace(
        schedule=schedule,
        timezone=None,
        creation_time=NOW.timestamp(),
        start_time=times.get("start"),
        end_time=times.get("end"),
        scalable_dimension="dimension",
        resource_id="resource",
    )


def test_an_action_fires_once_for_a_span_that_holds_its_time():
    target = object()
    backend = SimpleNamespace(
        scheduled_actions=[action("rate(5 minutes)"), action("rate(1 day)")],
        targets={"dimension": {"resource": target}},
    )
    began = NOW.timestamp()

    assert due_actions(backend, began, began + 299) == []
    assert due_actions(backend, began, began + 1000) == [(backend.scheduled_actions[0], target)]
    assert due_actions(backend, began + 300, began + 599) == []


def test_an_action_waits_for_its_start_and_ends_with_its_end():
    start = NOW.timestamp() + 3600

    assert next_time(action("rate(5 minutes)", start=start), NOW.timestamp()) == start
    assert next_time(action("rate(5 minutes)", start=start), start) == start + 300
    assert next_time(action("rate(5 minutes)", end=start), start) is None


def test_a_time_before_the_action_was_made_does_not_fire():
    past = action("at(2026-07-15T12:00:00)")

    assert next_time(past, NOW.timestamp() - 7200) is None
