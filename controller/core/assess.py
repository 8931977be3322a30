"""One endpoint, one tick: from observation to a guarded decision, as one pure function."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from controller.core import history as journal
from controller.core.decide import decide
from controller.core.demand import demand as demand_of
from controller.core.demand import hours_between
from controller.core.evidence import Evidence, evidence
from controller.core.guard import Fleet, Situation, check, silence
from controller.core.inputs import History, Inputs
from controller.core.overload import denies
from controller.core.pooling import pooled
from controller.core.probe_lessons import impossible
from controller.core.refusals import see_through
from controller.core.sentence import decision_sentence
from controller.core.slo import slo_status
from controller.model.change import Change
from controller.model.condition import Pause
from controller.model.decision import Assessment, Decision, Hold
from controller.model.demand import Attainment, Demand, SloStatus
from controller.model.endpoint import EndpointKey, EndpointState, Phase
from controller.model.estimate import Candidate, Estimate, Observation, Rejection
from controller.model.missing import Maybe, Missing
from controller.model.policy import Policy
from controller.model.probe import ProbeKind, ProbeRecord
from controller.model.reason import Reason
from controller.model.size import RealtimeSize, Size, lessens, measured_as
from controller.model.window import MemoryUse, Window, WindowSet


class Sizing(Protocol):
    """The pure half of a kind, with its prices already looked up."""

    def sizes(
        self, policy: Policy, current: Size, evidence: Evidence, demand: Demand
    ) -> Sequence[Size]:
        """The ladder inside the bounds, smallest first, the current size included."""

    def estimates(
        self, sizes: Sequence[Size], evidence: Evidence, demand: Demand, policy: Policy
    ) -> Maybe[tuple[Estimate, ...]]:
        """One estimate per size, or why there are none."""

    def barred(
        self,
        sizes: Sequence[Size],
        current: Size,
        policy: Policy,
        demand: Demand,
        slo: SloStatus,
    ) -> Mapping[Size, tuple[Rejection, str]]:
        """Sizes that are out of the question."""

    def floor(self, demand: Demand) -> Maybe[int]:
        """Least memory (MB) that holds what is in use."""

    def obstacles(self, state: EndpointState, change_open: bool) -> Mapping[Reason, str]:
        """What in the live state forbids a change."""


@dataclass(frozen=True, slots=True)
class Observed:
    """All that a tick has seen and remembered of one endpoint."""

    now_s: float
    policy: Policy
    state: EndpointState
    era: str
    """Names the live code: evidence of another era says nothing about levels."""
    size_since_s: float
    """Since when the live size has been in use, settling time included."""
    windows: WindowSet
    rows: Sequence[Observation]
    """Hours at known sizes, oldest first."""
    recent_rows: Sequence[Observation]
    """Five-minute windows at the live size since the last whole hour: for a breach only."""
    memory_use: Sequence[MemoryUse]
    memory_refusal: str | None
    """Why REPORT lines could not be read, if they could not."""
    changes: Sequence[Change]
    """This endpoint's journal, newest first."""
    open_change: Change | None
    pauses: Sequence[Pause]
    fleet: Fleet
    accepted_at_s: float | None = None
    conflict: str | None = None
    lease_held: bool = True
    probes: Sequence[ProbeRecord] = ()  # of the last week, newest first


@dataclass(frozen=True, slots=True)
class Beliefs:
    """What follows from history alone; the same until an hour, a size or a price is new."""

    demand: Maybe[Demand]
    proof: Evidence
    made: Maybe[tuple[Estimate, ...]]
    """Estimates of the whole ladder."""


def believe(observed: Observed, sizing: Sizing) -> Beliefs:
    """Demand, evidence and estimates."""
    demand = demand_of(observed.windows.hourly, observed.memory_use, observed.memory_refusal)
    proof = evidence(observed.rows, observed.era)
    return _beliefs(observed, sizing, demand, proof)


