"""A policy after parsing, defaults and validation: frozen, with units, ready for the core."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from controller.model.endpoint import Kind, default_qualifier
from controller.model.probing import Probing


class Mode(StrEnum):
    """What the controller may do with an endpoint."""

    OFF = "Off"
    """Not even read."""
    OBSERVE = "Observe"
    """Read and judge the SLO; propose nothing."""
    RECOMMEND = "Recommend"
    """Also say which size it would choose; change nothing."""
    ENFORCE = "Enforce"
    """Also change it."""


class OnConflict(StrEnum):
    """Which gives way where no size meets both the SLO and the budget."""

    SLO = "slo"
    """The SLO is kept; the budget gives way."""
    BUDGET = "budget"
    """The budget is kept; the SLO gives way."""


class Covers(StrEnum):
    """Which part of a SageMaker request the latency objective speaks of."""

    MODEL = "model"
    """ModelLatency: the container's own time."""
    TOTAL = "total"
    """With OverheadLatency, cold starts included: all that AWS measures."""
    CLIENT = "client"
    """With the network: only a probe can tell."""


@dataclass(frozen=True, slots=True)
class Slo:
    """`percentile` of latencies at most `threshold_ms`, judged over a rolling window."""

    threshold_ms: float
    percentile: float = 0.95
    """0-1; 0.95 means that at most 5 % of requests may be slower."""
    max_error_ratio: float | None = None
    window_s: float = 3600.0
    covers: Covers = Covers.MODEL
    """Of Lambda functions it is always Duration."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """Sizes the controller may choose from; None means the service's own limit."""

    min_memory_mb: int | None = None
    max_memory_mb: int | None = None
    memory_mb: tuple[int, ...] | None = None
    """An explicit list instead of the standard ladder."""
    min_concurrency: int | None = None
    max_concurrency: int | None = None
    """Of serverless endpoints, at most 200."""
    max_provisioned_concurrency: int | None = None
    """None: provisioned concurrency is not allowed."""
    instance_types: tuple[str, ...] | None = None
    """Types to choose from, by name; None: see `instance_families`."""
    instance_families: tuple[str, ...] | None = None
    """`c5`, `m5` …: every priced type of them. None, and no types: the live type's own family."""
    min_instances: int | None = None
    """The availability floor; None: 1."""
    max_instances: int | None = None


@dataclass(frozen=True, slots=True)
class Cadence:
    """How often to look and how soon to act again."""

    interval_s: float = 300.0
    cooldown_up_s: float = 600.0
    cooldown_down_s: float = 21_600.0
    stabilization_s: float = 86_400.0
    """A decrease rests on at least this much history at the current size."""
    min_saving_ratio: float = 0.05
    """A cheaper size must save at least this share of the present cost."""


@dataclass(frozen=True, slots=True)
class ChangeWindow:
    """Weekly time in which changes may start."""

    days: tuple[int, ...]
    """0 = Monday … 6 = Sunday; the day on which the window opens."""
    start_minute: int
    end_minute: int
    """Minutes after local midnight; an end at or before the start is on the next day."""
    timezone: str


@dataclass(frozen=True, slots=True)
class Rollout:
    """How a change meets live traffic."""

    canary_share: float = 0.10
    """Share of requests sent to the candidate first (aliases only), 0-0.5."""
    bake_s: float = 600.0
    """Least time before a verdict."""
    max_bake_s: float = 21_600.0
    """Where traffic is too thin for a verdict by then, the change is rolled back; a climb out
    of a breach stays, Unverified."""
    min_requests: int = 200


@dataclass(frozen=True, slots=True)
class Autoscaling:
    """How a real-time endpoint's number of instances follows its demand."""

    utilization: float = 0.7
    """Target value as a share of the capacity at the SLO: the rest is headroom for the five
    minutes that a new instance takes."""
    schedule: bool = True
    """Whether scheduled actions may be written where demand repeats."""
    windows: float | None = None
    """Share of five-minute windows that must meet the objective, besides all requests together;
    None: bursts may break as many as the requests' budget allows."""


@dataclass(frozen=True, slots=True)
class Selector:
    """Endpoints by tags (all must match) and by name pattern (shell wildcards)."""

    name_pattern: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Scope:
    """Where to call AWS, and as whom."""

    region: str
    account: str | None = None
    """None: the account of the credentials in use."""
    role_arn: str | None = None
    external_id: str | None = None


@dataclass(frozen=True, slots=True)
class Target:
    """Which endpoints a policy speaks of: a name or a selector, never both."""

    kind: Kind
    """The kind, or the first of several."""
    scope: Scope
    name: str | None = None
    selector: Selector | None = None
    qualifier: str | None = None
    """None: what traffic uses by default (`$LATEST`, `AllTraffic`)."""
    more_kinds: tuple[Kind, ...] = ()
    """Further kinds that a selector may match."""

    @property
    def kinds(self) -> tuple[Kind, ...]:
        """All kinds that the policy speaks of."""
        return (self.kind, *self.more_kinds)

    def qualifier_of(self, kind: Kind) -> str:
        """The alias or variant that traffic uses of an endpoint of a kind."""
        return default_qualifier(kind) if self.qualifier is None else self.qualifier


@dataclass(frozen=True, slots=True)
class Source:
    """Where a policy was written, for messages."""

    file: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


@dataclass(frozen=True, slots=True)
class Policy:
    """One RightsizingPolicy, with defaults merged in."""

    name: str
    target: Target
    slo: Slo
    source: Source
    generation: str
    """Hash of the content as resolved; conditions carry it as their observed generation."""
    mode: Mode = Mode.RECOMMEND
    budget_usd_per_month: float | None = None
    bounds: Bounds = Bounds()
    cadence: Cadence = Cadence()
    change_windows: tuple[ChangeWindow, ...] = ()
    """Empty: at any time."""
    rollout: Rollout = Rollout()
    autoscaling: Autoscaling = Autoscaling()
    confidence: float = 0.95
    """Probability of meeting the SLO that a chosen size must have."""
    on_conflict: OnConflict = OnConflict.SLO
    probe: Probing | None = None
    """None: no request of ours is ever sent to the endpoint."""
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class FleetLimits:
    """Limits over all endpoints together; None means no limit."""

    max_concurrent_changes: int | None = 5
    max_changes_per_hour: int | None = 20
    max_changes_per_day: int | None = None
    budget_usd_per_month: float | None = None


@dataclass(frozen=True, slots=True)
class PolicySet:
    """All policies in force, replaced as a whole on reload."""

    policies: tuple[Policy, ...]
    limits: FleetLimits
    digest: str
    """Hash over every policy's generation and the limits."""
