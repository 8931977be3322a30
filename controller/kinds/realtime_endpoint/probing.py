"""The instance type and load that a shadow should be given next, as the core asks for it. Pure."""

from collections.abc import Sequence

from controller.core.probe_cost import spent_usd
from controller.core.probe_lessons import REMEMBERED_S
from controller.core.probe_traffic import MIRRORED, SHADOW
from controller.core.probe_worth import MOST_PROBES, PAYBACK_S, Looking, Wish
from controller.kinds.realtime_endpoint.kind import RealtimeSizing
from controller.kinds.realtime_endpoint.search import Probe, Rules, Spent, next_step
from controller.model.estimate import Observation
from controller.model.missing import Missing
from controller.model.probing import Phase
from controller.model.size import RealtimeSize

SOURCES = (SHADOW, MIRRORED)
LIGHT_S = 60.0
"""First a minute of a light load: what an idle instance answers with."""
LIGHT_SHARE = 0.25
FASTEST_RPS = 500.0
"""Most that one generator sends."""
ASSURANCE = 2.0
"""What a look at the size that is about to be settled on counts for, in times of its price: it
saves nothing, and keeps from a fleet that is too small."""


def instance_wish(looking: Looking) -> Wish | None:
    """The probe that the capacity search wants next; None once it has settled."""
    sizing, demand = looking.sizing, looking.beliefs.demand
    if not isinstance(sizing, RealtimeSizing) or isinstance(demand, Missing):
        return None
    observed = looking.observed
    question = sizing.question(observed.policy, looking.beliefs.proof, demand)
    if not question.prices.usd_per_hour:
        return None
    step = next_step(question, demand, rules_of(looking), spent_of(looking, observed.rows))
    if not isinstance(step, Probe):
        return None
    return Wish(
        RealtimeSize(step.instance_type, 1, 1),
        phases_of(step),
        max(step.worth_usd, ASSURANCE * step.usd),
        f"{step.instance_type} at {step.load_rps:.3g} requests a second",
    )


def phases_of(step: Probe) -> tuple[Phase, ...]:
    """A light minute, then the load that is asked about."""
    light = LIGHT_SHARE * step.load_rps
    rest_s = max(LIGHT_S, step.load_s - LIGHT_S)
    return (Phase(light, light, LIGHT_S), Phase(step.load_rps, step.load_rps, rest_s))


def rules_of(looking: Looking) -> Rules:
    """The search's, inside the policy's budget for probes."""
    probing = looking.observed.policy.probe
    budget = None if probing is None else probing.budget.usd_per_day
    spent = spent_usd(looking.observed.probes, looking.observed.now_s)
    return Rules(
        payback_s=PAYBACK_S,
        budget_usd=None if budget is None else max(0.0, budget - spent),
        most_probes=MOST_PROBES,
        max_rps=FASTEST_RPS,
    )


def spent_of(looking: Looking, rows: Sequence[Observation]) -> Spent:
    """The probes of the last week, from the evidence that they left: types and loads."""
    since_s = looking.observed.now_s - REMEMBERED_S
    made = []
    for row in rows:
        if row.source not in SOURCES or row.start_s < since_s or isinstance(row.load_rps, Missing):
            continue
        if isinstance(row.size, RealtimeSize) and row.end_s - row.start_s > LIGHT_S:
            lasted_s = row.end_s - row.start_s
            made.append(
                Probe(row.size.instance_type, row.load_rps, lasted_s, lasted_s / 3600.0, 0.0, 0.0)
            )
    return Spent(tuple(made))
