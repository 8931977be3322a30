"""The choice among estimated sizes, one situation at a time."""

from collections.abc import Mapping
from dataclasses import replace

import pytest
from given import a_demand, a_policy

from controller.core.decide import decide
from controller.core.inputs import History, Inputs
from controller.model.decision import Decision, Hold, Proposal
from controller.model.demand import Attainment, Interval, SloStatus
from controller.model.estimate import Candidate, Estimate, Rejection
from controller.model.missing import Missing
from controller.model.policy import Bounds, OnConflict, Slo
from controller.model.reason import Reason
from controller.model.size import LambdaSize, Size

MET = SloStatus(Attainment.MET, 1000, 10, 0.99, 0.999, 150.0, 0.0, 0.0)
BREACHED = replace(MET, attainment=Attainment.BREACHED, slow=200, met_ratio=0.8, p_met=0.0)
UNSURE = replace(MET, attainment=Attainment.UNKNOWN, slow=60, met_ratio=0.94, p_met=0.2)
SILENT = replace(MET, attainment=Attainment.UNKNOWN, requests=0, slow=0, p_met=0.14)
LONG = History(requests=50_000, span_s=72 * 3600.0, gaps=0, changes=0, climbed=False)

# memory: (probability of meeting the SLO, USD a month, p95)
Rungs = Mapping[int, tuple[float, float | Missing, float]]
LADDER: Rungs = {
    512: (0.30, 5.0, 300.0),
    1024: (0.97, 8.0, 180.0),
    2048: (0.99, 14.0, 110.0),
    4096: (0.999, 27.0, 105.0),
}


def an_input(current_mb: int, rungs: Rungs = LADDER, **values: object) -> Inputs:
    estimates = [
        Estimate(
            LambdaSize(mb),
            Interval(p95 * 0.9, p95, p95 * 1.1),
            p_slo,
            usd if isinstance(usd, Missing) else Interval(usd * 0.9, usd, usd * 1.1),
            "predicted",
            0,
        )
        for mb, (p_slo, usd, p95) in rungs.items()
    ]
    plain = Inputs(
        policy=a_policy(),
        current=LambdaSize(current_mb),
        estimates=estimates,
        barred={},
        demand=a_demand(),
        slo=MET,
        history=LONG,
        floor=200,
    )
    return replace(plain, **values)  # type: ignore[arg-type]


def decided(inputs: Inputs) -> Decision:
    decision, candidates = decide(inputs)
    assert [c.estimate for c in candidates] == list(inputs.estimates)
    assert sum(c.rejection is Rejection.CHOSEN for c in candidates) <= 1
    return decision


def proposed(inputs: Inputs) -> Proposal:
    decision = decided(inputs)
    assert not isinstance(decision, Hold), decision
    return decision.proposal


def held(inputs: Inputs) -> Hold:
    decision = decided(inputs)
    assert isinstance(decision, Hold), decision.proposal.detail
    return decision


def bars(rejection: Rejection, *memory_mb: int) -> Mapping[Size, tuple[Rejection, str]]:
    return {LambdaSize(mb): (rejection, "because") for mb in memory_mb}


def goes_to(inputs: Inputs, memory_mb: int, reason: Reason) -> None:
    proposal = proposed(inputs)
    assert (proposal.target, proposal.reason) == (LambdaSize(memory_mb), reason)


# --- for money ---


@pytest.mark.parametrize("current_mb", [2048, 4096])
def test_the_cheapest_size_that_meets_the_slo_is_taken(current_mb: int) -> None:
    goes_to(an_input(current_mb), 1024, Reason.CHEAPER_SIZE)


def test_the_cheapest_size_stays() -> None:
    assert held(an_input(1024)).reason is Reason.RIGHT_SIZE


def test_between_equal_costs_the_faster_is_taken() -> None:
    rungs = {1024: (0.99, 8.0, 180.0), 2048: (0.99, 8.0, 110.0), 4096: (0.99, 20.0, 100.0)}
    goes_to(an_input(4096, rungs), 2048, Reason.CHEAPER_SIZE)


@pytest.mark.parametrize(("minimum", "moves"), [(0.05, True), (0.43, False), (0.0, True)])
def test_a_change_must_save_the_policys_minimum(minimum: float, moves: bool) -> None:
    policy = a_policy()
    policy = replace(policy, cadence=replace(policy.cadence, min_saving_ratio=minimum))
    decision = decided(an_input(2048, policy=policy))
    assert isinstance(decision, Hold) != moves
    if isinstance(decision, Hold):
        assert decision.reason is Reason.SAVING_TOO_SMALL


