"""What the traffic asks, from two weeks of hours: independent of the size we chose."""

import math
from collections.abc import Sequence

from controller.core.periods import HOUR_S
from controller.core.week import Parts, arrivals, course, rps_peak, weekly
from controller.model.demand import Demand, Interval, WarmHours
from controller.model.missing import Maybe, Missing
from controller.model.window import MemoryUse, Window

HOURS_PER_MONTH = 730.0
"""As AWS counts a month."""


def demand(
    hourly: Sequence[Window],
    memory_use: Sequence[MemoryUse],
    memory_refusal: str | None = None,
) -> Maybe[Demand]:
    """Demand from hourly windows (oldest first) and what REPORT lines said.

    `memory_refusal` is why they could not be read, if they could not.

    An hour without a datapoint between two hours with one counts as an hour without
    requests for the mean and the trough: Lambda publishes nothing when nothing happens.
    Missing where no hour had any.
    """
    seen = [w for w in hourly if not isinstance(w.requests, Missing)]
    if not seen:
        return Missing("no requests in the last two weeks")
    counts, parts = _per_hour(seen), Parts.of(seen)
    requests = [w.requests for w in seen]
    return Demand(
        requests_per_month=_per_month(counts),
        requests_per_hour_peak=max(counts),
        requests_per_hour_trough=min(counts),
        concurrency_peak=_largest([w.concurrency_peak for w in seen], "concurrency"),
        memory_used_mb=_memory_used(memory_use, memory_refusal),
        error_ratio=_ratio([w.errors for w in seen], requests),
        throttle_ratio=_ratio([w.throttles for w in seen], requests),
        cold_start_ratio=_cold_ratio(memory_use),
        init_mean_ms=_init_mean(memory_use),
        hours_observed=len(seen),
        rps_peak=rps_peak(seen),
        weekly=() if parts is None else weekly(seen, parts),
        course=arrivals(seen) if parts is None else course(seen, parts),
        warm_hours=_warm_hours(hourly),
        idle_s=_idle_s(hourly),
    )


def _per_hour(seen: Sequence[Window]) -> list[float]:
    """Requests of every hour from the first to the last one seen, silent ones as zero."""
    by_start = {w.start_s: float(w.requests) for w in seen if not isinstance(w.requests, Missing)}
    hours = round((seen[-1].start_s - seen[0].start_s) / 3600.0) + 1
    if hours == len(by_start) == len(seen):
        return list(by_start.values())
    return [by_start.get(seen[0].start_s + 3600.0 * i, 0.0) for i in range(hours)]


def _warm_hours(hourly: Sequence[Window]) -> tuple[WarmHours, ...]:
    """Cold starts by the number kept warm. The first hour of each number is left out: it began
    with all environments anew."""
    found: dict[int, tuple[int, int]] = {}
    before: Maybe[int] | None = None
    for window in hourly:
        kept, requests, cold = window.provisioned, window.requests, window.cold_starts
        same, before = before in {None, kept}, kept
        if isinstance(kept, Missing) or isinstance(requests, Missing) or not same:
            continue
        if not isinstance(cold, Missing):
            called, started = found.get(kept, (0, 0))
            found[kept] = called + requests, started + cold
    return tuple(WarmHours(kept, *counts) for kept, counts in sorted(found.items()))


def _idle_s(hourly: Sequence[Window]) -> float:
    """How long the newest hours without any request are, that say so."""
    idle_s = 0.0
    for window in reversed(hourly):
        if isinstance(window.requests, Missing) or window.requests > 0:
            break
        idle_s += window.end_s - window.start_s
    return idle_s


def hours_between(hourly: Sequence[Window]) -> list[float]:
    """Starts of the hours that are missing between the first and the last one."""
    starts = {w.start_s for w in hourly}
    if not starts:
        return []
    first_s = min(starts)
    hours = round((max(starts) - first_s) / HOUR_S)
    if len(starts) == hours + 1:
        return []
    every = (first_s + HOUR_S * i for i in range(hours))
    return [start_s for start_s in every if start_s not in starts]


def _per_month(counts: Sequence[float]) -> Interval:
    """Monthly requests; the interval is the spread of whole days, wide while there is one."""
    mean = sum(counts) / len(counts)
    days = [sum(counts[i : i + 24]) / 24.0 for i in range(0, len(counts) - 23, 24)]
    if len(days) < 2:
        half = mean * 0.5
    else:
        centre = sum(days) / len(days)
        variance = sum((d - centre) ** 2 for d in days) / (len(days) - 1)
        half = 1.645 * math.sqrt(variance / len(days))
    low, high = max(0.0, mean - half), mean + half
    return Interval(low * HOURS_PER_MONTH, mean * HOURS_PER_MONTH, high * HOURS_PER_MONTH)


def _largest(values: Sequence[Maybe[float]], what: str) -> Maybe[float]:
    known = [v for v in values if not isinstance(v, Missing)]
    return max(known) if known else Missing(f"no {what} metric")


def _ratio(events: Sequence[Maybe[int]], requests: Sequence[Maybe[int]]) -> Maybe[float]:
    """Events per request, over the hours in which both are known."""
    happened = total = 0
    for some, every in zip(events, requests, strict=True):
        if not isinstance(some, Missing) and not isinstance(every, Missing):
            happened += some
            total += every
    return happened / total if total else Missing("no such metric")


def _memory_used(use: Sequence[MemoryUse], refusal: str | None) -> Maybe[int]:
    if not use:
        return Missing(refusal or "no REPORT lines read yet")
    return max(row.max_used_mb for row in use)


def _cold_ratio(use: Sequence[MemoryUse]) -> Maybe[float]:
    invocations = sum(row.invocations for row in use)
    if invocations == 0:
        return Missing("no REPORT lines read yet")
    return sum(row.cold_starts for row in use) / invocations


def _init_mean(use: Sequence[MemoryUse]) -> Maybe[float]:
    rows = [(r.init_mean_ms, r.cold_starts) for r in use if not isinstance(r.init_mean_ms, Missing)]
    cold = sum(n for _, n in rows)
    if cold == 0:
        return Missing("no cold start seen")
    return sum(ms * n for ms, n in rows) / cold
