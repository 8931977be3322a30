"""Probes: requests of our own, sent to learn a latency that traffic does not show.

A *live* probe calls the endpoint as a client would; a *shadow* probe calls an isolated copy
that has the candidate size. Both are planned as data here, run elsewhere, and come back as a
`ProbeRun` of exact samples. A *mirrored* probe sends nothing: AWS copies users' own requests to
a shadow variant of the candidate type, and CloudWatch tells how it did.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from controller.model.endpoint import EndpointKey
from controller.model.missing import Maybe, Missing
from controller.model.policy import Scope
from controller.model.probing import Expect, Phase, StopRules
from controller.model.size import Size

NOT_TOLD = Missing("whoever answered did not say")
TOO_FEW = Missing("too few requests")
NO_SUCCESS = Missing("no request succeeded")


class ProbeKind(StrEnum):
    """Whom a probe calls."""

    LIVE = "Live"
    SHADOW = "Shadow"
    MIRRORED = "Mirrored"
    """Nobody: the size gets copies of users' requests from AWS (real-time endpoints)."""

    @property
    def of_another_size(self) -> bool:
        """Whether it measures a candidate, apart from what serves."""
        return self is not ProbeKind.LIVE


class ProbeOutcome(StrEnum):
    """How a probe ended; only Succeeded and Aborted runs teach anything."""

    SUCCEEDED = "Succeeded"
    ABORTED = "Aborted"
    """A stop rule ended it early: its samples count, and so does why it was ended."""
    DISCARDED = "Discarded"
    """The generator, not the endpoint, was measured: nothing of it may be believed."""
    FAILED = "Failed"
    """It could not be run at all."""

    @property
    def teaches(self) -> bool:
        """Whether its samples are evidence."""
        return self in {ProbeOutcome.SUCCEEDED, ProbeOutcome.ABORTED}


class Failure(StrEnum):
    """Why a request counts as failed (`Sample.error`)."""

    THROTTLED = "throttled"
    TIMEOUT = "timeout"
    """No answer in time, or the function was ended by its own time-out."""
    OUT_OF_MEMORY = "out-of-memory"
    FUNCTION = "function"
    """The function failed, whatever its HTTP status says."""
    MODEL = "model"
    """The container failed (SageMaker's ModelError)."""
    UNEXPECTED = "unexpected"
    """Answered, but not as `expect` wants it."""
    DENIED = "denied"
    NOT_FOUND = "not-found"
    REFUSED = "refused"
    """Any other 4xx."""
    SERVICE = "service"
    """5xx of AWS's own."""
    UNREACHABLE = "unreachable"
    UNFINISHED = "unfinished"
    """Still without an answer when the run ended."""
    CLIENT = "client"
    """Reported as failed by a locustfile of the user's."""


@dataclass(frozen=True, slots=True)
class ProbeTarget:
    """What is called. For SageMaker `name` is the endpoint and `variant` the variant to force."""

    key: EndpointKey
    """The endpoint that the probe is made for; a shadow's own name differs."""
    scope: Scope
    name: str
    """Function or endpoint to call: the live one, or the shadow."""
    qualifier: str | None = None
    """Lambda: alias or version; None for a shadow function's `$LATEST`."""
    variant: str | None = None
    """SageMaker: TargetVariant; None where the endpoint has one."""


@dataclass(frozen=True, slots=True)
class Body:
    """One payload, read and ready to send."""

    content: bytes = field(repr=False)
    content_type: str
    weight: float
    accept: str | None = None
    target_model: str | None = None
    expect: Expect | None = None


@dataclass(frozen=True, slots=True)
class ProbePlan:
    """One run of the generator: whom to call, with what, how often, and when to stop."""

    target: ProbeTarget
    kind: ProbeKind
    size: Size
    """The size that is measured."""
    bodies: tuple[Body, ...]
    phases: tuple[Phase, ...]
    """Measured one after the other, with arrivals at random times (a Poisson process)."""
    warm_up: int
    """Requests sent first, one after the other, and kept apart: cold starts."""
    max_in_flight: int
    """An arrival beyond it is dropped and counted: the most harm that a probe can do."""
    stop: StopRules
    time_limit_s: float
    """The process is killed after it."""
    seed: int
    era: str = ""
    """Code and configuration that is measured, for the evidence."""
    locustfile: str | None = None
    """The user's own; None: the one shipped."""

    @property
    def duration_s(self) -> float:
        """Length of all phases."""
        return sum(phase.duration_s for phase in self.phases)

    @property
    def requests_expected(self) -> float:
        """Requests that all phases send on average, the warm-up included."""
        return self.warm_up + sum(phase.requests for phase in self.phases)


