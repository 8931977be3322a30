"""A plan: what one look concluded, as a document that can be kept and carried out later.

The document holds, for every change, what it rested on (size, etag, the policy's generation),
so that `apply` can tell whether the world has moved on since.
"""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from controller.core.conditions import current_candidate
from controller.core.probe_worth import not_allowed
from controller.model.decision import Assessment, GuardVerdict, Hold, Proposal, Propose
from controller.model.demand import Interval
from controller.model.endpoint import EndpointKey
from controller.model.missing import Maybe, Missing
from controller.model.policy import Policy
from controller.model.probe import ProbeOrder
from controller.model.reason import Reason
from controller.runtime.documents import (
    Json,
    assessment_document,
    instant,
    interval,
    key_document,
    number_document,
)
from controller.runtime.oneshot import Seen
from controller.runtime.size_documents import size_document, size_from


class Action(StrEnum):
    """What a plan says of one endpoint."""

    CHANGE = "Change"
    """Another size is wanted, and nothing stands in the way but the policy's mode."""
    KEEP = "Keep"
    """The size is right, or no better one is known."""
    WAIT = "Wait"
    """It cannot be judged, or not be changed, now."""


_KEEPING = {
    Reason.RIGHT_SIZE,
    Reason.SAVING_TOO_SMALL,
    Reason.NOT_MEASURED,
    Reason.NOT_CONFIDENT,
    Reason.INFEASIBLE,
    Reason.MODE_OFF,
    Reason.MODE_OBSERVE,
}


class PlanInvalid(Exception):  # noqa: N818  (reads as what it says)
    """The text is not a plan that this program wrote; the message says what is wrong."""


@dataclass(frozen=True, slots=True)
class PlannedChange:
    """One change of a saved plan, and what it rested on."""

    key: EndpointKey
    policy: str
    generation: str
    etag: str
    proposal: Proposal


@dataclass(frozen=True, slots=True)
class SavedPlan:
    """A plan read back."""

    created_at_s: float
    changes: tuple[PlannedChange, ...]


def refusals(assessment: Assessment) -> tuple[GuardVerdict, ...]:
    """Guards that say no for another cause than the policy's mode Recommend."""
    return tuple(
        v for v in assessment.guards if not v.allowed and v.reason is not Reason.MODE_RECOMMEND
    )


def action_of(assessment: Assessment) -> Action:
    """What a plan says of one endpoint."""
    if isinstance(assessment.wanted, Propose) and not refusals(assessment):
        return Action.CHANGE
    decision = assessment.decision
    keeps = isinstance(decision, Hold) and decision.reason in _KEEPING
    return Action.KEEP if keeps else Action.WAIT


def wanted_change(assessment: Assessment) -> Proposal | None:
    """The proposal that the core made, whether or not guards held it back."""
    return assessment.wanted.proposal if isinstance(assessment.wanted, Propose) else None


def reason_and_message(assessment: Assessment) -> tuple[Reason, str]:
    """Why: of a planned change its own reason, also where only the mode keeps it back."""
    proposal, decision = wanted_change(assessment), assessment.decision
    if proposal is not None and action_of(assessment) is Action.CHANGE:
        return proposal.reason, proposal.detail
    if isinstance(decision, Hold):
        return decision.reason, decision.detail
    return decision.proposal.reason, decision.proposal.detail


def total_saving(seen: Sequence[Seen]) -> Interval:
    """What all planned changes save a month. Each prediction errs on its own, so the spreads
    add up as the roots of their squares do."""
    saves = [
        proposal.saves_usd_per_month
        for one in seen
        if action_of(one.assessment) is Action.CHANGE
        and (proposal := wanted_change(one.assessment)) is not None
    ]
    mid = sum(s.mid for s in saves)
    down = math.hypot(*(s.mid - s.low for s in saves))
    up = math.hypot(*(s.high - s.mid for s in saves))
    return Interval(mid - down, mid, mid + up)


def plan_item(seen: Seen) -> Json:
    """One endpoint of a plan."""
    assessment, policy = seen.assessment, seen.entry.policy
    whole = assessment_document(assessment)
    action = action_of(assessment)
    reason, message = reason_and_message(assessment)
    return {
        "endpoint": key_document(assessment.key),
        "policy": policy.name,
        "policyGeneration": policy.generation,
        "mode": policy.mode.value,
        "action": action.value,
        "currentSize": whole["currentSize"],
        "desiredSize": whole["desiredSize"],
        "decision": "Change" if action is Action.CHANGE else whole["decision"],
        "reason": reason.value,
        "message": message,
        "until": None if action is Action.CHANGE else whole["until"],
        "heldBy": [guard for guard in whole["guards"] if not guard["allowed"]],
        "predicted": _predicted(assessment),
        "probe": _probe(assessment, policy),
        "slo": whole["slo"],
        "etag": None if assessment.state is None else assessment.state.etag,
        "observedAt": whole["at"],
    }


