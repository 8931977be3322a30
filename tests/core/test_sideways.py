"""A climb or a budget never leads sideways, to an instance type that never served."""

from dataclasses import replace

import pytest
from given import a_demand, a_policy

from controller.core.decide import decide
from controller.core.inputs import History, Inputs
from controller.core.proposals import sideways
from controller.model.decision import Decision, Hold, Propose
from controller.model.demand import Attainment, Interval, SloStatus
from controller.model.estimate import Estimate
from controller.model.policy import OnConflict
from controller.model.size import RealtimeSize

BREACHED = SloStatus(Attainment.BREACHED, 1000, 200, 0.8, 0.0, 150.0, 0.0, 0.0)
LONG = History(requests=50_000, span_s=72 * 3600.0, gaps=0, changes=0, climbed=False)
USD_PER_HOUR = {"ml.c5.large": 0.102, "ml.c5.xlarge": 0.204, "ml.c5.2xlarge": 0.408}


def _estimate(name: str, count: int, p_slo: float, requests: int = 0) -> Estimate:
    price = USD_PER_HOUR[name]
    usd = price * count * 730.0
    p95 = 400.0 - 300.0 * p_slo
    return Estimate(
        RealtimeSize(name, count, count),
        Interval(p95 * 0.9, p95, p95 * 1.1),
        p_slo,
        Interval(usd, usd, usd),
        "predicted",
        requests,
        usd_per_hour=price,
    )


HERE = _estimate("ml.c5.xlarge", 1, 0.1, requests=9000)
SAME_MONEY = _estimate("ml.c5.large", 2, 0.7)


def _decided(*others: Estimate, budget: float | None = 160.0) -> Decision:
    policy = a_policy(
        200.0, budget_usd_per_month=budget, on_conflict=OnConflict.BUDGET, confidence=0.95
    )
    found = Inputs(policy, HERE.size, (HERE, *others), {}, a_demand(), BREACHED, LONG, 0)
    return decide(found)[0]


def test_no_step_sideways_where_slo_and_budget_cannot_both_hold() -> None:
    assert isinstance(_decided(SAME_MONEY), Hold)


def test_what_has_served_may_be_gone_back_to() -> None:
    found = _decided(replace(SAME_MONEY, measured_requests=5000))
    assert isinstance(found, Propose)


def test_more_of_the_same_comes_before_a_step_sideways() -> None:
    more = _estimate("ml.c5.xlarge", 2, 0.99)
    sure = _estimate("ml.c5.large", 2, 0.99)
    found = _decided(sure, more, budget=None)
    assert isinstance(found, Propose)
    assert found.proposal.target == more.size


@pytest.mark.parametrize(
    ("other", "is_sideways"),
    [
        (SAME_MONEY, True),
        (_estimate("ml.c5.large", 3, 0.7), True),
        (_estimate("ml.c5.large", 1, 0.7), False),
        (_estimate("ml.c5.2xlarge", 1, 0.7), False),
        (_estimate("ml.c5.xlarge", 2, 0.7), False),
    ],
    ids=["equal", "dearer", "cheaper", "a larger type", "more instances"],
)
def test_sideways(other: Estimate, is_sideways: bool) -> None:
    assert sideways(HERE, other) is is_sideways


# --- a type that never served is the last resort

LARGER = _estimate("ml.c5.2xlarge", 1, 0.97)


def test_more_of_the_same_comes_before_a_larger_type_that_never_served() -> None:
    found = _decided(LARGER, _estimate("ml.c5.xlarge", 4, 0.96), budget=None)
    assert isinstance(found, Propose)
    assert found.proposal.target == RealtimeSize("ml.c5.xlarge", 4, 4)


def test_more_of_the_same_that_may_do_comes_before_a_type_that_never_served() -> None:
    found = _decided(LARGER, _estimate("ml.c5.xlarge", 4, 0.8), budget=None)
    assert isinstance(found, Propose)
    assert found.proposal.target == RealtimeSize("ml.c5.xlarge", 4, 4)


def test_where_nothing_else_would_do_it_is_entered_and_that_is_said() -> None:
    found = _decided(LARGER, _estimate("ml.c5.xlarge", 4, 0.2), budget=None)
    assert isinstance(found, Propose)
    assert found.proposal.target == LARGER.size
    assert "ml.c5.xlarge cannot meet the SLO within the bounds" in found.proposal.detail
    assert "ml.c5.2xlarge was never measured here" in found.proposal.detail


def test_a_measured_type_is_like_ones_own() -> None:
    measured = replace(LARGER, measured_requests=5000)
    found = _decided(measured, _estimate("ml.c5.xlarge", 4, 0.96), budget=None)
    assert isinstance(found, Propose)
    assert found.proposal.target == LARGER.size
    assert "never measured" not in found.proposal.detail


def test_a_burst_that_the_bounds_bear_over_weeks_is_waited_out() -> None:
    size = RealtimeSize("ml.c5.xlarge", 1, 6, 900.0)
    here = replace(_estimate("ml.c5.xlarge", 2, 0.97, requests=9000), size=size)
    policy = a_policy(200.0, confidence=0.95)
    inputs = Inputs(policy, size, (here, LARGER), {}, a_demand(), BREACHED, LONG, 0)
    found = decide(inputs)[0]
    assert isinstance(found, Hold)
    assert "a burst" in found.detail


def test_what_never_served_and_would_hardly_do_is_not_leapt_to() -> None:
    assert isinstance(_decided(replace(LARGER, p_slo=0.3), budget=None), Hold)
