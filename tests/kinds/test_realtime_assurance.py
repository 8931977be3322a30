"""A share of windows, met as surely as is wanted: capacity and bursts in one probability."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.kinds.realtime_endpoint.assurance import Wanted, capacities_rps, met, times_more

SURE = Wanted(0.999, 0.95)
WEEKS = 4032
KNOWN = np.asarray([10.0])

rates = st.lists(st.floats(0.0, 1e4), min_size=1, max_size=300).map(np.asarray)
shares = st.builds(Wanted, st.floats(0.9, 0.9999), st.floats(0.5, 0.99))


@st.composite
def capacities(draw: st.DrawFn) -> np.ndarray:
    low = draw(st.floats(0.1, 100.0))
    likely = low * draw(st.floats(1.0, 5.0))
    return capacities_rps(low, likely, likely * draw(st.floats(1.0, 5.0)))


def with_high(count: int, windows: int = WEEKS) -> np.ndarray:
    return np.concatenate([np.full(windows - count, 1.0), np.full(count, 20.0)])


def test_as_many_broken_windows_as_may_be_are_no_ground_to_expect_no_more() -> None:
    """Of two weeks four may break; that four did says five as likely as not."""
    assert [met(with_high(k), KNOWN, SURE) for k in (0, 1, 2, 4)] == [True, True, False, False]
    assert met(with_high(4), KNOWN, Wanted(0.999, 0.4))


def test_a_short_memory_asks_for_no_broken_window() -> None:
    assert met(with_high(0, 300), KNOWN, SURE)
    assert not met(with_high(1, 300), KNOWN, SURE)


def test_what_is_not_known_of_capacity_counts_once_and_together() -> None:
    """Where capacity may be a third lower, its lower end need not bear every burst for sure."""
    able = capacities_rps(7.0, 10.0, 14.0)
    loads = np.concatenate([np.full(WEEKS - 3, 1.0), [6.0, 7.0, 9.0]])
    stacked, known = (times_more(loads, np.asarray([rps]), SURE) for rps in (able.min(), 10.0))
    assert known < times_more(loads, able, SURE) < 0.9 * stacked


def test_windows_to_come_are_met_about_as_often_as_is_wanted() -> None:
    """Of memoryless bursts with a heavy tail; the share of the past itself holds every other
    time."""
    dice, held, naive = np.random.default_rng(4), 0, 0
    for _ in range(150):
        seen, to_come = np.exp(dice.normal(0.0, 1.0, (2, WEEKS)))
        held += int((to_come > times_more(seen, np.asarray([1.0]), SURE)).sum() <= 4)
        naive += int((to_come > np.sort(seen)[-5]).sum() <= 4)
    assert held >= 130 > 100 > naive


@given(rates, capacities(), shares)
def test_it_is_met_just_where_nothing_more_is_needed(
    loads: np.ndarray, able: np.ndarray, wanted: Wanted
) -> None:
    factor = times_more(loads, able, wanted)
    assert met(loads, able * factor * (1.0 + 1e-6), wanted)
    if factor > 0.0:
        assert not met(loads, able * factor * (1.0 - 1e-6), wanted)


@given(rates, capacities(), shares, st.floats(1.0, 10.0))
def test_more_demand_or_more_confidence_never_needs_less(
    loads: np.ndarray, able: np.ndarray, wanted: Wanted, factor: float
) -> None:
    least = times_more(loads, able, wanted)
    assert times_more(loads * factor, able, wanted) == pytest.approx(least * factor, rel=1e-6)
    surer = Wanted(wanted.share, min(0.999, wanted.confidence * factor))
    assert times_more(loads, able, surer) >= least
