"""Which CloudWatch series describe a function's traffic, and how they become windows."""

from collections.abc import Mapping
from dataclasses import dataclass

from controller.core.contract import Answers, Span
from controller.core.periods import HOUR_S
from controller.model.endpoint import LATEST, EndpointKey
from controller.model.missing import Maybe, Missing
from controller.model.policy import Slo
from controller.model.window import Series, SeriesQuery, Window

NAMESPACE = "AWS/Lambda"


@dataclass(frozen=True, slots=True)
class TrafficReadings:
    """The series of one function that make up its windows: five billed metrics by the hour,
    three in shorter periods, which are read far more often."""

    span: Span
    threshold_ms: float
    requests: SeriesQuery
    met: SeriesQuery
    mean: SeriesQuery
    p50: SeriesQuery
    percentile: SeriesQuery
    errors: SeriesQuery
    throttles: SeriesQuery | None
    concurrency: SeriesQuery | None

    def series(self) -> tuple[SeriesQuery, ...]:
        """Every series, for the batch."""
        latency = (self.met, self.mean, self.p50, self.percentile)
        hourly = (q for q in (self.throttles, self.concurrency) if q is not None)
        return (self.requests, *latency, self.errors, *hourly)

    def refused(self, answers: Answers) -> str | None:
        """Why the number of requests is not known, if CloudWatch refused it."""
        return _refused(self.requests, answers)

    def windows(self, answers: Answers) -> tuple[Window, ...]:
        """One window per period in which anything was published, oldest first.

        A period without any datapoint gives no window: Lambda publishes nothing when
        nothing happens, and whether that is so is for others to judge.
        """
        values = {q: _by_time(answers.get(q, Missing("not answered"))) for q in self.series()}
        starts = {
            t for points in values.values() if not isinstance(points, Missing) for t in points
        }
        return tuple(_window(self, values, start) for start in sorted(starts))


@dataclass(frozen=True, slots=True)
class TrialReadings:
    """Requests, share within the threshold, and errors: what a verdict counts."""

    requests: SeriesQuery
    met: SeriesQuery
    errors: SeriesQuery
    threshold_ms: float

    def series(self) -> tuple[SeriesQuery, ...]:
        """Every series, for the batch."""
        return (self.requests, self.met, self.errors)

    def refused(self, answers: Answers) -> str | None:
        """Why the number of requests is not known, if CloudWatch refused it."""
        return _refused(self.requests, answers)

    def windows(self, answers: Answers) -> tuple[Window, ...]:
        """Windows with counts only; latencies are Missing."""
        requests, met, errors = (
            _by_time(answers.get(q, Missing("not answered"))) for q in self.series()
        )
        if isinstance(requests, Missing) or isinstance(met, Missing) or isinstance(errors, Missing):
            return ()
        unread = Missing("not read for a trial")
        return tuple(
            Window(
                start_s=start,
                end_s=start + self.requests.period_s,
                requests=round(count),
                threshold_ms=self.threshold_ms,
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


def traffic(key: EndpointKey, span: Span, slo: Slo) -> TrafficReadings:
    """The series of all traffic that a policy speaks of."""
    dims = dimensions(key)
    times = (span.period_s, span.start_s, span.end_s)
    hourly = span.period_s >= HOUR_S

    def series(metric: str, stat: str, threshold_ms: float | None = None) -> SeriesQuery:
        return SeriesQuery(NAMESPACE, metric, dims, stat, *times, threshold_ms)

    return TrafficReadings(
        span=span,
        threshold_ms=slo.threshold_ms,
        requests=series("Invocations", "Sum"),
        met=series("Duration", "PR", slo.threshold_ms),
        mean=series("Duration", "Average"),
        p50=series("Duration", "p50"),
        percentile=series("Duration", f"p{slo.percentile * 100:g}"),
        errors=series("Errors", "Sum"),
        throttles=series("Throttles", "Sum") if hourly else None,
        concurrency=series("ConcurrentExecutions", "Maximum") if hourly else None,
    )


def trial(key: EndpointKey, span: Span, slo: Slo, version: str | None) -> TrialReadings:
    """The counts of one version behind the alias, or of all traffic."""
    dims = dimensions(key, version)
    times = (span.period_s, span.start_s, span.end_s)
    return TrialReadings(
        requests=SeriesQuery(NAMESPACE, "Invocations", dims, "Sum", *times),
        met=SeriesQuery(NAMESPACE, "Duration", dims, "PR", *times, slo.threshold_ms),
        errors=SeriesQuery(NAMESPACE, "Errors", dims, "Sum", *times),
        threshold_ms=slo.threshold_ms,
    )


_Values = Mapping[SeriesQuery, Maybe[Mapping[float, float]]]


def _refused(query: SeriesQuery, answers: Answers) -> str | None:
    answer = answers.get(query, Missing("not answered"))
    return answer.reason if isinstance(answer, Missing) else None


def _by_time(series: Maybe[Series]) -> Maybe[Mapping[float, float]]:
    return series if isinstance(series, Missing) else dict(series.points)


def _window(wanted: TrafficReadings, values: _Values, start_s: float) -> Window:
    def value(query: SeriesQuery | None) -> Maybe[float]:
        if query is None:
            return Missing("read by the hour only")
        points = values[query]
        if isinstance(points, Missing):
            return points
        found = points.get(start_s)
        return Missing(f"no {query.metric} datapoint") if found is None else found

    def whole(query: SeriesQuery | None) -> Maybe[int]:
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
