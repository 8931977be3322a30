"""Which CloudWatch series describe a real-time variant's traffic, and how they become windows.

SageMaker publishes latency in **microseconds** and a zero for Invocations while nothing
happens. InvocationsPerInstance adds 1/instances for each request, so that Invocations over it
is the number of instances that served. Long spans are read by five minutes: how load varies
within the hour is what capacity is learnt from.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from controller.core.contract import Answers, Span
from controller.core.evidence import MIN_REQUESTS_PER_HOUR
from controller.core.periods import HOUR_S, align_down
from controller.core.shadows import SHADOW_VARIANT
from controller.kinds.shared.latency import LatencyQueries, Values
from controller.model.endpoint import EndpointKey
from controller.model.missing import Maybe, Missing
from controller.model.policy import Slo
from controller.model.window import SeriesQuery, Window

NAMESPACE = "AWS/SageMaker"
MACHINES = "/aws/sagemaker/Endpoints"
PART_S = 300
UNREAD = Missing("not read for a trial")
BY_HOUR = Missing("read by the hour only")


@dataclass(frozen=True, slots=True)
class TrafficReadings:
    """The series of one variant. `hourly`: five-minute windows are put together by the hour."""

    requests: SeriesQuery
    per_instance: SeriesQuery
    latency: LatencyQueries
    errors: tuple[SeriesQuery, ...]
    memory: SeriesQuery | None
    threshold_ms: float
    hourly: bool

    def series(self) -> tuple[SeriesQuery, ...]:
        """Every series, for the batch."""
        memory = () if self.memory is None else (self.memory,)
        return (self.requests, self.per_instance, *self.latency.series(), *self.errors, *memory)

    def refused(self, answers: Answers) -> str | None:
        """Why the number of requests is not known, if CloudWatch refused it."""
        return _refused(self.requests, answers)

    def windows(self, answers: Answers) -> tuple[Window, ...]:
        """One window per period in which anything was published, oldest first."""
        values = Values.of(self.series(), answers)
        parts = [self._window(values, start_s) for start_s in values.starts()]
        return tuple(hours_of(parts)) if self.hourly else tuple(parts)

    def _window(self, values: Values, start_s: float) -> Window:
        requests = values.whole(self.requests, start_s)
        period_s = self.requests.period_s
        latency = self.latency.at(values, start_s)
        memory = BY_HOUR if self.memory is None else values.at(self.memory, start_s)
        peak = requests if isinstance(requests, Missing) else requests / period_s
        return Window(
            start_s=start_s,
            end_s=start_s + period_s,
            requests=requests,
            threshold_ms=self.threshold_ms,
            met_ratio=latency.met_ratio,
            mean_ms=latency.mean_ms,
            p50_ms=latency.p50_ms,
            p95_ms=latency.percentile_ms,
            errors=values.total(self.errors, start_s),
            throttles=Missing("instances do not throttle"),
            concurrency_peak=Missing("not read for instances"),
            instances=_instances(requests, values.at(self.per_instance, start_s)),
            peak_rps=peak,
            overhead_p95_ms=latency.overhead_p95_ms,
            memory_used_ratio=memory if isinstance(memory, Missing) else memory / 100.0,
        )


@dataclass(frozen=True, slots=True)
class TrialReadings:
    """Requests, share within the threshold, and errors: what a verdict counts."""

    requests: SeriesQuery
    latency: LatencyQueries
    errors: tuple[SeriesQuery, ...]
    threshold_ms: float

    def series(self) -> tuple[SeriesQuery, ...]:
        """Every series, for the batch."""
        return (self.requests, *self.latency.met_series(), *self.errors)

    def refused(self, answers: Answers) -> str | None:
        """Why the number of requests is not known, if CloudWatch refused it."""
        return _refused(self.requests, answers)

    def windows(self, answers: Answers) -> tuple[Window, ...]:
        """Windows with counts only; latencies are Missing."""
        if any(isinstance(answers.get(q, UNREAD), Missing) for q in self.series()):
            return ()
        values = Values.of(self.series(), answers)
        return tuple(
            Window(
                start_s=start_s,
                end_s=start_s + self.requests.period_s,
                requests=values.whole(self.requests, start_s),
                threshold_ms=self.threshold_ms,
                met_ratio=self.latency.met_at(values, start_s),
                mean_ms=UNREAD,
                p50_ms=UNREAD,
                p95_ms=UNREAD,
                errors=values.total(self.errors, start_s),
                throttles=UNREAD,
                concurrency_peak=UNREAD,
            )
            for start_s in values.starts()
        )


def dimensions(key: EndpointKey, config: str | None = None) -> tuple[tuple[str, str], ...]:
    """Of a variant; with a config's name, of the fleet that runs it, while two are there."""
    variant = (("EndpointName", key.name), ("VariantName", key.qualifier))
    return variant if config is None else (*variant, ("EndpointConfigName", config))


def traffic(key: EndpointKey, span: Span, slo: Slo) -> TrafficReadings:
    """The series of all traffic of a variant; hourly spans in five-minute periods."""
    hourly = span.period_s >= HOUR_S
    finer = Span(span.start_s, span.end_s, PART_S if hourly else span.period_s)
    metrics = _Metrics(dimensions(key), finer)
    memory = metrics.query("MemoryUtilization", "Maximum", namespace=MACHINES)
    return TrafficReadings(
        requests=metrics.query("Invocations", "Sum"),
        per_instance=metrics.query("InvocationsPerInstance", "Sum"),
        latency=LatencyQueries.of(metrics.query, slo, overhead=hourly),
        errors=metrics.errors(),
        memory=memory if hourly else None,
        threshold_ms=slo.threshold_ms,
        hourly=hourly,
    )


