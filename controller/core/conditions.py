"""Conditions of an endpoint, from what one tick concluded.

Each condition says its own reason: of its opposite where something is wrong, AsExpected where
nothing is. Ready alone carries the decision's.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from controller.core.sentence import apart
from controller.model.condition import Condition, ConditionStatus, ConditionType
from controller.model.decision import Assessment, Hold
from controller.model.demand import Attainment
from controller.model.estimate import Candidate, Rejection
from controller.model.missing import Missing
from controller.model.policy import Policy
from controller.model.reason import Reason

TRUE, FALSE, UNKNOWN = ConditionStatus.TRUE, ConditionStatus.FALSE, ConditionStatus.UNKNOWN
_DEGRADED = {
    Reason.ACCESS_DENIED,
    Reason.CREDENTIALS,
    Reason.UNREACHABLE,
    Reason.THROTTLED,
    Reason.ERROR,
    Reason.NOT_FOUND,
    Reason.ENDPOINT_FAILED,
    Reason.METRICS_UNAVAILABLE,
    Reason.POLICY_CONFLICT,
    Reason.OWNER_CONFLICT,
    Reason.STUCK,
}
_STALE = (Reason.NO_DATA, Reason.STALE_DATA, Reason.METRICS_UNAVAILABLE)


@dataclass(frozen=True, slots=True)
class _Tick:
    """One tick's conclusion, with what most conditions look at."""

    assessment: Assessment
    policy: Policy
    reason: Reason
    detail: str
    """The decision's."""
    refused: Mapping[Reason | None, str]
    """What each guard that says no says."""

    @property
    def seen(self) -> bool:
        return self.assessment.state is not None


_Said = tuple[ConditionStatus, Reason, str]


def conditions(assessment: Assessment, policy: Policy) -> tuple[Condition, ...]:
    """All eight conditions. The store keeps the old transition time where a status stays."""
    decision = assessment.decision
    said = decision if isinstance(decision, Hold) else decision.proposal
    refused = {v.reason: v.detail for v in assessment.guards if not v.allowed}
    tick = _Tick(assessment, policy, said.reason, said.detail, refused)
    rows: Mapping[ConditionType, _Said] = {
        ConditionType.READY: _ready(tick),
        ConditionType.DEGRADED: _degraded(tick),
        ConditionType.PROGRESSING: _progressing(tick),
        ConditionType.DATA_FRESH: _data_fresh(tick),
        ConditionType.PAUSED: _paused(tick),
        ConditionType.DRIFTED: _drifted(tick),
        ConditionType.SLO_MET: _slo_met(tick),
        ConditionType.WITHIN_BUDGET: _within_budget(tick),
    }
    return tuple(
        Condition(kind, status, reason, text, policy.generation, assessment.at_s)
        for kind, (status, reason, text) in rows.items()
    )


def _ready(tick: _Tick) -> _Said:
    return FALSE if tick.reason in _DEGRADED else TRUE, tick.reason, tick.assessment.sentence


def _degraded(tick: _Tick) -> _Said:
    if tick.reason in _DEGRADED:
        return TRUE, tick.reason, tick.assessment.sentence
    if tick.assessment.unexpected is not None:
        return TRUE, Reason.UNEXPECTED_ANSWERS, tick.assessment.unexpected
    return FALSE, Reason.AS_EXPECTED, "the endpoint can be looked at and worked on"


def _progressing(tick: _Tick) -> _Said:
    open_change = tick.reason in {Reason.CHANGE_IN_PROGRESS, Reason.STUCK}
    if open_change or not isinstance(tick.assessment.decision, Hold):
        return TRUE, tick.reason, tick.detail
    ended = tick.assessment.ended
    if ended is None:
        return FALSE, Reason.AS_EXPECTED, "no change is under way"
    return FALSE, ended.reason, f"the last change: {ended.detail}"


def _data_fresh(tick: _Tick) -> _Said:
    """Of an endpoint that could not be looked at, nothing fresh is known."""
    if tick.reason in _STALE:
        return FALSE, tick.reason, tick.detail
    if Reason.STALE_DATA in tick.refused:
        return FALSE, Reason.STALE_DATA, tick.refused[Reason.STALE_DATA]
    if not tick.seen:
        return UNKNOWN, tick.reason, tick.detail
    return TRUE, Reason.AS_EXPECTED, "datapoints come as they should"


def _paused(tick: _Tick) -> _Said:
    paused = tick.refused.get(Reason.PAUSED)
    if paused is None:
        return FALSE, Reason.AS_EXPECTED, "not paused"
    return TRUE, Reason.PAUSED, paused


def _drifted(tick: _Tick) -> _Said:
    for reason in (Reason.OWNER_CONFLICT, Reason.DRIFTED):
        if reason in tick.refused:
            return TRUE, reason, tick.refused[reason]
    return FALSE, Reason.AS_EXPECTED, "the live size is the one we know"


def _slo_met(tick: _Tick) -> _Said:
    slo = tick.assessment.slo
    if isinstance(slo, Missing):
        return UNKNOWN, tick.reason if not tick.seen else Reason.NO_DATA, slo.reason
    threshold_ms = tick.policy.slo.threshold_ms
    text = f"{slo.slow:,} of {slo.requests:,} requests were slower than {threshold_ms:g} ms"
    if slo.attainment is Attainment.MET:
        return TRUE, Reason.AS_EXPECTED, text
    if slo.attainment is Attainment.BREACHED:
        return FALSE, Reason.SLO_BREACHED, text
    return UNKNOWN, Reason.TOO_FEW_SAMPLES if slo.requests else Reason.NO_DATA, text


def _within_budget(tick: _Tick) -> _Said:
    budget = tick.policy.budget_usd_per_month
    if budget is None:
        return TRUE, Reason.AS_EXPECTED, "the policy sets no budget"
    current = current_candidate(tick.assessment)
    if current is None:
        return UNKNOWN, tick.reason, "the cost is not known"
    usd = current.estimate.usd_per_month
    if isinstance(usd, Missing):
        return UNKNOWN, Reason.PRICE_UNKNOWN, f"the cost is not known: {usd.reason}"
    text = f"{apart(usd.mid, budget)} of {budget:.2f} USD/month"
    return (
        (TRUE, Reason.AS_EXPECTED, text) if usd.mid <= budget else (FALSE, Reason.OVER_BUDGET, text)
    )


def current_candidate(assessment: Assessment) -> Candidate | None:
    """The candidate that is the live size, if estimates were made."""
    if assessment.state is None:
        return None
    size = assessment.state.size
    return next((c for c in assessment.candidates if c.estimate.size == size), None)


def chosen_candidate(assessment: Assessment) -> Candidate | None:
    """The candidate that the core would choose, guards or no."""
    wanted = {Rejection.CHOSEN, Rejection.CURRENT}
    return next((c for c in assessment.candidates if c.rejection in wanted), None)
