"""Assessments and changes as plain JSON, for the journal, `-o json` and the page."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from controller.core.cost_table import CostRow
from controller.model.advice import Advice, HostingCost
from controller.model.change import Change, ChangeEvent
from controller.model.condition import Condition
from controller.model.decision import Assessment, GuardVerdict, Hold, Propose
from controller.model.demand import Demand, Interval, SloStatus
from controller.model.endpoint import EndpointKey
from controller.model.estimate import Candidate, Estimate
from controller.model.missing import Missing
from controller.runtime.size_documents import size_document

Json = Mapping[str, Any]


def instant(at_s: float | None) -> str | None:
    """RFC 3339 in UTC, whole seconds."""
    if at_s is None:
        return None
    return datetime.fromtimestamp(at_s, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def key_document(key: EndpointKey) -> Json:
    """The key, whole and in parts."""
    return {
        "key": str(key),
        "kind": key.kind.value,
        "account": key.account,
        "region": key.region,
        "name": key.name,
        "qualifier": key.qualifier,
    }


def assessment_document(assessment: Assessment) -> Json:
    """Everything one tick concluded."""
    decision, state = assessment.decision, assessment.state
    wanted = assessment.wanted
    return {
        "endpoint": key_document(assessment.key),
        "policy": assessment.policy,
        "at": instant(assessment.at_s),
        "currentSize": None if state is None else size_document(state.size),
        "desiredSize": _desired(assessment),
        "decision": "Hold" if isinstance(decision, Hold) else "Change",
        "reason": decision.reason if isinstance(decision, Hold) else decision.proposal.reason,
        "message": assessment.sentence,
        "until": instant(decision.until_s) if isinstance(decision, Hold) else None,
        "wanted": _wanted(wanted),
        "demand": _maybe(assessment.demand, _demand),
        "slo": _maybe(assessment.slo, _slo),
        "candidates": [_candidate(c) for c in assessment.candidates],
        "guards": [_guard(g) for g in assessment.guards],
        "advice": [_advice(a) for a in assessment.advice],
        "hosting": [_hosting(line) for line in assessment.hosting],
    }


def change_document(change: Change, events: tuple[ChangeEvent, ...] = ()) -> Json:
    """One journalled change, with its history where given."""
    out: dict[str, Any] = {
        "id": change.id,
        "endpoint": key_document(change.key),
        "policy": change.policy,
        "phase": change.phase.value,
        "before": size_document(change.before),
        "target": size_document(change.target),
        "reason": change.reason.value,
        "message": change.detail,
        "actor": change.actor,
        "term": change.term,
        "plannedAt": instant(change.planned_at_s),
        "updatedAt": instant(change.updated_at_s),
        "finishedAt": instant(change.finished_at_s),
        "verdict": None,
    }
    if change.verdict is not None:
        verdict = change.verdict
        out["verdict"] = {
            "kind": verdict.kind.value,
            "reason": verdict.reason.value,
            "message": verdict.detail,
        }
    if change.proposal is not None:
        out["savesUsdPerMonth"] = interval(change.proposal.saves_usd_per_month)
    if events:
        out["events"] = [
            {"at": instant(e.at_s), "phase": e.phase.value, "what": e.what, "message": e.message}
            for e in events
        ]
    return out


def condition_document(condition: Condition) -> Json:
    """One condition, with Kubernetes' field names."""
    return {
        "type": condition.type.value,
        "status": condition.status.value,
        "reason": condition.reason.value,
        "message": condition.message,
        "observedGeneration": condition.observed_generation,
        "lastTransitionTime": instant(condition.last_transition_s),
    }


def interval(value: Interval) -> Json:
    """An interval, rounded to what it can mean."""
    return {"low": _round(value.low), "mid": _round(value.mid), "high": _round(value.high)}


def _round(value: float) -> float:
    return float(f"{value:.6g}")


def _maybe(value: Any, document: Any) -> Json:
    return {"missing": value.reason} if isinstance(value, Missing) else document(value)


def number_document(value: Any) -> Any:
    """A number, rounded to what it can mean, or why there is none."""
    if isinstance(value, Missing):
        return {"missing": value.reason}
    return _round(value) if isinstance(value, float) else value


def _desired(assessment: Assessment) -> Json | None:
    if isinstance(assessment.wanted, Propose):
        return size_document(assessment.wanted.proposal.target)
    return None if assessment.state is None else size_document(assessment.state.size)


