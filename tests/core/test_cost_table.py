"""The cost-performance table, and the published case that people reckoned by hand."""

from dataclasses import replace

import pytest
from given import a_demand, a_policy

from controller.core.cost_table import CostRow, cost_table, in_brief
from controller.core.decide import decide
from controller.core.inputs import History, Inputs
from controller.model.decision import Decision, Hold, Propose
from controller.model.demand import Attainment, Interval, SloStatus
from controller.model.estimate import Candidate, Estimate, Rejection
from controller.model.missing import Missing
from controller.model.policy import OnConflict, Policy, Slo
from controller.model.reason import Reason
from controller.model.size import LambdaSize, RealtimeSize, Size

HOURS = 730.0
REQUESTS_A_MINUTE = 8000.0
DEMAND = a_demand(requests_per_month=Interval(*[REQUESTS_A_MINUTE * 60 * HOURS] * 3))

ONE_XLARGE = RealtimeSize("ml.c5.xlarge", 1, 1)
TWO_XLARGE = RealtimeSize("ml.c5.xlarge", 1, 2, 4000.0)
ONE_2XLARGE = RealtimeSize("ml.c5.2xlarge", 1, 1)
ONE_GPU = RealtimeSize("ml.g4dn.xlarge", 1, 1)

# Latency in ms, instances at this load, USD an hour of one. The GPU's latency was lost in print;
# the text tells that it was a single digit.
PUBLISHED: dict[Size, tuple[float, float, float]] = {
    ONE_XLARGE: (53.8, 1, 0.204),
    TWO_XLARGE: (33.8, 2, 0.204),
    ONE_2XLARGE: (45.8, 1, 0.408),
    ONE_GPU: (8.0, 1, 0.736),
}


def estimates(slo_ms: float) -> list[Estimate]:
    return [
        Estimate(
            size=size,
            p95_ms=Interval(ms * 0.95, ms, ms * 1.05),
            p_slo=0.99 if ms < slo_ms else 0.01,
            usd_per_month=Interval(*[count * usd * HOURS] * 3),
            evidence="measured here",
            measured_requests=8000,
            instances=Interval(1, count, count),
            usd_per_hour=usd,
        )
        for size, (ms, count, usd) in PUBLISHED.items()
    ]


def judged(current: Size, policy: Policy) -> tuple[Decision, tuple[CostRow, ...]]:
    met = PUBLISHED[current][0] < policy.slo.threshold_ms
    attainment = Attainment.MET if met else Attainment.BREACHED
    slo = SloStatus(attainment, 9000, 9, 0.999, 0.99 if met else 0.0, 50.0, 0.0, 0.0)
    made = estimates(policy.slo.threshold_ms)
    history = History(requests=90_000, span_s=72 * 3600.0, gaps=0, changes=0, climbed=False)
    decision, candidates = decide(Inputs(policy, current, made, {}, DEMAND, slo, history, 0))
    return decision, cost_table(candidates, DEMAND, policy)


def of(rows: tuple[CostRow, ...], size: Size) -> CostRow:
    (row,) = (row for row in rows if row.size == size)
    return row


def slo(ms: float, **values: object) -> Policy:
    return replace(a_policy(), slo=Slo(ms), **values)  # type: ignore[arg-type]


def test_60_ms_is_one_xlarge() -> None:
    decision, rows = judged(ONE_XLARGE, slo(60.0))
    assert isinstance(decision, Hold)
    assert decision.reason is Reason.RIGHT_SIZE
    row = of(rows, ONE_XLARGE)
    assert row.chosen
    assert row.meets_slo
    assert isinstance(row.usd_per_month, Interval)
    assert row.usd_per_month.mid == pytest.approx(148.92)
    assert row.usd_per_million == pytest.approx(0.204 / 0.48)
    assert all(r.meets_slo for r in rows)
    assert [r.size for r in rows if r.chosen] == [ONE_XLARGE]


def test_40_ms_is_two_xlarge_over_one_2xlarge_at_the_same_price() -> None:
    decision, rows = judged(ONE_XLARGE, slo(40.0))
    assert isinstance(decision, Propose)
    assert decision.proposal.target == TWO_XLARGE
    two, bigger = of(rows, TWO_XLARGE), of(rows, ONE_2XLARGE)
    assert (two.meets_slo, bigger.meets_slo) == (True, False)
    assert two.usd_per_hour == pytest.approx(0.408) == bigger.usd_per_hour
    assert two.usd_per_million == pytest.approx(0.85)
    assert bigger.verdict is Rejection.SLO_UNLIKELY


def test_10_ms_is_the_gpu_or_nothing_below_its_price() -> None:
    decision, _ = judged(ONE_XLARGE, slo(10.0))
    assert isinstance(decision, Propose)
    assert decision.proposal.target == ONE_GPU
    poor = slo(10.0, budget_usd_per_month=530.0, on_conflict=OnConflict.BUDGET)
    decision, rows = judged(ONE_XLARGE, poor)
    assert isinstance(decision, Propose | Hold)
    if isinstance(decision, Hold):
        assert decision.reason is Reason.INFEASIBLE
        assert "ml.g4dn.xlarge would" in decision.detail
    assert of(rows, ONE_GPU).fits_budget is False
    assert of(rows, ONE_XLARGE).fits_budget is True
    assert not of(rows, ONE_GPU).chosen


def test_what_is_not_known_is_not_reckoned_with() -> None:
    estimate = replace(estimates(60.0)[0], usd_per_month=Missing("no price"))
    candidate = Candidate(estimate, Rejection.PRICE_UNKNOWN, "no price")
    (row,) = cost_table([candidate], DEMAND, slo(60.0, budget_usd_per_month=10.0))
    assert isinstance(row.usd_per_hour, Missing)
    assert isinstance(row.usd_per_million, Missing)
    assert row.fits_budget is None
    quiet = a_demand(requests_per_month=Interval(0.0, 0.0, 0.0))
    (row,) = cost_table([Candidate(estimates(60.0)[0], Rejection.CURRENT, "")], quiet, slo(60.0))
    assert isinstance(row.usd_per_million, Missing)
    assert cost_table([candidate], Missing("nothing seen"), slo(60.0)) == ()


def test_in_brief_keeps_what_was_chosen_and_what_is_cheap() -> None:
    candidates = [
        Candidate(
            Estimate(
                LambdaSize(128 * n),
                Interval(1.0, 2.0, 3.0),
                0.99 if n > 20 else 0.1,
                Interval(n, n, n),
                "",
                0,
            ),
            Rejection.CURRENT if n == 40 else Rejection.DEARER,
            "",
        )
        for n in range(1, 60)
    ]
    rows = cost_table(candidates, DEMAND, slo(60.0))
    brief = in_brief(rows, most=10)
    sizes = [row.size for row in brief]
    assert len(brief) == 10
    assert {LambdaSize(128 * n) for n in (1, 21, 39, 40, 41, 59)} <= set(sizes)
    assert sizes == sorted(sizes)
    assert in_brief(rows[:5]) == rows[:5]
