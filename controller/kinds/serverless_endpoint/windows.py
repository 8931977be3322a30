"""Which CloudWatch series describe a serverless endpoint's traffic, and how they become windows.

Invocations counts every request that was sent, those included that were throttled because all
environments were busy; a throttled request shows as a 4XX. So does a request that the model
refused: only while the concurrency is used up are 4XX errors taken for throttles. Nothing is
published while nobody calls, but for environments that are kept warm: how many of them are in
use is told all the time. ModelSetupTime has one sample for each cold start, and OverheadLatency
contains it: what an objective on the total knows a size by is ModelLatency with the overhead of
a median request, and cold starts are counted for themselves.
"""

from dataclasses import dataclass, replace

from controller.core.contract import Answers, Span
from controller.core.periods import HOUR_S
from controller.kinds.serverless_endpoint.hours import PART_S, HourlyReadings, WarmQueries
from controller.kinds.shared.latency import LatencyQueries, Values
from controller.model.endpoint import EndpointKey
from controller.model.missing import Maybe, Missing
from controller.model.policy import Covers, Slo
from controller.model.window import SeriesQuery, Window

NAMESPACE = "AWS/SageMaker"
MACHINES = "/aws/sagemaker/Endpoints"
USED_UP = 0.99
"""ServerlessConcurrentExecutionsUtilization from which all environments were busy."""
BY_HOUR = Missing("read by the hour only")
UNREAD = Missing("not read for a trial")


@dataclass(frozen=True, slots=True)
class TrafficReadings:
    """The series of one endpoint that make up its windows."""

    invocations: SeriesQuery
    latency: LatencyQueries
    refusals: SeriesQuery
    failures: SeriesQuery
    used: SeriesQuery
    threshold_ms: float
    hourly: HourlyReadings | None
    overhead: WarmQueries | None

    def series(self) -> tuple[SeriesQuery, ...]:
        """Every series, for the batch."""
        hourly = () if self.hourly is None else self.hourly.series()
        overhead = () if self.overhead is None else self.overhead.series()
        return (*self._regular(), *overhead, *hourly)

    def _regular(self) -> tuple[SeriesQuery, ...]:
        latency = self.latency.series()
        return (self.invocations, *latency, self.refusals, self.failures, self.used)

    def refused(self, answers: Answers) -> str | None:
        """Why the number of requests is not known, if CloudWatch refused it."""
        return _refused(self.invocations, answers)

    def windows(self, answers: Answers) -> tuple[Window, ...]:
        """One window per period in which anything was published, oldest first."""
        values = Values.of(self.series(), answers)
        starts = Values.of(self._regular(), answers).starts()
        if self.hourly is None:
            return tuple(self._window(values, start_s, {}) for start_s in starts)
        peaks = self.hourly.peaks(values)
        found = {start_s: self._window(values, start_s, peaks) for start_s in starts}
        for start_s in self.hourly.idle(values):
            found.setdefault(start_s, self._idle(values, start_s))
        return tuple(found[start_s] for start_s in sorted(found))

    def _idle(self, values: Values, start_s: float) -> Window:
        """An hour of which AWS says that nobody called: what is kept warm was not used."""
        window = self._window(values, start_s, {})
        return replace(window, requests=0, errors=0, throttles=0, concurrency_peak=0.0)

    def _window(self, values: Values, start_s: float, peaks: dict[float, float]) -> Window:
        throttles = self._throttles(values, start_s)
        requests = _served(values.whole(self.invocations, start_s), throttles)
        latency = self.latency.at(values, start_s)
        peak_rps = self._peak_rps(requests, start_s, peaks)
        cold, setup_ms, memory = self._hourly_only(values, start_s, requests)
        return Window(
            start_s=start_s,
            end_s=start_s + self.invocations.period_s,
            requests=requests,
            threshold_ms=self.threshold_ms,
            met_ratio=latency.met_ratio,
            mean_ms=latency.mean_ms,
            p50_ms=latency.p50_ms,
            p95_ms=latency.percentile_ms,
            errors=values.whole(self.failures, start_s),
            throttles=throttles,
            concurrency_peak=_in_progress(peak_rps, values.ms(self.latency.mean, start_s)),
            peak_rps=peak_rps,
            overhead_p95_ms=latency.overhead_p95_ms,
            cold_starts=cold,
            setup_mean_ms=setup_ms,
            memory_used_ratio=memory,
            warm=None if self.overhead is None else self.overhead.at(values, start_s),
            provisioned=BY_HOUR
            if self.hourly is None
            else self.hourly.provisioned(values, start_s),
            by_part=() if self.hourly is None else self.hourly.by_part(values, start_s),
        )

    def _throttles(self, values: Values, start_s: float) -> Maybe[int]:
        used = values.at(self.used, start_s)
        if isinstance(used, Missing):
            return used
        return values.whole(self.refusals, start_s) if used >= USED_UP else 0

    def _peak_rps(
        self, requests: Maybe[int], start_s: float, peaks: dict[float, float]
    ) -> Maybe[float]:
        if self.hourly is not None:
            return peaks.get(start_s, Missing("no Invocations datapoint"))
        if isinstance(requests, Missing):
            return requests
        return requests / self.invocations.period_s

    def _hourly_only(
        self, values: Values, start_s: float, requests: Maybe[int]
    ) -> tuple[Maybe[int], Maybe[float], Maybe[float]]:
        """Cold starts, how long one took, and the largest share of memory in use."""
        if self.hourly is None:
            return BY_HOUR, BY_HOUR, BY_HOUR
        cold = values.whole(self.hourly.setups, start_s)
        answered = not isinstance(values.points[self.hourly.setups], Missing)
        if isinstance(cold, Missing) and answered and not isinstance(requests, Missing):
            cold = 0  # sparse: no sample where no environment was started
        memory = values.share(self.hourly.memory, start_s)
        return cold, values.ms(self.hourly.setup, start_s), memory


