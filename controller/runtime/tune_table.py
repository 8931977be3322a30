"""What a search came to: its size, every size that it knows of, and what it spent."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from controller.core.cost_table import CostRow, cost_table
from controller.core.proposals import cost_mid
from controller.model.estimate import Candidate, Estimate, Rejection
from controller.model.missing import Maybe, Missing
from controller.model.size import Size
from controller.runtime.probe_parts import Ended
from controller.runtime.tune_parts import Subject
from controller.runtime.tuning import Strategy


@dataclass(frozen=True, slots=True)
class Spending:
    """What a search cost."""

    calls: int = 0
    """Requests sent to copies, those that failed or came cold included."""
    usd: float = 0.0
    copies: int = 0
    seconds: float = 0.0
    unpriced: bool = False
    """Whether the price of some probe is not known, so that `usd` is too low."""

    @classmethod
    def of(cls, ended: Sequence[Ended]) -> "Spending":
        """Of these probes together."""
        if not ended:
            return cls()
        records = [one.record for one in ended]
        last_s = max(record.ended_at_s or record.started_at_s for record in records)
        return cls(
            calls=sum(record.requests for record in records),
            usd=sum(record.usd for record in records if not isinstance(record.usd, Missing)),
            copies=len(records),
            seconds=last_s - min(record.started_at_s for record in records),
            unpriced=any(isinstance(record.usd, Missing) for record in records),
        )


@dataclass(frozen=True, slots=True)
class Tuned:
    """The end of a search."""

    chosen: Size
    p_slo: Maybe[float]
    made: tuple[Estimate, ...]
    """Of every size that was considered, the present one and the chosen one among them."""
    seen: Mapping[Size, int]
    """Warm calls to copies, by size."""
    strategy: Strategy
    threshold_ms: float
    confidence: float
    spending: Spending
    why: str
    """Why it ended, in words."""

    def of(self, size: Size) -> Estimate | None:
        """The estimate of a size."""
        return next((made for made in self.made if made.size == size), None)

    @property
    def sure(self) -> bool:
        """Whether the chosen size meets the SLO as surely as was asked for."""
        return not isinstance(self.p_slo, Missing) and self.p_slo >= self.confidence


def agreed(tuned: Tuned, current: Size, p_slo: Mapping[Size, float]) -> Size:
    """The cheapest size of which the search is sure, and whoever believes `p_slo` too.

    The chosen one where nobody doubts it, or where no size that costs less than the present one
    finds both of them sure.
    """
    if p_slo.get(tuned.chosen, 1.0) >= tuned.confidence:
        return tuned.chosen
    here = tuned.of(current)
    both = [
        made
        for made in tuned.made
        if min(made.p_slo, p_slo.get(made.size, 0.0)) >= tuned.confidence
        and (here is None or cost_mid(made) <= cost_mid(here))
    ]
    return min(both, key=cost_mid).size if both else tuned.chosen


def tune_table(subject: Subject, tuned: Tuned) -> tuple[CostRow, ...]:
    """One row per size."""
    candidates = [Candidate(made, *_standing(subject, tuned, made)) for made in tuned.made]
    return cost_table(candidates, subject.demand, subject.policy)


def _standing(subject: Subject, tuned: Tuned, made: Estimate) -> tuple[Rejection, str]:
    if made.size == tuned.chosen:
        return Rejection.CHOSEN, _CHOSEN[tuned.strategy]
    if made.standing is not None:
        return made.standing
    confidence = subject.policy.confidence
    if tuned.strategy is Strategy.SLO and made.p_slo < confidence:
        detail = f"meets the SLO with probability {made.p_slo:.2f}, below {confidence:g}"
        return Rejection.SLO_UNLIKELY, detail
    other = tuned.strategy is not Strategy.SLO
    return Rejection.DEARER, "not the best by this strategy" if other else ""


_CHOSEN = {
    Strategy.SLO: "the cheapest that meets the SLO",
    Strategy.COST: "the cheapest",
    Strategy.SPEED: "the fastest",
    Strategy.BALANCED: "the best balance of cost and speed",
}


def monthly_saving(subject: Subject, tuned: Tuned) -> Maybe[float]:
    """Dollars a month that the chosen size saves against the present one; less than 0: costs."""
    now, then = tuned.of(subject.state.size), tuned.of(tuned.chosen)
    if now is None or then is None:
        return Missing("not both sizes were estimated")
    if isinstance(now.usd_per_month, Missing):
        return now.usd_per_month
    if isinstance(then.usd_per_month, Missing):
        return then.usd_per_month
    return now.usd_per_month.mid - then.usd_per_month.mid
