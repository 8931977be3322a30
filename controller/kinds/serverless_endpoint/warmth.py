"""What keeping environments warm does: how many requests start cold, and how many find none free.

A request starts cold where it finds every environment that is there busy. Of the past it is
known how many did (ModelSetupTime has a sample for each) while how many environments were kept
warm; for another number it is foretold from the course of demand. In each part, as many
environments are needed as requests are in progress, and two standard deviations of a Poisson
number more. One that was not needed for `KEEP_S` is gone, and every one is renewed after
`RENEW_S`. Both are guesses (AWS promises neither), so only the ratio of two such counts is
used, and only for more than was measured:

    cold(n) = measured(m) * counted(n) / counted(m),  n > m

Which requests find all `n` busy is Erlang's overflow of n servers: the rest go to environments
on demand, and are billed as such.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from controller.core.stats import Floats
from controller.model.demand import Course, Demand, WarmHours

KEEP_S = 600.0
RENEW_S = 7200.0
LEAST_REQUESTS = 200
"""Requests from which a share of cold starts counts as measured."""
UNMEASURED_SD = 0.4
"""Of a share that is foretold, in logs."""


@dataclass(frozen=True, slots=True)
class Cold:
    """Share of requests that start cold, and its standard deviation in logs."""

    share: float
    log_sd: float


@dataclass(frozen=True, slots=True)
class Warmth:
    """What is known of an endpoint's cold starts."""

    hours: tuple[WarmHours, ...]
    course: Course | None

    @classmethod
    def of(cls, demand: Demand) -> "Warmth":
        """From demand; hours with too few requests say nothing."""
        known = tuple(h for h in demand.warm_hours if h.requests >= LEAST_REQUESTS)
        return cls(known, demand.course)

    def measured(self, provisioned: int) -> bool:
        """Whether enough requests were seen while so many were kept warm."""
        return any(h.provisioned == provisioned for h in self.hours)

    def cold(self, provisioned: int, mean_ms: float) -> Cold:
        """The share that starts cold with so many kept warm; none where nothing is known."""
        if not self.hours:
            return Cold(0.0, 0.0)
        if self.measured(provisioned):
            return _measured(next(h for h in self.hours if h.provisioned == provisioned))
        below = [h for h in self.hours if h.provisioned < provisioned]
        if below:
            return self._fewer(below[-1], provisioned, mean_ms)
        return self._more(self.hours[0], provisioned, mean_ms)

    def _fewer(self, than: WarmHours, provisioned: int, mean_ms: float) -> Cold:
        """With more kept warm than was measured: as many fewer as are counted."""
        known = _measured(than)
        before, after = self._starts(than.provisioned, mean_ms), self._starts(provisioned, mean_ms)
        ratio = after / before if before > 0.0 else 1.0
        return Cold(known.share * ratio, UNMEASURED_SD)

    def _more(self, than: WarmHours, provisioned: int, mean_ms: float) -> Cold:
        """With fewer kept warm than was ever measured: every request that finds all of them busy,
        for nobody knows how long AWS would keep the others."""
        share = max(_measured(than).share, self.overflow(provisioned, mean_ms))
        return Cold(share, UNMEASURED_SD)

    def _starts(self, provisioned: int, mean_ms: float) -> float:
        """Cold starts per request that the course of demand makes."""
        if self.course is None or not any(self.course.rps):
            return 0.0
        requests = sum(self.course.rps) * self.course.step_s
        return starts(levels(self.course, mean_ms), provisioned, self.course.step_s) / requests

    def overflow(self, provisioned: int, mean_ms: float) -> float:
        """Share of requests that find all that is kept warm busy."""
        if provisioned == 0:
            return 1.0
        rates = np.asarray((1.0,) if self.course is None else self.course.rps)
        if self.course is None or not rates.any():
            return 0.0
        busy = rates * mean_ms / 1000.0
        return float((rates * _losses(provisioned, busy)).sum() / rates.sum())


def levels(course: Course, mean_ms: float) -> Floats:
    """Environments needed in each part."""
    rates = np.asarray(course.rps, dtype=np.float64)
    busy = rates * mean_ms / 1000.0
    needed = np.maximum(1.0, np.ceil(busy + 2.0 * np.sqrt(busy)))
    return np.where(rates > 0.0, needed, 0.0)


def starts(needed: Floats, provisioned: int, step_s: float) -> float:
    """Environments that start because none is there: above those that are kept warm, beyond
    what the parts before have left, or in place of one whose time has come."""
    left = np.zeros(len(needed))
    for parts in range(1, max(1, round(KEEP_S / step_s)) + 1):
        left[parts:] = np.maximum(left[parts:], needed[:-parts])
    left[0] = needed[0]
    rises = np.maximum(0.0, np.maximum(needed, provisioned) - np.maximum(left, provisioned))
    renewed = np.maximum(0.0, needed - provisioned) * step_s / RENEW_S
    return float((rises + renewed).sum())


def choices(steps: Sequence[int], most: int, peak: int) -> tuple[int, ...]:
    """Numbers to keep warm that are worth looking at: none, and steps up to what a peak needs."""
    enough = next((step for step in steps if step >= peak), steps[-1])
    top = min(most, enough)
    return (0, *(step for step in steps if step < top), top) if top > 0 else (0,)


def _measured(hours: WarmHours) -> Cold:
    return Cold(
        (hours.cold_starts + 0.5) / (hours.requests + 1.0), (hours.cold_starts + 1.0) ** -0.5
    )


def _losses(servers: int, busy: Floats) -> Floats:
    """Erlang's B of every load."""
    blocked = np.ones(len(busy))
    for count in range(1, servers + 1):
        blocked = busy * blocked / (count + busy * blocked)
    return blocked
