"""The choice: the cheapest size that meets the SLO with the policy's confidence.

Climb freely, descend carefully: a confirmed breach is answered at once, a cheaper size
needs history at the present one, and where nothing would do the decision says what would.
"""

from collections.abc import Sequence

from controller.core import proposals
from controller.core.climb import climb, left_for
from controller.core.explain import explain
from controller.core.inputs import (
    CLIMB_BELOW,
    Inputs,
    allowed,
    meets,
    none_will_do,
    proven,
    quarantined,
)
from controller.core.proposals import cheapest, cost_mid, likeliest
from controller.core.sentence import apart
from controller.core.slo import error_slo_broken
from controller.core.unmeasured import waiting
from controller.model.decision import Decision, Hold
from controller.model.demand import Attainment
from controller.model.estimate import Candidate, Estimate, Rejection
from controller.model.missing import Missing
from controller.model.policy import OnConflict
from controller.model.reason import Reason
from controller.model.size import RealtimeSize, at_least, lessens

REFINEMENT_FACTOR = 4.0
"""After two changes on the same code a further one must save this many times the minimum …"""
REFINEMENT_RATIO = 0.6
"""… and one that follows a decrease this share of the cost: a size is not approached in steps …"""
REFINED_AFTER_S = 7 * 86_400.0
"""… but for instances that have shown for a week what they bear: the more each has to do, the more
is known of what it could."""
JUST_NOW_H = 0.1
"""A size that has served for less is told so, and not a history of 0.0 hours."""

_LEAVING = {
    Rejection.BELOW_MEMORY_FLOOR: Reason.MEMORY_FLOOR,
    Rejection.INFEASIBLE_BEFORE: Reason.MEMORY_FLOOR,
    Rejection.TOO_LITTLE_CONCURRENCY: Reason.REQUESTS_THROTTLED,
    Rejection.TOO_FEW_INSTANCES: Reason.DEMAND_CHANGED,
    Rejection.KEPT_FOR_NOBODY: Reason.DEMAND_CHANGED,
}
"""Why a current size that is barred is left, where it is not for the policy's bounds."""


def decide(inputs: Inputs) -> tuple[Decision, tuple[Candidate, ...]]:
    """The decision, and every candidate with the reason why it was or was not chosen."""
    here = next(e for e in inputs.estimates if e.size == inputs.current)
    if isinstance(here.usd_per_month, Missing):
        hold = Hold(Reason.PRICE_UNKNOWN, here.usd_per_month.reason)
        return hold, tuple(Candidate(e, *_standing(inputs, e)) for e in inputs.estimates)
    standings = [_standing(inputs, e) for e in inputs.estimates]
    feasible = [
        e
        for e, (rejection, _) in zip(inputs.estimates, standings, strict=True)
        if rejection is Rejection.CHOSEN
    ]
    decision = _choose(inputs, here, feasible)
    return decision, explain(inputs.current, inputs.estimates, decision, standings)


def _standing(inputs: Inputs, estimate: Estimate) -> tuple[Rejection, str]:
    """Why a size cannot be chosen; CHOSEN where it could be."""
    barred = inputs.barred.get(estimate.size)
    if barred is not None:
        return barred
    if isinstance(estimate.usd_per_month, Missing):
        return Rejection.PRICE_UNKNOWN, estimate.usd_per_month.reason
    if estimate.standing is not None:
        return estimate.standing
    confidence = inputs.policy.confidence
    if estimate.p_slo < confidence:
        p_slo = apart(estimate.p_slo, confidence)
        detail = f"meets the SLO with probability {p_slo}, below {confidence:g}"
        return Rejection.SLO_UNLIKELY, detail
    budget = inputs.policy.budget_usd_per_month
    if budget is not None and estimate.usd_per_month.mid > budget:
        usd = apart(estimate.usd_per_month.mid, budget)
        return Rejection.OVER_BUDGET, f"{usd} USD/month is over the budget of {budget:.2f}"
    return Rejection.CHOSEN, ""


