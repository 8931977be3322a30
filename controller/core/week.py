"""The shape of demand over a week: what each of its 168 hours asks."""

from collections.abc import Mapping, Sequence

from controller.core.periods import HOUR_S
from controller.model.demand import HOURLY_ONLY, Course, WeeklyHour
from controller.model.missing import Maybe, Missing
from controller.model.window import Window

HOURS = 168
_THURSDAY = 3
"""The epoch began on one."""


def hour_of_week(instant_s: float) -> int:
    """0-167 in UTC; 0 is Monday midnight."""
    return int(instant_s // HOUR_S + _THURSDAY * 24) % HOURS


def weekly(hourly: Sequence[Window]) -> tuple[WeeklyHour, ...]:
    """Mean and busiest rate by hour of the week, of hours whose requests are known."""
    found: dict[int, list[tuple[float, float, float]]] = {}
    rates = _rates(hourly)
    for window in hourly:
        if isinstance(window.requests, Missing):
            continue
        start_s, peak = window.start_s, window.peak_rps
        mean = window.requests / (window.end_s - start_s)
        seen = (
            mean,
            mean if isinstance(peak, Missing) else max(mean, peak),
            _jump(window, rates) if window.parts else 0.0,
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


def _rates(hourly: Sequence[Window]) -> dict[float, float]:
    """Requests a second by the start of each part, for kinds that read parts."""
    return {
        part.start_s: part.requests / (part.end_s - part.start_s)
        for window in hourly
        for part in window.parts
        if not isinstance(part.requests, Missing)
    }


def _jump(window: Window, rates: Mapping[float, float]) -> float:
    """The steepest rise that ends in an hour: over two of its parts."""
    rises = [
        rates[part.start_s] - rates[before_s]
        for part in window.parts
        if (before_s := part.start_s - 2.0 * (part.end_s - part.start_s)) in rates
        and part.start_s in rates
    ]
    return max([0.0, *rises])


def course(hourly: Sequence[Window]) -> Course | None:
    """Every part from the first hour to the last; None for kinds that read no parts.

    An hour too thin for parts counts with its mean throughout.
    """
    part = next((part for window in hourly for part in window.parts), None)
    if part is None:
        return None
    step_s = part.end_s - part.start_s
    start_s, steps = hourly[0].start_s, round((hourly[-1].end_s - hourly[0].start_s) / step_s)
    found: list[float | None] = [None] * steps
    for window in hourly:
        if isinstance(window.requests, Missing):
            continue
        first = round((window.start_s - start_s) / step_s)
        mean = window.requests / (window.end_s - window.start_s)
        inside = round((window.end_s - window.start_s) / step_s)
        found[first : first + inside] = [0.0 if window.parts else mean] * inside
    for at_s, rps in _rates(hourly).items():
        found[round((at_s - start_s) / step_s)] = rps
    return Course(start_s, step_s, _without_gaps(found))


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


def _without_gaps(found: Sequence[float | None]) -> tuple[float, ...]:
    """What is not known is as what comes after it: a gap must not look like a rise."""
    filled, after = [], next((rps for rps in reversed(found) if rps is not None), 0.0)
    for rps in reversed(found):
        after = after if rps is None else rps
        filled.append(after)
    return tuple(reversed(filled))


def rps_peak(hourly: Sequence[Window]) -> Maybe[float]:
    """Requests per second in the busiest part of any hour, for kinds that read parts."""
    peaks = [w.peak_rps for w in hourly if not isinstance(w.peak_rps, Missing)]
    return max(peaks) if peaks else HOURLY_ONLY