def _wanted(wanted: Hold | Propose) -> Json:
    if isinstance(wanted, Hold):
        return {"decision": "Hold", "reason": wanted.reason, "message": wanted.detail}
    proposal = wanted.proposal
    return {
        "decision": "Change",
        "reason": proposal.reason,
        "message": proposal.detail,
        "target": size_document(proposal.target),
        "pSlo": _round(proposal.p_slo),
        "p95BeforeMs": number_document(proposal.p95_before_ms),
        "p95AfterMs": interval(proposal.p95_after_ms),
        "usdPerMonthBefore": interval(proposal.usd_per_month_before),
        "usdPerMonthAfter": interval(proposal.usd_per_month_after),
        "savesUsdPerMonth": interval(proposal.saves_usd_per_month),
    }


def _demand(demand: Demand) -> Json:
    return {
        "requestsPerMonth": interval(demand.requests_per_month),
        "requestsPerHourPeak": _round(demand.requests_per_hour_peak),
        "requestsPerHourTrough": _round(demand.requests_per_hour_trough),
        "requestsPerSecondPeak": number_document(demand.rps_peak),
        "concurrencyPeak": number_document(demand.concurrency_peak),
        "memoryUsedMb": number_document(demand.memory_used_mb),
        "errorRatio": number_document(demand.error_ratio),
        "throttleRatio": number_document(demand.throttle_ratio),
        "coldStartRatio": number_document(demand.cold_start_ratio),
        "hoursObserved": demand.hours_observed,
    }


def _slo(slo: SloStatus) -> Json:
    return {
        "attainment": slo.attainment.value,
        "requests": slo.requests,
        "slow": slo.slow,
        "metRatio": number_document(slo.met_ratio),
        "pMet": _round(slo.p_met),
        "p95Ms": number_document(slo.p95_ms),
        "errorRatio": number_document(slo.error_ratio),
        "newest": None if isinstance(slo.newest_s, Missing) else instant(slo.newest_s),
    }


def _candidate(candidate: Candidate) -> Json:
    estimate = candidate.estimate
    usd = estimate.usd_per_month
    return {
        "size": size_document(estimate.size),
        "p95Ms": interval(estimate.p95_ms),
        "pSlo": _round(estimate.p_slo),
        "usdPerMonth": {"missing": usd.reason} if isinstance(usd, Missing) else interval(usd),
        "evidence": estimate.evidence,
        "measuredRequests": estimate.measured_requests,
        **_of_instances(estimate),
        "verdict": candidate.rejection.value,
        "because": candidate.detail,
    }


def _of_instances(estimate: Estimate) -> Json:
    """What only kinds with instances have; nothing for the others."""
    if isinstance(estimate.instances, Missing):
        return {}
    return {
        "instances": interval(estimate.instances),
        "capacityRequestsPerSecond": _maybe(estimate.capacity_rps, interval),
        "usdPerInstanceHour": number_document(estimate.usd_per_hour),
    }


def _advice(advice: Advice) -> Json:
    return {
        "reason": advice.reason.value,
        "message": advice.message,
        "savesUsdPerMonth": _maybe(advice.saves_usd_per_month, interval),
    }


def _hosting(line: HostingCost) -> Json:
    return {
        "kind": line.kind.value,
        "present": line.present,
        "what": line.what,
        "usdPerMonth": _maybe(line.usd_per_month, interval),
        "breakEvenRequestsPerSecond": number_document(line.break_even_rps),
        "assumes": line.assumes,
    }


def cost_document(row: CostRow) -> Json:
    """One line of the cost-performance table."""
    return {
        "size": size_document(row.size),
        "p95Ms": interval(row.p95_ms),
        "meetsSlo": row.meets_slo,
        "pSlo": _round(row.p_slo),
        "instances": _maybe(row.instances, interval),
        "usdPerHour": number_document(row.usd_per_hour),
        "usdPerMonth": _maybe(row.usd_per_month, interval),
        "usdPerMillionRequests": number_document(row.usd_per_million),
        "fitsBudget": row.fits_budget,
        "verdict": row.verdict.value,
        "evidence": row.evidence,
        "because": row.why,
    }


def _guard(guard: GuardVerdict) -> Json:
    return {
        "guard": guard.guard,
        "allowed": guard.allowed,
        "reason": None if guard.reason is None else guard.reason.value,
        "message": guard.detail,
        "until": instant(guard.until_s),
    }
