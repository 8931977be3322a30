"""The week that an endpoint's instances must serve: load by hour, and whether it repeats."""

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field

from controller.kinds.realtime_endpoint.replay import Replay
from controller.model.demand import Demand
from controller.model.missing import Missing

WEEKDAYS = (0, 1, 2, 3, 4)
WEEKEND = (5, 6)
NEARLY_A_WEEK = 160
BURST = 1.3
"""Five-minute peak per hourly mean, where only hours are known."""
FLAT = 1.5
"""Peak per quietest hour, where too few days were seen to tell more."""
LEAST_DAYS = 3
"""Two days are no pattern."""
EXPLAINED = 0.6
"""Share of the variance between hours that the time of day must explain …"""
RATIO = 3.0
"""… and how far it must exceed what chance explains (an F ratio; 2.1 is one in a thousand)."""


@dataclass(frozen=True, slots=True)
class Hour:
    """One hour of the week."""

    hour: int
    """0-167 in UTC; 0 is Monday 00:00."""
    rps_mean: float
    rps_peak: float
    rps_jump: float = 0.0
    """Rise within ten minutes that it brings every week."""


@dataclass(frozen=True, slots=True)
class Shape:
    """Demand by hour of the week, in order; never empty."""

    hours: tuple[Hour, ...]
    trough_rps: float
    """Mean of the quietest hour."""
    burst_rps: float
    """Busiest five minutes of a usual quiet hour."""
    peak_rps: float
    replay: Replay | None = None
    """Two weeks by five minutes, where they are known so finely."""
    usual: dict[tuple[int, ...], tuple[float, ...] | None] = field(
        default_factory=dict, compare=False, repr=False
    )
    """What was asked before of `usual_day`: sizes are many, and the week is one."""

    @property
    def whole(self) -> bool:
        """Whether (nearly) every hour of the week was seen: a quiet Sunday is not the week."""
        return len(self.hours) >= NEARLY_A_WEEK

    @property
    def shapeless(self) -> bool:
        """Whether the time of day says nothing of the load: it hardly moves, or as it likes."""
        days = by_day(self, (*WEEKDAYS, *WEEKEND))
        if len(days) < LEAST_DAYS:
            return self.peak_rps <= FLAT * self.trough_rps
        return not repeats(days)

    @property
    def mean_rps(self) -> float:
        """Over the hours seen."""
        return sum(hour.rps_mean for hour in self.hours) / len(self.hours)


def shape(demand: Demand, *, grown: bool = False) -> Shape:
    """The week of a demand; where it knows no hours, a trough and a peak stand for them.

    grown: what is remembered is raised to what demand has become since.
    """
    hours = tuple(
        Hour(h.hour, h.rps_mean, h.rps_peak, h.rps_jump) for h in demand.weekly
    ) or _coarse(demand)
    seen = Replay.of(demand.course)
    replay = seen.grown() if seen is not None and grown else seen
    if seen is not None and replay is not None and replay is not seen:
        hours = _raised(hours, seen, replay)
    quiet = sorted(hours, key=lambda h: (h.rps_mean, h.hour))[: max(1, len(hours) // 4)]
    peak = max(hour.rps_peak for hour in hours)
    if not isinstance(demand.rps_peak, Missing):
        peak = max(peak, demand.rps_peak)
    if replay is not seen and replay is not None:
        peak = max(peak, float(replay.rps.max()))
    return Shape(
        hours=hours,
        trough_rps=quiet[0].rps_mean,
        burst_rps=statistics.median(hour.rps_peak for hour in quiet),
        peak_rps=peak,
        replay=replay,
    )


def _raised(hours: Sequence[Hour], seen: Replay, grown: Replay) -> tuple[Hour, ...]:
    """Hours of the week as they would be were demand all the time what it has become since."""
    before, since = seen.by_hour(), grown.by_hour()
    return tuple(
        hour
        if hour.hour not in before
        else _times(hour, *map(_ratio, before[hour.hour], since[hour.hour]))
        for hour in hours
    )


def _ratio(before: float, since: float) -> float:
    return since / before if before > 0.0 else 1.0


def _times(hour: Hour, mean: float, peak: float) -> Hour:
    rps = hour.rps_mean * mean
    return Hour(hour.hour, rps, max(rps, hour.rps_peak * peak), hour.rps_jump * mean)


def _coarse(demand: Demand) -> tuple[Hour, ...]:
    low, high = demand.requests_per_hour_trough / 3600.0, demand.requests_per_hour_peak / 3600.0
    mean = min(max(demand.requests_per_month.mid / 730.0 / 3600.0, low), high)
    return tuple(Hour(i, rps, rps * BURST) for i, rps in enumerate((low, mean, high)))


def by_day(shape: Shape, days: Sequence[int]) -> list[list[Hour]]:
    """The days of a group that were seen whole, each as its 24 hours."""
    found = {hour.hour: hour for hour in shape.hours}
    whole = []
    for day in days:
        hours = [found[i] for i in range(day * 24, day * 24 + 24) if i in found]
        if len(hours) == 24:
            whole.append(hours)
    return whole


def usual_day(shape: Shape, days: tuple[int, ...]) -> tuple[float, ...] | None:
    """Mean rate by the hour of the day, as it usually is on such days; None where they were not
    all seen, or do not repeat. Two days, as of a weekend, count as they are."""
    if days not in shape.usual:
        shape.usual[days] = _usual_day(by_day(shape, days), len(days))
    return shape.usual[days]


def _usual_day(seen: Sequence[Sequence[Hour]], days: int) -> tuple[float, ...] | None:
    if len(seen) < days or not (repeats(seen) or days == len(WEEKEND)):
        return None
    return tuple(sorted(day[hour].rps_mean for day in seen)[len(seen) // 2] for hour in range(24))


def repeats(days: Sequence[Sequence[Hour]]) -> bool:
    """Whether the time of day tells the load: one-way analysis of variance over days.

    Logs, so that a busy day does not outvote the others.
    """
    if len(days) < LEAST_DAYS:
        return False
    top = max(hour.rps_mean for day in days for hour in day)
    if top / 1000.0 <= 0.0:
        return False
    rows = [[math.log(max(hour.rps_mean, top / 1000.0)) for hour in day] for day in days]
    columns = list(zip(*rows, strict=True))
    centre = statistics.fmean(value for row in rows for value in row)
    means = [statistics.fmean(column) for column in columns]
    between = len(days) * sum((mean - centre) ** 2 for mean in means)
    within = sum((v - m) ** 2 for m, col in zip(means, columns, strict=True) for v in col)
    if between <= 0.0:
        return False
    chance = (between / 23.0) / max(within / (24.0 * (len(days) - 1)), 1e-12)
    return bool(between / (between + within) >= EXPLAINED and chance >= RATIO)