@pytest.mark.parametrize(
    ("changes", "climbed", "least"),
    [(0, False, 0.05), (1, False, 0.05), (2, True, 0.20), (2, False, 0.60), (7, False, 0.60)],
)
def test_after_two_changes_a_third_must_be_worth_more(
    changes: int, climbed: bool, least: float
) -> None:
    history = replace(LONG, changes=changes, climbed=climbed)
    for saving, moves in ((least - 0.005, False), (least + 0.005, True)):
        rungs = {1024: (0.99, 10.0 * (1.0 - saving), 180.0), 2048: (0.99, 10.0, 110.0)}
        decision = decided(an_input(2048, rungs, history=history))
        assert isinstance(decision, Hold) != moves
        if isinstance(decision, Hold):
            assert decision.reason is Reason.SAVING_TOO_SMALL
            assert decision.detail.endswith(" changes") == (changes >= 2)


def test_a_larger_size_that_costs_less_is_taken_without_knowing_the_memory_in_use() -> None:
    rungs = {512: (0.99, 9.0, 180.0), 2048: (0.99, 5.0, 50.0)}
    goes_to(an_input(512, rungs, floor=Missing("unread")), 2048, Reason.CHEAPER_SIZE)


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"floor": Missing("no REPORT lines")}, Reason.MEMORY_USE_UNKNOWN),
        ({"slo": UNSURE}, Reason.NOT_CONFIDENT),
        ({"slo": SILENT}, Reason.TOO_FEW_SAMPLES),
        (
            {
                "policy": a_policy(slo=Slo(200.0, max_error_ratio=0.01)),
                "slo": replace(MET, error_ratio=0.05),
            },
            Reason.NOT_CONFIDENT,
        ),
        ({"slo": replace(MET, error_ratio=0.06)}, Reason.NOT_CONFIDENT),
        ({"history": replace(LONG, requests=199)}, Reason.TOO_FEW_SAMPLES),
        ({"history": replace(LONG, span_s=86_399.0)}, Reason.STABILIZING),
        ({"history": replace(LONG, gaps=1)}, Reason.STALE_DATA),
        ({"barred": bars(Rejection.QUARANTINED, 512, 1024)}, Reason.QUARANTINED),
    ],
)
def test_memory_is_not_taken_away_on_unsure_ground(
    values: dict[str, object], reason: Reason
) -> None:
    assert held(an_input(2048, **values)).reason is reason


def test_failures_as_usual_hold_nothing() -> None:
    usual = a_demand(error_ratio=0.2)
    failing = replace(MET, error_ratio=0.3)
    goes_to(an_input(2048, demand=usual, slo=failing), 1024, Reason.CHEAPER_SIZE)
    worse = replace(MET, error_ratio=0.5)
    assert held(an_input(2048, demand=usual, slo=worse)).reason is Reason.NOT_CONFIDENT


def test_a_percentile_further_out_needs_more_requests() -> None:
    policy = a_policy(slo=Slo(200.0, percentile=0.99))
    few = replace(LONG, requests=999)
    assert held(an_input(2048, policy=policy, history=few)).reason is Reason.TOO_FEW_SAMPLES
    goes_to(
        an_input(2048, policy=policy, history=replace(LONG, requests=1000)),
        1024,
        Reason.CHEAPER_SIZE,
    )


def test_without_a_price_nothing_moves() -> None:
    rungs = {mb: (p, Missing("no price for arm64"), ms) for mb, (p, _, ms) in LADDER.items()}
    for slo in (MET, BREACHED):
        hold = held(an_input(512, rungs, slo=slo))
        assert (hold.reason, hold.detail) == (Reason.PRICE_UNKNOWN, "no price for arm64")


# --- out of a breach ---


def test_a_breach_is_answered_with_the_cheapest_larger_size_that_will_do() -> None:
    goes_to(an_input(512, slo=BREACHED), 1024, Reason.SLO_BREACHED)


def test_a_breach_is_answered_without_history_or_memory_use() -> None:
    bare = an_input(
        512,
        slo=BREACHED,
        history=replace(LONG, requests=0, span_s=0.0, gaps=9),
        floor=Missing("unread"),
    )
    goes_to(bare, 1024, Reason.SLO_BREACHED)


