"""The summary for machines. The same seed gives the same document, but for `wallSeconds`."""

from collections.abc import Mapping
from typing import Any

from controller import __version__
from controller.demo.figures import Figures
from controller.demo.ledger import Entry, Estimated, Ledger, Polling
from controller.demo.play import HOUR_S
from controller.demo.stage import Setting
from controller.model.change import ChangePhase
from controller.model.demand import Interval
from controller.model.missing import Maybe, Missing
from controller.runtime.documents import change_document, instant, interval, key_document
from controller.runtime.size_documents import size_document

Json = Mapping[str, Any]


def summary_document(ledger: Ledger, setting: Setting, wall_s: float) -> Json:
    """All of it, without the envelope. What is under `truth` the controller never saw."""
    course = ledger.course
    return {
        "version": __version__,
        "seed": setting.seed,
        "from": instant(course.start_s),
        "to": instant(course.end_s),
        "hours": _round((course.end_s - course.start_s) / HOUR_S),
        "ended": course.ended,
        "wallSeconds": round(wall_s, 1),
        "ticks": course.ticks,
        "looks": course.looks,
        "endpoints": [entry_document(entry) for entry in ledger.entries],
        "totals": _totals(ledger),
        "polling": _polling(ledger.polling),
    }


def entry_document(entry: Entry) -> Json:
    """One endpoint."""
    decision = entry.last.decision
    return {
        "endpoint": key_document(entry.key),
        "policy": entry.last.policy,
        "slo": {"percentile": entry.slo.percentile, "thresholdMs": entry.slo.threshold_ms},
        "sizeBefore": size_document(entry.start.size),
        "sizeAfter": size_document(entry.after.size),
        "truth": {
            "start": _truth(entry.start),
            "before": {**_truth(entry.before), "meetsSlo": entry.meets(entry.before)},
            "after": {**_truth(entry.after), "meetsSlo": entry.meets(entry.after)},
            "cheapest": None if entry.cheapest is None else _truth(entry.cheapest),
            "savesUsdPerMonth": _maybe(entry.saves_usd_per_month),
        },
        "estimate": _estimate(entry.estimated, entry.after),
        "changes": [change_document(change) for change in entry.changes],
        "probes": {
            "copies": len(entry.probes),
            "requests": sum(record.requests for record in entry.probes),
            "usd": _round(entry.probes_usd),
        },
        "holds": {reason.value: count for reason, count in sorted(entry.holds.items())},
        "decision": "Hold" if not hasattr(decision, "proposal") else "Change",
        "message": entry.last.sentence,
    }


def _truth(truth: Figures) -> dict[str, Any]:
    usd, met = truth.usd_per_month, truth.met_ratio
    return {
        "size": size_document(truth.size),
        "p95Ms": _round(truth.p95_ms),
        "usdPerMonth": None if usd is None else _round(usd),
        **({} if met is None else {"metRatio": _round(met)}),
        **({"refusedShare": _round(truth.refused_share)} if truth.refused_share else {}),
    }


def _estimate(estimated: Estimated, after: Figures) -> Json:
    return {
        "measuredP95Ms": _maybe(estimated.p95_ms),
        "usdPerMonth": _range(estimated.usd_per_month),
        "usdPerMonthBefore": _range(estimated.usd_per_month_before),
        "savesUsdPerMonth": _maybe(estimated.saves_usd_per_month),
        "intervalHoldsTruth": _holds(estimated.usd_per_month, after.usd_per_month),
    }


def _holds(estimated: Maybe[Interval], usd: float | None) -> bool | None:
    """Whether the truth is in the interval; None where one of them is not known."""
    if isinstance(estimated, Missing) or usd is None:
        return None
    return estimated.low <= usd <= estimated.high


def _totals(ledger: Ledger) -> Json:
    entries = ledger.entries
    return {
        "usdPerMonthBefore": _maybe(ledger.before_usd_per_month),
        "usdPerMonthAfter": _maybe(ledger.after_usd_per_month),
        "usdPerMonthCheapest": _maybe(ledger.hindsight_usd_per_month),
        "savesUsdPerMonth": _maybe(ledger.saves_usd_per_month),
        "estimatedSavesUsdPerMonth": _round(ledger.estimated_saving),
        "sloMetBefore": sum(e.meets(e.before) for e in entries),
        "sloMetAfter": sum(e.meets(e.after) for e in entries),
        "changesVerified": ledger.count(ChangePhase.VERIFIED),
        "changesUnverified": ledger.count(ChangePhase.UNVERIFIED),
        "changesRolledBack": ledger.count(ChangePhase.ROLLED_BACK),
        "changesFailed": ledger.count(ChangePhase.FAILED),
        "probes": len(ledger.probes),
        "probesUsd": _round(ledger.probes_usd),
    }


def _polling(polling: Polling) -> Json:
    return {
        "awsCalls": sum(polling.calls.values()),
        "calls": [
            {"service": service, "operation": operation, "code": code, "count": count}
            for (service, operation, code), count in sorted(polling.calls.items())
        ],
        "metricsRequested": polling.metrics_requested,
        "cloudwatchUsd": _round(polling.usd),
        "cloudwatchUsdPerMonth": _round(polling.usd_per_month),
    }


def _range(value: Maybe[Interval]) -> Json:
    return {"missing": value.reason} if isinstance(value, Missing) else interval(value)


def _maybe(value: Maybe[float]) -> Any:
    return {"missing": value.reason} if isinstance(value, Missing) else _round(value)


def _round(value: float) -> float:
    return float(f"{value:.6g}")
