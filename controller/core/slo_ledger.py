"""Requests and slow requests since the beginning, each window counted once.

Counters may only grow, and CloudWatch adds late points to windows that were read before. So
the ledger remembers what it has counted of each window that may still grow, adds only what
is new of it, and closes it for good an hour later. It is a value: the runtime keeps it in the
journal, so that a restart goes on where the last process stopped.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from controller.core.periods import HOUR_S
from controller.core.slo import count
from controller.model.missing import Maybe, Missing
from controller.model.policy import Slo
from controller.model.window import Window

REVISED_S = float(HOUR_S)
"""A window may still grow until counted data ends so much later."""


@dataclass(frozen=True, slots=True)
class Totals:
    """Numbers that never fall: requests, those slower than the objective, those that failed."""

    requests: int = 0
    slow: int = 0
    failed: int = 0

    def plus(self, other: "Totals") -> "Totals":
        """Added up."""
        return Totals(
            self.requests + other.requests, self.slow + other.slow, self.failed + other.failed
        )

    def minus(self, other: "Totals") -> "Totals":
        """What this has more than the other."""
        return Totals(
            self.requests - other.requests, self.slow - other.slow, self.failed - other.failed
        )

    def grown_to(self, other: "Totals") -> "Totals":
        """The larger of each number: a later answer that says less takes nothing back."""
        return Totals(
            max(self.requests, other.requests),
            max(self.slow, other.slow),
            max(self.failed, other.failed),
        )


@dataclass(frozen=True, slots=True)
class Ledger:
    """What has been counted of one endpoint."""

    total: Totals = Totals()
    threshold_ms: float = 0.0
    """The latency that `open` was counted against."""
    open: Mapping[float, Totals] = field(default_factory=dict)
    """Windows that may still grow, by their start."""
    closed_s: float = 0.0
    """Windows that began before this instant are never counted (again)."""
    end_s: float = 0.0
    """Where the newest counted window ends."""


def taken(ledger: Ledger, windows: Iterable[Window], threshold_ms: float) -> Ledger:
    """The ledger after looking at windows, in any order and however often.

    A window counts when both its requests and its share of slow ones are known. Where the
    objective has changed, windows counted against the old one stay as they were counted.
    """
    closed_s = ledger.closed_s
    counted = dict(ledger.open)
    if ledger.threshold_ms != threshold_ms:
        closed_s, counted = max(closed_s, ledger.end_s), {}
    total, end_s = ledger.total, ledger.end_s
    for window in windows:
        if window.start_s < closed_s:
            continue
        seen = _counted(window, threshold_ms)
        if seen is None:
            continue
        before = counted.get(window.start_s, Totals())
        counted[window.start_s] = now = before.grown_to(seen)
        total = total.plus(now.minus(before))
        end_s = max(end_s, window.end_s)
    closed_s = max(closed_s, end_s - REVISED_S)
    still_open = {start: seen for start, seen in counted.items() if start >= closed_s}
    return Ledger(total, threshold_ms, still_open, closed_s, end_s)


def budget_remaining(windows: Iterable[Window], slo: Slo) -> Maybe[float]:
    """Share of the slow requests allowed over these windows that has not been used.

    1: none was slow; 0: as many as allowed; below 0: more than allowed.
    """
    total = count(windows, slo.threshold_ms)
    if total.requests == 0:
        return Missing("no requests in these windows")
    return 1.0 - burn_rate(total.slow / total.requests, slo)


def burn_rate(slow_ratio: float, slo: Slo) -> float:
    """How many times faster than allowed the budget of slow requests is used.

    1 uses exactly the budget. At an objective of 95 % it is at most 20: when all are slow.
    """
    return slow_ratio / (1.0 - slo.percentile)


def _counted(window: Window, threshold_ms: float) -> Totals | None:
    slow = window.slow
    if isinstance(window.requests, Missing) or isinstance(slow, Missing):
        return None
    if window.threshold_ms != threshold_ms:
        return None
    failed = 0 if isinstance(window.errors, Missing) else window.errors
    return Totals(window.requests, slow, failed)
