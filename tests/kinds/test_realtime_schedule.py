"""The week's shape, scheduled bounds, and the money of both."""

import math
from collections.abc import Callable

import pytest
from given import a_demand
from hypothesis import example, given
from hypothesis import strategies as st

from controller.kinds.realtime_endpoint.bill import Fleet, needed
from controller.kinds.realtime_endpoint.schedule import lower_bounds, scheduled
from controller.kinds.realtime_endpoint.shape import Shape, by_day, repeats, shape
from controller.model.demand import WeeklyHour
from controller.model.size import RealtimeSize, ScheduledBounds


def a_week(rate: Callable[[int, int], float], days: range = range(7), peak: float = 1.2) -> Shape:
    """A shape from a rate by (day, hour)."""
    hours = tuple(
        WeeklyHour(day * 24 + hour, 2, rate(day, hour), rate(day, hour) * peak)
        for day in days
        for hour in range(24)
    )
    return shape(a_demand(weekly=hours, rps_peak=max(h.rps_peak for h in hours)))


def office(day: int, hour: int) -> float:
    """Busy from 7 to 19 on weekdays."""
    return 100.0 if day < 5 and 7 <= hour < 19 else 10.0


def every_day(day: int, hour: int) -> float:
    """Busy from 7 to 19, whatever the day."""
    return 100.0 if 7 <= hour < 19 else 10.0


def night_shift(day: int, hour: int) -> float:
    """Busy from 20 to 4 (a day elsewhere)."""
    return 100.0 if hour >= 20 or hour < 4 else 10.0


def ten_each(rps: float) -> int:
    return needed(rps, 10.0)


def crons(actions: tuple[ScheduledBounds, ...]) -> dict[str, tuple[int, int]]:
    return {action.cron: (action.min_instances, action.max_instances) for action in actions}


def test_office_hours_are_raised_ten_minutes_ahead_on_weekdays_only() -> None:
    assert crons(scheduled(a_week(office), ten_each, (1, 15))) == {
        "cron(50 6 ? * MON-FRI *)": (10, 15),
        "cron(10 19 ? * MON-FRI *)": (1, 15),
    }


def test_days_that_are_all_alike_take_two_actions() -> None:
    assert set(crons(scheduled(a_week(every_day), ten_each, (1, 15)))) == {
        "cron(50 6 ? * * *)",
        "cron(10 19 ? * * *)",
    }


def test_busy_hours_over_midnight_end_on_the_next_day() -> None:
    def weekdays(day: int, hour: int) -> float:
        started = day if hour >= 20 else day - 1
        busy = (hour >= 20 or hour < 4) and 0 <= started < 5
        return 100.0 if busy else 10.0

    found = crons(scheduled(a_week(weekdays), ten_each, (1, 15)))
    assert "cron(50 19 ? * MON-FRI *)" in found
    assert "cron(10 4 ? * TUE-SAT *)" in found
    assert crons(scheduled(a_week(night_shift), ten_each, (1, 15))) == {
        "cron(50 19 ? * * *)": (10, 15),
        "cron(10 4 ? * * *)": (1, 15),
    }


def test_a_rise_at_midnight_is_led_from_the_day_before() -> None:
    def early(day: int, hour: int) -> float:
        return 100.0 if hour < 8 and day < 5 else 10.0

    assert "cron(50 23 ? * SUN-THU *)" in crons(scheduled(a_week(early), ten_each, (1, 15)))


def test_flat_random_or_short_demand_gets_no_actions() -> None:
    def noise(day: int, hour: int) -> float:
        return 10.0 + 90.0 * (math.sin(1000.0 * (day * 24 + hour) + 7.0 * day) ** 2)

    for week in (
        a_week(lambda day, hour: 50.0),
        a_week(noise),
        a_week(office, range(3)),
        a_week(lambda day, hour: 8.0 if 7 <= hour < 19 else 5.0),
    ):
        assert scheduled(week, ten_each, (1, 15)) == ()


def test_the_raised_bound_is_what_tracking_would_keep_in_those_hours() -> None:
    low = Fleet.of(RealtimeSize("ml.c5.xlarge", 1, 15, 600.0), a_week(office))
    actions = scheduled(a_week(office), ten_each, (1, 15))
    raised = Fleet.of(RealtimeSize("ml.c5.xlarge", 1, 15, 600.0, actions), a_week(office))
    assert raised.usd_per_month(0.2).mid <= low.usd_per_month(0.2).mid * 1.03
    assert raised.worst_load_rps() <= low.worst_load_rps()


