"""Decisions as data, and everything that led to one."""

from dataclasses import dataclass
from typing import TypeAlias

from controller.model.advice import Advice, HostingCost
from controller.model.demand import Demand, Interval, SloStatus
from controller.model.endpoint import EndpointKey, EndpointState
from controller.model.estimate import Candidate
from controller.model.missing import Maybe
from controller.model.probe import ProbeOrder
from controller.model.reason import Reason
from controller.model.size import Size


@dataclass(frozen=True, slots=True)
class Hold:
    """Change nothing. `until_s` says when a time-bound reason ends."""

    reason: Reason
    detail: str
    until_s: float | None = None


@dataclass(frozen=True, slots=True)
class Proposal:
    """A size change worth making, and what is expected of it."""

    before: Size
    target: Size
    reason: Reason
    detail: str
    p_slo: float
    p95_before_ms: Maybe[float]
    p95_after_ms: Interval
    usd_per_month_before: Interval
    usd_per_month_after: Interval
    saves_usd_per_month: Interval
    """Negative where the change costs money."""


@dataclass(frozen=True, slots=True)
class Propose:
    """Change to the proposal's target."""

    proposal: Proposal


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe(Hold):
    """Change nothing yet: measure a size in a shadow first. To whoever asks only whether
    something is changed, it is a hold."""

    plan: ProbeOrder


Decision: TypeAlias = Hold | Probe | Propose


@dataclass(frozen=True, slots=True)
class Prospect:
    """Whether a copy would be measured before anything is changed."""

    order: ProbeOrder | None
    """The probe that knowing more asks for; None where nothing would be learnt."""
    refused: str | None
    """Why it is not made now; None where it comes next."""


@dataclass(frozen=True, slots=True)
class GuardVerdict:
    """One guard's answer; `reason` is set where it says no."""

    guard: str
    allowed: bool
    reason: Reason | None
    detail: str
    until_s: float | None = None


@dataclass(frozen=True, slots=True)
class Assessment:
    """Everything one tick concluded about one endpoint, from observation to guarded decision."""

    key: EndpointKey
    policy: str
    at_s: float
    state: EndpointState | None
    demand: Maybe[Demand]
    slo: Maybe[SloStatus]
    candidates: tuple[Candidate, ...]
    wanted: Decision
    """What the core would do if nothing stood in the way."""
    guards: tuple[GuardVerdict, ...]
    decision: Decision
    """What will be done."""
    sentence: str
    """The one sentence for log, journal, metric reason, `explain` and page."""
    advice: tuple[Advice, ...] = ()
    """What a person might do; carried out by nobody."""
    ended: Hold | None = None
    """Why the newest closed change ended as it did; None where nothing was ever changed."""
    unexpected: str | None = None
    """What live probes were answered behind a good status, if not what was expected."""
    prospect: Prospect | None = None
    """The probe that would come first; None where that was not asked."""
    hosting: tuple[HostingCost, ...] = ()
    """What the demand would cost under each kind of hosting."""
