"""When a scheduled action is due.

Pure: takes a schedule expression, gives times. Formats: PutScheduledAction, Schedule: `at(...)`,
`rate(...)` and `cron(Minutes Hours Day_of_Month Month Day_of_Week Year)` with the wildcards
`, - * ? / L W #` (Application Auto Scaling user guide, cron expressions).
"""

import calendar
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

_UNITS_SECONDS = {"minute": 60, "hour": 3600, "day": 86400}
_MONTHS = {name.upper(): number for number, name in enumerate(calendar.month_abbr) if name}
_WEEKDAYS = {n: i for i, n in enumerate(("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"), start=1)}
_FIELDS = 6
_LAST_YEAR = 2199


class ScheduleError(ValueError):
    """A schedule expression or time zone that AWS does not accept."""


@dataclass(frozen=True)
class At:
    """Once."""

    when: float

    def next_after(self, after: float) -> float | None:
        """Give the time when it is still to come."""
        return self.when if self.when > after else None


@dataclass(frozen=True)
class Rate:
    """Again and again, counted from `anchor`."""

    interval_seconds: float
    anchor: float

    def next_after(self, after: float) -> float | None:
        """Give the next multiple of the interval; the first is one interval after the anchor."""
        passed = max((after - self.anchor) // self.interval_seconds, 0)
        return self.anchor + (passed + 1) * self.interval_seconds


@dataclass(frozen=True)
class Cron:
    """By the calendar of a time zone."""

    minutes: tuple[int, ...]
    hours: tuple[int, ...]
    day_of_month: str
    months: tuple[int, ...]
    day_of_week: str
    years: frozenset[int]
    zone: tzinfo

    def next_after(self, after: float) -> float | None:
        """Give the first time after `after`; what a clock change skips comes an hour later."""
        first = datetime.fromtimestamp(after, self.zone)
        for year in sorted(year for year in self.years if year >= first.year):
            for month in self.months:
                if (year, month) < (first.year, first.month):
                    continue
                for day in sorted(self._days(year, month)):
                    if date(year, month, day) < first.date():
                        continue
                    due = self._first_on(date(year, month, day), after)
                    if due is not None:
                        return due
        return None

    def _first_on(self, day: date, after: float) -> float | None:
        times = (
            datetime(day.year, day.month, day.day, hour, minute, tzinfo=self.zone).timestamp()
            for hour in self.hours
            for minute in self.minutes
        )
        return min((time for time in times if time > after), default=None)

    def _days(self, year: int, month: int) -> set[int]:
        last = calendar.monthrange(year, month)[1]
        if self.day_of_month != "?":
            return _days_of_month(self.day_of_month, year, month, last)
        return _days_of_week(self.day_of_week, year, month, last)


Schedule = At | Rate | Cron


def parse(expression: str, timezone: str | None, anchor: float) -> Schedule:
    """Read a schedule expression.

    Args:
        expression: `at(...)`, `rate(...)` or `cron(...)`.
        timezone: IANA name for `at` and `cron`; None: UTC.
        anchor: what rates are counted from, in seconds since the epoch.

    Raises:
        ScheduleError: the expression or the time zone is not valid.
    """
    match = re.fullmatch(r"(at|rate|cron)\((.*)\)", expression.strip())
    if match is None:
        raise ScheduleError(
            f"Invalid Schedule Expression: {expression}; allowed: at(...), rate(...), cron(...)"
        )
    zone = _zone(timezone)
    kind, text = match[1], match[2].strip()
    try:
        if kind == "at":
            return At(datetime.fromisoformat(text).replace(tzinfo=zone).timestamp())
        return _rate(text, anchor) if kind == "rate" else _cron(text, zone)
    except (ValueError, KeyError, IndexError) as error:
        raise ScheduleError(f"Invalid Schedule Expression: {expression}; {error}") from error


def _zone(timezone: str | None) -> tzinfo:
    if timezone in (None, "", "UTC"):
        return UTC  # Known without the system's time zone database.
    try:
        return ZoneInfo(str(timezone))
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ScheduleError(f"Invalid Timezone: {timezone}; allowed: an IANA name") from error


def _rate(text: str, anchor: float) -> Rate:
    match = re.fullmatch(r"([1-9]\d*) (minute|hour|day)(s?)", text)
    if match is None or (match[3] == "s") != (match[1] != "1"):
        raise ValueError("a rate is a positive whole number and minute(s), hour(s) or day(s)")
    return Rate(int(match[1]) * _UNITS_SECONDS[match[2]], anchor)


def _cron(text: str, zone: tzinfo) -> Cron:
    fields = text.upper().split()
    if len(fields) != _FIELDS:
        raise ValueError(f"cron has {_FIELDS} fields, this has {len(fields)}")
    minutes, hours, day_of_month, months, day_of_week, years = fields
    if (day_of_month == "?") == (day_of_week == "?"):
        raise ValueError("exactly one of Day_of_Month and Day_of_Week must be ?")
    cron = Cron(
        minutes=_values(minutes, 0, 59),
        hours=_values(hours, 0, 23),
        day_of_month=day_of_month,
        months=_values(months, 1, 12, _MONTHS),
        day_of_week=day_of_week,
        years=frozenset(_values(years, 1970, _LAST_YEAR)),
        zone=zone,
    )
    last = 31
    (_days_of_month if day_of_week == "?" else _days_of_week)(
        day_of_month if day_of_week == "?" else day_of_week, datetime.now(UTC).year, 1, last
    )
    return cron


def _values(
    text: str, lowest: int, highest: int, names: Mapping[str, int] | None = None
) -> tuple[int, ...]:
    """The numbers of one field: lists, ranges, steps, wildcards."""
    found = set[int]()
    for part in text.split(","):
        body, _, step = part.partition("/")
        first, dash, last = body.partition("-")
        if body == "*":
            start, end = lowest, highest
        else:
            start = _number(first, names)
            # A step without a range runs to the end: 5/15 is 5, 20, 35, 50.
            end = _number(last, names) if dash else (highest if step else start)
        if not lowest <= start <= end <= highest:
            raise ValueError(f"'{part}' is outside {lowest} to {highest}")
        found.update(range(start, end + 1, _positive(step) if step else 1))
    return tuple(sorted(found))


def _number(text: str, names: Mapping[str, int] | None) -> int:
    if names is not None and text in names:
        return names[text]
    if not text.isdecimal():
        raise ValueError(f"'{text}' is not a number")
    return int(text)


def _positive(text: str) -> int:
    number = _number(text, None)
    if number < 1:
        raise ValueError("a step must be 1 or more")
    return number


def _days_of_month(text: str, year: int, month: int, last: int) -> set[int]:
    if text == "L":
        return {last}
    if text.endswith("W"):
        wanted = last if text == "LW" else _number(text[:-1], None)
        if not 1 <= wanted <= 31:  # noqa: PLR2004 - days of a month
            raise ValueError(f"'{text}' is outside 1 to 31")
        if wanted > last:
            return set()
        workdays = [day for day in range(1, last + 1) if date(year, month, day).weekday() <= 4]  # noqa: PLR2004 - Friday
        return {min(workdays, key=lambda day: (abs(day - wanted), day))}
    return {day for day in _values(text, 1, 31) if day <= last}


def _days_of_week(text: str, year: int, month: int, last: int) -> set[int]:
    def on(weekdays: Iterable[int]) -> list[int]:
        # AWS counts from 1 for Sunday, Python from 0 for Monday.
        wanted = {(weekday + 5) % 7 for weekday in weekdays}
        return [day for day in range(1, last + 1) if date(year, month, day).weekday() in wanted]

    if text == "L":
        return set(on([7]))
    if text.endswith("L"):
        return set(on(_values(text[:-1], 1, 7, _WEEKDAYS))[-1:])
    weekday, hash_sign, which = text.partition("#")
    if hash_sign:
        number = _positive(which)
        if number > 5:  # noqa: PLR2004 - no weekday comes six times
            raise ValueError(f"'{text}': the number after # is 1 to 5")
        return set(on(_values(weekday, 1, 7, _WEEKDAYS))[number - 1 : number])
    return set(on(_values(text, 1, 7, _WEEKDAYS)))
