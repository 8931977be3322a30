"""The last two weeks once more: bursts are remembered, what comes back at its hour is borne."""

from dataclasses import replace

import numpy as np
import pytest
from realtime_world import Machine, a_policy, a_sizing, an_observed, parts_of

from controller.core.assess import assess, believe
from controller.core.week import Parts, course
from controller.kinds.realtime_endpoint.replay import BILLED, SERVING, Bearable, Replay
from controller.kinds.realtime_endpoint.windows import hours_of
from controller.model.decision import Propose
from controller.model.demand import Attainment, Course
from controller.model.missing import Missing
from controller.model.policy import Bounds
from controller.model.reason import Reason
from controller.model.size import RealtimeSize, ScheduledBounds

MONDAY_S = 1_793_577_600.0
DAY = 288
TEN = Bearable(usable_rps=10.0, capacity_rps=10.0, budget=0.05)
FOLLOWING = RealtimeSize("ml.c5.large", 1, 20, 300.0)  # five requests a second each


def replay(rps: list[float]) -> Replay:
    found = Replay.of(Course(MONDAY_S, 300.0, tuple(rps)))
    assert found is not None
    return found


def burden(rps: list[float], size: RealtimeSize = FOLLOWING, bearable: Bearable = TEN) -> float:
    weeks = replay(rps)
    lows = (size.min_instances,) * 168
    return weeks.burdened_rps(weeks.rps / weeks.instances(size, lows, SERVING), bearable)


def calm(days: int = 14, rps: float = 4.0) -> list[float]:
    return [rps] * (DAY * days)


def with_bursts(rps: list[float], at: list[int], height: float) -> list[float]:
    return [height if any(i <= k < i + 3 for i in at) else v for k, v in enumerate(rps)]


def test_a_day_is_the_least_that_is_remembered() -> None:
    assert Replay.of(Course(MONDAY_S, 300.0, (1.0,) * (DAY - 1))) is None
    assert Replay.of(Course(MONDAY_S, 300.0, (1.0,) * DAY)) is not None
    assert Replay.of(None) is None


def test_instances_serve_ten_minutes_after_the_rise_and_are_billed_at_once() -> None:
    weeks = replay([4.0] * DAY + [24.0] * DAY)
    lows = (1,) * 168
    assert list(weeks.instances(FOLLOWING, lows, SERVING)[DAY - 1 : DAY + 3]) == [1, 1, 1, 5]
    assert list(weeks.instances(FOLLOWING, lows, BILLED)[DAY - 1 : DAY + 1]) == [1, 5]


def test_a_steady_load_burdens_as_much_as_it_is() -> None:
    """Up to the share of the budget that is left for bursts."""
    assert burden(calm()) == pytest.approx(4.0 * (1.0 / 0.8) ** 0.125)


def test_one_burst_in_two_weeks_is_within_the_budget_and_many_are_not() -> None:
    once = with_bursts(calm(), [DAY * 5], 80.0)
    often = with_bursts(calm(), [DAY * d + 7 * d for d in range(14)], 80.0)
    assert burden(once) <= 10.0 < burden(often)
    assert burden(often, replace(FOLLOWING, min_instances=8)) <= 10.0


def test_a_policy_may_want_windows_met_that_the_budget_would_let_go() -> None:
    once = with_bursts(calm(), [DAY * 5, DAY * 9], 80.0)
    nearly_all = replace(TEN, windows=0.9995)
    assert burden(once) <= 10.0 < burden(once, bearable=nearly_all)
    assert burden(once, replace(FOLLOWING, min_instances=8), nearly_all) <= 10.0
    assert burden(once, bearable=replace(TEN, windows=0.99)) <= 10.0
    # Eight were not enough if no more than seven may be: then nobody is to blame.
    assert burden(once, bearable=replace(nearly_all, most=7)) <= 10.0


def test_a_rise_that_comes_back_at_its_hour_is_borne_every_time() -> None:
    """As many slow requests at odd hours would be within the budget."""
    daily = with_bursts(calm(), [DAY * d + 100 for d in range(14)], 22.0)
    odd = with_bursts(calm(), [DAY * d + 100 + 13 * d for d in range(14)], 22.0)
    assert burden(odd) < burden(daily)


