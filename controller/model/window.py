"""Measurements over one interval of time."""

from dataclasses import dataclass

from controller.model.missing import Maybe, Missing

NOT_PUBLISHED = Missing("not published for this kind of endpoint")


@dataclass(frozen=True, slots=True)
class Latencies:
    """How long requests took, in milliseconds."""

    mean_ms: float
    p50_ms: float
    p95_ms: float
    """The SLO's percentile."""


@dataclass(frozen=True, slots=True)
class Window:
    """Metrics of one endpoint (or one version of it) over [start_s, end_s).

    A metric that is not there is `Missing`; latencies are in milliseconds whatever
    unit the service publishes.
    """

    start_s: float
    end_s: float
    requests: Maybe[int]
    threshold_ms: float
    """The latency T that `met_ratio` was asked for."""
    met_ratio: Maybe[float]
    """Share of requests no slower than T, 0-1 (CloudWatch `PR(:T)` / 100)."""
    mean_ms: Maybe[float]
    p50_ms: Maybe[float]
    p95_ms: Maybe[float]
    """The SLO's percentile (p95 unless the policy says otherwise)."""
    errors: Maybe[int]
    throttles: Maybe[int]
    concurrency_peak: Maybe[float]
    instances: Maybe[float] = NOT_PUBLISHED
    """Average number of instances that served."""
    peak_rps: Maybe[float] = NOT_PUBLISHED
    """Requests per second in the busiest part of the window, over all instances."""
    overhead_p95_ms: Maybe[float] = NOT_PUBLISHED
    """What the service adds to the model's own time."""
    cold_starts: Maybe[int] = NOT_PUBLISHED
    setup_mean_ms: Maybe[float] = NOT_PUBLISHED
    """Time that a cold start took."""
    memory_used_ratio: Maybe[float] = NOT_PUBLISHED
    """Largest share of its memory that any environment or instance used, 0-1."""
    parts: tuple["Window", ...] = ()
    """The same span in shorter windows, for kinds that learn from how load varies."""
    warm: Latencies | None = None
    """Of requests that found an environment ready, where the latencies above hold the others'
    cold starts too, and it is known: sizes are compared by it."""
    provisioned: Maybe[int] = NOT_PUBLISHED
    """Environments that were kept warm."""
    by_part: tuple[int, ...] = ()
    """Requests in each of the parts that the window divides into evenly."""

    @property
    def load_rps(self) -> Maybe[float]:
        """Requests per second and instance; Missing where either is not known."""
        if isinstance(self.requests, Missing):
            return self.requests
        if isinstance(self.instances, Missing):
            return self.instances
        if self.instances <= 0.0:
            return Missing("no instance was running")
        return self.requests / (self.end_s - self.start_s) / self.instances

    @property
    def latencies(self) -> Maybe[Latencies]:
        """What a size is known by: without cold starts, where it can be told."""
        if self.warm is not None:
            return self.warm
        if isinstance(self.mean_ms, Missing):
            return self.mean_ms
        if isinstance(self.p50_ms, Missing):
            return self.p50_ms
        if isinstance(self.p95_ms, Missing):
            return self.p95_ms
        return Latencies(self.mean_ms, self.p50_ms, self.p95_ms)

    @property
    def slow(self) -> Maybe[int]:
        """Requests slower than T: an exact count, from the ratio and the number of requests."""
        if isinstance(self.requests, Missing):
            return self.requests
        if isinstance(self.met_ratio, Missing):
            return self.met_ratio
        return round(self.requests * (1.0 - self.met_ratio))


@dataclass(frozen=True, slots=True)
class Series:
    """One metric series as CloudWatch answered it, oldest point first."""

    points: tuple[tuple[float, float], ...]
    """(start of period in epoch seconds, value in the metric's own unit)."""


@dataclass(frozen=True, slots=True)
class SeriesQuery:
    """One series to read. `start_s` and `end_s` are multiples of `period_s`; end is exclusive."""

    namespace: str
    metric: str
    dimensions: tuple[tuple[str, str], ...]
    stat: str
    period_s: int
    start_s: float
    end_s: float
    threshold_ms: float | None = None
    """With it, the statistic is `PR(:threshold)`; `stat` says `PR`."""
    units_per_ms: float = 1.0
    """The metric's own units in a millisecond: 1000 where it is published in microseconds."""


@dataclass(frozen=True, slots=True)
class MemoryUse:
    """What Lambda's REPORT lines say of one version and memory size over an interval."""

    start_s: float
    end_s: float
    memory_mb: int
    max_used_mb: int
    invocations: int
    cold_starts: int
    init_p95_ms: Maybe[float]
    init_mean_ms: Maybe[float]


@dataclass(frozen=True, slots=True)
class WindowSet:
    """All that is known of one endpoint's traffic when a tick begins."""

    read_at_s: float
    recent: tuple[Window, ...]
    """Five-minute windows, oldest first, ending before the publication delay."""
    hourly: tuple[Window, ...]
    """One-hour windows, oldest first, up to two weeks."""
    by_version: dict[str, tuple[Window, ...]]
    """Five-minute windows of single versions, while an alias splits traffic."""
    memory_use: Maybe[MemoryUse]
