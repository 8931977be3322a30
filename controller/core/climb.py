"""The answer to a breach: up at once, and how far."""

from collections.abc import Sequence

from controller.core import proposals
from controller.core.inputs import CLIMB_BELOW, Inputs, allowed, meets, none_will_do, quarantined
from controller.core.proposals import cheapest, helps, likeliest, sideways, unproven
from controller.model.decision import Decision, Hold
from controller.model.demand import Attainment
from controller.model.estimate import Estimate
from controller.model.reason import Reason
from controller.model.size import RealtimeSize, at_most


def climb(inputs: Inputs, here: Estimate, feasible: Sequence[Estimate], reason: Reason) -> Decision:
    """The cheapest larger size that meets the SLO; else the best one allowed, said aloud.

    An instance type that never served is the last resort, taken only where no number of those
    that have would do.
    """
    others = [e for e in allowed(inputs) if not at_most(e.size, here.size)]
    larger = [e for e in feasible if not at_most(e.size, here.size)]
    # Over the budget, where it is the budget that gives way.
    larger = larger or [e for e in others if meets(inputs, e)]
    known = [e for e in larger if not unproven(here, e)]
    if inputs.slo.attainment is Attainment.BREACHED:
        known = [e for e in known if not _takes(here, e)] or known
    if known:
        best = cheapest([e for e in known if not sideways(here, e)] or known)
        return proposals.propose(inputs.policy, inputs.demand, here, best, reason)
    if _passing(inputs, here):
        return Hold(Reason.RIGHT_SIZE, proposals.only_a_burst(here))
    held = quarantined(inputs, [e for e in inputs.estimates if not at_most(e.size, here.size)])
    if held is not None:
        return held
    gain = [e for e in others if helps(here, e) and _worth_a_leap(here, e)]
    if not gain:
        return Hold(Reason.INFEASIBLE, none_will_do(inputs))
    gain = [e for e in gain if not _takes(here, e)] or gain
    best = _most_promising(inputs, here, gain)
    note = proposals.last_resort(here.size, best.size) if unproven(here, best) else ""
    return proposals.propose(inputs.policy, inputs.demand, here, best, reason, note=note)


def left_for(inputs: Inputs, other: Estimate) -> Estimate | None:
    """The size of a type that never served for which another size would be left at once, as its
    last resort; None where that one is likely to do, or nothing is likelier."""
    if other.p_slo >= CLIMB_BELOW:
        return None
    larger = [e for e in allowed(inputs) if not at_most(e.size, other.size)]
    gain = [e for e in larger if helps(other, e) and _worth_a_leap(other, e)]
    best = _most_promising(inputs, other, gain) if gain else other
    return best if unproven(other, best) else None


def _worth_a_leap(here: Estimate, other: Estimate) -> bool:
    """Whether a size has served, or is more likely than not to be good enough where the present
    one is not: what is likely to do is waited for."""
    likely = other.p_slo >= CLIMB_BELOW > here.p_slo
    return likely or not unproven(here, other)


def _takes(here: Estimate, other: Estimate) -> bool:
    """Whether a size of the same instances has fewer of them at some time, if for something
    else: not in a breach, where there is another."""
    one, two = here.size, other.size
    if not isinstance(one, RealtimeSize) or not isinstance(two, RealtimeSize):
        return False
    fewer = two.min_instances < one.min_instances or two.max_instances < one.max_instances
    return fewer and one.instance_type == two.instance_type


def _most_promising(inputs: Inputs, here: Estimate, gain: Sequence[Estimate]) -> Estimate:
    """Of sizes that are better, though none is known to be good enough: one that has served, if
    it may well do; else one that is predicted to, at once: what would be left again on the same
    evidence is no stop on the way; else whichever is most worth its cost."""
    known = [e for e in gain if not unproven(here, e)]
    likely = [e for e in known if e.p_slo >= CLIMB_BELOW]
    if likely:
        return likeliest(likely)
    sure = [e for e in gain if meets(inputs, e)]
    if sure:
        return cheapest(sure)
    maybe = [e for e in gain if e.p_slo >= CLIMB_BELOW]
    return likeliest(maybe or known or gain)


def _passing(inputs: Inputs, here: Estimate) -> bool:
    """Whether autoscaling is to answer: over weeks, this burst included, the size is enough."""
    size = here.size
    moves = isinstance(size, RealtimeSize) and size.min_instances < size.max_instances
    return moves and here.size not in inputs.barred and meets(inputs, here)
