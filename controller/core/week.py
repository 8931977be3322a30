"""The shape of demand over a week: what each of its 168 hours asks."""

from collections.abc import Mapping, Sequence

from controller.core.periods import HOUR_S
from controller.model.demand import HOURLY_ONLY, WeeklyHour
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
        mean = window.requests / (window.end_s - window.start_s)
        peak = mean if isinstance(window.peak_rps, Missing) else max(mean, window.peak_rps)
        jump = _jump(window, rates)
        found.setdefault(hour_of_week(window.start_s), []).append((mean, peak, jump))
    return tuple(_hour(hour, seen) for hour, seen in sorted(found.items()))


def _hour(hour: int, seen: Sequence[tuple[float, float, float]]) -> WeeklyHour:
    means, peaks, jumps = zip(*seen, strict=True)
    jump = min(jumps) if len(seen) > 1 else 0.0
    return WeeklyHour(hour, len(seen), sum(means) / len(seen), max(peaks), jump)


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


def rps_peak(hourly: Sequence[Window]) -> Maybe[float]:
    """Requests per second in the busiest part of any hour, for kinds that read parts."""
    peaks = [w.peak_rps for w in hourly if not isinstance(w.peak_rps, Missing)]
    return max(peaks) if peaks else HOURLY_ONLY
