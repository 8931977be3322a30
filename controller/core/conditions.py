"""Conditions of an endpoint, from what one tick concluded."""

from collections.abc import Mapping

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
_STALE = {Reason.NO_DATA, Reason.STALE_DATA, Reason.METRICS_UNAVAILABLE}


def conditions(assessment: Assessment, policy: Policy) -> tuple[Condition, ...]:
    """All eight conditions. The store keeps the old transition time where a status stays."""
    decision = assessment.decision
    reason = decision.reason if isinstance(decision, Hold) else decision.proposal.reason
    message = assessment.sentence
    refused = {v.reason: v.detail for v in assessment.guards if not v.allowed}

    def make(kind: ConditionType, status: ConditionStatus, why: Reason, text: str) -> Condition:
        return Condition(kind, status, why, text, policy.generation, assessment.at_s)

    degraded = reason in _DEGRADED
    open_change = {Reason.CHANGE_IN_PROGRESS, Reason.STUCK}
    in_change = reason in open_change or not isinstance(decision, Hold)
    stale = reason in _STALE or Reason.STALE_DATA in refused
    paused = refused.get(Reason.PAUSED)
    drifted = refused.get(Reason.OWNER_CONFLICT, refused.get(Reason.DRIFTED))
    return (
        make(ConditionType.READY, FALSE if degraded else TRUE, reason, message),
        make(ConditionType.DEGRADED, TRUE if degraded else FALSE, reason, message),
        make(ConditionType.PROGRESSING, TRUE if in_change else FALSE, reason, message),
        make(ConditionType.DATA_FRESH, _freshness(assessment, stale), reason, message),
        make(
            ConditionType.PAUSED,
            FALSE if paused is None else TRUE,
            reason if paused is None else Reason.PAUSED,
            "not paused" if paused is None else paused,
        ),
        make(
            ConditionType.DRIFTED,
            FALSE if drifted is None else TRUE,
            reason if drifted is None else _owner_reason(refused),
            "the live size is the one we know" if drifted is None else drifted,
        ),
        _slo_met(assessment, policy, reason),
        _within_budget(assessment, policy, reason),
    )


def _freshness(assessment: Assessment, stale: bool) -> ConditionStatus:
    """Of an endpoint that could not be looked at, nothing fresh is known."""
    if stale:
        return FALSE
    return UNKNOWN if assessment.state is None else TRUE


def _owner_reason(refused: Mapping[Reason | None, str]) -> Reason:
    return Reason.OWNER_CONFLICT if Reason.OWNER_CONFLICT in refused else Reason.DRIFTED


def _slo_met(assessment: Assessment, policy: Policy, reason: Reason) -> Condition:
    status, text = UNKNOWN, "not known"
    slo = assessment.slo
    if isinstance(slo, Missing):
        text = slo.reason
    else:
        words = {
            Attainment.MET: TRUE,
            Attainment.BREACHED: FALSE,
            Attainment.UNKNOWN: UNKNOWN,
        }
        status = words[slo.attainment]
        text = (
            f"{slo.slow} of {slo.requests} requests were slower than {policy.slo.threshold_ms:g} ms"
        )
    return Condition(
        ConditionType.SLO_MET, status, reason, text, policy.generation, assessment.at_s
    )


def _within_budget(assessment: Assessment, policy: Policy, reason: Reason) -> Condition:
    budget = policy.budget_usd_per_month
    status, text = UNKNOWN, "the cost is not known"
    current = current_candidate(assessment)
    if budget is None:
        status, text = TRUE, "the policy sets no budget"
    elif current is not None and not isinstance(current.estimate.usd_per_month, Missing):
        usd = current.estimate.usd_per_month.mid
        status = TRUE if usd <= budget else FALSE
        text = f"{usd:.2f} of {budget:.2f} USD/month"
    return Condition(
        ConditionType.WITHIN_BUDGET, status, reason, text, policy.generation, assessment.at_s
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
