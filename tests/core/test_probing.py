"""Figures of samples: a failure never makes a percentile smaller."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.core.probing import crowded, places_for, quantile_ms, trimmed_mean
from controller.model.missing import Missing
from controller.model.probing import Phase

answers = st.lists(st.floats(1.0, 1e5), min_size=1, max_size=60).map(sorted)
shares = st.floats(0.5, 0.999)


@given(answers, st.integers(0, 20), shares)
def test_a_failure_more_never_makes_it_smaller(ms: list[float], failed: int, share: float) -> None:
    before, after = (quantile_ms(ms, count, share) for count in (failed, failed + 1))
    if isinstance(before, Missing):
        assert isinstance(after, Missing)
    else:
        assert isinstance(after, Missing) or after >= before


@given(answers, st.integers(0, 20), shares)
def test_at_least_the_share_is_within_it(ms: list[float], failed: int, share: float) -> None:
    found = quantile_ms(ms, failed, share)
    requests = len(ms) + failed
    if isinstance(found, Missing):
        assert len(ms) < share * requests + 1e-6
    else:
        assert sum(value <= found for value in ms) >= share * requests - 1e-6
        assert sum(value < found for value in ms) < share * requests + 1e-6


def test_percentiles_of_a_hundred() -> None:
    ms = [float(n) for n in range(1, 101)]
    assert quantile_ms(ms, 0, 0.95) == 95.0
    assert quantile_ms(ms[:95], 5, 0.95) == 95.0
    assert quantile_ms(ms[:94], 6, 0.95) == Missing(
        "6 of 100 requests failed: more than 0.05 of them"
    )
    assert isinstance(quantile_ms([], 3, 0.5), Missing)


def test_the_trimmed_mean_of_power_tuning() -> None:
    assert trimmed_mean([1.0, 2.0, 3.0, 4.0, 1000.0]) == 3.0
    assert trimmed_mean([5.0, 7.0], 0.0) == 6.0
    assert isinstance(trimmed_mean([]), Missing)
    with pytest.raises(ValueError, match="cannot discard"):
        trimmed_mean([1.0], 0.5)


def test_a_rate_that_needs_more_places_than_there_are_is_told_before_money_is_spent() -> None:
    ramp = (Phase(1.0, 40.0, 30.0), Phase(40.0, 40.0, 30.0))
    assert crowded(ramp, 190.0, 15) is None
    assert crowded((), 1e6, 1) is None
    why = crowded(ramp, 190.0, 8)  # enough on average, and too few for arrivals at random
    assert why is not None
    assert "about 8 are under way on average and 15 at times" in why


@given(st.floats(0.01, 40.0))
def test_places_are_enough_for_all_but_one_in_a_hundred(load: float) -> None:
    def refused(places: int) -> float:
        terms = [load**n / math.factorial(n) for n in range(places + 1)]
        return terms[-1] / sum(terms)

    assert refused(places_for(load)) <= 0.01 < refused(places_for(load) - 1)
