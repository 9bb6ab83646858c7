"""The grammar of schedules, as Application Auto Scaling takes them.

Takes an expression or a time zone, gives what is wrong with it, or None. Source: PutScheduledAction
(botocore application-autoscaling) and "Schedule recurring scaling actions using cron expressions"
(Application Auto Scaling user guide). Must not know the spec.
"""

import re
import zoneinfo
from datetime import datetime

FORMS = "cron(MINUTE HOUR DAY MONTH WEEKDAY YEAR), rate(NUMBER UNIT) or at(YYYY-MM-DDTHH:MM:SS)"
"""What a schedule may look like."""

_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_WEEKDAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
_FIELDS: tuple[tuple[str, int, int, tuple[str, ...]], ...] = (
    ("minute", 0, 59, ()),
    ("hour", 0, 23, ()),
    ("day of month", 1, 31, ()),
    ("month", 1, 12, _MONTHS),
    ("day of week", 1, 7, _WEEKDAYS),
    ("year", 1970, 2199, ()),
)
_DAY, _WEEKDAY = 2, 4
_FORM = re.compile(r"(?P<kind>cron|rate|at)\((?P<body>[^()]*)\)\Z")
_RATE = re.compile(r"(?P<number>[0-9]+) +(?P<unit>minute|hour|day)s?\Z")
_AT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\Z")


def schedule_fault(expression: str) -> str | None:
    """Say what is wrong with a schedule, or None."""
    form = _FORM.match(expression)
    if form is None:
        return "is not a schedule"
    body = form["body"].strip()
    if form["kind"] == "cron":
        return _cron_fault(body)
    if form["kind"] == "rate":
        rate = _RATE.match(body)
        if rate is None or int(rate["number"]) < 1:
            return "needs a rate such as `rate(1 hour)` or `rate(30 minutes)`"
        return None
    try:
        datetime.fromisoformat(body)
    except ValueError:
        return f"has no date and time in `{body}`"
    return None if _AT.match(body) else f"has no date and time in `{body}`"


def timezone_fault(name: str) -> str | None:
    """Say what is wrong with a time zone, or None.

    A machine without a time zone database knows none; then AWS is left to judge.
    """
    known = zoneinfo.available_timezones()
    if name == "UTC" or not known or name in known:
        return None
    return "is not an IANA time zone"


def _cron_fault(body: str) -> str | None:
    """Check the six fields."""
    fields = body.split()
    if len(fields) != len(_FIELDS):
        return f"has {len(fields)} cron fields instead of {len(_FIELDS)}"
    if (fields[_DAY] == "?") == (fields[_WEEKDAY] == "?"):
        return "must have `?` in exactly one of day of month and day of week"
    for index, (text, (name, low, high, words)) in enumerate(zip(fields, _FIELDS, strict=True)):
        if text == "?" and index in (_DAY, _WEEKDAY):
            continue
        for item in text.split(","):
            if not _cron_item(item, index, low, high, words):
                return f"has no {name} in `{item}`; it takes {low} to {high}"
    return None


def _cron_item(item: str, index: int, low: int, high: int, words: tuple[str, ...]) -> bool:
    """Check one item of a comma-separated field: `*`, a number, a range, a step or a special."""
    if index == _DAY and re.match(r"(L|LW|([1-9]|[12][0-9]|3[01])W)\Z", item):
        return True
    if index == _WEEKDAY and re.match(r"(L|([1-7]|[A-Z]{3})L|([1-7]|[A-Z]{3})#[1-5])\Z", item):
        return item[:3] in words or not item[0].isalpha() or item == "L"
    span, _, step = item.partition("/")
    if "/" in item and (not step.isascii() or not step.isdigit() or not 1 <= int(step) <= high):
        return False
    if span == "*":
        return True
    first, dash, last = span.partition("-")
    values = [_cron_value(part, words) for part in ((first, last) if dash else (first,))]
    return all(value is not None and low <= value <= high for value in values)


def _cron_value(text: str, words: tuple[str, ...]) -> int | None:
    """Read a number or a name of a month or weekday."""
    if text.upper() in words:
        return words.index(text.upper()) + 1
    return int(text) if text.isascii() and text.isdigit() else None
