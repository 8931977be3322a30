"""A plan as a table, and as Markdown for a pull request."""

from collections.abc import Sequence

from controller.cli.output import Cell, Row, printable, show_names, show_table
from controller.cli.session import Session
from controller.cli.size_words import size_arrow
from controller.cli.words import arrow, ms_range, number, probability, usd, usd_range
from controller.core.conditions import current_candidate
from controller.core.probe_cost import money as _cents
from controller.core.proposals import money
from controller.core.sentence import counted
from controller.model.decision import Assessment
from controller.model.missing import Missing
from controller.model.policy import Mode, Policy
from controller.model.probe import ProbeOrder
from controller.model.reason import Reason
from controller.runtime.oneshot import Seen
from controller.runtime.plans import (
    Action,
    action_of,
    probe_first,
    reason_and_message,
    total_saving,
    wanted_change,
)

MARKS = {Action.CHANGE: "~", Action.KEEP: "=", Action.WAIT: "!"}
_STYLES = {Action.CHANGE: "yellow", Action.KEEP: "", Action.WAIT: "magenta"}
_COLUMNS = ("", "ENDPOINT", "SIZE", "~LATENCY", ">USD/MONTH", "~>P(SLO)", "WHY")
_WIDE = ("", "ENDPOINT", "POLICY", "MODE", "SIZE", "LATENCY MS (90 %)", "USD/MONTH (90 %)",
         ">P(SLO)", "WHY")  # fmt: skip


def show_plan(session: Session, form: str, seen: Sequence[Seen], *, unseen: int = 0) -> None:
    """In one of the forms for people; `unseen` places could not be looked at."""
    if unseen and not seen:
        return  # "nothing to change" would be a lie
    if form == "name":
        changing = [one for one in seen if action_of(one.assessment) is Action.CHANGE]
        show_names(session, [str(one.entry.key) for one in changing])
    elif form == "markdown":
        session.write(markdown(seen))
    else:
        if seen:
            wide = form == "wide"
            rows = [_wide_row(one) if wide else _row(one) for one in seen]
            show_table(session, _WIDE if wide else _COLUMNS, rows)
            session.write("\n")
        missed = f" {counted(unseen, 'place')} could not be looked at." if unseen else ""
        session.write(f"{summary(seen)}{missed}\n")
        note = _note(seen)
        if note:
            session.write(f"{note}\n")


def summary(seen: Sequence[Seen]) -> str:
    """`Plan: 2 to change, 5 to keep, 1 to wait. Saves 38-55 USD/month.`"""
    actions = [action_of(one.assessment) for one in seen]
    change, keep, wait = (actions.count(action) for action in Action)
    text = f"Plan: {change} to change, {keep} to keep, {wait} to wait."
    if change:
        saved = money(total_saving(seen))
        text += f" {saved[0].upper()}{saved[1:]}."
    return text


def _note(seen: Sequence[Seen]) -> str:
    """Which changes the controller itself would not make."""
    kept = sum(1 for one in seen if _only_recommended(one))
    those = counted(kept, "change is", "changes are")
    recommended = (
        f"{those} only recommended (mode Recommend): the controller leaves that to "
        "`rightsizer apply`."
    )
    return "\n".join([*([recommended] if kept else []), *_probes_first(seen)])


def _probes_first(seen: Sequence[Seen]) -> list[str]:
    """What the controller would measure before it changes anything."""
    orders = [order for one in seen if (order := probe_first(one.assessment)) is not None]
    if not orders:
        return []
    prices = [order.usd for order in orders if not isinstance(order.usd, Missing)]
    beside = any(order.mirror is not None for order in orders)
    words = ("size", "sizes") if beside else ("copy", "copies")
    those = counted(len(orders), *words)
    return [f"The controller would measure {those} first, for about {_cents(sum(prices))} USD."]


def _only_recommended(one: Seen) -> bool:
    changing = action_of(one.assessment) is Action.CHANGE
    return changing and one.entry.policy.mode is not Mode.ENFORCE


def _row(one: Seen) -> Row:
    assessment, action = one.assessment, action_of(one.assessment)
    style = _STYLES[action]
    return (
        Cell(MARKS[action], style),
        Cell(one.entry.key.short, style, brief=one.entry.key.short.partition(" ")[2]),
        short_sizes(assessment),
        latency_words(assessment, one.entry.policy),
        cost_words(assessment),
        _probability(assessment),
        why(one),
    )


