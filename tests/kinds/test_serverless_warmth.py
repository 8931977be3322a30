"""Cold starts, foretold for other numbers kept warm, and what they make of an objective."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.kinds.serverless_endpoint.mixture import Warm, mixed
from controller.kinds.serverless_endpoint.warmth import Cold, Warmth, choices
from controller.model.demand import Course, WarmHours
from controller.model.policy import Slo

NEVER = Cold(0.0, 0.0)
SLO = Slo(1000.0)
FAST = Warm(math.log(200.0), math.log(400.0), 0.1, 1.0)
"""Milliseconds: 200 on average, 400 at p95."""
rates = st.lists(st.floats(0.0, 50.0), min_size=1, max_size=40).map(tuple)


def at(rps: tuple[float, ...], *hours: WarmHours) -> Warmth:
    return Warmth(hours, Course(0.0, 300.0, rps))


@given(rates, st.integers(0, 30), st.integers(0, 30))
def test_more_kept_warm_never_starts_more_cold(
    rps: tuple[float, ...], one: int, other: int
) -> None:
    fewer, more = sorted((one, other))
    warmth = at(rps, WarmHours(0, 1000, 100))
    assert warmth.cold(more, 200.0).share <= warmth.cold(fewer, 200.0).share + 1e-12
    assert warmth.overflow(more, 200.0) <= warmth.overflow(fewer, 200.0) + 1e-12
    unknown = at(rps, WarmHours(12, 1000, 0))
    assert unknown.cold(more, 200.0).share <= unknown.cold(fewer, 200.0).share + 1e-12


def test_what_was_measured_is_taken_as_measured() -> None:
    warmth = at((1.0,), WarmHours(0, 1000, 60), WarmHours(1, 1000, 0))
    assert warmth.cold(0, 200.0).share == pytest.approx(0.06, rel=0.02)
    assert warmth.cold(1, 200.0).share < 0.001
    assert Warmth((), None).cold(0, 200.0) == NEVER


def test_one_kept_warm_answers_calls_that_come_alone_but_not_a_burst() -> None:
    alone = at((0.01, 0.0, 0.0, 0.0) * 20, WarmHours(0, 1000, 300))
    assert alone.cold(1, 200.0).share == 0.0
    burst = at((40.0, 0.0, 0.0, 0.0) * 20, WarmHours(0, 1000, 300))
    assert burst.cold(1, 200.0).share > 0.2
    assert burst.cold(20, 200.0).share == 0.0


def test_numbers_worth_looking_at() -> None:
    assert choices((1, 2, 3, 5, 8), 10, 4) == (0, 1, 2, 3, 5)
    assert choices((1, 2, 3, 5, 8), 4, 4) == (0, 1, 2, 3, 4)
    assert choices((1, 2, 3, 5, 8), 0, 4) == (0,)


def test_cold_starts_take_their_share_of_the_slow_requests_that_are_allowed() -> None:
    assert mixed(FAST, NEVER, 5000.0, SLO).p_slo == 1.0
    few = mixed(FAST, Cold(0.02, 0.1), 5000.0, SLO)
    assert few.p_slo > 0.95
    assert math.log(400.0) < few.log_p95 < math.log(600.0)
    many = mixed(FAST, Cold(0.2, 0.1), 5000.0, SLO)
    assert many.p_slo == 0.0
    assert many.log_p95 == pytest.approx(math.log(5200.0))
    assert mixed(FAST, Cold(0.2, 0.1), 500.0, SLO).p_slo == 1.0, "a cold start is fast enough"


@given(st.floats(0.0, 0.3), st.floats(0.0, 0.3))
def test_more_cold_starts_never_make_an_objective_likelier(one: float, other: float) -> None:
    fewer, more = sorted((one, other))
    few, many = (mixed(FAST, Cold(share, 0.3), 5000.0, SLO) for share in (fewer, more))
    assert many.p_slo <= few.p_slo + 1e-12
