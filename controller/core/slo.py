"""Is the SLO met? A question of counts: slow requests against all requests."""

from collections.abc import Iterable
from dataclasses import dataclass

from controller.core.stats import share_at_most
from controller.model.demand import HOURLY_ONLY, Attainment, SloStatus
from controller.model.missing import Maybe, Missing
from controller.model.policy import Slo
from controller.model.window import Window

CERTAIN = 0.95
"""Posterior probability from which the SLO counts as met, or (1 - it) as broken."""


@dataclass(frozen=True, slots=True)
class Counts:
    """Requests, slow requests and errors added up over windows."""

    requests: int = 0
    slow: int = 0
    errors: int = 0
    windows: int = 0
    first_s: float | None = None
    last_s: float | None = None


def count(windows: Iterable[Window], threshold_ms: float) -> Counts:
    """Add up the windows that hold both a number of requests and a ratio for this threshold.

    A window measured against another threshold says nothing about this one and is left out.
    """
    requests = slow = errors = used = 0
    first_s: float | None = None
    last_s: float | None = None
    for window in windows:
        slow_here = window.slow
        if isinstance(window.requests, Missing) or isinstance(slow_here, Missing):
            continue
        if window.threshold_ms != threshold_ms:
            continue
        requests += window.requests
        slow += slow_here
        errors += 0 if isinstance(window.errors, Missing) else window.errors
        used += 1
        first_s = window.start_s if first_s is None else min(first_s, window.start_s)
        last_s = window.end_s if last_s is None else max(last_s, window.end_s)
    return Counts(requests, slow, errors, used, first_s, last_s)


def slo_status(windows: Iterable[Window], slo: Slo, now_s: float, since_s: float) -> SloStatus:
    """Judge the SLO over its window, counting only what began at or after `since_s`.

    Broken needs two things: that the whole window makes it (almost) certain, and that its
    newest quarter still points that way; a burst that has passed is no reason to act.
    """
    start_s = max(since_s, now_s - slo.window_s)
    inside = [w for w in windows if w.start_s >= start_s and w.end_s <= now_s]
    total = count(inside, slo.threshold_ms)
    budget = 1.0 - slo.percentile
    p_met = share_at_most(budget, total.slow, total.requests)
    attainment = Attainment.UNKNOWN
    if total.requests > 0 and p_met >= CERTAIN:
        attainment = Attainment.MET
    elif total.requests > 0 and p_met <= 1.0 - CERTAIN and _still_slow(inside, slo, total):
        attainment = Attainment.BREACHED
    ratio = Missing("no requests in the window")
    return SloStatus(
        attainment=attainment,
        requests=total.requests,
        slow=total.slow,
        met_ratio=1.0 - total.slow / total.requests if total.requests else ratio,
        p_met=p_met,
        p95_ms=_typical_p95(inside),
        error_ratio=_error_ratio(inside, slo),
        newest_s=total.last_s if total.last_s is not None else Missing("no data points"),
        throttle_ratio=_throttle_ratio(inside),
    )


def _error_ratio(inside: list[Window], slo: Slo) -> Maybe[float]:
    """Share of failed requests, of the windows that hold a number of failures."""
    total = count((w for w in inside if not isinstance(w.errors, Missing)), slo.threshold_ms)
    if total.requests == 0:
        return Missing("no Errors datapoint in the window")
    return total.errors / total.requests


def _throttle_ratio(inside: list[Window]) -> Maybe[float]:
    """Throttled requests per request served, of the windows that hold both."""
    both = [
        (w.throttles, w.requests)
        for w in inside
        if not isinstance(w.throttles, Missing) and not isinstance(w.requests, Missing)
    ]
    served = sum(requests for _, requests in both)
    if served == 0:
        return HOURLY_ONLY
    return sum(throttles for throttles, _ in both) / served


def error_slo_broken(status: SloStatus, slo: Slo) -> bool:
    """Whether the share of failed requests is (almost) certainly above the policy's limit."""
    if slo.max_error_ratio is None or isinstance(status.error_ratio, Missing):
        return False
    errors = round(status.error_ratio * status.requests)
    return share_at_most(slo.max_error_ratio, errors, status.requests) <= 1.0 - CERTAIN


def _still_slow(inside: list[Window], slo: Slo, total: Counts) -> bool:
    """Two windows or more are over the budget of slow requests, and the newest quarter is."""
    budget = 1.0 - slo.percentile
    over = sum(1 for w in inside if _over(w, budget, slo.threshold_ms))
    if over < 2 or total.last_s is None:
        return False
    newest = count(
        (w for w in inside if w.end_s > (total.last_s or 0.0) - slo.window_s / 4.0),
        slo.threshold_ms,
    )
    return share_at_most(budget, newest.slow, newest.requests) < 0.5


def _over(window: Window, budget: float, threshold_ms: float) -> bool:
    counts = count([window], threshold_ms)
    return counts.requests > 0 and counts.slow > budget * counts.requests


def _typical_p95(inside: list[Window]) -> Maybe[float]:
    """The windows' percentiles, weighted by requests: for people, never for the verdict.

    Percentiles of short windows may not be averaged into an exact one; the exact statement
    is the ratio beside it.
    """
    weighted = [
        (w.p95_ms, w.requests)
        for w in inside
        if not isinstance(w.p95_ms, Missing) and not isinstance(w.requests, Missing)
    ]
    total = sum(n for _, n in weighted)
    if total == 0:
        return Missing("no latency in the window")
    return sum(p * n for p, n in weighted) / total