def _beliefs(observed: Observed, sizing: Sizing, demand: Maybe[Demand], proof: Evidence) -> Beliefs:
    if isinstance(demand, Missing):
        return Beliefs(demand, proof, demand)
    sizes = sizing.sizes(observed.policy, observed.state.size, proof, demand)
    return Beliefs(demand, proof, sizing.estimates(sizes, proof, demand, observed.policy))


def assess(observed: Observed, sizing: Sizing, beliefs: Beliefs) -> Assessment:
    """SLO, choice and guards for one endpoint, on what is believed of it.

    The SLO that is shown is that of its whole window; the one that decides counts only what
    the live size has served, or a breach that a change has mended would be answered twice.
    """
    policy, state = observed.policy, observed.state
    recent, now_s = observed.windows.recent, observed.now_s
    slo = shown = slo_status(recent, policy.slo, now_s, since_s=0.0)
    if observed.size_since_s > now_s - policy.slo.window_s:
        slo = slo_status(recent, policy.slo, now_s, observed.size_since_s)
    if slo.attainment is Attainment.BREACHED:
        beliefs = _shaken(observed, sizing, beliefs)
    wanted, candidates = _wanted(observed, sizing, beliefs, slo)
    change = observed.open_change
    if change is not None:
        wanted = see_through(change, state.phase is Phase.UPDATING, now_s)
    situation = _situation(observed, sizing, wanted, beliefs.demand, slo)
    decision, guards = check(situation, wanted)
    if change is not None:
        decision = wanted
    return Assessment(
        key=state.key,
        policy=policy.name,
        at_s=observed.now_s,
        state=state,
        demand=beliefs.demand,
        slo=shown,
        candidates=candidates,
        wanted=wanted,
        guards=guards,
        decision=decision,
        sentence=decision_sentence(state.key, decision),
        ended=journal.last_ended(observed.changes),
    )


def unassessed(key: EndpointKey, policy: str, at_s: float, hold: Hold) -> Assessment:
    """An assessment of an endpoint that could not be looked at, and why."""
    unknown = Missing(hold.detail)
    return Assessment(
        key, policy, at_s, None, unknown, unknown, (), hold, (), hold, decision_sentence(key, hold)
    )


def _shaken(observed: Observed, sizing: Sizing, beliefs: Beliefs) -> Beliefs:
    """Beliefs under a breach that is certain by counts: the newest minutes speak too, and
    where older hours would argue it away, they are a segment of their own."""
    start_s = max(observed.size_since_s, observed.now_s - observed.policy.slo.window_s)
    rows = (*observed.rows, *observed.recent_rows)
    if not any(row.start_s >= start_s for row in rows):
        rows += _thin(observed, start_s)
    proof = evidence(rows, observed.era)
    shaken = _beliefs(observed, sizing, beliefs.demand, proof)
    breach = [row for row in rows if row.start_s >= start_s]
    if not denies(shaken.made, observed.state.size, breach):
        return shaken
    proof = evidence(rows, observed.era, split_at_s=start_s)
    return _beliefs(observed, sizing, beliefs.demand, proof)


def _thin(observed: Observed, start_s: float) -> tuple[Observation, ...]:
    """The newest windows as one row, where each for itself holds too few requests."""
    recent = [w for w in observed.windows.recent if w.start_s >= start_s]
    row = pooled(recent, measured_as(observed.state.size), observed.era)
    return () if isinstance(row, Missing) else (row,)


