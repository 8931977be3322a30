"""The instance type and load that a shadow should be given next, as the core asks for it. Pure."""

import statistics
from collections.abc import Sequence

from controller.core.probe_cost import spent_usd
from controller.core.probe_lessons import REMEMBERED_S
from controller.core.probe_traffic import MIRRORED, SHADOW
from controller.core.probe_worth import MOST_PROBES, PAYBACK_S, Looking, Wish
from controller.kinds.realtime_endpoint.kind import RealtimeSizing
from controller.kinds.realtime_endpoint.search import Probe, Rules, Spent, next_step
from controller.model.estimate import Observation, Rejection
from controller.model.missing import Missing
from controller.model.probing import Phase, Probing
from controller.model.size import RealtimeSize, measured_as

SOURCES = (SHADOW, MIRRORED)
LIGHT_S = 60.0
"""First a minute of a light load: what an idle instance answers with."""
LIGHT_SHARE = 0.25
ROOM = 0.95
"""Of the most requests that a policy allows: arrivals come at random."""
TOGETHER_S = 60.0
"""Rows of one type with no longer a pause between them are of one probe."""
FASTEST_RPS = 500.0
"""Most that one generator sends."""
ASSURANCE = 2.0
"""What a look at the size that is about to be settled on counts for, in times of its price: it
saves nothing, and keeps from a fleet that is too small."""

_SHUT = frozenset({Rejection.QUARANTINED, Rejection.INFEASIBLE_BEFORE})


def instance_wish(looking: Looking) -> Wish | None:
    """The probe that the capacity search wants next; None once it has settled."""
    sizing, demand = looking.sizing, looking.beliefs.demand
    if not isinstance(sizing, RealtimeSizing) or isinstance(demand, Missing):
        return None
    observed = looking.observed
    question = sizing.question(observed.policy, looking.beliefs.proof, demand)
    if not question.prices.usd_per_hour:
        return None
    spent = spent_of(looking, observed.rows)
    step = next_step(question, demand, rules_of(looking), spent, shut_of(looking))
    if not isinstance(step, Probe):
        return None
    return Wish(
        RealtimeSize(step.instance_type, 1, 1),
        phases_of(step, observed.policy.probe),
        max(step.worth_usd, ASSURANCE * step.usd),
        f"{step.instance_type} at {step.load_rps:.3g} requests a second",
    )


def shut_of(looking: Looking) -> frozenset[str]:
    """Types that cannot be had for now: AWS had none of them, or calls to a copy failed."""
    said: dict[str, set[Rejection]] = {}
    for candidate in looking.assessment.candidates:
        size = candidate.estimate.size
        if isinstance(size, RealtimeSize):
            said.setdefault(size.instance_type, set()).add(candidate.rejection)
    return frozenset(name for name, rejections in said.items() if rejections <= _SHUT)


def phases_of(step: Probe, probing: Probing | None = None) -> tuple[Phase, ...]:
    """A light minute, then the load that is asked about: no longer than the policy's limit of
    requests lets it last, nor shorter than a minute."""
    light = LIGHT_SHARE * step.load_rps
    rest_s = max(LIGHT_S, step.load_s - LIGHT_S)
    most = None if probing is None else probing.stop.max_requests
    if most is not None:
        left = ROOM * most - light * LIGHT_S
        rest_s = max(LIGHT_S, min(rest_s, left / step.load_rps))
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
    """The probes of the last week, from the evidence that they left: types and loads.

    One probe leaves several rows, one after the other: a light minute, then those at its load.
    """
    since_s = looking.observed.now_s - REMEMBERED_S
    ours = [row for row in rows if row.source in SOURCES and row.start_s >= since_s]
    made: list[list[Observation]] = []
    for row in sorted(ours, key=lambda row: row.start_s):
        last = made[-1][-1] if made else None
        same = last is not None and measured_as(last.size) == measured_as(row.size)
        if last is not None and same and row.start_s <= last.end_s + TOGETHER_S:
            made[-1].append(row)
        else:
            made.append([row])
    found = (_made(one) for one in made)
    return Spent(tuple(probe for probe in found if probe is not None))


def _made(rows: Sequence[Observation]) -> Probe | None:
    """A probe by its rows; the load is that of those after the light minute."""
    size = rows[0].size
    loads = [row.load_rps for row in rows if not isinstance(row.load_rps, Missing)]
    if not isinstance(size, RealtimeSize) or not loads:
        return None
    load_rps = statistics.median([load for load in loads if load >= max(loads) / 2.0])
    lasted_s = rows[-1].end_s - rows[0].start_s
    return Probe(size.instance_type, load_rps, lasted_s, lasted_s / 3600.0, 0.0, 0.0)
