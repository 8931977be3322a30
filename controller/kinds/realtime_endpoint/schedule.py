"""Scheduled bounds: instances are there before the rise, and may go after it.

AWS offers no predictive scaling for SageMaker, and a new instance takes some minutes. Where a
day's load repeats, two actions a day move the lower bound: up ahead of the busy hours, down
after them. The raised bound is what target tracking would keep in those hours anyway, so it
costs little more than the lead.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from controller.kinds.realtime_endpoint.shape import WEEKDAYS, WEEKEND, Shape, usual_day
from controller.model.size import ScheduledBounds

LEAD_MINUTES = 10
"""Instances take about five minutes; their alarm's three and the action's own are added."""
LEAST_RATIO = 1.5
"""Busy hours must need so many times the quiet hours' instances."""
LEAST_HOURS = 3
_DAYS = ("MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN")
_CRON = re.compile(r"^cron\((\d+) (\d+) \? \* ([A-Z,-]+|\*) \*\)$")

Need = Callable[[float], int]
"""Instances that a rate needs."""


@dataclass(frozen=True, slots=True)
class Busy:
    """Busy hours of some days: from `start` on, up to and without `end` (may wrap)."""

    days: tuple[int, ...]
    start: int
    end: int
    instances: int


def scheduled(shape: Shape, need: Need, bounds: tuple[int, int]) -> tuple[ScheduledBounds, ...]:
    """Actions that raise the lower of `bounds` for the busy hours and lower it again; none
    where load does not repeat, or hardly moves. At most four, in order of their text."""
    low, high = bounds
    week, weekend = _busy(shape, WEEKDAYS, need, low), _busy(shape, WEEKEND, need, low)
    if week is None:
        return ()
    found = [week]
    if weekend is not None and (weekend.start, weekend.end) == (week.start, week.end):
        least = min(week.instances, weekend.instances)
        found = [replace(week, days=(*WEEKDAYS, *WEEKEND), instances=least)]
    elif weekend is not None:
        found.append(weekend)
    actions = [
        action
        for busy in found
        for action in _actions(busy, low, min(max(busy.instances, low), high), high)
    ]
    return tuple(sorted(actions))


def _busy(shape: Shape, days: tuple[int, ...], need: Need, low: int) -> Busy | None:
    """The run of busy hours that the days share, if they do."""
    usual = usual_day(shape, days)
    if usual is None:
        return None
    needs = [max(need(rps), low) for rps in usual]
    least = max(low + 1, _ceil((low + max(needs)) / 2.0))
    run = _longest([n >= least for n in needs])
    if run is None or not LEAST_HOURS <= run[1] <= 24 - LEAST_HOURS:
        return None
    start, length = run
    inside = sorted(needs[(start + i) % 24] for i in range(length))
    instances = inside[length // 4]
    if instances < low * LEAST_RATIO:
        return None
    return Busy(days, start, (start + length) % 24, instances)


def _ceil(value: float) -> int:
    return -int(-value // 1)


def _longest(busy: Sequence[bool]) -> tuple[int, int] | None:
    """(start, length) of the longest run, the day taken as a ring; the earliest of equals.

    One quiet hour inside is bridged: a lunch break is no reason for two more actions.
    """
    joined = [b or (busy[i - 1] and busy[(i + 1) % 24]) for i, b in enumerate(busy)]
    if all(joined) or not any(joined):
        return None
    best = (0, 0)
    for start in range(24):
        if joined[start] and not joined[start - 1]:
            length = next(n for n in range(1, 25) if not joined[(start + n) % 24])
            best = max(best, (length, -start))
    return -best[1], best[0]


def _actions(busy: Busy, low: int, raised: int, high: int) -> tuple[ScheduledBounds, ...]:
    minute = busy.start * 60 - LEAD_MINUTES
    before = 1 if minute < 0 else 0
    up = _cron(minute % 1440, busy.days, -before)
    down = _cron(busy.end * 60 + LEAD_MINUTES, busy.days, int(busy.end <= busy.start))
    return ScheduledBounds(up, "UTC", raised, high), ScheduledBounds(down, "UTC", low, high)


def _cron(minute: int, days: Sequence[int], later: int) -> str:
    """`cron(50 6 ? * MON-FRI *)`, some days later."""
    moved = [_DAYS[(day + later) % 7] for day in days]
    if len(days) == 7:
        names = "*"
    elif len(days) > 2:
        names = f"{moved[0]}-{moved[-1]}"
    else:
        names = ",".join(moved)
    return f"cron({minute % 60} {minute // 60} ? * {names} *)"


def lower_bounds(schedule: Sequence[ScheduledBounds], low: int) -> tuple[int, ...]:
    """The lower bound in force in most of each hour of the week; `low` without actions.

    Actions that were not written here (another form, another timezone) are not counted.
    """
    events = sorted(event for action in schedule for event in _events(action))
    if not events:
        return (low,) * 168
    bounds = [events[-1][1]] * 168
    for minute, instances in events:
        first = -((30 - minute) // 60)
        bounds[first:] = [instances] * (168 - first)
    return tuple(bounds)


def _events(action: ScheduledBounds) -> list[tuple[int, int]]:
    """(minute of the week, lower bound) of each time that an action fires."""
    found = _CRON.match(action.cron)
    if found is None or action.timezone != "UTC":
        return []
    minute, hour, names = int(found[1]), int(found[2]), found[3]
    return [(day * 1440 + hour * 60 + minute, action.min_instances) for day in _named(names)]


def _named(names: str) -> list[int]:
    if names == "*":
        return list(range(7))
    if "-" in names:
        first, last = (_DAYS.index(name) for name in names.split("-"))
        return [(first + i) % 7 for i in range((last - first) % 7 + 1)]
    return [_DAYS.index(name) for name in names.split(",")]
