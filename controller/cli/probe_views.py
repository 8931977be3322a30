"""What a probe found, for people and as a document."""

from typing import TYPE_CHECKING, Any

from controller.cli.histogram import histogram
from controller.cli.output import document, show_facts, show_table
from controller.cli.session import Session
from controller.cli.words import UNKNOWN, number, percent
from controller.core.probing import trimmed_mean
from controller.core.sentence import counted
from controller.model.missing import Maybe, Missing, known
from controller.runtime.documents import instant
from controller.runtime.size_documents import size_document

if TYPE_CHECKING:
    from controller.model.probe import ProbeRecord
    from controller.runtime.probe_parts import Ended
    from controller.runtime.probe_results import Found

_QUANTILES = (0.5, 0.9, 0.95, 0.99)


def show_probe(session: Session, ended: "Ended") -> None:
    """The outcome, what it cost, percentiles and a histogram."""
    record, found, slo = ended.record, ended.found, ended.asked.slo
    what = "as it is live" if record.kind == "Live" else f"a copy with {record.size}"
    facts = [
        ("Probe", f"{record.key.short}, {what}: {record.outcome}"),
        ("Because", record.detail),
        ("Requests", _requests(ended)),
        ("Cost", f"{cost(record.usd)} USD (estimated {cost(record.usd_estimated)})"),
    ]
    if found.latencies_ms:
        met = sum(1 for ms in found.latencies_ms if ms <= slo.threshold_ms)
        share = percent(met / len(found.latencies_ms))
        facts.append(("SLO", f"{share} of warm answers within {slo.threshold_ms:g} ms"))
    show_facts(session, facts)
    if not found.latencies_ms:
        return
    session.write("\nLatency of warm answers\n")
    for line in histogram(found.latencies_ms, slo.threshold_ms):
        session.write(f"{line}\n")
    columns = [">MEAN", *(f">P{100 * share:g}" for share in _QUANTILES), ">MAX"]
    session.write("\n")
    show_table(session, columns, [percentiles(found)])
    worst = found.quantile(_QUANTILES[-1])
    if isinstance(worst, Missing):
        session.write(f"-: {worst.reason}\n")


def show_mirrored(session: Session, record: "ProbeRecord") -> None:
    """The outcome of a mirrored probe, what it cost, and what CloudWatch told."""
    p50, p95 = (UNKNOWN if isinstance(ms, Missing) else number(ms)
                for ms in (record.p50_ms, record.p95_ms))  # fmt: skip
    requests = f"{counted(record.requests, 'request')} of users copied, {record.errors:,} failed"
    facts = [
        ("Probe", f"{record.key.short}, mirrored to {record.size}: {record.outcome}"),
        ("Because", record.detail),
        ("Requests", requests),
        ("Latency", f"p50 {p50} ms, p95 {p95} ms"),
        ("Cost", f"{cost(record.usd)} USD (estimated {cost(record.usd_estimated)})"),
    ]
    show_facts(session, facts)


def percentiles(found: "Found") -> list[str]:
    """Mean, percentiles and maximum; "-" where a percentile is among the failures, of which
    nobody knows how late they would have been."""
    values = (found.mean_ms, *map(found.quantile, _QUANTILES), found.latencies_ms[-1])
    return ["-" if isinstance(value, Missing) else number(value) for value in values]


def _requests(ended: "Ended") -> str:
    record, found, run = ended.record, ended.found, ended.run
    parts = [counted(record.requests, "request"), f"{record.errors:,} failed"]
    if found.mistakes:
        told = ", ".join(f"{name} {count}" for name, count in found.mistakes.most_common(3))
        parts[-1] += f" ({told})"
    parts.append(counted(record.cold_starts, "cold start"))
    if run.dropped:
        parts.append(f"{run.dropped:,} not sent for want of room")
    return ", ".join(parts)


def cost(usd: Maybe[float]) -> str:
    """Dollars of a probe."""
    from controller.core.probe_cost import money

    return UNKNOWN if isinstance(usd, Missing) else money(usd)


def probe_document(ended: "Ended") -> dict[str, Any]:
    """As JSON: the record, the percentiles and the warm latencies, in order of size."""
    found = ended.found
    return document(
        "Probe",
        {
            **record_document(ended.record),
            "dropped": ended.run.dropped,
            "failures": dict(found.mistakes),
            "memoryUsedMb": found.memory_used_mb,
            "generatorCpuShare": known(ended.run.cpu_share),
            "littlesLawRatio": known(ended.run.littles_law_ratio),
            "trimmedMeanMs": known(trimmed_mean(found.latencies_ms)),
            "coldLatenciesMs": [
                round(sample.latency_ms, 3)
                for sample in ended.run.samples
                if sample.cold and sample.error is None
            ],
            "meanMs": found.mean_ms if found.latencies_ms else None,
            "percentilesMs": {f"p{100 * q:g}": known(found.quantile(q)) for q in _QUANTILES},
            "warmLatenciesMs": [round(ms, 3) for ms in found.latencies_ms],
        },
    )


def record_document(record: "ProbeRecord") -> dict[str, Any]:
    """A probe's row of the journal."""
    return {
        "id": record.id,
        "endpoint": str(record.key),
        "probe": record.kind.value,
        "size": size_document(record.size),
        "actor": record.actor,
        "startedAt": instant(record.started_at_s),
        "endedAt": instant(record.ended_at_s),
        "outcome": None if record.outcome is None else record.outcome.value,
        "detail": record.detail,
        "usdEstimated": known(record.usd_estimated),
        "usd": known(record.usd),
        "requests": record.requests,
        "errors": record.errors,
        "coldStarts": record.cold_starts,
        "p50Ms": known(record.p50_ms),
        "p95Ms": known(record.p95_ms),
    }
