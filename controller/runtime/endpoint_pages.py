"""All that is known of one endpoint: the document behind its page, and its history."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from controller.core.conditions import conditions
from controller.core.cost_table import cost_table
from controller.core.periods import DAY_S, HOUR_S
from controller.model.change import Change
from controller.model.condition import Condition, Pause
from controller.model.decision import Assessment
from controller.model.endpoint import EndpointKey
from controller.model.estimate import Observation
from controller.model.missing import Missing
from controller.model.policy import Policy
from controller.model.size import Size
from controller.policy.canonical import resolved_document
from controller.runtime.documents import (
    assessment_document,
    change_document,
    condition_document,
    cost_document,
    instant,
)
from controller.runtime.roster import Entry
from controller.runtime.size_documents import size_document

Json = dict[str, Any]
HIDDEN = "(set)"
"""Stands for a value that is nobody's business."""
MOST_POINTS = 400


def policy_document(policy: Policy) -> Json:
    """A policy in force, as resolved; a role's external id is a shared secret and stays here."""
    document = resolved_document(policy)
    target = document["spec"]["target"]
    if "externalId" in target:
        target["externalId"] = HIDDEN
    return {
        "name": policy.name,
        "mode": policy.mode.value,
        "generation": policy.generation,
        "source": str(policy.source),
        "document": document,
    }


def fresh_document(assessment: Assessment, policy: Policy) -> Json:
    """From this process' last look."""
    made = conditions(assessment, policy)
    costs = cost_table(assessment.candidates, assessment.demand, policy)
    return {
        **assessment_document(assessment),
        "conditions": [condition_document(condition) for condition in made],
        "costTable": [cost_document(line) for line in costs],
        "fresh": True,
    }


def kept_document(kept: Mapping[str, Any] | None, held: Sequence[Condition]) -> Json:
    """From the journal, where this process has not looked yet."""
    return {
        **(kept or {}),
        "conditions": [condition_document(condition) for condition in held],
        "costTable": [],
        "fresh": False,
    }


def objective_document(policy: Policy) -> Json:
    """The numbers that the pictures draw lines at."""
    return {
        "sloMs": policy.slo.threshold_ms,
        "percentile": policy.slo.percentile,
        "windowSeconds": policy.slo.window_s,
        "confidence": policy.confidence,
        "budgetUsdPerMonth": policy.budget_usd_per_month,
    }


def pause_document(pause: Pause, now_s: float) -> Json:
    """A pause, and whether it is over."""
    return {
        "scope": pause.scope,
        "since": instant(pause.since_s),
        "until": instant(pause.until_s),
        "over": pause.until_s is not None and pause.until_s <= now_s,
        "reason": pause.reason,
        "actor": pause.actor,
    }


def pauses_of(key: EndpointKey, pauses: Iterable[Pause], now_s: float) -> list[Json]:
    """Pauses in force that hold this endpoint."""
    made = [pause_document(pause, now_s) for pause in pauses if pause.scope in ("*", str(key))]
    return [document for document in made if not document["over"]]


def measured(rows: Sequence[Observation]) -> list[Json]:
    """What was measured at each size: the middle of its p95s by requests, and where nine in
    ten of them lie."""
    by_size: dict[Size, list[Observation]] = {}
    for one in rows:
        by_size.setdefault(one.size, []).append(one)
    return [
        {
            "size": size_document(size),
            "requests": sum(one.requests for one in seen),
            "p95Ms": _spread(seen),
            "newest": instant(max(one.end_s for one in seen)),
        }
        for size, seen in sorted(by_size.items(), key=lambda item: str(item[0]))
    ]


def _spread(seen: Sequence[Observation]) -> Json:
    """A p95 of p95s would be no p95; quantiles of them, weighed, say how they are spread."""
    ordered = sorted(seen, key=lambda one: one.p95_ms)
    total = sum(one.requests for one in ordered) or 1
    found, below = {}, 0
    wanted = [("low", 0.05), ("mid", 0.5), ("high", 0.95)]
    for one in ordered:
        below += one.requests
        while wanted and below >= wanted[0][1] * total:
            found[wanted.pop(0)[0]] = round(one.p95_ms, 3)
    return {name: found.get(name, round(ordered[-1].p95_ms, 3)) for name in ("low", "mid", "high")}


def history_document(
    entry: Entry,
    rows: Sequence[Observation],
    changes: Iterable[Change],
    since_s: float,
    now_s: float,
) -> Json:
    """Points of equal length; each is one size's, and says how its p95s were spread."""
    step_s = step_of(now_s - since_s)
    buckets: dict[tuple[float, Size], list[Observation]] = {}
    for one in rows:
        buckets.setdefault((one.start_s // step_s * step_s, one.size), []).append(one)
    points = [
        _point(start_s, step_s, size, seen)
        for (start_s, size), seen in sorted(buckets.items(), key=lambda b: (b[0][0], str(b[0][1])))
    ]
    return {
        "key": str(entry.key),
        "since": instant(since_s),
        "until": instant(now_s),
        "stepSeconds": step_s,
        "objective": objective_document(entry.policy),
        "points": points,
        "changes": [change_document(change) for change in changes],
    }


def step_of(span_s: float) -> float:
    """Whole hours, so that there are not too many points for a picture."""
    hours = -(-span_s // (MOST_POINTS * HOUR_S))
    return max(1.0, hours) * HOUR_S


def _point(start_s: float, step_s: float, size: Size, seen: Sequence[Observation]) -> Json:
    requests = sum(one.requests for one in seen)
    met, counted = 0.0, 0
    for one in seen:
        if not isinstance(one.met_ratio, Missing):
            met += one.met_ratio * one.requests
            counted += one.requests
    return {
        "at": instant(start_s),
        "size": size_document(size),
        "requests": requests,
        "requestsPerSecond": round(requests / step_s, 6),
        "p95Ms": _spread(seen),
        "metRatio": round(met / counted, 6) if counted else None,
    }


def since_s(now_s: float, days: float) -> float:
    """On a whole hour, so that an answer changes no more often than what it tells."""
    return (now_s - days * DAY_S) // HOUR_S * HOUR_S