def _wide_row(one: Seen) -> Row:
    assessment, policy = one.assessment, one.entry.policy
    here, proposal = current_candidate(assessment), wanted_change(assessment)
    latency = cost = ""
    if here is not None:
        latency = ms_range(here.estimate.p95_ms)
        cost = usd_range(here.estimate.usd_per_month)
    if proposal is not None:
        latency = arrow(latency, ms_range(proposal.p95_after_ms))
        cost = arrow(cost, usd_range(proposal.usd_per_month_after))
    mark, *_ = _row(one)
    return (
        mark,
        Cell(str(one.entry.key), _STYLES[action_of(assessment)]),
        policy.name,
        policy.mode.value,
        size_words(assessment),
        latency,
        cost,
        _probability(assessment),
        why(one),
    )


def size_words(assessment: Assessment) -> str:
    """`3008 MB -> 2048 MB`."""
    if assessment.state is None:
        return ""
    proposal = wanted_change(assessment)
    before = str(assessment.state.size)
    return before if proposal is None else arrow(before, str(proposal.target))


def short_sizes(assessment: Assessment) -> str:
    """The same for a narrow column: `4-8 -> 2-6 c5.xlarge`."""
    if assessment.state is None:
        return ""
    proposal, before = wanted_change(assessment), assessment.state.size
    return size_arrow(before, before if proposal is None else proposal.target)


def latency_words(assessment: Assessment, policy: Policy) -> str:
    """`p95 212 -> 231 ms (slo 400)`."""
    name = f"p{policy.slo.percentile * 100:g}"
    here, proposal = current_candidate(assessment), wanted_change(assessment)
    if here is not None:
        before = number(here.estimate.p95_ms.mid)
    elif not isinstance(assessment.slo, Missing) and not isinstance(assessment.slo.p95_ms, Missing):
        before = number(assessment.slo.p95_ms)
    else:
        return ""
    after = before if proposal is None else number(proposal.p95_after_ms.mid)
    return f"{name} {arrow(before, after)} ms (slo {policy.slo.threshold_ms:g})"


def cost_words(assessment: Assessment) -> str:
    """`120.31 -> 82.10`."""
    here, proposal = current_candidate(assessment), wanted_change(assessment)
    if here is None:
        return ""
    cost = here.estimate.usd_per_month
    before = usd(cost if isinstance(cost, Missing) else cost.mid)
    return before if proposal is None else arrow(before, usd(proposal.usd_per_month_after.mid))


def _probability(assessment: Assessment) -> str:
    here, proposal = current_candidate(assessment), wanted_change(assessment)
    if proposal is not None:
        return probability(proposal.p_slo)
    return "" if here is None else probability(here.estimate.p_slo)


def why(one: Seen) -> str:
    """The reason; of what stays or waits also the sentence, for nothing else tells it."""
    reason, message = reason_and_message(one.assessment)
    order = probe_first(one.assessment)
    first = "" if order is None else f"; {probe_words(order)}"
    if action_of(one.assessment) is Action.CHANGE:
        kept = f" (mode {one.entry.policy.mode}: not by itself)" if _only_recommended(one) else ""
        return f"{reason}{kept}{first}"
    return f"{reason}: {message}" if reason is Reason.PROBING else f"{reason}: {message}{first}"


def probe_words(order: ProbeOrder) -> str:
    """`would probe 512 MB on a shadow first: about 0.0004 USD, 200 calls`."""
    cost = "price unknown" if isinstance(order.usd, Missing) else f"about {_cents(order.usd)} USD"
    made = order.mirror
    if made is not None:
        share = f"{made.share:.0%} of users' requests for {made.lasts_s / 60.0:.0f} minutes"
        return f"would mirror {share} to {order.size} first: {cost}"
    calls = counted(round(order.requests), "call")
    return f"would probe {order.size} on a shadow first: {cost}, {calls}"


def markdown(seen: Sequence[Seen]) -> str:
    """A table that code hosts render."""
    lines = [f"**{summary(seen)}**", ""]
    if seen:
        lines += ["| | Endpoint | Size | Latency | USD/month | P(SLO) | Why |"]
        lines += ["|---|---|---|---|---:|---:|---|"]
    for one in seen:
        cells = (cell.text if isinstance(cell, Cell) else cell for cell in _row(one))
        lines.append(f"| {' | '.join(_escaped(cell) for cell in cells)} |")
    note = _note(seen)
    if note:
        lines += ["", note]
    return "\n".join(lines) + "\n"


def _escaped(cell: str) -> str:
    text = printable(cell)
    for character in "\\|*_`<~":
        text = text.replace(character, f"\\{character}")
    return text
