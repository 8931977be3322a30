"""The shape of demand over a week: what each of its 168 hours asks."""

from collections.abc import Sequence

from controller.core.periods import DAY_S, HOUR_S
from controller.model.demand import HOURLY_ONLY, WeeklyHour
from controller.model.missing import Maybe, Missing
from controller.model.window import Window

HOURS = 168
_THURSDAY = 3
"""The epoch began on one."""


def hour_of_week(instant_s: float) -> int:
    """0-167 in UTC; 0 is Monday midnight."""
    day = int(instant_s // DAY_S + _THURSDAY) % 7
    return day * 24 + int(instant_s % DAY_S // HOUR_S)


def weekly(hourly: Sequence[Window]) -> tuple[WeeklyHour, ...]:
    """Mean and busiest rate by hour of the week, of hours whose requests are known."""
    found: dict[int, list[tuple[float, float]]] = {}
    for window in hourly:
        if isinstance(window.requests, Missing):
            continue
        mean = window.requests / (window.end_s - window.start_s)
        peak = mean if isinstance(window.peak_rps, Missing) else max(mean, window.peak_rps)
        found.setdefault(hour_of_week(window.start_s), []).append((mean, peak))
    return tuple(
        WeeklyHour(hour, len(seen), sum(m for m, _ in seen) / len(seen), max(p for _, p in seen))
        for hour, seen in sorted(found.items())
    )


def rps_peak(hourly: Sequence[Window]) -> Maybe[float]:
    """Requests per second in the busiest part of any hour, for kinds that read parts."""
    peaks = [w.peak_rps for w in hourly if not isinstance(w.peak_rps, Missing)]
    return max(peaks) if peaks else HOURLY_ONLY
