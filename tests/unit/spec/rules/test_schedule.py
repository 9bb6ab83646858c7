"""The grammar of schedules and time zones."""

import pytest

from modelway.spec.rules.schedule import schedule_fault, timezone_fault


@pytest.mark.parametrize(
    "expression",
    [
        "cron(0 9 * * ? *)",
        "cron(*/5 8-18 ? * MON-FRI *)",
        "cron(0,15,30,45 0 1 JAN,JUL ? 2027)",
        "cron(0 0 L * ? *)",
        "cron(0 0 15W * ? *)",
        "cron(*/1 0 20W * ? *)",
        "cron(0 0 ? * 2#1 *)",
        "cron(0 0 ? * FRIL *)",
        "cron(0 0 ? * L *)",
        "cron(0/10 * * * ? 2026-2030)",
        "rate(1 hour)",
        "rate(30 minutes)",
        "rate(2 days)",
        "at(2027-02-28T23:59:59)",
    ],
)
def test_a_schedule_of_awss_grammar_is_accepted(expression):
    assert schedule_fault(expression) is None


@pytest.mark.parametrize(
    ("expression", "fault"),
    [
        ("0 9 * * *", "is not a schedule"),
        ("cron(0 9 * * ? *) ", "is not a schedule"),
        ("cron 0 9 * * ? *", "is not a schedule"),
        ("cron(0 9 * * *)", "has 5 cron fields instead of 6"),
        ("cron(0 9 * * * *)", "must have `?` in exactly one of day of month and day of week"),
        ("cron(0 9 ? * ? *)", "must have `?` in exactly one of day of month and day of week"),
        ("cron(60 9 * * ? *)", "has no minute in `60`; it takes 0 to 59"),
        ("cron(0 24 * * ? *)", "has no hour in `24`; it takes 0 to 23"),
        ("cron(0 0 32 * ? *)", "has no day of month in `32`; it takes 1 to 31"),
        ("cron(0 0 * 13 ? *)", "has no month in `13`; it takes 1 to 12"),
        ("cron(0 0 ? * 0 *)", "has no day of week in `0`; it takes 1 to 7"),
        ("cron(0 0 ? * MONDAY *)", "has no day of week in `MONDAY`; it takes 1 to 7"),
        ("cron(0 0 ? * XYZL *)", "has no day of week in `XYZL`; it takes 1 to 7"),
        ("cron(0 0 * * ? 1969)", "has no year in `1969`; it takes 1970 to 2199"),
        ("cron(*/0 0 * * ? *)", "has no minute in `*/0`; it takes 0 to 59"),
        ("cron(5- 0 * * ? *)", "has no minute in `5-`; it takes 0 to 59"),
        ("cron(, 0 * * ? *)", "has no minute in ``; it takes 0 to 59"),
        ("rate(0 hours)", "needs a rate such as `rate(1 hour)` or `rate(30 minutes)`"),
        ("rate(1 week)", "needs a rate such as `rate(1 hour)` or `rate(30 minutes)`"),
        ("rate(hour)", "needs a rate such as `rate(1 hour)` or `rate(30 minutes)`"),
        ("at(2027-02-30T00:00:00)", "has no date and time in `2027-02-30T00:00:00`"),
        ("at(2027-02-28)", "has no date and time in `2027-02-28`"),
        ("at(2027-02-28T00:00:00Z)", "has no date and time in `2027-02-28T00:00:00Z`"),
    ],
)
def test_anything_else_is_refused_with_what_is_wrong(expression, fault):
    assert schedule_fault(expression) == fault


@pytest.mark.parametrize("name", ["UTC", "Europe/Berlin", "Etc/GMT+9"])
def test_an_iana_time_zone_is_accepted(name):
    assert timezone_fault(name) is None


@pytest.mark.parametrize("name", ["Berlin", "europe/berlin ", "../UTC", "Europe", ""])
def test_any_other_time_zone_is_refused(name):
    assert timezone_fault(name) == "is not an IANA time zone"


def test_a_machine_without_time_zones_leaves_the_question_to_aws(monkeypatch):
    monkeypatch.setattr("zoneinfo.available_timezones", set)

    assert timezone_fault("Europe/Berlin") is None
