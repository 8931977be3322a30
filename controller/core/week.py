"""The shape of demand over a week: what each of its 168 hours asks."""

from collections.abc import Sequence

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
    found: dict[int, tuple[int, float, float]] = {}
    for window in hourly:
        requests, peak_rps = window.requests, window.peak_rps
        if isinstance(requests, Missing):
            continue
        mean = requests / (window.end_s - window.start_s)
        peak = mean if isinstance(peak_rps, Missing) else max(mean, peak_rps)
        hour = hour_of_week(window.start_s)
        seen, total, most = found.get(hour, (0, 0.0, 0.0))
        found[hour] = (seen + 1, total + mean, max(most, peak))
    return tuple(
        WeeklyHour(hour, seen, total / seen, most)
        for hour, (seen, total, most) in sorted(found.items())
    )


def rps_peak(hourly: Sequence[Window]) -> Maybe[float]:
    """Requests per second in the busiest part of any hour, for kinds that read parts."""
    peaks = [w.peak_rps for w in hourly if not isinstance(w.peak_rps, Missing)]
    return max(peaks) if peaks else HOURLY_ONLY
