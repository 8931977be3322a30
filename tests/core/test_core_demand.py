"""What the traffic asks, from hours of it."""

from dataclasses import replace

import pytest
from given import HOUR_S, NOW_S, UNREAD, a_memory_use, a_window, known_demand, windows_at
from hypothesis import given
from hypothesis import strategies as st

from controller.core.demand import HOURS_PER_MONTH, demand, hours_between
from controller.model.missing import Missing
from controller.model.window import Window


def hours(*requests: int | None, **values: object) -> list[Window]:
    """Hours up to now; None is an hour in which nothing was published."""
    return [
        a_window(NOW_S - (len(requests) - i) * HOUR_S, period_s=HOUR_S, requests=n, **values)
        for i, n in enumerate(requests)
        if n is not None
    ]


def test_without_requests_there_is_no_demand() -> None:
    assert isinstance(demand([], []), Missing)
    assert isinstance(demand([a_window(period_s=HOUR_S, requests=UNREAD)], []), Missing)


def test_a_month_of_it() -> None:
    found = known_demand(demand(hours(*[100] * 72), []))
    assert found.requests_per_month.mid == pytest.approx(100 * HOURS_PER_MONTH)
    assert found.requests_per_hour_peak == found.requests_per_hour_trough == 100.0
    assert found.hours_observed == 72


def test_an_hour_without_a_datapoint_between_others_is_a_silent_hour() -> None:
    found = known_demand(demand(hours(100, None, None, 100), []))
    assert found.requests_per_month.mid == pytest.approx(50 * HOURS_PER_MONTH)
    assert found.requests_per_hour_trough == 0.0
    assert found.hours_observed == 2


def test_missing_hours_are_those_between_the_first_and_the_last() -> None:
    assert hours_between([]) == []
    assert hours_between(hours(1)) == []
    seen = hours(1, None, 1, None, None, 1)
    assert hours_between(seen) == [NOW_S - n * HOUR_S for n in (5, 3, 2)]
    assert hours_between(seen[::-1]) == hours_between(seen)


def test_the_month_is_less_certain_the_more_days_differ() -> None:
    steady = known_demand(demand(hours(*[100] * 96), [])).requests_per_month
    uneven = known_demand(demand(hours(*[50] * 24, *[150] * 24, *[50] * 24, *[150] * 24), []))
    assert steady.low == pytest.approx(steady.high)
    assert uneven.requests_per_month.low < steady.mid < uneven.requests_per_month.high


def test_a_short_history_is_uncertain() -> None:
    found = known_demand(demand(hours(*[100] * 5), [])).requests_per_month
    assert found.high - found.low == pytest.approx(found.mid)


def test_ratios_are_over_the_hours_in_which_both_are_known() -> None:
    known = hours(100, 100, errors=5, throttles=1)
    unknown = [replace(w, errors=UNREAD) for w in hours(*[800] * 5)]
    found = known_demand(demand([*unknown, *known], []))
    assert found.error_ratio == pytest.approx(0.05)
    assert isinstance(known_demand(demand(unknown, [])).error_ratio, Missing)


def test_what_was_never_published_is_missing_not_zero() -> None:
    bare = hours(10, 10, errors=UNREAD, throttles=UNREAD, concurrency_peak=UNREAD)
    found = known_demand(demand(bare, []))
    for value in (
        found.error_ratio,
        found.throttle_ratio,
        found.concurrency_peak,
        found.memory_used_mb,
        found.cold_start_ratio,
        found.init_mean_ms,
    ):
        assert isinstance(value, Missing)


def test_memory_and_cold_starts_come_from_report_lines() -> None:
    use = [
        a_memory_use(300, cold_starts=10, invocations=1000, init_mean_ms=100.0),
        a_memory_use(180, cold_starts=30, invocations=1000, init_mean_ms=300.0),
        a_memory_use(200, cold_starts=0, invocations=2000, init_mean_ms=UNREAD),
    ]
    found = known_demand(demand(hours(10), use))
    assert found.memory_used_mb == 300
    assert found.cold_start_ratio == pytest.approx(0.01)
    assert found.init_mean_ms == pytest.approx(250.0)


def test_why_report_lines_were_not_read_is_kept() -> None:
    found = known_demand(demand(hours(10), [], "log group /aws/lambda/ocr does not exist"))
    assert found.memory_used_mb == Missing("log group /aws/lambda/ocr does not exist")


starts = st.integers(0, 48).map(lambda n: NOW_S + n * HOUR_S)


@given(st.lists(windows_at(starts, HOUR_S), max_size=30, unique_by=lambda w: w.start_s))
def test_any_hours_give_a_demand_that_agrees_with_itself(windows: list[Window]) -> None:
    found = demand(sorted(windows, key=lambda w: w.start_s), [])
    if isinstance(found, Missing):
        assert all(isinstance(w.requests, Missing) for w in windows)
        return
    month = found.requests_per_month
    assert 0.0 <= month.low <= month.mid <= month.high
    mean = month.mid / HOURS_PER_MONTH
    assert found.requests_per_hour_trough <= mean * (1 + 1e-9)
    assert mean <= found.requests_per_hour_peak * (1 + 1e-9)
