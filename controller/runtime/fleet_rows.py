"""One row of the fleet: what the page shows of an endpoint among thousands."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from controller.core.conditions import current_candidate
from controller.model.decision import Assessment
from controller.model.demand import Attainment
from controller.model.missing import Maybe, Missing
from controller.model.policy import Mode, Policy
from controller.model.reason import Reason
from controller.model.size import Size
from controller.runtime.documents import assessment_document, key_document
from controller.runtime.roster import Entry
from controller.runtime.size_documents import size_document
from controller.web.reading import STATES

Json = dict[str, Any]
_NOT_LOOKED = "not looked at since the controller started"
_CHANGING = frozenset({Reason.CHANGE_IN_PROGRESS.value, Reason.STUCK.value})
_WAITING = frozenset({Mode.OFF, Mode.OBSERVE})
STATE_ORDER: Mapping[str, int] = {state: place for place, state in enumerate(STATES)}


@dataclass(frozen=True, slots=True)
class Row:
    """A row, and what it is found and sorted by."""

    document: Json
    text: str
    """In lower case: what a search looks through."""
    sort: Mapping[str, Any]
    """A value per column; None where it is not known."""


def brief_document(assessment: Assessment) -> Json:
    """An assessment's document with no candidate but the live size: cheap to make, and all
    that a row needs. The journal's whole documents serve as well."""
    current = current_candidate(assessment)
    lean = replace(
        assessment,
        candidates=() if current is None else (current,),
        guards=tuple(guard for guard in assessment.guards if guard.reason is Reason.PAUSED),
        advice=(),
        hosting=(),
    )
    return dict(assessment_document(lean))


def row(
    entry: Entry,
    document: Mapping[str, Any] | None,
    budget_left: Maybe[float],
    moving_to: Size | None,
) -> Row:
    """The row of an endpoint; `document` as kept in the journal, None where there is none.
    `moving_to`: what the change in flight aims at, which is wanted while it lasts."""
    policy, said = entry.policy, document or {}
    slo = said.get("slo") or {}
    usd = _usd(said)
    saves = (said.get("wanted") or {}).get("savesUsdPerMonth")
    p95 = _number(slo.get("p95Ms"))
    threshold = policy.slo.threshold_ms
    budget = policy.budget_usd_per_month
    used = None if isinstance(budget_left, Missing) else 1.0 - budget_left
    made: Json = {
        **key_document(entry.key),
        "policy": ", ".join((policy.name, *entry.rivals)),
        "mode": policy.mode.value,
        "state": state_of(policy, said),
        "currentSize": said.get("currentSize"),
        "desiredSize": said.get("desiredSize") if moving_to is None else size_document(moving_to),
        "p95Ms": p95,
        "sloMs": threshold,
        "percentile": policy.slo.percentile,
        "attainment": slo.get("attainment", Attainment.UNKNOWN.value),
        "requests": slo.get("requests"),
        "slowBudgetUsed": None if used is None else round(used, 6),
        "usdPerMonth": None if usd is None else usd["mid"],
        "budgetUsdPerMonth": budget,
        "savesUsdPerMonth": None if saves is None else saves["mid"],
        "decision": said.get("decision", "Hold"),
        "reason": said.get("reason"),
        "message": said.get("message", _NOT_LOOKED),
        "at": said.get("at"),
    }
    return Row(made, _text(made), _sort(made))


def state_of(policy: Policy, said: Mapping[str, Any]) -> str:
    """One of `STATES`: the most pressing that holds."""
    if not said:
        return "Waiting" if policy.mode is Mode.OFF else "Unknown"
    attainment = (said.get("slo") or {}).get("attainment")
    paused = any(
        guard["reason"] == Reason.PAUSED.value and not guard["allowed"]
        for guard in said.get("guards", ())
    )
    holds = (
        ("Unreachable", said.get("currentSize") is None),
        ("Breached", attainment == Attainment.BREACHED.value),
        ("Changing", said.get("reason") in _CHANGING or said.get("decision") == "Change"),
        ("Paused", paused),
        ("ChangeWanted", (said.get("wanted") or {}).get("decision") == "Change"),
        ("Unknown", attainment != Attainment.MET.value),
        ("Waiting", policy.mode in _WAITING),
    )
    return next((state for state, so in holds if so), "Steady")


def _usd(said: Mapping[str, Any]) -> Mapping[str, float] | None:
    """What the live size costs a month."""
    current = said.get("currentSize")
    found = (c for c in said.get("candidates", ()) if c.get("size") == current)
    usd = next((c.get("usdPerMonth") for c in found), None)
    return None if usd is None or "mid" not in usd else dict(usd)


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) else None


def _text(made: Json) -> str:
    size = made["currentSize"] or {}
    words = (made["key"], made["policy"], made["reason"] or "", made["state"], *size.values())
    return " ".join(str(word) for word in words).lower()


def _sort(made: Json) -> Mapping[str, Any]:
    p95, usd, budget = made["p95Ms"], made["usdPerMonth"], made["budgetUsdPerMonth"]
    return {
        "state": STATE_ORDER[made["state"]],
        "name": made["name"],
        "kind": made["kind"],
        "region": made["region"],
        "policy": made["policy"],
        "p95": None if p95 is None else p95 / made["sloMs"],
        "slowBudget": made["slowBudgetUsed"],
        "cost": usd,
        "budget": None if usd is None or not budget else usd / budget,
        "saving": made["savesUsdPerMonth"],
        "reason": made["reason"],
        "at": made["at"],
    }
