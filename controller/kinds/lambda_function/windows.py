"""Which CloudWatch series describe a function's traffic, and how they become windows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from controller.model.endpoint import LATEST, EndpointKey
from controller.model.missing import Maybe, Missing
from controller.model.window import Series, SeriesQuery, Window

NAMESPACE = "AWS/Lambda"


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of whole periods to read: [start_s, end_s) in steps of period_s."""

    start_s: float
    end_s: float
    period_s: int


@dataclass(frozen=True, slots=True)
class Queries:
    """The series of one function (or one version of it) over one span."""

    span: Span
    threshold_ms: float
    requests: SeriesQuery
    met: SeriesQuery
    mean: SeriesQuery
    p50: SeriesQuery
    percentile: SeriesQuery
    errors: SeriesQuery
    throttles: SeriesQuery
    concurrency: SeriesQuery

    def all(self) -> tuple[SeriesQuery, ...]:
        """Every series, for the batch."""
        return (
            self.requests,
            self.met,
            self.mean,
            self.p50,
            self.percentile,
            self.errors,
            self.throttles,
            self.concurrency,
        )


def dimensions(key: EndpointKey, version: str | None = None) -> tuple[tuple[str, str], ...]:
    """Dimensions of the traffic that a policy speaks of.

    An alias is `Resource=name:alias`; with a version, only what that version executed of it.
    Without an alias the function's own series: it adds up all aliases and versions.
    """
    function = ("FunctionName", key.name)
    if key.qualifier == LATEST:
        return (function,)
    alias = ("Resource", f"{key.name}:{key.qualifier}")
    if version is None:
        return (function, alias)
    return (function, alias, ("ExecutedVersion", version))


def queries(
    key: EndpointKey,
    span: Span,
    threshold_ms: float,
    percentile: float,
    version: str | None = None,
) -> Queries:
    """The eight series (five billed metrics) that make up a window."""
    dims = dimensions(key, version)

    def series(metric: str, stat: str, threshold: float | None = None) -> SeriesQuery:
        return SeriesQuery(
            NAMESPACE, metric, dims, stat, span.period_s, span.start_s, span.end_s, threshold
        )

    return Queries(
        span=span,
        threshold_ms=threshold_ms,
        requests=series("Invocations", "Sum"),
        met=series("Duration", "PR", threshold_ms),
        mean=series("Duration", "Average"),
        p50=series("Duration", "p50"),
        percentile=series("Duration", f"p{percentile * 100:g}"),
        errors=series("Errors", "Sum"),
        throttles=series("Throttles", "Sum"),
        concurrency=series("ConcurrentExecutions", "Maximum"),
    )


def trial_queries(
    key: EndpointKey, span: Span, threshold_ms: float, version: str | None
) -> tuple[SeriesQuery, SeriesQuery, SeriesQuery]:
    """Requests, share within the threshold, and errors: what a verdict counts."""
    dims = dimensions(key, version)
    times = (span.period_s, span.start_s, span.end_s)
    return (
        SeriesQuery(NAMESPACE, "Invocations", dims, "Sum", *times),
        SeriesQuery(NAMESPACE, "Duration", dims, "PR", *times, threshold_ms),
        SeriesQuery(NAMESPACE, "Errors", dims, "Sum", *times),
    )


def assemble_trial(
    wanted: tuple[SeriesQuery, SeriesQuery, SeriesQuery],
    answers: Mapping[SeriesQuery, Maybe[Series]],
) -> tuple[Window, ...]:
    """Windows of a trial: counts only, latencies Missing."""
    requests, met, errors = (_by_time(answers.get(q, Missing("not answered"))) for q in wanted)
    if isinstance(requests, Missing) or isinstance(met, Missing) or isinstance(errors, Missing):
        return ()
    period_s, threshold_ms = wanted[0].period_s, wanted[1].threshold_ms or 0.0
    unread = Missing("not read for a trial")
    return tuple(
        Window(
            start_s=start,
            end_s=start + period_s,
            requests=round(count),
            threshold_ms=threshold_ms,
            met_ratio=met[start] / 100.0 if start in met else Missing("no Duration datapoint"),
            mean_ms=unread,
            p50_ms=unread,
            p95_ms=unread,
            errors=round(errors[start]) if start in errors else Missing("no Errors datapoint"),
            throttles=unread,
            concurrency_peak=unread,
        )
        for start, count in sorted(requests.items())
    )


def assemble(wanted: Queries, answers: Mapping[SeriesQuery, Maybe[Series]]) -> tuple[Window, ...]:
    """One window per period in which anything was published, oldest first.

    A period without any datapoint gives no window: Lambda publishes nothing when nothing
    happens, and whether that is so is for others to judge.
    """
    series = {q: answers.get(q, Missing("not answered")) for q in wanted.all()}
    starts = sorted({t for s in series.values() if isinstance(s, Series) for t, _ in s.points})
    values = {q: _by_time(s) for q, s in series.items()}
    return tuple(_window(wanted, values, start) for start in starts)


_Values = Mapping[SeriesQuery, Maybe[Mapping[float, float]]]


def _by_time(series: Maybe[Series]) -> Maybe[Mapping[float, float]]:
    return series if isinstance(series, Missing) else dict(series.points)


def _window(wanted: Queries, values: _Values, start_s: float) -> Window:
    def value(query: SeriesQuery) -> Maybe[float]:
        points = values[query]
        if isinstance(points, Missing):
            return points
        found = points.get(start_s)
        return Missing(f"no {query.metric} datapoint") if found is None else found

    def whole(query: SeriesQuery) -> Maybe[int]:
        found = value(query)
        return found if isinstance(found, Missing) else round(found)

    met = value(wanted.met)
    return Window(
        start_s=start_s,
        end_s=start_s + wanted.span.period_s,
        requests=whole(wanted.requests),
        threshold_ms=wanted.threshold_ms,
        met_ratio=met if isinstance(met, Missing) else met / 100.0,
        mean_ms=value(wanted.mean),
        p50_ms=value(wanted.p50),
        p95_ms=value(wanted.percentile),
        errors=whole(wanted.errors),
        throttles=whole(wanted.throttles),
        concurrency_peak=value(wanted.concurrency),
    )


def merge(
    older: Sequence[Window], newer: Sequence[Window], keep_from_s: float
) -> tuple[Window, ...]:
    """Newer readings replace older ones of the same period; what began before is dropped."""
    by_start = {w.start_s: w for w in older} | {w.start_s: w for w in newer}
    return tuple(by_start[s] for s in sorted(by_start) if s >= keep_from_s)
