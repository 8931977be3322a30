"""What of SageMaker's latencies an objective speaks of, and the series that tell it.

ModelLatency is the container's own time, OverheadLatency what the service adds. Shares within
a threshold cannot be added up over the two, but what is slow in sum is slow in one of them:
for any split, P(M + O > T) <= P(M > T - o) + P(O > o). Of a few splits the smallest bound
counts, so an objective on the total is never judged better than it is. Percentiles are added,
which likewise is no less than the percentile of the sum.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from controller.core.contract import Answers
from controller.model.missing import Maybe, Missing
from controller.model.policy import Covers, Slo
from controller.model.window import Series, SeriesQuery

US_PER_MS = 1000.0
"""ModelLatency and OverheadLatency are in microseconds."""
OVERHEAD_SHARES = (0.1, 0.25)
"""Parts of an objective on the total that OverheadLatency may take."""

Query = Callable[..., SeriesQuery]
"""(metric, statistic, threshold in ms, units in a ms) -> one series."""


@dataclass(frozen=True, slots=True)
class Values:
    """Answers by series and time."""

    points: Mapping[SeriesQuery, Maybe[Mapping[float, float]]]

    @classmethod
    def of(cls, queries: Sequence[SeriesQuery], answers: Answers) -> "Values":
        """Every series as a mapping from the start of a period to its value."""
        return cls({q: _by_time(answers.get(q, Missing("not answered"))) for q in queries})

    def starts(self) -> list[float]:
        """Starts of all periods in which anything was published."""
        known = (p for p in self.points.values() if not isinstance(p, Missing))
        return sorted({start_s for points in known for start_s in points})

    def at(self, query: SeriesQuery, start_s: float) -> Maybe[float]:
        """A value in the metric's own unit."""
        points = self.points[query]
        if isinstance(points, Missing):
            return points
        found = points.get(start_s)
        return Missing(f"no {query.metric} datapoint") if found is None else found

    def whole(self, query: SeriesQuery, start_s: float) -> Maybe[int]:
        """A count."""
        found = self.at(query, start_s)
        return found if isinstance(found, Missing) else round(found)

    def total(self, queries: Sequence[SeriesQuery], start_s: float) -> Maybe[int]:
        """Counts of several metrics together, as far as they were published."""
        found = [self.whole(query, start_s) for query in queries]
        known = [count for count in found if not isinstance(count, Missing)]
        return sum(known) if known else found[0]

    def ms(self, query: SeriesQuery | None, start_s: float) -> Maybe[float]:
        """A latency in milliseconds."""
        if query is None:
            return Missing("read by the hour only")
        found = self.at(query, start_s)
        return found if isinstance(found, Missing) else found / US_PER_MS

    def share(self, query: SeriesQuery, start_s: float) -> Maybe[float]:
        """A percentage as a share."""
        found = self.at(query, start_s)
        return found if isinstance(found, Missing) else found / 100.0


@dataclass(frozen=True, slots=True)
class Latency:
    """One period's latencies, of what the objective covers."""

    met_ratio: Maybe[float]
    mean_ms: Maybe[float]
    p50_ms: Maybe[float]
    percentile_ms: Maybe[float]
    overhead_p95_ms: Maybe[float]


@dataclass(frozen=True, slots=True)
class LatencyQueries:
    """The series of what an objective covers. With `splits` it covers the total."""

    mean: SeriesQuery
    p50: SeriesQuery
    percentile: SeriesQuery
    met: tuple[SeriesQuery, ...]
    """ModelLatency within the threshold, less what each split leaves to the overhead."""
    splits: tuple[SeriesQuery, ...]
    """OverheadLatency within each split's part."""
    overhead_mean: SeriesQuery | None
    overhead: SeriesQuery | None

    @classmethod
    def of(cls, query: Query, slo: Slo, *, overhead: bool) -> "LatencyQueries":
        """Series by `query`. What a client sees cannot be read: the model's time stands for it."""
        total = slo.covers is Covers.TOTAL
        stat = f"p{slo.percentile * 100:g}"
        parts_ms = [slo.threshold_ms * share for share in OVERHEAD_SHARES] if total else []

        def within(metric: str, threshold_ms: float) -> SeriesQuery:
            return query(metric, "PR", threshold_ms, US_PER_MS)

        rest_ms = [slo.threshold_ms - part_ms for part_ms in parts_ms] or [slo.threshold_ms]
        return cls(
            mean=query("ModelLatency", "Average"),
            p50=query("ModelLatency", "p50"),
            percentile=query("ModelLatency", stat),
            met=tuple(within("ModelLatency", part_ms) for part_ms in rest_ms),
            splits=tuple(within("OverheadLatency", part_ms) for part_ms in parts_ms),
            overhead_mean=query("OverheadLatency", "Average") if total else None,
            overhead=query("OverheadLatency", stat if total else "p95")
            if total or overhead
            else None,
        )

    def series(self) -> tuple[SeriesQuery, ...]:
        """Every series."""
        more = (q for q in (self.overhead_mean, self.overhead) if q is not None)
        return (self.mean, self.p50, self.percentile, *self.met_series(), *more)

    def met_series(self) -> tuple[SeriesQuery, ...]:
        """What the share within the threshold follows from."""
        return (*self.met, *self.splits)

    def met_at(self, values: Values, start_s: float) -> Maybe[float]:
        """Share within the threshold: exact, or the best lower bound where two parts add up."""
        if not self.splits:
            return values.share(self.met[0], start_s)
        bounds = []
        for model, overhead in zip(self.met, self.splits, strict=True):
            within, quick = values.share(model, start_s), values.share(overhead, start_s)
            if isinstance(within, Missing) or isinstance(quick, Missing):
                return within if isinstance(within, Missing) else quick
            bounds.append(max(0.0, within + quick - 1.0))
        return max(bounds)

    def at(self, values: Values, start_s: float) -> Latency:
        """One period."""
        overhead = values.ms(self.overhead, start_s)
        mean = values.ms(self.mean, start_s)
        p50 = values.ms(self.p50, start_s)
        percentile = values.ms(self.percentile, start_s)
        if self.splits:
            added = values.ms(self.overhead_mean, start_s)
            mean, p50 = _sum(mean, added), _sum(p50, added)
            percentile = _sum(percentile, overhead)
        return Latency(self.met_at(values, start_s), mean, p50, percentile, overhead)


def _sum(one: Maybe[float], other: Maybe[float]) -> Maybe[float]:
    if isinstance(one, Missing):
        return one
    return other if isinstance(other, Missing) else one + other


def _by_time(series: Maybe[Series]) -> Maybe[Mapping[float, float]]:
    return series if isinstance(series, Missing) else dict(series.points)