def _wanted(
    observed: Observed, sizing: Sizing, beliefs: Beliefs, slo: SloStatus
) -> tuple[Decision, tuple[Candidate, ...]]:
    """What the core would do if nothing stood in the way."""
    demand, made = beliefs.demand, beliefs.made
    if isinstance(demand, Missing):
        return Hold(Reason.NO_DATA, demand.reason), ()
    if isinstance(made, Missing):
        return Hold(Reason.TOO_FEW_SAMPLES, made.reason), ()
    policy, current = observed.policy, observed.state.size
    sizes = [estimate.size for estimate in made]
    others = [size for size in sizes if size != current]
    barred = {
        **journal.quarantined(observed.changes, others, observed.now_s, beliefs.proof.since_s),
        **impossible(observed.probes, others, observed.now_s),
        **sizing.barred(sizes, current, policy, demand, slo),
    }
    inputs = Inputs(
        policy=policy,
        current=current,
        estimates=made,
        barred=barred,
        demand=demand,
        slo=slo,
        history=_history(observed, beliefs.proof),
        floor=sizing.floor(demand),
    )
    return decide(inputs)


def _history(observed: Observed, proof: Evidence) -> History:
    point = proof.at(measured_as(observed.state.size))
    if point is None:
        return History(0, 0.0, 0, 0, climbed=False)
    first_s = max(point.first_s, observed.size_since_s)
    start_s = observed.now_s - observed.policy.cadence.stabilization_s
    verified = [c for c in journal.verified_since(observed.changes, proof.since_s) if _felt(c)]
    return History(
        requests=point.requests,
        span_s=observed.now_s - first_s,
        gaps=_gaps(observed, max(start_s, first_s)),
        changes=len(verified),
        climbed=bool(verified) and not journal.is_decrease(verified[0]),
    )


def _felt(change: Change) -> bool:
    """Whether latency may differ after it: fewer instances share the same load, or more do out
    of a breach; higher bounds or another concurrency alone do not count."""
    before, target = change.before, change.target
    shared = lessens(before, target) or change.reason is Reason.SLO_BREACHED
    instances = isinstance(target, RealtimeSize) and shared
    return instances or measured_as(before) != measured_as(target)


def _gaps(observed: Observed, since_s: float) -> int:
    """Hours since an instant that say nothing of latency although there must have been some."""
    hourly = observed.windows.hourly
    blind = sum(1 for w in hourly if w.start_s >= since_s and _blind(w))
    return blind + _absent(hourly, since_s)


def _absent(hourly: Sequence[Window], since_s: float) -> int:
    """Hours since an instant that are not there at all, if until then none was missing: silence
    looks the same as a gap in CloudWatch, and traffic that has slept before may sleep."""
    missing = hours_between(hourly)
    return 0 if any(start_s < since_s for start_s in missing) else len(missing)


def _blind(window: Window) -> bool:
    if isinstance(window.requests, Missing):
        return True
    return window.requests >= 20 and isinstance(window.mean_ms, Missing)


def _situation(
    observed: Observed, sizing: Sizing, wanted: Decision, demand: Maybe[Demand], slo: SloStatus
) -> Situation:
    state = observed.state
    trough = 0.0 if isinstance(demand, Missing) else demand.requests_per_hour_trough
    newest_s = _newest_s(observed.windows)
    return Situation(
        now_s=observed.now_s,
        policy=observed.policy,
        state=state,
        proposal=None if isinstance(wanted, Hold) else wanted.proposal,
        pauses=observed.pauses,
        changes=observed.changes,
        ownership=owner_of(observed),
        fleet=observed.fleet,
        stale=silence(newest_s, trough, observed.now_s),
        obstacles=sizing.obstacles(state, observed.open_change is not None),
        lease_held=observed.lease_held,
        conflict=observed.conflict,
        client_seen=any(p.kind is ProbeKind.LIVE and p.requests > 0 for p in observed.probes),
    )


def owner_of(observed: Observed) -> journal.Ownership:
    """Whether the live size is the one that we left."""
    return journal.ownership(
        observed.changes,
        observed.state.size,
        # Not when AWS says it was modified: an alias may go back to an old version.
        observed.size_since_s - journal.SETTLE_S,
        observed.accepted_at_s,
        observed.now_s,
    )


def _newest_s(windows: WindowSet) -> Maybe[float]:
    ends = [kept[-1].end_s for kept in (windows.recent, windows.hourly) if kept]
    return max(ends) if ends else Missing("no datapoints")
