"""A published comparison of four deployments of one model, decided as its author decided.

Figures of Getting Started with Amazon SageMaker Studio, chapter 7: ModelLatency at about 8,000
requests a minute and prices per hour; of the GPU only that it answers in a single-digit number
of milliseconds. The author's words: one ml.c5.xlarge is cheapest; two of them under autoscaling
beat one ml.c5.2xlarge below about 40 ms for the same money; the GPU is for single digits only.
"""

from dataclasses import replace

import pytest
from given import a_demand, a_policy

from controller.core.cost_table import CostRow, cost_table
from controller.core.decide import decide
from controller.core.demand import HOURS_PER_MONTH
from controller.core.inputs import History, Inputs
from controller.model.decision import Hold
from controller.model.demand import Attainment, Interval, SloStatus
from controller.model.estimate import Estimate, Rejection
from controller.model.policy import OnConflict, Policy
from controller.model.reason import Reason
from controller.model.size import RealtimeSize, Size

ONE = RealtimeSize("ml.c5.xlarge", 1, 1)
TWO = RealtimeSize("ml.c5.xlarge", 1, 2, 4000.0)
BIG = RealtimeSize("ml.c5.2xlarge", 1, 1)
GPU = RealtimeSize("ml.g4dn.xlarge", 1, 1)
PER_MINUTE = 8000.0
ROWS = {ONE: (53.8, 0.204, 1), BIG: (45.8, 0.408, 1), TWO: (33.8, 0.204, 2), GPU: (9.0, 0.736, 1)}
"""(milliseconds, USD an hour of one instance, instances at the load of the test)."""


def estimates(slo_ms: float) -> tuple[Estimate, ...]:
    """The four deployments as measured."""
    month = HOURS_PER_MONTH
    return tuple(
        Estimate(
            size=size,
            p95_ms=Interval(ms * 0.97, ms, ms * 1.03),
            p_slo=0.99 if ms * 1.03 <= slo_ms else 0.01,
            usd_per_month=Interval(usd * n * month, usd * n * month, usd * n * month),
            evidence="measured",
            measured_requests=8000,
            instances=Interval(n, n, n),
            usd_per_hour=usd,
        )
        for size, (ms, usd, n) in ROWS.items()
    )


def table(policy: Policy, current: Size) -> tuple[list[CostRow], Reason]:
    """The cost-performance table for a live deployment, and the decision's reason."""
    per_month = PER_MINUTE * 60.0 * HOURS_PER_MONTH
    demand = a_demand(requests_per_month=Interval(per_month, per_month, per_month))
    slow = 0 if ROWS[current][0] <= policy.slo.threshold_ms else 4000  # type: ignore[index]
    breached = Attainment.BREACHED if slow else Attainment.MET
    inputs = Inputs(
        policy=policy,
        current=current,
        estimates=estimates(policy.slo.threshold_ms),
        barred={},
        demand=demand,
        slo=SloStatus(breached, 8000, slow, 1.0 - slow / 8000, 0.0 if slow else 1.0, 1, 0.0, 0.0),
        history=History(10_000, 1e6, 0, 0, climbed=False),
        floor=0,
    )
    decision, candidates = decide(inputs)
    reason = decision.reason if isinstance(decision, Hold) else decision.proposal.reason
    return list(cost_table(candidates, demand, policy)), reason


def chosen(rows: list[CostRow]) -> Size:
    (row,) = [row for row in rows if row.chosen]
    return row.size


@pytest.mark.parametrize(
    ("slo_ms", "current", "wanted"),
    [
        (60.0, GPU, ONE),
        (60.0, BIG, ONE),
        (60.0, ONE, ONE),
        (40.0, BIG, TWO),
        (40.0, ONE, TWO),
        (40.0, GPU, TWO),
        (10.0, ONE, GPU),
        (10.0, GPU, GPU),
    ],
)
def test_the_published_case_comes_out_right(slo_ms: float, current: Size, wanted: Size) -> None:
    rows, _ = table(a_policy(slo_ms), current)
    assert chosen(rows) == wanted


def test_single_digits_under_the_gpus_price_are_infeasible_and_said() -> None:
    policy = a_policy(10.0, budget_usd_per_month=500.0, on_conflict=OnConflict.BUDGET)
    rows, reason = table(policy, TWO)
    assert reason is Reason.INFEASIBLE
    gpu = next(row for row in rows if row.size == GPU)
    assert (gpu.meets_slo, gpu.fits_budget, gpu.verdict) == (True, False, Rejection.OVER_BUDGET)
    within = replace(policy, budget_usd_per_month=540.0)
    assert chosen(table(within, TWO)[0]) == GPU


def test_the_tables_figures_are_the_published_ones() -> None:
    rows, _ = table(a_policy(40.0), BIG)
    by_size = {row.size: row for row in rows}
    assert by_size[ONE].usd_per_month.mid == pytest.approx(148.92)  # type: ignore[union-attr]
    assert by_size[TWO].usd_per_month.mid == pytest.approx(297.84)  # type: ignore[union-attr]
    assert by_size[BIG].usd_per_million == pytest.approx(0.85, abs=0.01)
    assert by_size[ONE].usd_per_million == pytest.approx(0.425, abs=0.01)
    assert [row.meets_slo for row in rows] == [False, False, True, True]
    assert by_size[BIG].why == "meets the SLO with probability 0.01, below 0.95"