def test_lower_bounds_follow_the_actions_round_the_week() -> None:
    lows = lower_bounds(scheduled(a_week(office), ten_each, (1, 15)), 1)
    assert [lows[h] for h in (6, 7, 18, 20, 5 * 24 + 12, 6 * 24 + 12)] == [1, 10, 10, 1, 1, 1]
    assert lower_bounds((), 3) == (3,) * 168
    foreign = ScheduledBounds("rate(1 day)", "UTC", 9, 9)
    assert lower_bounds((foreign,), 3) == (3,) * 168


@given(
    st.lists(st.floats(0.0, 1000.0), min_size=24, max_size=24),
    st.integers(1, 5),
    st.integers(0, 30),
)
@example([5e-324, *[0.0] * 23], 1, 0)
def test_actions_are_few_ordered_and_inside_the_bounds(
    day: list[float], low: int, more: int
) -> None:
    high = low + more
    actions = scheduled(a_week(lambda d, hour: day[hour]), ten_each, (low, high))
    assert len(actions) <= 4
    assert list(actions) == sorted(actions)
    assert all(low <= a.min_instances <= a.max_instances == high for a in actions)
    assert len({a.cron for a in actions}) == len(actions)


def test_days_that_differ_at_random_are_no_pattern() -> None:
    assert repeats(by_day(a_week(office), range(5)))
    assert not repeats(by_day(a_week(office), range(2)))
    assert not repeats(by_day(a_week(lambda d, h: float((d * 31 + h * 17) % 23)), range(5)))


# --- money


def test_a_fixed_fleet_costs_its_hours_whatever_the_demand() -> None:
    fleet = Fleet.of(RealtimeSize("ml.c5.xlarge", 3, 3), a_week(office))
    assert fleet.usd_per_month(0.204).mid == pytest.approx(3 * 0.204 * 730)
    assert fleet.instances().high == 3.0
    assert fleet.worst_load_rps() == pytest.approx(120.0 / 3)


def test_a_tracked_fleet_costs_what_each_hour_needs() -> None:
    fleet = Fleet.of(RealtimeSize("ml.c5.xlarge", 1, 20, 600.0), a_week(office, peak=1.0))
    busy = 5 * 12 / 168
    assert fleet.usd_per_month(1.0).mid == pytest.approx((10 * busy + 1 * (1 - busy)) * 730)
    assert fleet.instances().low == 1.0
    assert fleet.instances().high == 10.0


def test_where_the_upper_bound_binds_the_peak_is_shared_by_all_there_are() -> None:
    fleet = Fleet.of(RealtimeSize("ml.c5.xlarge", 1, 4, 600.0), a_week(office, peak=1.0))
    assert fleet.worst_load_rps() == pytest.approx(25.0)


def test_a_rise_faster_than_a_launch_is_borne_by_those_that_are_there() -> None:
    """From 10 to 100 requests a second within an hour: eight minutes of it on one instance."""
    fleet = Fleet.of(RealtimeSize("ml.c5.xlarge", 1, 20, 600.0), a_week(office, peak=1.0))
    assert fleet.worst_load_rps() == pytest.approx(10.0 + 90.0 * 8.0 / 60.0)


@given(st.floats(0.1, 500.0), st.floats(1.0, 4.0), st.floats(0.5, 50.0))
def test_more_demand_never_needs_fewer_instances_or_less_money(
    rps: float, factor: float, target: float
) -> None:
    size = RealtimeSize("ml.c5.xlarge", 1, 50, target * 60.0)

    def at(scale: float) -> Fleet:
        return Fleet.of(size, a_week(lambda d, h: rps * scale * (1.0 + h % 5)))

    assert at(factor).instances().high >= at(1.0).instances().high
    assert at(factor).usd_per_month(1.0).mid >= at(1.0).usd_per_month(1.0).mid - 1e-9


def test_a_demand_without_hours_still_has_a_trough_and_a_peak() -> None:
    found = shape(a_demand(requests_per_hour_trough=3600.0, requests_per_hour_peak=36_000.0))
    assert found.trough_rps == pytest.approx(1.0)
    assert found.peak_rps >= 10.0