def probe_first(assessment: Assessment) -> ProbeOrder | None:
    """The probe of a copy that comes before any change, if one does."""
    prospect = assessment.prospect
    return prospect.order if prospect is not None and prospect.refused is None else None


def no_probe(assessment: Assessment, policy: Policy) -> str | None:
    """Why no copy is measured first; None where one is, or nobody can say."""
    prospect = assessment.prospect
    return not_allowed(policy) if prospect is None else prospect.refused


def _probe(assessment: Assessment, policy: Policy) -> Json:
    """The probe that is wanted, and why it is not made, where it is not."""
    order = None if assessment.prospect is None else assessment.prospect.order
    wanted: dict[str, Any] = {"refused": no_probe(assessment, policy)}
    if order is not None:
        wanted |= {
            "size": size_document(order.size),
            "requests": round(order.requests),
            "durationSeconds": round(order.duration_s, 1),
            "usd": number_document(order.usd),
            "worthUsd": number_document(order.worth_usd),
            "message": order.why,
        }
    return wanted


def _predicted(assessment: Assessment) -> Json:
    here = current_candidate(assessment)
    if here is None:
        why = assessment.demand
        return {"missing": why.reason if isinstance(why, Missing) else "no estimate was made"}
    estimate, proposal = here.estimate, wanted_change(assessment)
    before = {
        "p95Ms": interval(estimate.p95_ms),
        "pSlo": round(estimate.p_slo, 6),
        "usdPerMonth": _usd(estimate.usd_per_month),
    }
    if proposal is None:
        return {"before": before, "after": before, "savesUsdPerMonth": None}
    after = {
        "p95Ms": interval(proposal.p95_after_ms),
        "pSlo": round(proposal.p_slo, 6),
        "usdPerMonth": interval(proposal.usd_per_month_after),
    }
    saves = interval(proposal.saves_usd_per_month)
    return {"before": before, "after": after, "savesUsdPerMonth": saves}


def _usd(value: Maybe[Interval]) -> Json:
    return {"missing": value.reason} if isinstance(value, Missing) else interval(value)


def plan_document(
    seen: Sequence[Seen], *, at_s: float, digest: str, failures: Sequence[Json], version: str
) -> dict[str, Any]:
    """The content of a plan, without its envelope."""
    actions = [action_of(one.assessment) for one in seen]
    return {
        "createdAt": instant(at_s),
        "createdBy": f"rightsizer {version}",
        "policiesDigest": digest,
        "summary": {
            "change": actions.count(Action.CHANGE),
            "keep": actions.count(Action.KEEP),
            "wait": actions.count(Action.WAIT),
            "savesUsdPerMonth": interval(total_saving(seen)),
        },
        "failures": list(failures),
        "items": [plan_item(one) for one in seen],
    }


def parse_plan(text: str, api_version: str) -> SavedPlan:
    """Read a plan back. Raises PlanInvalid."""
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise PlanInvalid(f"it is not JSON ({error})") from None
    if not isinstance(document, dict) or document.get("kind") != "Plan":
        raise PlanInvalid("it is not a plan; `rightsizer plan --out FILE` writes one")
    if document.get("apiVersion") != api_version:
        raise PlanInvalid(f"its apiVersion is not {api_version}; plan again")
    try:
        items = [item for item in document["items"] if item["action"] == Action.CHANGE.value]
        created = datetime.fromisoformat(document["createdAt"])
        return SavedPlan(created.timestamp(), tuple(_planned(item) for item in items))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise PlanInvalid(f"it is damaged ({type(error).__name__}: {error}); plan again") from None


def _planned(item: Mapping[str, Any]) -> PlannedChange:
    predicted = item["predicted"]
    before, after = predicted["before"], predicted["after"]
    proposal = Proposal(
        before=size_from(item["currentSize"]),
        target=size_from(item["desiredSize"]),
        reason=Reason(item["reason"]),
        detail=str(item["message"]),
        p_slo=float(after["pSlo"]),
        p95_before_ms=_interval(before["p95Ms"]).mid,
        p95_after_ms=_interval(after["p95Ms"]),
        usd_per_month_before=_interval(before["usdPerMonth"]),
        usd_per_month_after=_interval(after["usdPerMonth"]),
        saves_usd_per_month=_interval(predicted["savesUsdPerMonth"]),
    )
    return PlannedChange(
        key=EndpointKey.parse(item["endpoint"]["key"]),
        policy=str(item["policy"]),
        generation=str(item["policyGeneration"]),
        etag=str(item["etag"]),
        proposal=proposal,
    )


def _interval(document: Mapping[str, Any]) -> Interval:
    return Interval(float(document["low"]), float(document["mid"]), float(document["high"]))