def test_a_breach_is_never_answered_with_less_even_if_less_would_do() -> None:
    goes_to(an_input(1024, slo=BREACHED), 2048, Reason.SLO_BREACHED)
    rungs = {512: (0.99, 5.0, 100.0), 1024: (0.2, 8.0, 300.0)}
    assert held(an_input(1024, rungs, slo=BREACHED)).reason is Reason.INFEASIBLE


def test_where_nothing_will_do_the_likeliest_is_taken_if_it_helps() -> None:
    rungs = {
        512: (0.01, 5.0, 500.0),
        1024: (0.40, 8.0, 250.0),
        2048: (0.60, 14.0, 210.0),
        4096: (0.61, 27.0, 209.0),
    }
    goes_to(an_input(512, rungs, slo=BREACHED), 2048, Reason.SLO_BREACHED)


def test_where_all_is_hopeless_the_climb_is_one_long_stride_not_many_short_ones() -> None:
    rungs = {mb: (0.0, mb / 100.0, 400_000.0 / mb) for mb in (512, 576, 640, 1024, 2048)}
    goes_to(an_input(512, rungs, slo=BREACHED), 2048, Reason.SLO_BREACHED)


def test_a_chance_to_meet_the_slo_is_taken_even_where_little_gain_is_expected() -> None:
    rungs = {1024: (0.00, 8.0, 250.0), 2048: (0.30, 14.0, 245.0), 4096: (0.31, 28.0, 244.0)}
    goes_to(an_input(1024, rungs, slo=BREACHED), 2048, Reason.SLO_BREACHED)


def test_where_nothing_helps_it_is_said() -> None:
    rungs = {512: (0.01, 5.0, 500.0), 1024: (0.02, 10.0, 499.0), 2048: (0.02, 20.0, 498.0)}
    hold = held(an_input(512, rungs, slo=BREACHED))
    assert hold.reason is Reason.INFEASIBLE
    assert "no size meets the SLO with confidence 0.95" in hold.detail


def test_a_size_more_likely_than_not_to_break_the_slo_is_left_with_history_only() -> None:
    goes_to(an_input(512, slo=UNSURE), 1024, Reason.SLO_BREACHED)
    fresh = replace(LONG, span_s=3600.0)
    assert held(an_input(512, slo=UNSURE, history=fresh)).reason is Reason.STABILIZING


def test_a_size_that_was_set_a_moment_ago_has_no_history_of_nought_hours() -> None:
    hold = held(an_input(2048, history=replace(LONG, span_s=0.0)))
    assert (
        hold.detail == "2048 MB has served for some minutes only: 24.0 hours of history are wanted"
    )


def test_a_borderline_size_stays_while_no_breach_is_confirmed() -> None:
    rungs = {**LADDER, 512: (0.80, 5.0, 190.0)}
    hold = held(an_input(512, rungs, slo=UNSURE))
    assert hold.reason is Reason.NOT_CONFIDENT
    assert "1024 MB would for 3.00 USD/month more" in hold.detail


def test_a_quarantined_way_up_is_named() -> None:
    barred = bars(Rejection.QUARANTINED, 1024, 2048, 4096)
    assert held(an_input(512, slo=BREACHED, barred=barred)).reason is Reason.QUARANTINED


# --- budget ---


def test_a_budget_bars_what_costs_more() -> None:
    policy = a_policy(budget_usd_per_month=10.0)
    inputs = an_input(2048, policy=policy)
    goes_to(inputs, 1024, Reason.OVER_BUDGET)
    _, candidates = decide(inputs)
    assert rejections(candidates)[4096] is Rejection.OVER_BUDGET


def rejections(candidates: tuple[Candidate, ...]) -> dict[int, Rejection]:
    return {c.estimate.size.memory_mb: c.rejection for c in candidates}


def test_in_conflict_the_slo_is_kept_where_the_policy_says_so() -> None:
    policy = a_policy(budget_usd_per_month=6.0, on_conflict=OnConflict.SLO)
    goes_to(an_input(2048, policy=policy), 1024, Reason.CHEAPER_SIZE)
    assert held(an_input(1024, policy=policy)).reason is Reason.RIGHT_SIZE
    # Out of a breach: the cheapest that will do, budget or no budget, not the likeliest.
    goes_to(an_input(512, policy=policy, slo=BREACHED), 1024, Reason.SLO_BREACHED)


def test_in_conflict_the_budget_is_kept_where_the_policy_says_so() -> None:
    policy = a_policy(budget_usd_per_month=6.0, on_conflict=OnConflict.BUDGET)
    goes_to(an_input(2048, policy=policy), 512, Reason.OVER_BUDGET)
    hold = held(an_input(512, policy=policy, slo=BREACHED))
    assert hold.reason is Reason.INFEASIBLE
    assert "1024 MB would, for 8.00 USD/month" in hold.detail


