"""The cost-performance table: what each size gives and costs at the actual demand. Pure.

People make it by hand: latency against price per hour, often multiplied into one figure. A
product ranks a fast, dear machine above a cheap one that is fast enough, and reckons with the
load of the test instead of one's own. Here the SLO comes first, then the cost within the
budget, and every price is that of the instances (or milliseconds) that the real demand needs.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from controller.core.demand import HOURS_PER_MONTH
from controller.model.demand import Demand, Interval
from controller.model.estimate import Candidate, Rejection
from controller.model.missing import Maybe, Missing
from controller.model.policy import Policy
from controller.model.size import Size

NO_REQUESTS = Missing("no requests to share the cost")


@dataclass(frozen=True, slots=True)
class CostRow:
    """One size under the present demand."""

    size: Size
    p95_ms: Interval
    meets_slo: bool
    """With the policy's confidence."""
    p_slo: float
    instances: Maybe[Interval]
    """At the trough, on average and at the peak; Missing for kinds without instances."""
    usd_per_hour: Maybe[float]
    """Of everything that the demand needs, on average."""
    usd_per_month: Maybe[Interval]
    usd_per_million: Maybe[float]
    """Per million requests."""
    fits_budget: bool | None
    """None where there is no budget, or the cost is not known."""
    verdict: Rejection
    why: str
    evidence: str
    """What the estimate rests on."""
    measured_requests: int
    """At this very size."""

    @property
    def chosen(self) -> bool:
        """Whether it is the live size that stays, or the one to change to."""
        return self.verdict in {Rejection.CHOSEN, Rejection.CURRENT}


def cost_table(
    candidates: Sequence[Candidate], demand: Maybe[Demand], policy: Policy
) -> tuple[CostRow, ...]:
    """One row per candidate, in their order; empty where nothing could be estimated."""
    if isinstance(demand, Missing):
        return ()
    return tuple(_row(candidate, demand, policy) for candidate in candidates)


def _row(candidate: Candidate, demand: Demand, policy: Policy) -> CostRow:
    estimate = candidate.estimate
    usd, budget = estimate.usd_per_month, policy.budget_usd_per_month
    known = None if isinstance(usd, Missing) else usd.mid
    return CostRow(
        size=estimate.size,
        p95_ms=estimate.p95_ms,
        meets_slo=estimate.p_slo >= policy.confidence,
        p_slo=estimate.p_slo,
        instances=estimate.instances,
        usd_per_hour=usd if isinstance(usd, Missing) else usd.mid / HOURS_PER_MONTH,
        usd_per_month=usd,
        usd_per_million=_per_million(usd, demand.requests_per_month),
        fits_budget=None if budget is None or known is None else known <= budget,
        verdict=candidate.rejection,
        why=candidate.detail,
        evidence=estimate.evidence,
        measured_requests=estimate.measured_requests,
    )


def _per_million(usd: Maybe[Interval], requests: Interval) -> Maybe[float]:
    if isinstance(usd, Missing):
        return usd
    if requests.mid <= 0.0:
        return NO_REQUESTS
    return usd.mid / requests.mid * 1e6


def in_brief(rows: Sequence[CostRow], *, most: int = 12) -> tuple[CostRow, ...]:
    """The rows that matter to a reader, in their order: the live and the chosen size, the
    cheapest that meet the SLO, the cheapest that do not, and the ends of the ladder."""
    if len(rows) <= most:
        return tuple(rows)
    by_cost = sorted(range(len(rows)), key=lambda i: _cost(rows[i]))
    meeting = [i for i in by_cost if rows[i].meets_slo]
    failing = [i for i in by_cost if not rows[i].meets_slo]
    wanted = [i for i, row in enumerate(rows) if row.chosen]
    near = [i + step for i in wanted for step in (-1, 1) if 0 <= i + step < len(rows)]
    order = [*wanted, 0, len(rows) - 1, *near]
    for pair in zip(meeting, failing, strict=False):
        order += pair
    order += [*meeting, *failing]
    kept = set(list(dict.fromkeys(order))[:most])
    return tuple(row for i, row in enumerate(rows) if i in kept)


def _cost(row: CostRow) -> float:
    return float("inf") if isinstance(row.usd_per_month, Missing) else row.usd_per_month.mid
