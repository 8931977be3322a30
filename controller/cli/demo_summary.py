"""The demo's summary for people: before, after, saved, held; and what is truth in it."""

from controller.cli.demo_lines import NAME_WIDTH, decision_words
from controller.cli.output import Cell, Row, show_table
from controller.cli.session import Session
from controller.cli.size_words import size_arrow
from controller.cli.words import arrow, number, usd
from controller.core.probe_cost import money
from controller.core.sentence import counted
from controller.demo.ledger import NO_PRICE, Entry, Ledger
from controller.demo.play import HOUR_S, SLOW
from controller.model.change import ChangePhase
from controller.model.decision import Hold
from controller.model.missing import Missing

_COLUMNS = ("ENDPOINT", "SIZE", "P95 MS", ">SLO MS", "USD/MONTH", ">SAVED", "CHANGES", "NOW")


def show_summary(session: Session, ledger: Ledger, wall_s: float) -> None:
    """The table, then sentences."""
    course = ledger.course
    hours = (course.end_s - course.start_s) / HOUR_S
    session.write(
        f"\nAfter {hours:.0f} hours there, {wall_s:.0f} seconds here ({course.ended}):\n\n"
    )
    if course.ended == SLOW:
        session.write("`rightsizer demo --days 3` waits for all of it, however long it takes.\n\n")
    show_table(session, _COLUMNS, [*(_row(entry) for entry in ledger.entries), _total(ledger)])
    session.write("\n")
    for sentence in (*_what(ledger), *_held(ledger), *_how(ledger)):
        session.write(f"{sentence}\n")


def _row(entry: Entry) -> Row:
    before, after = entry.before, entry.after
    kept, saved = entry.meets(after), entry.saves_usd_per_month
    gain = not isinstance(saved, Missing) and saved > 0.0
    style = "" if kept and entry.meets(before) else ("green" if kept else "red")
    return (
        entry.key.name,
        size_arrow(before.size, after.size),
        Cell(arrow(number(before.p95_ms), number(after.p95_ms)), style),
        number(entry.slo.threshold_ms),
        arrow(_usd(before.usd_per_month), _usd(after.usd_per_month)),
        Cell(usd(saved) if entry.changes else "", "green" if gain else ""),
        _changes(entry),
        decision_words(entry.last)[0],
    )


def _total(ledger: Ledger) -> Row:
    cost = arrow(usd(ledger.before_usd_per_month), usd(ledger.after_usd_per_month))
    total = Cell(usd(ledger.saves_usd_per_month), "bold")
    return (Cell("all", "bold"), "", "", "", cost, total, "", "")


def _usd(value: float | None) -> str:
    return usd(NO_PRICE if value is None else value)


def _changes(entry: Entry) -> str:
    counts = [
        (entry.count(ChangePhase.VERIFIED), "verified"),
        (entry.count(ChangePhase.UNVERIFIED), "kept unverified"),
        (entry.count(ChangePhase.ROLLED_BACK), "rolled back"),
        (entry.count(ChangePhase.FAILED), "failed"),
        (sum(change.phase.open for change in entry.changes), "under way"),
    ]
    return ", ".join(f"{count} {word}" for count, word in counts if count)


def _what(ledger: Ledger) -> list[str]:
    """What came of it, and what the table's figures are."""
    entries = ledger.entries
    before = sum(entry.meets(entry.before) for entry in entries)
    after = sum(entry.meets(entry.after) for entry in entries)
    return [
        f"{usd(ledger.saves_usd_per_month)} USD/month saved; by the controller's own estimates"
        f" {usd(ledger.estimated_saving)}.",
        f"{after} of {len(entries)} endpoints meet their SLO; left alone it would be {before}.",
        "With hindsight, the cheapest sizes that just meet it would cost"
        f" {usd(ledger.hindsight_usd_per_month)}.",
        "All figures but the estimate are the sandbox's truth, which the controller never saw;",
        "left of an arrow: the first size under the code and the traffic of the end.",
        "",
    ]


def _held(ledger: Ledger) -> list[str]:
    """Why each endpoint that holds is left as it is."""
    lines = ["Held at the end:"]
    for entry in ledger.entries:
        if isinstance(entry.last.decision, Hold):
            reason, detail = decision_words(entry.last)
            lines.append(f"  {entry.key.name:<{NAME_WIDTH}}  {reason}: {detail}")
    return [*lines, ""]


def _how(ledger: Ledger) -> list[str]:
    """What it took."""
    course, polling = ledger.course, ledger.polling
    whole_day = course.end_s - course.start_s >= 24.0 * HOUR_S
    monthly = f", {usd(polling.usd_per_month)} a month" if whole_day else ""
    return [
        f"{counted(course.looks, 'look')} took {counted(sum(polling.calls.values()), 'AWS call')};"
        f" the {counted(polling.metrics_requested, 'metric')} asked of CloudWatch cost"
        f" {usd(polling.usd)} USD{monthly}.",
        *_probed(ledger),
    ]


def _probed(ledger: Ledger) -> list[str]:
    """What measuring copies took; its bill is no part of the savings above."""
    if not ledger.probes:
        return []
    requests = sum(record.requests for record in ledger.probes)
    return [
        f"{counted(len(ledger.probes), 'copy', 'copies')} of endpoints were measured with"
        f" {counted(requests, 'request')} of our own, for {money(ledger.probes_usd)} USD in all."
    ]
