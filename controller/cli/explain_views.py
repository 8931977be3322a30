"""An explanation for people: facts, candidate sizes, guards, conditions, changes."""

from collections.abc import Iterator, Sequence

from controller.cli.get_views import CHANGE_WIDE, change_row
from controller.cli.output import Cell, Row, printable, show_table
from controller.cli.plan_views import latency_words
from controller.cli.session import Session
from controller.cli.words import (
    UNKNOWN,
    ms_range,
    number,
    percent,
    probability,
    span,
    usd_range,
    when,
)
from controller.core.conditions import conditions
from controller.model.change import Change
from controller.model.condition import Condition, ConditionStatus
from controller.model.demand import Demand, Interval
from controller.model.endpoint import LATEST
from controller.model.estimate import Candidate, Rejection
from controller.model.missing import Missing
from controller.model.policy import Policy
from controller.model.size import Size, memory_mb_of
from controller.runtime.documents import change_document
from controller.runtime.oneshot import Seen
from controller.runtime.plans import wanted_change

_SIZES = ("", ">SIZE", ">LATENCY MS (90 %)", ">P(SLO)", ">USD/MONTH (90 %)", "VERDICT", "WHY")
_SIZES_WIDE = (*_SIZES[:-1], ">MEASURED", "EVIDENCE", "WHY")
_MILESTONES = frozenset(2**n for n in range(7, 14)) | {10_240}


def show_explanation(
    session: Session, seen: Seen, changes: Sequence[Change], *, wide: bool, now_s: float
) -> None:
    """Everything that `explain` tells, top down."""
    for title, text in _facts(seen, now_s):
        session.write(f"{title + ':':<11}{printable(text)}\n")
    _sizes(session, seen, wide=wide)
    _guards(session, seen)
    _conditions(session, seen)
    if changes:
        session.write("\nLast changes\n")
        rows = [change_row(change_document(change), wide=True) for change in changes]
        show_table(session, CHANGE_WIDE, rows)


def _facts(seen: Seen, now_s: float) -> Iterator[tuple[str, str]]:
    assessment, policy = seen.assessment, seen.entry.policy
    yield "Endpoint", str(seen.entry.key)
    yield "Policy", f"{policy.name} ({policy.source}), mode {policy.mode}"
    state = assessment.state
    if state is not None:
        serving = state.function.serving
        version = "" if serving.version == LATEST else f", version {serving.version}"
        since = span(now_s - serving.last_modified_s)
        yield "Size", f"{state.size} ({state.phase}{version}, unchanged for {since})"
    yield "Decision", assessment.sentence
    yield "SLO", _slo(seen, policy)
    demand = assessment.demand
    yield "Demand", demand.reason if isinstance(demand, Missing) else _demand(demand)


def _slo(seen: Seen, policy: Policy) -> str:
    slo = seen.assessment.slo
    if isinstance(slo, Missing):
        return slo.reason
    name, limit = f"p{policy.slo.percentile * 100:g}", policy.slo.threshold_ms
    p95 = UNKNOWN if isinstance(slo.p95_ms, Missing) else number(slo.p95_ms)
    text = (
        f"{slo.attainment}: {name} {p95} of {limit:g} ms; {slo.slow:,} of {slo.requests:,} "
        f"requests slower in {span(policy.slo.window_s)}; met with probability "
        f"{probability(slo.p_met)}"
    )
    if policy.slo.max_error_ratio is not None:
        allowed = percent(policy.slo.max_error_ratio)
        text += f"; errors {percent(slo.error_ratio)} of {allowed} allowed"
    return text


def _demand(demand: Demand) -> str:
    month = demand.requests_per_month
    memory = demand.memory_used_mb
    used = memory.reason if isinstance(memory, Missing) else f"{memory} MB"
    return (
        f"{number(month.mid)} requests a month ({number(month.low)}-{number(month.high)}), "
        f"{number(demand.requests_per_hour_trough)} to {number(demand.requests_per_hour_peak)} "
        f"an hour; memory used: {used}; errors {percent(demand.error_ratio)}; "
        f"throttled {percent(demand.throttle_ratio)}; "
        f"cold starts {percent(demand.cold_start_ratio)}; {demand.hours_observed} hours seen"
    )


def _sizes(session: Session, seen: Seen, *, wide: bool) -> None:
    candidates = seen.assessment.candidates
    if not candidates:
        return
    chosen = _chosen(seen)
    shown = candidates if wide else thinned(candidates, chosen)
    left_out = len(candidates) - len(shown)
    note = f" ({left_out} between these left out; -o wide shows all)" if left_out else ""
    session.write(f"\nSizes for {latency_words(seen.assessment, seen.entry.policy)}{note}\n")
    rows = [_size_row(candidate, chosen, wide=wide) for candidate in shown]
    show_table(session, _SIZES_WIDE if wide else _SIZES, rows)
    session.write("* the live size   > the wanted size\n")


def _chosen(seen: Seen) -> frozenset[Size]:
    """The live size and the wanted one."""
    state, proposal = seen.assessment.state, wanted_change(seen.assessment)
    live = set() if state is None else {state.size}
    return frozenset(live | (set() if proposal is None else {proposal.target}))


def thinned(candidates: Sequence[Candidate], keep: frozenset[Size]) -> list[Candidate]:
    """The sizes in `keep`, their neighbours, the ends of the ladder, and powers of two."""
    places = {i for i, c in enumerate(candidates) if c.estimate.size in keep}
    near = {i + step for i in places for step in (-1, 0, 1)} | {0, len(candidates) - 1}
    return [
        candidate
        for i, candidate in enumerate(candidates)
        if i in near or memory_mb_of(candidate.estimate.size) in _MILESTONES
    ]


def _size_row(candidate: Candidate, chosen: frozenset[Size], *, wide: bool) -> Row:
    estimate, rejection = candidate.estimate, candidate.rejection
    marked = estimate.size in chosen
    mark = {Rejection.CURRENT: "*", Rejection.CHOSEN: ">"}.get(rejection, "*") if marked else ""
    style = "bold" if marked else ""
    row = (
        Cell(mark, style),
        Cell(str(estimate.size), style),
        _interval(estimate.p95_ms),
        probability(estimate.p_slo),
        usd_range(estimate.usd_per_month),
        Cell(rejection.value, "green" if rejection is Rejection.CHOSEN else ""),
    )
    if not wide:
        return (*row, candidate.detail)
    return (*row, f"{estimate.measured_requests:,}", estimate.evidence, candidate.detail)


def _interval(value: Interval) -> str:
    return ms_range(value)


def _guards(session: Session, seen: Seen) -> None:
    refused = [verdict for verdict in seen.assessment.guards if not verdict.allowed]
    if not refused:
        if seen.assessment.guards:
            session.write("\nNo guard says no.\n")
        return
    session.write("\nGuards that say no\n")
    rows = [
        (v.guard, v.reason.value if v.reason else "", when(v.until_s), v.detail) for v in refused
    ]
    show_table(session, ("GUARD", "REASON", "UNTIL", "WHY"), rows)


def _conditions(session: Session, seen: Seen) -> None:
    session.write("\nConditions\n")
    made = conditions(seen.assessment, seen.entry.policy)
    rows = [(c.type.value, _status(c), c.reason.value, c.message) for c in made]
    show_table(session, ("TYPE", "STATUS", "REASON", "MESSAGE"), rows)


def _status(condition: Condition) -> Cell:
    unknown = condition.status is ConditionStatus.UNKNOWN
    return Cell(condition.status.value, "magenta" if unknown else "")
