"""What a search came to, for people and as a document."""

from typing import TYPE_CHECKING, Any

from controller.cli.cost_views import Marks, show_costs
from controller.cli.output import document, show_facts
from controller.cli.probe_views import cost
from controller.cli.session import Session
from controller.cli.words import probability, span, usd
from controller.core.sentence import counted
from controller.model.missing import Missing, known
from controller.runtime.documents import cost_document
from controller.runtime.size_documents import size_document
from controller.runtime.tune_table import monthly_saving, tune_table

if TYPE_CHECKING:
    from controller.runtime.tune_parts import Subject
    from controller.runtime.tune_table import Tuned


def show_tuned(session: Session, subject: "Subject", tuned: "Tuned", *, wide: bool) -> None:
    """The table, the choice, and what the search cost."""
    rows = tune_table(subject, tuned)
    marks = Marks(subject.state.size, tuned.chosen)
    show_costs(session, "Cost and latency by size", rows, marks, wide=wide)
    session.write("\n")
    show_facts(session, _facts(subject, tuned))


def _facts(subject: "Subject", tuned: "Tuned") -> list[tuple[str, str]]:
    best = f"{tuned.chosen}, now {subject.state.size}{_money(subject, tuned)}"
    if tuned.chosen == subject.state.size:
        best = f"{tuned.chosen}, which is what it has"
    if tuned.strategy == "slo":
        best += f"; {_sure(tuned)}"
    return [
        ("Best", best),
        ("Because", f"strategy {tuned.strategy.value}; {tuned.why}"),
        ("Search", search_words(tuned)),
    ]


def _money(subject: "Subject", tuned: "Tuned") -> str:
    saving = monthly_saving(subject, tuned)
    if isinstance(saving, Missing):
        return ""
    per = "million requests" if subject.demand.hours_observed == 0 else "month"
    word = f"saves {usd(saving)}" if saving >= 0.0 else f"costs {usd(-saving)} more"
    return f": {word} USD a {per}"


def _sure(tuned: "Tuned") -> str:
    if isinstance(tuned.p_slo, Missing):
        return f"its chance to meet the SLO is not known: {tuned.p_slo.reason}"
    sure = f"p95 within {tuned.threshold_ms:g} ms with probability {probability(tuned.p_slo)}"
    less = f", below the {tuned.confidence:g} asked for: no size is sure to meet the SLO"
    return sure if tuned.sure else sure + less


def search_words(tuned: "Tuned") -> str:
    """`212 calls to 9 copies with 7 sizes in 84 s, for 0.0031 USD`."""
    spent = tuned.spending
    more = " or more: not every price is known" if spent.unpriced else ""
    return (
        f"{counted(spent.calls, 'call')} to {counted(spent.copies, 'copy', 'copies')} with "
        f"{counted(len(tuned.seen), 'size')} in {span(spent.seconds)}, "
        f"for {cost(spent.usd)} USD{more}"
    )


def tune_document(subject: "Subject", tuned: "Tuned") -> dict[str, Any]:
    """As JSON: the choice, what it cost, and the table."""
    spent = tuned.spending
    return document(
        "Tuning",
        {
            "endpoint": str(subject.key),
            "strategy": tuned.strategy.value,
            "thresholdMs": tuned.threshold_ms,
            "confidence": tuned.confidence,
            "before": size_document(subject.state.size),
            "best": size_document(tuned.chosen),
            "pSlo": known(tuned.p_slo),
            "savesUsdPerMonth": known(monthly_saving(subject, tuned)),
            "calls": spent.calls,
            "copies": spent.copies,
            "usd": spent.usd,
            "seconds": spent.seconds,
            "why": tuned.why,
            "callsBySize": [
                {"size": size_document(size), "calls": calls} for size, calls in tuned.seen.items()
            ],
            "costTable": [cost_document(row) for row in tune_table(subject, tuned)],
        },
    )