def mirrored(key: EndpointKey, span: Span, slo: Slo) -> TrafficReadings:
    """The series of the requests that were copied to a shadow variant of ours."""
    metrics = _Metrics(dimensions(replace(key, qualifier=SHADOW_VARIANT)), span)
    return TrafficReadings(
        requests=metrics.query("Invocations", "Sum"),
        per_instance=metrics.query("InvocationsPerInstance", "Sum"),
        latency=LatencyQueries.of(metrics.query, slo, overhead=True),
        errors=metrics.errors(),
        memory=None,
        threshold_ms=slo.threshold_ms,
        hourly=False,
    )


def trial(key: EndpointKey, span: Span, slo: Slo, config: str | None) -> TrialReadings:
    """The counts of the fleet that runs a config, or of all traffic."""
    metrics = _Metrics(dimensions(key, config), span)
    return TrialReadings(
        requests=metrics.query("Invocations", "Sum"),
        latency=LatencyQueries.of(metrics.query, slo, overhead=False),
        errors=metrics.errors(),
        threshold_ms=slo.threshold_ms,
    )


@dataclass(frozen=True, slots=True)
class _Metrics:
    dims: tuple[tuple[str, str], ...]
    span: Span

    def query(
        self,
        metric: str,
        stat: str,
        threshold_ms: float | None = None,
        units_per_ms: float = 1.0,
        namespace: str = NAMESPACE,
    ) -> SeriesQuery:
        span = self.span
        times = (span.period_s, span.start_s, span.end_s)
        return SeriesQuery(namespace, metric, self.dims, stat, *times, threshold_ms, units_per_ms)

    def errors(self) -> tuple[SeriesQuery, ...]:
        return (self.query("Invocation4XXErrors", "Sum"), self.query("Invocation5XXErrors", "Sum"))


def _refused(query: SeriesQuery, answers: Answers) -> str | None:
    answer = answers.get(query, Missing("not answered"))
    return answer.reason if isinstance(answer, Missing) else None


def _instances(requests: Maybe[int], per_instance: Maybe[float]) -> Maybe[float]:
    """Instances that served: each request added 1/instances to the second metric."""
    if isinstance(requests, Missing):
        return requests
    if isinstance(per_instance, Missing):
        return per_instance
    if requests <= 0 or per_instance <= 0.0:
        return Missing("no request tells how many instances there were")
    return requests / per_instance


def hours_of(parts: Iterable[Window]) -> list[Window]:
    """Five-minute windows put together by the hour."""
    by_hour: dict[float, list[Window]] = {}
    for part in parts:
        by_hour.setdefault(align_down(part.start_s, HOUR_S), []).append(part)
    return [_hour(start_s, members) for start_s, members in sorted(by_hour.items())]


def _hour(start_s: float, parts: Sequence[Window]) -> Window:
    """Five-minute windows as one hour.

    Counts, the mean and the share within the threshold are exact. Percentiles are means
    weighted by requests: for people, and for a level; never for the SLO.
    """
    counted = {w.start_s: w.requests for w in parts if not isinstance(w.requests, Missing)}
    requests: Maybe[int] = sum(counted.values()) if counted else parts[0].requests
    enough = sum(n for n in counted.values() if n >= MIN_REQUESTS_PER_HOUR)
    thin = isinstance(requests, Missing) or enough < 0.5 * requests
    latency = {name: _weighted([(getattr(w, name), w.requests) for w in parts]) for name in _MEANS}
    errors = [w.errors for w in parts if not isinstance(w.errors, Missing)]
    return Window(
        start_s=start_s,
        end_s=start_s + HOUR_S,
        requests=requests,
        threshold_ms=parts[0].threshold_ms,
        met_ratio=latency["met_ratio"],
        mean_ms=latency["mean_ms"],
        p50_ms=latency["p50_ms"],
        p95_ms=latency["p95_ms"],
        errors=sum(errors) if errors else parts[0].errors,
        throttles=parts[0].throttles,
        concurrency_peak=parts[0].concurrency_peak,
        instances=_weighted([(w.instances, w.requests) for w in parts]),
        peak_rps=_largest([w.peak_rps for w in parts]),
        overhead_p95_ms=latency["overhead_p95_ms"],
        memory_used_ratio=_largest([w.memory_used_ratio for w in parts]),
        # Parts with so few requests say nothing each; together they still do.
        parts=() if thin else tuple(parts),
    )


_MEANS = ("met_ratio", "mean_ms", "p50_ms", "p95_ms", "overhead_p95_ms")


def _weighted(values: Sequence[tuple[Maybe[float], Maybe[int]]]) -> Maybe[float]:
    both = [
        (value, count)
        for value, count in values
        if not isinstance(value, Missing) and not isinstance(count, Missing) and count > 0
    ]
    if not both:
        return next((v for v, _ in values if isinstance(v, Missing)), Missing("no requests"))
    return sum(value * count for value, count in both) / sum(count for _, count in both)


def _largest(values: Sequence[Maybe[float]]) -> Maybe[float]:
    known = [value for value in values if not isinstance(value, Missing)]
    return max(known) if known else next(iter(values))
