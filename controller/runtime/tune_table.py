"""What a search believes of every size, as the cost-performance table has it."""

import math
from collections.abc import Sequence

from controller.core.cost_table import CostRow, cost_table
from controller.model.demand import Interval
from controller.model.estimate import Candidate, Estimate, Rejection
from controller.model.missing import Missing
from controller.model.policy import Policy
from controller.runtime.tune_parts import Subject
from controller.runtime.tune_shot import Tuned
from controller.runtime.tuning import Strategy


def tune_table(subject: Subject, tuned: Tuned) -> tuple[CostRow, ...]:
    """One row per size of the ladder, smallest first."""
    return cost_table(_candidates(subject, tuned), subject.demand, subject.policy)


def estimates(subject: Subject, tuned: Tuned) -> list[Estimate]:
    """p95, chance of meeting the SLO and dollars a month, as the search believes them."""
    tuning = tuned.tuning
    belief, requests = tuning.belief(), subject.demand.requests_per_month.mid
    made = []
    for i, memory_mb in enumerate(tuning.ladder()):
        seen = tuning.seen(memory_mb)
        log_mean, mean_sd = float(belief.log_mean[i]), float(belief.log_mean_sd[i])
        width = float(belief.width90[i])
        cost = [
            tuning.cost(memory_mb, math.exp(log_mean + side * mean_sd * width)) * requests
            for side in (-1.0, 0.0, 1.0)
        ]
        p95, sd = float(belief.log_p95[i]), float(belief.log_p95_sd[i]) * width
        made.append(
            Estimate(
                size=subject.size(memory_mb),
                p95_ms=Interval(math.exp(p95 - sd), math.exp(p95), math.exp(p95 + sd)),
                p_slo=float(belief.p_slo[i]),
                usd_per_month=Interval(*cost),
                evidence=_words(subject, tuned, memory_mb, belief.anchor_mb[i]),
                measured_requests=seen,
            )
        )
    return made


def _words(subject: Subject, tuned: Tuned, memory_mb: int, anchor_mb: int) -> str:
    seen = tuned.tuning.seen(memory_mb)
    if seen:
        return f"{seen} calls to a copy"
    return "serves now" if memory_mb == subject.current_mb else f"predicted from {anchor_mb} MB"


def _candidates(subject: Subject, tuned: Tuned) -> Sequence[Candidate]:
    return [
        Candidate(made, *_standing(subject.policy, tuned, made, subject.size(tuned.memory_mb)))
        for made in estimates(subject, tuned)
    ]


def _standing(
    policy: Policy, tuned: Tuned, made: Estimate, chosen: object
) -> tuple[Rejection, str]:
    strategy = tuned.tuning.goal.strategy
    if made.size == chosen:
        return Rejection.CHOSEN, _CHOSEN[strategy]
    if strategy is Strategy.SLO and made.p_slo < policy.confidence:
        detail = f"meets the SLO with probability {made.p_slo:.2f}, below {policy.confidence:g}"
        return Rejection.SLO_UNLIKELY, detail
    return Rejection.DEARER, "" if strategy is Strategy.SLO else "not the best by this strategy"


_CHOSEN = {
    Strategy.SLO: "the cheapest that meets the SLO",
    Strategy.COST: "the cheapest",
    Strategy.SPEED: "the fastest",
    Strategy.BALANCED: "the best balance of cost and speed",
}


def monthly_saving(subject: Subject, tuned: Tuned) -> float:
    """Dollars a month that the chosen size saves against the present one; less than 0: costs."""
    by_size = {made.size: made.usd_per_month for made in estimates(subject, tuned)}
    now = by_size.get(subject.state.size)
    then = by_size.get(subject.size(tuned.memory_mb))
    if now is None or then is None or isinstance(now, Missing) or isinstance(then, Missing):
        return 0.0
    return now.mid - then.mid
