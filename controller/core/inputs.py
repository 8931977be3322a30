"""What a choice rests on, and the questions that every rule of it asks."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from controller.core.proposals import cost_mid, infeasible
from controller.model.decision import Hold
from controller.model.demand import Demand, SloStatus
from controller.model.estimate import Estimate, Rejection
from controller.model.missing import Maybe
from controller.model.policy import OnConflict, Policy
from controller.model.reason import Reason
from controller.model.size import Size

CLIMB_BELOW = 0.5
"""With enough history, a current size more likely than not to break the SLO is left at once."""


@dataclass(frozen=True, slots=True)
class History:
    """What is known of the current size, for the care that a decrease needs."""

    requests: int
    """Requests measured at the current size in the current segment."""
    span_s: float
    """How long ago the first of them was."""
    gaps: int
    """Hours in the stabilisation window that had traffic but no latency."""
    changes: int
    """Verified changes on the present code."""
    climbed: bool
    """Whether the last of them was a climb."""


@dataclass(frozen=True, slots=True)
class Inputs:
    """Everything the choice rests on."""

    policy: Policy
    current: Size
    estimates: Sequence[Estimate]
    """One per size on the ladder, the current one included, smallest first."""
    barred: Mapping[Size, tuple[Rejection, str]]
    """Sizes that are out of the question whatever they cost, and why."""
    demand: Demand
    slo: SloStatus
    history: History
    floor: Maybe[int]
    """Least memory in MB that holds what is in use."""


def meets(inputs: Inputs, estimate: Estimate) -> bool:
    """Whether a size meets the SLO as surely as the policy wants."""
    return estimate.p_slo >= inputs.policy.confidence


def allowed(inputs: Inputs) -> list[Estimate]:
    """Sizes nobody bars, whatever the SLO; inside the budget where that is what must hold."""
    found = [e for e in inputs.estimates if e.size not in inputs.barred and not _barred(e)]
    budget = inputs.policy.budget_usd_per_month
    if budget is None or inputs.policy.on_conflict is OnConflict.SLO:
        return found
    return [e for e in found if cost_mid(e) <= budget]


def _barred(estimate: Estimate) -> bool:
    """Whether the estimate itself puts the size out of the question."""
    return estimate.standing is not None and estimate.standing[0] is not Rejection.NOT_MEASURED


def none_will_do(inputs: Inputs) -> str:
    """Why no size will do."""
    return infeasible(inputs.policy, inputs.estimates, allowed(inputs))


def proven(inputs: Inputs) -> list[Estimate]:
    """Allowed sizes that are known from more than a catalogue."""
    return [e for e in allowed(inputs) if e.standing is None]


def quarantined(inputs: Inputs, wanted: Sequence[Estimate]) -> Hold | None:
    """A hold that names the quarantine, if but for it one of these sizes would be taken."""
    for estimate in wanted:
        rejection, detail = inputs.barred.get(estimate.size, (None, ""))
        if rejection is Rejection.QUARANTINED and meets(inputs, estimate):
            return Hold(Reason.QUARANTINED, detail)
    return None
