"""What a search came to, for people and as a document."""

from typing import TYPE_CHECKING, Any

from controller.cli.cost_views import Marks, show_costs
from controller.cli.output import document, show_facts
from controller.cli.probe_views import cost
from controller.cli.session import Session
from controller.cli.words import counted, probability, span, usd
from controller.runtime.documents import cost_document
from controller.runtime.size_documents import size_document
from controller.runtime.tune_table import monthly_saving, tune_table

if TYPE_CHECKING:
    from controller.runtime.tune_parts import Subject
    from controller.runtime.tune_shot import Tuned


def show_tuned(session: Session, subject: "Subject", tuned: "Tuned", *, wide: bool) -> None:
    """The table, the choice, and what the search cost."""
    rows = tune_table(subject, tuned)
    chosen = subject.size(tuned.memory_mb)
    marks = Marks(subject.state.size, chosen)
    show_costs(session, "Cost and latency by size", rows, marks, wide=wide)
    session.write("\n")
    show_facts(session, _facts(subject, tuned))


def _facts(subject: "Subject", tuned: "Tuned") -> list[tuple[str, str]]:
    chosen, goal = subject.size(tuned.memory_mb), tuned.tuning.goal
    saving = monthly_saving(subject, tuned)
    per = "million requests" if subject.demand.hours_observed == 0 else "month"
    money = f"saves {usd(saving)}" if saving >= 0.0 else f"costs {usd(-saving)} more"
    best = f"{chosen}, now {subject.state.size}: {money} USD a {per}"
    if chosen == subject.state.size:
        best = f"{chosen}, which is what it has"
    sure = f"; p95 within {goal.threshold_ms:g} ms with probability {probability(tuned.p_slo)}"
    if goal.limit_ms is not None and tuned.p_slo < goal.confidence:
        sure += f", below the {goal.confidence:g} asked for: no size is sure to meet the SLO"
    return [
        ("Best", best + (sure if goal.limit_ms is not None else "")),
        ("Because", f"strategy {goal.strategy.value}; {tuned.why}"),
        ("Search", search_words(tuned)),
    ]


def search_words(tuned: "Tuned") -> str:
    """`212 calls to copies with 9 sizes in 84 s, for 0.0031 USD`."""
    sizes = sum(1 for seen in tuned.tuning.calls.values() if len(seen))
    more = " or more: not every price is known" if tuned.unpriced else ""
    return (
        f"{counted(tuned.calls, 'call')} to {counted(tuned.probes, 'copy', 'copies')} with "
        f"{counted(sizes, 'size')} in {span(tuned.seconds)}, for {cost(tuned.usd)} USD{more}"
    )


def tune_document(subject: "Subject", tuned: "Tuned") -> dict[str, Any]:
    """As JSON: the choice, what it cost, and the table."""
    goal = tuned.tuning.goal
    return document(
        "Tuning",
        {
            "endpoint": str(subject.key),
            "strategy": goal.strategy.value,
            "thresholdMs": goal.threshold_ms,
            "confidence": goal.confidence,
            "before": size_document(subject.state.size),
            "best": size_document(subject.size(tuned.memory_mb)),
            "pSlo": tuned.p_slo,
            "savesUsdPerMonth": monthly_saving(subject, tuned),
            "calls": tuned.calls,
            "copies": tuned.probes,
            "usd": tuned.usd,
            "seconds": tuned.seconds,
            "why": tuned.why,
            "callsBySize": {str(mb): len(seen) for mb, seen in sorted(tuned.tuning.calls.items())},
            "costTable": [cost_document(row) for row in tune_table(subject, tuned)],
        },
    )