@dataclass(frozen=True, slots=True)
class TrialReadings:
    """Requests, share within the threshold, and errors: what a verdict counts."""

    invocations: SeriesQuery
    latency: LatencyQueries
    failures: SeriesQuery
    threshold_ms: float

    def series(self) -> tuple[SeriesQuery, ...]:
        """Every series, for the batch."""
        return (self.invocations, *self.latency.met_series(), self.failures)

    def refused(self, answers: Answers) -> str | None:
        """Why the number of requests is not known, if CloudWatch refused it."""
        return _refused(self.invocations, answers)

    def windows(self, answers: Answers) -> tuple[Window, ...]:
        """Windows with counts only; latencies are Missing."""
        if any(isinstance(answers.get(q, UNREAD), Missing) for q in self.series()):
            return ()
        values = Values.of(self.series(), answers)
        return tuple(
            Window(
                start_s=start_s,
                end_s=start_s + self.invocations.period_s,
                requests=values.whole(self.invocations, start_s),
                threshold_ms=self.threshold_ms,
                met_ratio=self.latency.met_at(values, start_s),
                mean_ms=UNREAD,
                p50_ms=UNREAD,
                p95_ms=UNREAD,
                errors=values.whole(self.failures, start_s),
                throttles=UNREAD,
                concurrency_peak=UNREAD,
            )
            for start_s in values.starts()
        )


@dataclass(frozen=True, slots=True)
class _Metrics:
    """Series of one variant over one span."""

    key: EndpointKey
    span: Span

    def query(
        self,
        metric: str,
        stat: str,
        threshold_ms: float | None = None,
        units_per_ms: float = 1.0,
        namespace: str = NAMESPACE,
    ) -> SeriesQuery:
        dims = (("EndpointName", self.key.name), ("VariantName", self.key.qualifier))
        times = (self.span.period_s, self.span.start_s, self.span.end_s)
        return SeriesQuery(namespace, metric, dims, stat, *times, threshold_ms, units_per_ms)


def traffic(key: EndpointKey, span: Span, slo: Slo) -> TrafficReadings:
    """The series of all traffic of an endpoint."""
    metrics = _Metrics(key, span)
    hourly = span.period_s >= HOUR_S
    latency = LatencyQueries.of(metrics.query, slo, overhead=hourly)
    return TrafficReadings(
        invocations=metrics.query("Invocations", "Sum"),
        latency=latency,
        refusals=metrics.query("Invocation4XXErrors", "Sum"),
        failures=metrics.query("Invocation5XXErrors", "Sum"),
        used=metrics.query("ServerlessConcurrentExecutionsUtilization", "Maximum"),
        threshold_ms=slo.threshold_ms,
        hourly=_hourly(metrics) if hourly else None,
        overhead=_warm(metrics, latency) if slo.covers is Covers.TOTAL else None,
    )


def _warm(metrics: _Metrics, latency: LatencyQueries) -> WarmQueries:
    overhead = metrics.query("OverheadLatency", "p50")
    return WarmQueries(latency.mean, latency.p50, latency.percentile, overhead)


def _hourly(metrics: _Metrics) -> HourlyReadings:
    finer = Span(metrics.span.start_s, metrics.span.end_s, PART_S)
    return HourlyReadings(
        parts=_Metrics(metrics.key, finer).query("Invocations", "Sum"),
        setups=metrics.query("ModelSetupTime", "SampleCount"),
        setup=metrics.query("ModelSetupTime", "Average"),
        memory=metrics.query("MemoryUtilization", "Maximum", namespace=MACHINES),
        warm_used=metrics.query("ServerlessProvisionedConcurrencyUtilization", "Maximum"),
        warm_busy=metrics.query("ServerlessProvisionedConcurrencyExecutions", "Maximum"),
    )


def trial(key: EndpointKey, span: Span, slo: Slo) -> TrialReadings:
    """The counts of all traffic, for a verdict."""
    metrics = _Metrics(key, span)
    return TrialReadings(
        invocations=metrics.query("Invocations", "Sum"),
        latency=LatencyQueries.of(metrics.query, slo, overhead=False),
        failures=metrics.query("Invocation5XXErrors", "Sum"),
        threshold_ms=slo.threshold_ms,
    )


def _refused(query: SeriesQuery, answers: Answers) -> str | None:
    answer = answers.get(query, Missing("not answered"))
    return answer.reason if isinstance(answer, Missing) else None


def _served(invocations: Maybe[int], throttles: Maybe[int]) -> Maybe[int]:
    """Requests that ran; throttles that are not known are taken as none."""
    if isinstance(invocations, Missing) or isinstance(throttles, Missing):
        return invocations
    return max(0, invocations - throttles)


def _in_progress(peak_rps: Maybe[float], mean_ms: Maybe[float]) -> Maybe[float]:
    """Requests in progress in the busiest part of a window, by Little's law."""
    if isinstance(peak_rps, Missing):
        return peak_rps
    return mean_ms if isinstance(mean_ms, Missing) else peak_rps * mean_ms / 1000.0
