"""Cron with six fields, as AWS writes it: minutes hours day-of-month month day-of-week year.

Facts: one of the two day fields must be `?`; days of the week run from 1 (Sunday) to 7;
`L` is the last day (of the month, or the last such weekday of it), `W` the nearest weekday,
`#` the n-th such weekday of the month.
"""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

YEARS = (1970, 2199)
LONGEST_SEARCH_DAYS = 366 * 9
_MONTHS = {
    "JAN": 1, "FEB": 2, "MAR": 3, "APR": 4, "MAY": 5, "JUN": 6,
    "JUL": 7, "AUG": 8, "SEP": 9, "OCT": 10, "NOV": 11, "DEC": 12,
}  # fmt: skip
_WEEKDAYS = {"SUN": 1, "MON": 2, "TUE": 3, "WED": 4, "THU": 5, "FRI": 6, "SAT": 7}
_PART = re.compile(r"^(\*|\w+)(?:-(\w+))?(?:/(\d+))?$")


class ScheduleError(ValueError):
    """What is wrong with a schedule, in words."""


@dataclass(frozen=True, slots=True)
class Cron:
    """A cron expression; `days` and `weekdays` are None for `?`, else a set or a rule.

    A rule for days is `L`, `LW` or `<n>W`; one for weekdays `<n>L` or `<n>#<k>`.
    """

    minutes: tuple[int, ...]
    hours: tuple[int, ...]
    days: frozenset[int] | str | None
    months: frozenset[int]
    weekdays: frozenset[int] | str | None
    years: frozenset[int]

    def next_after(self, instant_s: float, zone: ZoneInfo) -> float | None:
        """The first time after an instant, in a zone; None if there is none in nine years.

        An hour that summer time leaves out is taken an hour later, one that comes twice the
        first time.
        """
        day = datetime.fromtimestamp(instant_s, zone).date()
        for _ in range(LONGEST_SEARCH_DAYS):
            if self.fits(day):
                for hour in self.hours:
                    for minute in self.minutes:
                        local = datetime(day.year, day.month, day.day, hour, minute, tzinfo=zone)
                        at_s = local.astimezone(UTC).timestamp()
                        if at_s > instant_s:
                            return at_s
            day += timedelta(days=1)
        return None

    def fits(self, day: date) -> bool:
        """Whether it fires on a day at all."""
        if day.month not in self.months or day.year not in self.years:
            return False
        if self.days is not None:
            return _is_day(day, self.days)
        return self.weekdays is None or _is_weekday(day, self.weekdays)


def _is_day(day: date, rule: frozenset[int] | str) -> bool:
    if isinstance(rule, frozenset):
        return day.day in rule
    last = monthrange(day.year, day.month)[1]
    if rule == "L":
        return day.day == last
    wanted = last if rule == "LW" else min(int(rule[:-1]), last)
    return day == _nearest_weekday(date(day.year, day.month, wanted), last)


def _nearest_weekday(day: date, last: int) -> date:
    """The weekday nearest to a day, without leaving the month."""
    if day.weekday() == 5:
        return day - timedelta(days=1) if day.day > 1 else day + timedelta(days=2)
    if day.weekday() == 6:
        return day + timedelta(days=1) if day.day < last else day - timedelta(days=2)
    return day


def _is_weekday(day: date, rule: frozenset[int] | str) -> bool:
    number = day.isoweekday() % 7 + 1
    if isinstance(rule, frozenset):
        return number in rule
    if rule.endswith("L"):
        last = monthrange(day.year, day.month)[1]
        return number == int(rule[:-1]) and day.day > last - 7
    wanted, which = rule.split("#")
    return number == int(wanted) and (day.day - 1) // 7 + 1 == int(which)


def parse_cron(text: str) -> Cron:
    """Read the six fields. Raises ScheduleError."""
    fields = text.upper().split()
    if len(fields) != 6:
        raise ScheduleError(f"cron({text}) must have six fields, and has {len(fields)}")
    minutes, hours, days, months, weekdays, years = fields
    if (days == "?") == (weekdays == "?"):
        raise ScheduleError(f"cron({text}) must have ? in exactly one of the two day fields")
    return Cron(
        minutes=tuple(sorted(_set_of(minutes, 0, 59))),
        hours=tuple(sorted(_set_of(hours, 0, 23))),
        days=None if days == "?" else _days(days),
        months=frozenset(_set_of(months, 1, 12, _MONTHS)),
        weekdays=None if weekdays == "?" else _weekdays(weekdays),
        years=frozenset(_set_of(years, *YEARS)),
    )


def _days(field: str) -> frozenset[int] | str:
    if field in ("L", "LW") or re.fullmatch(r"([1-9]|[12]\d|3[01])W", field):
        return field
    return frozenset(_set_of(field, 1, 31))


def _weekdays(field: str) -> frozenset[int] | str:
    if field == "L":
        return frozenset({7})
    rule = re.fullmatch(r"([1-7]|[A-Z]{3})(L|#[1-5])", field)
    if rule is not None:
        return f"{_number(rule[1], 1, 7, _WEEKDAYS)}{rule[2]}"
    return frozenset(_set_of(field, 1, 7, _WEEKDAYS))


def _set_of(field: str, low: int, high: int, names: Mapping[str, int] | None = None) -> set[int]:
    """The numbers of a field: `*`, `5`, `1-5`, `0/15`, `MON-FRI`, lists of these."""
    found: set[int] = set()
    for part in field.split(","):
        match = _PART.match(part)
        if match is None:
            raise ScheduleError(f"{field} is no valid field of a cron expression")
        first, until, step = match.groups()
        if first == "*":
            begin, end = low, high
        else:
            begin = _number(first, low, high, names or {})
            alone = begin if step is None else high
            end = alone if until is None else _number(until, low, high, names or {})
        if step == "0":
            raise ScheduleError(f"{field} has a step of zero")
        if end < begin:
            # FRI-MON goes round the end of the week.
            found |= set(range(begin, high + 1, int(step or 1)))
            begin = low
        found |= set(range(begin, end + 1, int(step or 1)))
    return found


def _number(text: str, low: int, high: int, names: Mapping[str, int]) -> int:
    number = names.get(text)
    if number is None and text.isdigit():
        number = int(text)
    if number is None or not low <= number <= high:
        raise ScheduleError(f"{text} is not between {low} and {high}")
    return number
