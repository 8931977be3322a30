"""What a policy says about probes: what to send, how much, when to stop, and for how much money."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Expect:
    """What a good answer looks like, for errors that hide behind a 200. All that is said holds."""

    status: int | None = None
    """HTTP status; None: any of 200-299."""
    contains: str | None = None
    """Text that the body must contain."""
    matches: str | None = None
    """Regular expression that must be found in the body."""
    json_has: tuple[str, ...] = ()
    """Names that the JSON object in the body must have; dots lead into objects."""


@dataclass(frozen=True, slots=True)
class PayloadSource:
    """One payload as a policy names it; exactly one of `inline`, `file` and `s3` is set."""

    inline: str | None = None
    file: str | None = None
    """Path, resolved from the policy's own file."""
    s3: str | None = None
    """`s3://bucket/key`; a tar archive counts as one payload per file in it."""
    weight: float = 1.0
    content_type: str = "application/json"
    accept: str | None = None
    target_model: str | None = None
    """SageMaker multi-model endpoints: the model to ask."""
    expect: Expect | None = None


@dataclass(frozen=True, slots=True)
class Phase:
    """A stretch of the probe: the rate goes evenly from one value to the other."""

    from_rps: float
    to_rps: float
    duration_s: float

    @property
    def requests(self) -> float:
        """Requests that it sends on average."""
        return 0.5 * (self.from_rps + self.to_rps) * self.duration_s


@dataclass(frozen=True, slots=True)
class StopRules:
    """When a probe ends itself early; None: never for this reason."""

    p95_ms: float | None = None
    """Over the last 100 answers."""
    error_ratio: float | None = 0.05
    """Over the last 100 answers, once ten have come."""
    max_requests: int | None = 10_000
    flat_throughput: bool = True
    """Stop when a higher rate no longer brings more answers."""
    slow_allowed: int = 5
    """Of the last 100 answers: with one more that is slower than `p95_ms`, the run ends."""


@dataclass(frozen=True, slots=True)
class ProbeBudget:
    """Money; None: no limit of this kind."""

    usd_per_probe: float | None = 0.25
    usd_per_day: float | None = 1.0


@dataclass(frozen=True, slots=True)
class LiveProbe:
    """A small regular sample of the live endpoint."""

    every_s: float = 900.0
    requests: int = 20
    rps: float = 1.0


@dataclass(frozen=True, slots=True)
class Probing:
    """`probe:` of a policy. Without payloads nothing is ever sent; mirroring needs none."""

    payloads: tuple[PayloadSource, ...]
    live: LiveProbe | None = None
    """None: no live probes."""
    shadows: bool = False
    """Whether copies may be made: they run the user's code."""
    mirrored: bool = False
    """Real-time: whether AWS's own shadow variant may be fed with copies of users' requests.
    That is a deployment of the live endpoint, and runs the user's code on real requests twice."""
    phases: tuple[Phase, ...] = ()
    """Of shadow probes; empty: made from demand."""
    warm_up: int = 3
    max_in_flight: int | None = None
    """None: as many as what is probed needs (`runtime.probe_plans.places`)."""
    spare_share: float = 0.1
    """Of the live endpoint's spare capacity, the most that live probes use."""
    stop: StopRules = StopRules()
    budget: ProbeBudget = ProbeBudget()
    time_limit_s: float = 600.0
    locustfile: str | None = None
