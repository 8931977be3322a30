"""An explanation for people: facts, candidate sizes, guards, conditions, changes."""

from collections.abc import Iterator, Sequence

from controller.cli.cost_views import Marks, show_advice, show_costs, show_hosting
from controller.cli.get_views import CHANGE_WIDE, change_row
from controller.cli.output import Cell, show_facts, show_table
from controller.cli.plan_views import latency_words, probe_words
from controller.cli.session import Session
from controller.cli.words import (
    UNKNOWN,
    number,
    percent,
    probability,
    span,
    when,
)
from controller.core.conditions import conditions
from controller.core.cost_table import cost_table
from controller.core.probe_cost import money
from controller.core.sentence import counted
from controller.model.change import Change
from controller.model.condition import Condition, ConditionStatus
from controller.model.demand import Demand
from controller.model.endpoint import LATEST, EndpointState, Kind, LambdaLive
from controller.model.missing import Missing
from controller.model.policy import Policy
from controller.model.sagemaker import RealtimeLive, ServerlessLive
from controller.runtime.documents import change_document
from controller.runtime.oneshot import Seen
from controller.runtime.plans import no_probe, wanted_change


def show_explanation(
    session: Session, seen: Seen, changes: Sequence[Change], *, wide: bool, now_s: float
) -> None:
    """Everything that `explain` tells, top down."""
    show_facts(session, _facts(seen, now_s))
    _sizes(session, seen, wide=wide)
    show_hosting(session, seen.assessment.hosting)
    show_advice(session, seen.assessment.advice)
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
        yield "Size", f"{state.size} ({state.phase}, {_live(state, now_s)})"
    yield "Decision", assessment.sentence
    probe = _probe(seen)
    if probe:
        yield "Probe", probe
    yield "SLO", _slo(seen, policy)
    demand = assessment.demand
    yield "Demand", demand.reason if isinstance(demand, Missing) else _demand(demand, seen)


def _probe(seen: Seen) -> str:
    """The probe that would come first and what it is worth, or why there is none."""
    prospect, why = seen.assessment.prospect, no_probe(seen.assessment, seen.entry.policy)
    order = None if prospect is None else prospect.order
    if order is None:
        return "" if why is None else f"none: {why}"
    told = probe_words(order) if why is None else f"{order.size} is not probed: {why}"
    return f"{told}; {order.why}; worth about {money(order.worth_usd)} USD in 30 days"


def _live(state: EndpointState, now_s: float) -> str:
    """What serves, and since when."""
    match state.live:
        case LambdaLive() as function:
            serving = function.serving
            version = "" if serving.version == LATEST else f"version {serving.version}, "
            return f"{version}unchanged for {span(now_s - serving.last_modified_s)}"
        case ServerlessLive(endpoint=endpoint):
            running = ""
        case RealtimeLive(endpoint=endpoint):
            running = f"{counted(state.realtime.instances, 'instance')} running, "
    since = span(now_s - endpoint.modified_at_s)
    return f"{running}configuration {endpoint.config.name}, unchanged for {since}"


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


def _demand(demand: Demand, seen: Seen) -> str:
    month = demand.requests_per_month
    memory = demand.memory_used_mb
    used = memory.reason if isinstance(memory, Missing) else f"{memory} MB"
    peak = "" if isinstance(demand.rps_peak, Missing) else _busiest(demand.rps_peak)
    return (
        f"{number(month.mid)} requests a month ({number(month.low)}-{number(month.high)}), "
        f"{number(demand.requests_per_hour_trough)} to {number(demand.requests_per_hour_peak)} "
        f"an hour{peak}; memory used: {used}; errors {percent(demand.error_ratio)}; "
        f"{_on_demand(demand, seen)}{demand.hours_observed} hours seen"
    )


def _on_demand(demand: Demand, seen: Seen) -> str:
    """What only hosting by the request knows."""
    if seen.entry.key.kind is Kind.REALTIME_ENDPOINT:
        return ""
    throttled, cold = percent(demand.throttle_ratio), percent(demand.cold_start_ratio)
    return f"throttled {throttled}; cold starts {cold}; "


def _busiest(rps: float) -> str:
    return f", {number(rps)} a second in the busiest five minutes"


def _sizes(session: Session, seen: Seen, *, wide: bool) -> None:
    assessment, policy = seen.assessment, seen.entry.policy
    rows = cost_table(assessment.candidates, assessment.demand, policy)
    if rows:
        title = f"Sizes: {latency_words(assessment, policy)}"
        show_costs(session, title, rows, marks(seen), wide=wide)


def marks(seen: Seen) -> Marks:
    """The live size and the wanted one."""
    state, proposal = seen.assessment.state, wanted_change(seen.assessment)
    return Marks(
        None if state is None else state.size, None if proposal is None else proposal.target
    )


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