def _choose(inputs: Inputs, here: Estimate, feasible: Sequence[Estimate]) -> Decision:
    """One rule per situation, the most pressing first."""
    barred = inputs.barred.get(here.size) or here.standing
    throttled = barred is not None and barred[0] is Rejection.TOO_LITTLE_CONCURRENCY
    if inputs.slo.attainment is Attainment.BREACHED and not throttled:
        return climb(inputs, here, feasible, Reason.SLO_BREACHED)
    if barred is not None and barred[0] is not Rejection.QUARANTINED:
        return _leave(inputs, here, feasible, barred)
    shortage = _shortage(inputs)
    if shortage is not None:
        return shortage
    if here.p_slo < CLIMB_BELOW:
        return climb(inputs, here, feasible, Reason.SLO_BREACHED)
    if _over_budget(inputs, here):
        return _into_budget(inputs, here, feasible)
    return _save(inputs, here, feasible)


def _shortage(inputs: Inputs) -> Hold | None:
    """Why there is not enough data to move without need, if there is not."""
    needed = round(10.0 / (1.0 - inputs.policy.slo.percentile))
    history, cadence = inputs.history, inputs.policy.cadence
    if history.requests < needed:
        detail = f"{history.requests:,} of {needed:,} requests measured at {inputs.current}"
        return Hold(Reason.TOO_FEW_SAMPLES, detail)
    if history.span_s < cadence.stabilization_s:
        have, want = max(0.0, history.span_s) / 3600.0, cadence.stabilization_s / 3600.0
        detail = f"{have:.1f} of {want:.1f} hours of history at {inputs.current}"
        if have < JUST_NOW_H:
            detail = (
                f"{inputs.current} has served for some minutes only: {want:.1f} hours of history "
                "are wanted"
            )
        return Hold(Reason.STABILIZING, detail)
    if history.gaps > 0:
        detail = f"{history.gaps} hours with traffic have no latency in CloudWatch"
        return Hold(Reason.STALE_DATA, detail)
    return None


def _leave(
    inputs: Inputs,
    here: Estimate,
    feasible: Sequence[Estimate],
    barred: tuple[Rejection, str],
) -> Decision:
    """The current size is one that the policy or the memory in use does not allow."""
    reason = _LEAVING.get(barred[0], Reason.OUTSIDE_BOUNDS)
    shrinking = barred[0] is Rejection.ABOVE_BOUNDS
    if shrinking and isinstance(inputs.floor, Missing):
        return Hold(Reason.MEMORY_USE_UNKNOWN, inputs.floor.reason)
    others = [] if shrinking else proven(inputs) or allowed(inputs)
    if not feasible and not others:
        return Hold(Reason.INFEASIBLE, f"{barred[1]}; no allowed size meets the SLO")
    if isinstance(inputs.floor, Missing):
        # What has to grow may do so without something else being taken away unseen.
        feasible = [e for e in feasible if not lessens(here.size, e.size)] or feasible
    best = cheapest(feasible) if feasible else likeliest(others)
    if not feasible:
        # What would be left again on the same evidence is no stop on the way.
        best = left_for(inputs, best) or best
    return proposals.propose(inputs.policy, inputs.demand, here, best, reason)


def _into_budget(inputs: Inputs, here: Estimate, feasible: Sequence[Estimate]) -> Decision:
    """The current size costs more than the budget."""
    within = [e for e in feasible if e.size != here.size]
    if within:
        best = cheapest(within)
    elif inputs.policy.on_conflict is OnConflict.SLO:
        return _save(inputs, here, [e for e in proven(inputs) if meets(inputs, e)])
    else:
        cheaper = [e for e in proven(inputs) if cost_mid(e) < cost_mid(here)]
        if not cheaper:
            return Hold(Reason.INFEASIBLE, none_will_do(inputs))
        best = max(cheaper, key=lambda e: (e.p_slo, -cost_mid(e)))
        # What would be left again on the same evidence is no stop on the way.
        best = left_for(inputs, best) or best
    if lessens(here.size, best.size) and isinstance(inputs.floor, Missing):
        return Hold(Reason.MEMORY_USE_UNKNOWN, inputs.floor.reason)
    return proposals.propose(inputs.policy, inputs.demand, here, best, Reason.OVER_BUDGET)