@dataclass(frozen=True, slots=True)
class Mirroring:
    """How users' requests are copied to a shadow variant."""

    share: float
    """Of all requests, more than 0, at most 1."""
    instances: int
    lasts_s: float
    """From when it serves and has settled."""


@dataclass(frozen=True, slots=True)
class ProbeOrder:
    """A probe that is wanted: what to measure and how, before anything is made for it."""

    kind: ProbeKind
    size: Size
    phases: tuple[Phase, ...]
    warm_up: int
    usd: Maybe[float]
    """What it is expected to cost …"""
    worth_usd: float = 0.0
    """… and the saving that it may prove, within the payback; 0 where a person asked."""
    why: str = ""
    mirror: Mirroring | None = None
    """Of a mirrored probe, which has no phases and sends nothing."""

    @property
    def duration_s(self) -> float:
        """Length of all phases."""
        return sum(phase.duration_s for phase in self.phases)

    @property
    def requests(self) -> float:
        """Requests expected, the warm-up included."""
        return self.warm_up + sum(phase.requests for phase in self.phases)


@dataclass(frozen=True, slots=True)
class Sample:
    """One request of a probe. Times are milliseconds from the *intended* start."""

    at_s: float
    """Intended start, in seconds since the run began."""
    latency_ms: float
    status: int
    """HTTP status; 0 where no answer came."""
    error: str | None = None
    """A word of `Failure`; None: as it should be."""
    cold: bool = False
    billed_ms: Maybe[float] = NOT_TOLD
    duration_ms: Maybe[float] = NOT_TOLD
    """The endpoint's own time, where the answer tells it (Lambda's REPORT line)."""
    memory_used_mb: Maybe[int] = NOT_TOLD
    phase: int = -1
    """Index of the plan's phase; -1: warm-up."""
    body: int = 0
    """Index of the payload."""


@dataclass(frozen=True, slots=True)
class ProbeRun:
    """What a run of the generator brought back."""

    outcome: ProbeOutcome
    detail: str
    """Why it ended as it did, in one sentence."""
    started_at_s: float
    ended_at_s: float
    samples: tuple[Sample, ...] = ()
    dropped: int = 0
    """Arrivals for which no place was free."""
    cpu_share: Maybe[float] = NOT_TOLD
    """Of one core, at its busiest second."""
    littles_law_ratio: Maybe[float] = TOO_FEW
    """Mean number in flight over rate x mean latency; near 1 in a sound measurement."""
    lost: bool = False
    """Whether requests were sent of which nobody can tell any more: its samples died with the
    generator, and so did what it cost."""


@dataclass(frozen=True, slots=True)
class ProbeRecord:
    """One probe in the journal: what it was for, what it found, what it cost."""

    id: str
    key: EndpointKey
    kind: ProbeKind
    size: Size
    actor: str
    """`controller`, or who asked for it."""
    started_at_s: float
    ended_at_s: float | None
    """None while it runs."""
    outcome: ProbeOutcome | None
    detail: str
    usd_estimated: Maybe[float]
    usd: Maybe[float]
    """As counted from what was sent; Missing until it has ended."""
    requests: int = 0
    errors: int = 0
    unexpected: int = 0
    """Errors behind a good status: answers that were not what the policy expects."""
    broken: int = 0
    """Errors of the code that was called: out of memory, out of time, or failed by itself."""
    cold_starts: int = 0
    p50_ms: Maybe[float] = NO_SUCCESS
    p95_ms: Maybe[float] = NO_SUCCESS


class ShadowPhase(StrEnum):
    """Journalled before each step, so that a restart knows what may exist."""

    CREATING = "Creating"
    READY = "Ready"
    REMOVING = "Removing"


@dataclass(frozen=True, slots=True)
class Shadow:
    """A copy that a probe made, or is about to make. Its row goes when nothing of it is left."""

    id: str
    """Names its resources: `rightsizer-probe-…`."""
    key: EndpointKey
    scope: Scope
    size: Size
    phase: ShadowPhase
    created_at_s: float
    expires_at_s: float
    """Whoever finds it later than this may remove it."""
    resources: Mapping[str, str] = field(default_factory=dict)
    """What was made, by kind: `function`, `version`, `alias`, `endpoint`, `endpoint_config`."""
    actor: str = "controller"
    """Who made it: `controller`, or the process of a command. A shadow that is neither in use
    nor expired is removed by its own actor's next life only."""