def test_newer_bursts_count_for_more() -> None:
    first = with_bursts(calm(), [DAY, DAY + 40], 80.0)
    last = with_bursts(calm(), [DAY * 13, DAY * 13 + 40], 80.0)
    assert burden(first) < burden(last)


def test_what_no_number_of_instances_would_have_borne_is_held_against_none() -> None:
    storm = with_bursts(calm(rps=9.0), [DAY * 10], 450.0)
    assert burden(storm) > 10.0
    assert burden(storm, bearable=replace(TEN, most=20)) < 10.0


def test_a_burst_of_many_times_the_capacity_is_no_better_borne_by_somewhat_more() -> None:
    """All of it is slow, whether an instance bears ten requests a second or fifteen."""
    often = with_bursts(calm(rps=1.0), [DAY * d + 7 * d for d in range(14)], 100.0)
    assert burden(often) > 30.0
    # What it comes to is what would do, and no less would.
    found = burden(often) / 10.0
    for factor, does in ((0.9 * found, False), (1.1 * found, True)):
        assert (burden(often, bearable=TEN.times(factor)) <= 10.0 * factor) is does


def test_where_nothing_is_slow_altogether_a_power_law_says_what_would_do() -> None:
    one = RealtimeSize("ml.c5.large", 1, 1)
    for rps in (8.0, 9.9, 11.0, 13.0):
        assert burden(calm(rps=rps), one) == pytest.approx(rps * (1.0 / 0.8) ** 0.125, rel=1e-6)


def test_bursts_that_were_slow_for_weeks_are_answered_between_them() -> None:
    """Each is over when somebody looks, so that no breach is confirmed; the SLO is broken."""
    machine = Machine()
    able = machine.capacity_rps(100.0)
    rates = with_bursts(calm(7, 0.05 * able), [DAY * d + 96 for d in range(1, 7)], 8.0 * able)
    now = RealtimeSize("ml.c5.xlarge", 1, 12, round(30.0 * able))
    parts = parts_of(machine, now, rates, 100.0)
    bounds = Bounds(instance_types=("ml.c5.xlarge",), max_instances=12)
    seen = an_observed(parts, now, policy=a_policy(100.0, bounds=bounds))
    asked = sum(p.requests for p in parts if isinstance(p.requests, int))
    slow = sum(p.slow for p in parts if not isinstance(p.slow, Missing))
    assert slow > 0.05 * asked
    sizing = a_sizing(seen)
    found = assess(seen, sizing, believe(seen, sizing))
    assert not isinstance(found.slo, Missing)
    assert found.slo.attainment is Attainment.MET
    assert isinstance(found.wanted, Propose), found.sentence
    assert found.wanted.proposal.reason is Reason.SLO_BREACHED
    assert found.wanted.proposal.p_slo >= 0.95


def test_scheduled_bounds_are_there_before_the_rise() -> None:
    rises = [50.0 if 96 <= k % DAY < 200 else 4.0 for k in range(14 * DAY)]
    actions = (
        ScheduledBounds("cron(50 7 ? * * *)", "UTC", 10, 20),
        ScheduledBounds("cron(50 16 ? * * *)", "UTC", 1, 20),
    )
    weeks = replay(rises)
    raised = replace(FOLLOWING, schedule=actions)
    lows = tuple(10 if 8 <= hour % 24 < 17 else 1 for hour in range(168))
    loads = weeks.rps / weeks.instances(raised, lows, SERVING)
    assert loads.max() == pytest.approx(5.0)
    assert (weeks.rps / weeks.instances(FOLLOWING, (1,) * 168, SERVING)).max() == 50.0


def test_the_course_has_no_gaps_and_a_gap_is_no_rise() -> None:
    rates = [float(10 + i) for i in range(36)]
    parts = parts_of(Machine(), RealtimeSize("ml.c5.xlarge", 1, 1), rates, 100.0)
    hours = hours_of([part for i, part in enumerate(parts) if not 12 <= i < 24])
    found = course(hours, Parts.of(hours))
    assert found is not None
    assert len(found.rps) == 36
    assert np.allclose(found.rps[12:24], found.rps[24], rtol=1e-6)