def _save(inputs: Inputs, here: Estimate, feasible: Sequence[Estimate]) -> Decision:
    """The SLO is kept and the budget holds: move only for money, and only on sure ground."""
    if not feasible:
        return Hold(Reason.NOT_CONFIDENT, none_will_do(inputs))
    best = cheapest(feasible)
    saving = 1.0 - cost_mid(best) / cost_mid(here) if cost_mid(here) > 0.0 else 0.0
    if saving <= 0.0 and here not in feasible:
        if _hardly_costs(inputs, here, best):
            reason = Reason.DEMAND_CHANGED
            return proposals.propose(inputs.policy, inputs.demand, here, best, reason)
        return Hold(Reason.NOT_CONFIDENT, proposals.borderline(here, best))
    worth_usd = cost_mid(here) * _most(inputs)
    cheaper = [e for e in inputs.estimates if cost_mid(e) < worth_usd]
    unknown = waiting(inputs, here, cheaper)
    if best.size == here.size or saving <= 0.0:
        right = Hold(Reason.RIGHT_SIZE, proposals.right_size(inputs.policy, here))
        return quarantined(inputs, cheaper) or unknown or right
    minimum = 1.0 - _most(inputs)
    if saving < minimum:
        if unknown is not None:
            return unknown
        after = "" if inputs.history.changes < 2 else f" after {inputs.history.changes} changes"
        detail = f"{best.size} would save {saving:.1%}, less than the minimum of {minimum:.0%}"
        return Hold(Reason.SAVING_TOO_SMALL, detail + after)
    if lessens(here.size, best.size):
        hold = _careful(inputs)
        if hold is not None:
            return hold
    return proposals.propose(inputs.policy, inputs.demand, here, best, Reason.CHEAPER_SIZE)


def _hardly_costs(inputs: Inputs, here: Estimate, best: Estimate) -> bool:
    """Whether more of the same instances, or the same at better hours, is all but free: a size
    that may not be good enough is left for it before a breach, if it was not changed often."""
    if not isinstance(best.size, RealtimeSize) or not at_least(best.size, here.size):
        return False
    if inputs.history.changes >= 2:
        return False
    return cost_mid(best) <= cost_mid(here) * (1.0 + inputs.policy.cadence.min_saving_ratio)


def _most(inputs: Inputs) -> float:
    """Share of the present cost that a cheaper size may cost at most to be worth a change."""
    minimum = inputs.policy.cadence.min_saving_ratio
    if inputs.history.changes >= 2:
        minimum = min(0.9, minimum * REFINEMENT_FACTOR)
        shown = inputs.history.span_s >= REFINED_AFTER_S
        if not inputs.history.climbed and not (shown and isinstance(inputs.current, RealtimeSize)):
            minimum = max(minimum, REFINEMENT_RATIO)
    return 1.0 - minimum


def _failing(inputs: Inputs) -> bool:
    """Whether failures are well above what is usual: their latencies are not to be trusted."""
    now, usual = inputs.slo.error_ratio, inputs.demand.error_ratio
    if isinstance(now, Missing):
        return False
    return now > max(0.05, 0.0 if isinstance(usual, Missing) else 2.0 * usual)


def _careful(inputs: Inputs) -> Hold | None:
    """What must be known before memory is taken away."""
    if isinstance(inputs.floor, Missing):
        return Hold(Reason.MEMORY_USE_UNKNOWN, inputs.floor.reason)
    if error_slo_broken(inputs.slo, inputs.policy.slo):
        return Hold(Reason.NOT_CONFIDENT, "the share of failed requests is above the SLO")
    if _failing(inputs):
        return Hold(Reason.NOT_CONFIDENT, "far more requests fail now than usually do")
    if inputs.slo.requests == 0:
        return Hold(Reason.TOO_FEW_SAMPLES, "no requests in the SLO's window to judge by")
    if inputs.slo.attainment is Attainment.UNKNOWN and inputs.slo.p_met < CLIMB_BELOW:
        detail = f"the last window meets the SLO with probability {inputs.slo.p_met:.2f} only"
        return Hold(Reason.NOT_CONFIDENT, detail)
    return None


def _over_budget(inputs: Inputs, here: Estimate) -> bool:
    budget = inputs.policy.budget_usd_per_month
    return budget is not None and cost_mid(here) > budget