def test_a_budget_that_nothing_fits_changes_nothing() -> None:
    policy = a_policy(budget_usd_per_month=0.0, on_conflict=OnConflict.BUDGET)
    assert held(an_input(2048, policy=policy)).reason is Reason.INFEASIBLE


def test_memory_is_not_taken_away_for_the_budget_without_knowing_what_is_in_use() -> None:
    policy = a_policy(budget_usd_per_month=10.0)
    blind = an_input(2048, policy=policy, floor=Missing("unread"))
    assert held(blind).reason is Reason.MEMORY_USE_UNKNOWN


# --- sizes out of the question ---


def test_a_size_outside_the_bounds_is_left_at_once() -> None:
    above = an_input(
        4096,
        policy=a_policy(bounds=Bounds(max_memory_mb=2048)),
        barred=bars(Rejection.ABOVE_BOUNDS, 4096),
        history=replace(LONG, requests=100, span_s=60.0),
    )
    goes_to(above, 1024, Reason.OUTSIDE_BOUNDS)
    assert held(replace(above, floor=Missing("unread"))).reason is Reason.MEMORY_USE_UNKNOWN
    below = an_input(512, barred=bars(Rejection.BELOW_BOUNDS, 512), floor=Missing("unread"))
    goes_to(below, 1024, Reason.OUTSIDE_BOUNDS)


def test_outside_the_bounds_with_nothing_that_will_do() -> None:
    rungs = {512: (0.0, 5.0, 900.0), 1024: (0.1, 8.0, 400.0), 2048: (0.4, 14.0, 250.0)}
    goes_to(
        an_input(512, rungs, barred=bars(Rejection.BELOW_BOUNDS, 512)), 2048, Reason.OUTSIDE_BOUNDS
    )
    hold = held(an_input(2048, rungs, barred=bars(Rejection.ABOVE_BOUNDS, 2048)))
    assert hold.reason is Reason.INFEASIBLE


def test_running_out_of_memory_is_left_upwards() -> None:
    barred = {
        **bars(Rejection.BELOW_MEMORY_FLOOR, 512),
        **bars(Rejection.INFEASIBLE_BEFORE, 1024),
    }
    goes_to(an_input(1024, barred=barred), 2048, Reason.MEMORY_FLOOR)


def test_a_quarantine_is_named_only_where_but_for_it_there_would_be_a_change() -> None:
    barred = bars(Rejection.QUARANTINED, 512)
    assert held(an_input(1024, barred=barred)).reason is Reason.RIGHT_SIZE
    rungs = {**LADDER, 512: (0.97, 5.0, 190.0)}
    assert held(an_input(1024, rungs, barred=barred)).reason is Reason.QUARANTINED


# --- explanations ---


def test_every_candidate_says_why_it_was_not_chosen() -> None:
    policy = a_policy(budget_usd_per_month=20.0)
    inputs = an_input(2048, policy=policy, barred=bars(Rejection.BELOW_MEMORY_FLOOR, 512))
    decision, candidates = decide(inputs)
    assert not isinstance(decision, Hold)
    assert rejections(candidates) == {
        512: Rejection.BELOW_MEMORY_FLOOR,
        1024: Rejection.CHOSEN,
        2048: Rejection.DEARER,
        4096: Rejection.OVER_BUDGET,
    }
    assert all(c.detail for c in candidates)


def test_where_nothing_moves_the_present_size_is_marked() -> None:
    _, candidates = decide(an_input(2048, history=replace(LONG, span_s=0.0)))
    found = rejections(candidates)
    assert found[2048] is Rejection.CURRENT
    assert found[1024] is Rejection.SAVING_TOO_SMALL
    assert found[512] is Rejection.SLO_UNLIKELY


def test_a_size_of_the_same_cost_is_not_called_dearer_by_nothing() -> None:
    _, candidates = decide(
        an_input(512, {512: (0.3, 5.0, 300.0), 1024: (0.97, 4.0, 180.0), 1536: (0.97, 4.0, 190.0)})
    )
    details = [c.detail for c in candidates]
    assert details[1] == "the cheapest that meets the SLO"
    assert details[2] == "costs as much as 1024 MB, which is faster or simpler"
    assert not any("0.00 USD" in detail for detail in details)
