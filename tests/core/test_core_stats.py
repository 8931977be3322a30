"""Distribution functions against values known in closed form, and against their identities."""

import math
import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.core.stats import (
    Z90,
    beta_cdf,
    normal_cdf,
    normal_cdf_array,
    share_at_most,
    share_exceeds,
    share_mean_sd,
)

shapes = st.floats(0.5, 2000.0)
shares = st.floats(1e-6, 1.0 - 1e-6)
counts = st.tuples(st.integers(0, 5000), st.integers(0, 5000)).map(
    lambda two: (min(two), max(two))  # hits, trials
)


@pytest.mark.parametrize(
    ("x", "expected"),
    [(0.0, 0.5), (1.0, 0.8413447460685429), (-1.96, 0.024997895148220435), (8.0, 1.0)],
)
def test_normal_cdf(x: float, expected: float) -> None:
    assert normal_cdf(x) == pytest.approx(expected, abs=1e-14)
    assert normal_cdf_array(np.asarray([x]))[0] == pytest.approx(expected, abs=2e-7)


def test_z90_holds_ninety_percent() -> None:
    assert normal_cdf(Z90) - normal_cdf(-Z90) == pytest.approx(0.9, abs=1e-12)


@given(st.lists(st.floats(-40.0, 40.0), min_size=1, max_size=20))
def test_the_fast_normal_cdf_agrees_with_the_exact_one(xs: list[float]) -> None:
    fast = normal_cdf_array(np.asarray(xs))
    assert fast == pytest.approx([normal_cdf(x) for x in xs], abs=2e-7)
    assert ((fast >= 0.0) & (fast <= 1.0)).all()


@pytest.mark.parametrize(
    ("x", "a", "b", "expected"),
    [
        (0.3, 1.0, 1.0, 0.3),  # uniform
        (0.3, 2.0, 1.0, 0.09),  # x**a
        (0.3, 1.0, 3.0, 1.0 - 0.7**3),  # 1 - (1-x)**b
        (0.3, 2.0, 2.0, 3 * 0.3**2 - 2 * 0.3**3),
        (0.25, 0.5, 0.5, 1.0 / 3.0),  # 2/pi * asin(sqrt(x))
        (0.05, 0.5, 0.5, 2.0 / math.pi * math.asin(math.sqrt(0.05))),
        (0.5, 300.0, 300.0, 0.5),
    ],
)
def test_beta_cdf_where_it_has_a_closed_form(x: float, a: float, b: float, expected: float) -> None:
    assert beta_cdf(x, a, b) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize(("a", "b"), [(3, 5), (10, 190), (1, 400), (60, 2)])
@pytest.mark.parametrize("x", [0.01, 0.05, 0.4, 0.97])
def test_beta_cdf_is_a_binomial_tail(a: int, b: int, x: float) -> None:
    # P(Beta(a, b) <= x) = P(Binomial(a + b - 1, x) >= a), Abramowitz & Stegun 26.5.24
    n = a + b - 1
    tail = math.fsum(math.comb(n, k) * x**k * (1.0 - x) ** (n - k) for k in range(a, n + 1))
    assert beta_cdf(x, a, b) == pytest.approx(tail, abs=1e-10)


@given(shares, shapes, shapes)
def test_beta_cdf_mirrors(x: float, a: float, b: float) -> None:
    assert beta_cdf(x, a, b) + beta_cdf(1.0 - x, b, a) == pytest.approx(1.0, abs=1e-8)


@given(shares, shares, shapes, shapes)
def test_beta_cdf_rises(x: float, y: float, a: float, b: float) -> None:
    low, high = sorted((x, y))
    assert 0.0 <= beta_cdf(low, a, b) <= beta_cdf(high, a, b) + 1e-9 <= 1.0 + 1e-9


@given(shares, shapes, shapes)
def test_beta_cdf_recurrence(x: float, a: float, b: float) -> None:
    # I(x; a+1, b) = I(x; a, b) - x^a (1-x)^b / (a B(a, b)), Abramowitz & Stegun 26.5.16
    log_front = (
        a * math.log(x)
        + b * math.log1p(-x)
        + math.lgamma(a + b)
        - math.lgamma(a + 1.0)
        - math.lgamma(b)
    )
    assert beta_cdf(x, a + 1.0, b) == pytest.approx(
        beta_cdf(x, a, b) - math.exp(log_front), abs=1e-8
    )


def test_beta_cdf_at_and_beyond_its_ends() -> None:
    assert beta_cdf(0.0, 2.0, 3.0) == beta_cdf(-1.0, 2.0, 3.0) == 0.0
    assert beta_cdf(1.0, 2.0, 3.0) == beta_cdf(2.0, 2.0, 3.0) == 1.0


@pytest.mark.parametrize(("a", "b"), [(0.0, 1.0), (1.0, 0.0), (-1.0, 1.0)])
def test_beta_cdf_refuses_impossible_shapes(a: float, b: float) -> None:
    with pytest.raises(ValueError, match="positive"):
        beta_cdf(0.5, a, b)


@pytest.mark.parametrize("trials", [10**5, 10**6, 10**8])
def test_beta_cdf_holds_for_counts_of_a_busy_function(trials: int) -> None:
    hits = trials // 20
    sd = math.sqrt(0.05 * 0.95 / trials)
    assert share_at_most(0.05, hits, trials) == pytest.approx(0.5, abs=0.01)
    assert share_at_most(0.05 + 2.0 * sd, hits, trials) == pytest.approx(normal_cdf(2.0), abs=0.01)
    assert share_at_most(0.05 - 2.0 * sd, hits, trials) == pytest.approx(normal_cdf(-2.0), abs=0.01)


@given(counts, st.floats(0.001, 0.5))
def test_one_more_hit_never_makes_a_small_share_likelier(
    seen: tuple[int, int], limit: float
) -> None:
    hits, trials = seen
    assert share_at_most(limit, hits + 1, trials + 1) <= share_at_most(limit, hits, trials) + 1e-9
    assert share_at_most(limit, hits, trials + 1) >= share_at_most(limit, hits, trials) - 1e-9


def test_without_trials_only_the_prior_speaks() -> None:
    assert share_at_most(0.05, 0, 0) == pytest.approx(0.1436, abs=1e-3)
    assert share_mean_sd(0, 0)[0] == 0.5


@given(counts, counts)
def test_one_share_exceeds_the_other_or_the_other_way_round(
    one: tuple[int, int], other: tuple[int, int]
) -> None:
    there, back = share_exceeds(*one, *other), share_exceeds(*other, *one)
    assert there + back == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("one", "other"), [((30, 300), (20, 300)), ((12, 100), (60, 900)), ((90, 1000), (50, 1000))]
)
def test_share_exceeds_is_within_two_points_of_the_exact_value(
    one: tuple[int, int], other: tuple[int, int]
) -> None:
    dice = random.Random(7)

    def draw(hits: int, trials: int) -> float:
        return dice.betavariate(hits + 0.5, trials - hits + 0.5)

    exact = sum(draw(*one) > draw(*other) for _ in range(40_000)) / 40_000
    assert share_exceeds(*one, *other) == pytest.approx(exact, abs=0.02)
