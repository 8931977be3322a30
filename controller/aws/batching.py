"""Packing metric queries into as few GetMetricData calls as possible. Pure.

A call has one time range for up to 500 queries. Queries with nearly the same range share a
call over the union of their ranges and are cut to their own afterwards, as long as that does
not fetch far more points than were asked for. Statistics of one metric stay together, for
CloudWatch bills up to five of them in one call as one metric.
"""

import math
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter

from controller.core.periods import aligned
from controller.model.window import SeriesQuery

MAX_QUERIES = 500
"""MetricDataQueries in one call (CloudWatch API, GetMetricData)."""

MAX_POINTS = 100_800
"""Data points on one page; a further page is a further request, billed once more."""

STATISTICS_BILLED_AS_ONE = 5

OVERSHOOT = 1.25
"""Points fetched per point asked for that sharing a call may cost."""


@dataclass(frozen=True, slots=True)
class Batch:
    """One GetMetricData call: at most 500 different queries, a range that covers them all."""

    start_s: float
    end_s: float
    queries: tuple[SeriesQuery, ...]

    @property
    def metrics_billed(self) -> int:
        """Metrics that CloudWatch bills for the call."""
        per_metric = Counter(map(_metric, self.queries))
        return sum(math.ceil(n / STATISTICS_BILLED_AS_ONE) for n in per_metric.values())


def batches(queries: Iterable[SeriesQuery]) -> list[Batch]:
    """Calls that answer every query, each different query exactly once, in a stable order.

    Raises ValueError for a query that CloudWatch would answer with silence: off the grid of
    its period, an empty range, or a period that is no multiple of a minute.
    """
    different = set(queries)
    for query in different:
        check(query)
    ordered = sorted(different, key=_by_range)
    return [batch for shared in _shared_ranges(ordered) for batch in shared.batches()]


def check(query: SeriesQuery) -> None:
    """Raise ValueError where the query itself is a mistake of the program."""
    period_s = query.period_s
    if period_s <= 0 or period_s % 60 != 0:
        raise ValueError(f"period {period_s} s is no multiple of 60 s: {query}")
    if not (aligned(query.start_s, period_s) and aligned(query.end_s, period_s)):
        raise ValueError(f"range is off the grid of {period_s} s: {query}")
    if query.start_s >= query.end_s:
        raise ValueError(f"range is empty: {query}")
    if (query.stat == "PR") is (query.threshold_ms is None):
        raise ValueError(f"statistic PR and a threshold belong together: {query}")


def statistic(query: SeriesQuery) -> str:
    """CloudWatch's name of the statistic: `p95`, `PR(:300)`.

    The threshold is in the metric's own unit (`PR(:300000)` in microseconds), written in plain
    decimals (to the millionth), never as `3e-07` or `0.30000000000000004`.
    """
    if query.threshold_ms is None:
        return query.stat
    number = f"{query.threshold_ms * query.units_per_ms:.6f}".rstrip("0").rstrip(".")
    return f"PR(:{number})"


@dataclass(slots=True)
class _Shared:
    """A range that queries with one period share, while they are being gathered.

    Different periods never mix: the older start of one could lie beyond the age up to which
    the other's finer points are kept.
    """

    start_s: float
    end_s: float
    queries: list[SeriesQuery]
    seconds_asked: float

    @classmethod
    def by(cls, query: SeriesQuery) -> "_Shared":
        return cls(query.start_s, query.end_s, [query], query.end_s - query.start_s)

    def admits(self, query: SeriesQuery) -> bool:
        """Take the query in, unless the wider range would fetch too much."""
        start_s, end_s = min(self.start_s, query.start_s), max(self.end_s, query.end_s)
        asked = self.seconds_asked + query.end_s - query.start_s
        if (end_s - start_s) * (len(self.queries) + 1) > OVERSHOOT * asked:
            return False
        self.start_s, self.end_s, self.seconds_asked = start_s, end_s, asked
        self.queries.append(query)
        return True

    def batches(self) -> Iterator[Batch]:
        """Cut into calls, the statistics of one metric together where they fit."""
        points_each = (self.end_s - self.start_s) / self.queries[0].period_s
        room = max(1, min(MAX_QUERIES, int(MAX_POINTS / points_each)))
        part: list[SeriesQuery] = []
        for _, statistics in groupby(sorted(self.queries, key=_by_metric), key=_metric):
            run = list(statistics)
            if part and len(part) + len(run) > room:
                yield self._batch(part)
                part = []
            part += run
            while len(part) > room:
                yield self._batch(part[:room])
                part = part[room:]
        if part:
            yield self._batch(part)

    def _batch(self, part: list[SeriesQuery]) -> Batch:
        return Batch(self.start_s, self.end_s, tuple(part))


def _shared_ranges(ordered: Iterable[SeriesQuery]) -> Iterator[_Shared]:
    for _, same_period in groupby(ordered, key=attrgetter("period_s")):
        shared: _Shared | None = None
        for query in same_period:
            if shared is None or not shared.admits(query):
                if shared is not None:
                    yield shared
                shared = _Shared.by(query)
        if shared is not None:
            yield shared


def _metric(query: SeriesQuery) -> tuple[str, str, tuple[tuple[str, str], ...]]:
    return (query.namespace, query.metric, query.dimensions)


def _by_metric(query: SeriesQuery) -> tuple[object, ...]:
    return (*_metric(query), query.period_s, query.start_s, query.end_s, statistic(query))


def _by_range(query: SeriesQuery) -> tuple[object, ...]:
    return (query.period_s, query.start_s, query.end_s, *_metric(query), statistic(query))
