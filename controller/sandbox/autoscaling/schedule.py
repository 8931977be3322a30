"""When a scheduled action fires: `at(...)`, `rate(...)`, `cron(...)`, between two dates.

Facts: at and cron are in UTC unless a time zone is named; a rate counts from the start time,
else from the creation; start and end bound a recurring schedule.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from controller.sandbox.autoscaling.cron import Cron, ScheduleError, parse_cron

_FORM = re.compile(r"^(at|rate|cron)\((.+)\)$")
_RATE = re.compile(r"^([1-9]\d*) (minute|minutes|hour|hours|day|days)$")
_UNIT_S = {"minute": 60, "hour": 3600, "day": 86_400}


@dataclass(frozen=True, slots=True)
class Schedule:
    """A schedule as given, and read. Exactly one of `at_s`, `every_s` and `cron` is set."""

    text: str
    timezone: str | None
    start_s: float | None
    end_s: float | None
    origin_s: float
    at_s: float | None = None
    every_s: int | None = None
    cron: Cron | None = None

    def next_after(self, instant_s: float) -> float | None:
        """The first time it fires after an instant; None if never again."""
        fires_s = self._next(instant_s)
        if fires_s is None or (self.end_s is not None and fires_s > self.end_s):
            return None
        return fires_s

    def _next(self, instant_s: float) -> float | None:
        if self.at_s is not None:
            return self.at_s if self.at_s > instant_s else None
        if self.every_s is not None:
            first_s = self.start_s if self.start_s is not None else self.origin_s + self.every_s
            if instant_s < first_s:
                return first_s
            return first_s + (int((instant_s - first_s) // self.every_s) + 1) * self.every_s
        if self.cron is None:
            return None
        # A cron may fire at the very start.
        from_s = instant_s if self.start_s is None else max(instant_s, self.start_s - 1e-3)
        return self.cron.next_after(from_s, ZoneInfo(self.timezone or "UTC"))


def parse_schedule(
    text: str,
    timezone: str | None,
    start_s: float | None,
    end_s: float | None,
    origin_s: float,
) -> Schedule:
    """Read a schedule. origin_s: when the action was created. Raises ScheduleError."""
    zone = _zone(timezone)
    if start_s is not None and end_s is not None and start_s >= end_s:
        raise ScheduleError("The start time must be before the end time")
    form = _FORM.match(text)
    if form is None:
        raise ScheduleError(f"{text} is no valid at, rate or cron expression")
    kind, inner = form[1], form[2]
    bounds = (text, timezone, start_s, end_s, origin_s)
    if kind == "at":
        return Schedule(*bounds, at_s=_at(inner, zone))
    if kind == "cron":
        return Schedule(*bounds, cron=parse_cron(inner))
    rate = _RATE.match(inner)
    if rate is None:
        raise ScheduleError(f"{text} is no valid rate expression")
    return Schedule(*bounds, every_s=int(rate[1]) * _UNIT_S[rate[2].rstrip("s")])


def _zone(name: str | None) -> ZoneInfo:
    try:
        return ZoneInfo(name or "UTC")
    except (ZoneInfoNotFoundError, ValueError, OSError) as problem:
        raise ScheduleError(f"{name} is no known time zone") from problem


def _at(text: str, zone: ZoneInfo) -> float:
    try:
        local = datetime.strptime(text, "%Y-%m-%dT%H:%M:%S")  # noqa: DTZ007 - the zone follows
    except ValueError as problem:
        raise ScheduleError(f"at({text}) is no valid at expression") from problem
    return local.replace(tzinfo=zone).astimezone(UTC).timestamp()
