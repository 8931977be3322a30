"""The shape of demand over a week: what each of its 168 hours asks."""

from collections.abc import Sequence
from dataclasses import dataclass
from operator import attrgetter

import numpy as np

from controller.core.periods import HOUR_S
from controller.core.stats import Floats
from controller.model.demand import HOURLY_ONLY, Course, WeeklyHour
from controller.model.missing import Maybe, Missing
from controller.model.window import Window

HOURS = 168
_THURSDAY = 3
"""The epoch began on one."""


def hour_of_week(instant_s: float) -> int:
    """0-167 in UTC; 0 is Monday midnight."""
    return int(instant_s // HOUR_S + _THURSDAY * 24) % HOURS


@dataclass(frozen=True, slots=True)
class Parts:
    """Requests a second in each part of a span of hours; NaN where they are not known.

    Hours and parts begin on a raster: CloudWatch's periods do.
    """

    start_s: float
    step_s: float
    rps: Floats

    @classmethod
    def of(cls, hourly: Sequence[Window]) -> "Parts | None":
        """None for kinds that read no parts."""
        parts = [part for window in hourly for part in window.parts]
        if not parts:
            return None
        start_s, step_s = hourly[0].start_s, parts[0].end_s - parts[0].start_s
        known = [part for part in parts if not isinstance(part.requests, Missing)]
        requests, starts, ends = (
            np.fromiter(map(attrgetter(name), known), np.float64, len(known))
            for name in ("requests", "start_s", "end_s")
        )
        rps = np.full(round((hourly[-1].end_s - start_s) / step_s), np.nan)
        rps[np.rint((starts - start_s) / step_s).astype(np.int64)] = requests / (ends - starts)
        return cls(start_s, step_s, rps)

    def jumps(self) -> Floats:
        """The steepest rise that ends in each hour: over two of its parts."""
        per_hour = round(HOUR_S / self.step_s)
        rises = np.zeros(-(-len(self.rps) // per_hour) * per_hour)
        rises[2 : len(self.rps)] = self.rps[2:] - self.rps[:-2]
        return np.asarray(np.fmax(0.0, np.fmax.reduce(rises.reshape(-1, per_hour), axis=1)))


def weekly(hourly: Sequence[Window], parts: Parts | None = None) -> tuple[WeeklyHour, ...]:
    """Mean and busiest rate by hour of the week, of hours whose requests are known; with the
    parts of the same hours also how steeply it rises."""
    found: dict[int, list[tuple[float, float, float]]] = {}
    jumps = None if parts is None else parts.jumps().tolist()
    for window in hourly:
        if isinstance(window.requests, Missing):
            continue
        start_s, peak = window.start_s, window.peak_rps
        mean = window.requests / (window.end_s - start_s)
        jump = jumps[round((start_s - hourly[0].start_s) / HOUR_S)] if jumps else 0.0
        seen = (
            mean,
            mean if isinstance(peak, Missing) else max(mean, peak),
            jump if window.parts else 0.0,
        )
        hour = hour_of_week(start_s)
        if hour in found:
            found[hour].append(seen)
        else:
            found[hour] = [seen]
    return tuple(_hour(hour, seen) for hour, seen in sorted(found.items()))


def _hour(hour: int, seen: Sequence[tuple[float, float, float]]) -> WeeklyHour:
    if len(seen) == 1:
        return WeeklyHour(hour, 1, seen[0][0], seen[0][1], 0.0)
    means, peaks, jumps = zip(*seen, strict=True)
    return WeeklyHour(hour, len(seen), sum(means) / len(seen), max(peaks), min(jumps))


def course(hourly: Sequence[Window], parts: Parts | None) -> Course | None:
    """Every part from the first hour to the last; None for kinds that read no parts.

    An hour too thin for parts counts with its mean throughout.
    """
    if parts is None:
        return None
    start_s, step_s = parts.start_s, parts.step_s
    found = np.full(len(parts.rps), np.nan)
    for window in hourly:
        if isinstance(window.requests, Missing):
            continue
        first = round((window.start_s - start_s) / step_s)
        inside = round((window.end_s - window.start_s) / step_s)
        mean = window.requests / (window.end_s - window.start_s)
        found[first : first + inside] = 0.0 if window.parts else mean
    found = np.where(np.isnan(parts.rps), found, parts.rps)
    return Course(start_s, step_s, tuple(_without_gaps(found).tolist()))


def arrivals(hourly: Sequence[Window]) -> Course | None:
    """As `course`, for kinds that count requests by part and publish nothing while nobody
    calls: an hour that is not there had none. None where nothing was counted so."""
    parts = max((len(window.by_part) for window in hourly), default=0)
    if parts == 0:
        return None
    start_s, step_s = hourly[0].start_s, HOUR_S / parts
    found = [0.0] * round((hourly[-1].end_s - start_s) / step_s)
    # One object for each value: thousands of parts of each endpoint are kept.
    rates = {n: n / step_s for window in hourly for n in window.by_part}
    for window in hourly:
        first = round((window.start_s - start_s) / step_s)
        found[first : first + len(window.by_part)] = [rates[n] for n in window.by_part]
    return Course(start_s, step_s, tuple(found))


def _without_gaps(found: Floats) -> Floats:
    """What is not known is as what comes after it: a gap must not look like a rise."""
    known = np.flatnonzero(~np.isnan(found))
    if not len(known):
        return np.zeros(len(found))
    after = np.searchsorted(known, np.arange(len(found)))
    return np.asarray(found[known[np.minimum(after, len(known) - 1)]])


def rps_peak(hourly: Sequence[Window]) -> Maybe[float]:
    """Requests per second in the busiest part of any hour, for kinds that read parts."""
    peaks = [w.peak_rps for w in hourly if not isinstance(w.peak_rps, Missing)]
    return max(peaks) if peaks else HOURLY_ONLY
