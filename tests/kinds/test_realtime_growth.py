"""What demand has become since: seen after half a day, and not where there is nothing to see."""

import math

import numpy as np
import pytest
from given import a_demand
from hypothesis import given, settings
from hypothesis import strategies as st

from controller.kinds.realtime_endpoint.growth import LEAST, MOST, growth
from controller.kinds.realtime_endpoint.shape import shape
from controller.model.demand import Course, WeeklyHour

MONDAY_S = 1_793_577_600.0
WEEKS = 14 * 24

weeks = st.lists(st.floats(0.0, 1e3), min_size=168, max_size=168).map(np.asarray)
any_hours = st.lists(st.floats(0.0, 1e4), min_size=0, max_size=400).map(np.asarray)


def daily(noise: float = 0.0, seed: int = 0) -> np.ndarray:
    hour = np.arange(WEEKS)
    usual = 10.0 * np.exp(0.8 * np.sin(2.0 * math.pi * hour / 24.0))
    usual[hour % 168 >= 120] /= 3.0  # a weekend
    return np.asarray(usual * np.exp(np.random.default_rng(seed).normal(0.0, noise, WEEKS)))


@pytest.mark.parametrize(
    ("until", "days_ago"), [(288, 1), (288, 3), (312, 2), (WEEKS, 3), (WEEKS, 6)]
)
def test_a_doubling_is_seen_by_the_next_day(until: int, days_ago: int) -> None:
    """And over the weekend that follows, which is not busier than any day before."""
    demand = daily(0.15)
    demand[until - 24 * days_ago :] *= 2.0
    factors = growth(demand[:until])
    assert 1.5 < factors[0] < 2.4
    assert factors[: until - 24 * (days_ago + 1)].min() > 1.4
    assert factors[-24:].max() == 1.0
    assert np.median(factors[until - 24 * days_ago :]) < LEAST


def test_neither_mondays_nor_the_week_after_a_holiday_nor_bursts_are_growth() -> None:
    assert growth(daily()[24 * 6 :]).max() == 1.0
    holiday = daily(0.15)
    holiday[24 * 4 : 24 * 7] *= 0.03
    for until in range(24 * 10, WEEKS + 1, 24):
        assert growth(holiday[:until]).max() == 1.0
    bursts = daily(0.15)
    bursts[-24:-18] *= 30.0
    assert growth(bursts).max() == 1.0


@settings(max_examples=30)
@given(weeks, st.integers(0, 160))
def test_what_repeats_by_the_week_has_not_grown(week: np.ndarray, cut: int) -> None:
    assert growth(np.concatenate([week, week])[cut:]).max() == 1.0


@settings(max_examples=50)
@given(any_hours)
def test_it_is_bounded_and_upwards_only(hourly: np.ndarray) -> None:
    factors = growth(hourly)
    assert len(factors) == len(hourly)
    assert np.all((factors >= 1.0) & (factors <= MOST * (1.0 + 1e-9)))
    assert np.all(factors[-24:] == 1.0)


def test_bursts_of_before_are_as_high_as_demand_is_now() -> None:
    hourly = daily(0.1)
    hourly[WEEKS - 96 :] *= 2.0
    parts = np.repeat(hourly, 12)
    parts[24 * 12 * 3 + 5] = 100.0
    rows = hourly.reshape(2, 168)
    weekly = tuple(
        WeeklyHour(h, 2, float(rows[:, h].mean()), float(rows[:, h].max())) for h in range(168)
    )
    demand = a_demand(weekly=weekly, course=Course(MONDAY_S, 300.0, tuple(parts)))
    as_seen, now = shape(demand), shape(demand, grown=True)
    assert as_seen.replay is not None
    assert now.replay is not None
    assert as_seen.replay.rps.max() == 100.0
    assert 150.0 < now.replay.rps.max() < 240.0
    assert now.peak_rps == now.replay.rps.max()
    assert 1.3 < now.hours[30].rps_mean / as_seen.hours[30].rps_mean < 2.4
