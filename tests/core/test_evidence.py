"""From hours to points: segments, jumps, and the uncertainty of a level."""

import math
import random
from dataclasses import replace

import pytest
from given import DAY_S, ERA, HOUR_S, NOW_S, a_row
from hypothesis import given
from hypothesis import strategies as st

from controller.core.evidence import MIN_REQUESTS_PER_HOUR, Evidence, Point, evidence
from controller.model.estimate import Observation
from controller.model.size import LambdaSize

KB = LambdaSize(1024)


def hours(
    *factors: float, start_s: float = NOW_S - 30 * DAY_S, **values: object
) -> list[Observation]:
    """Hours in a row whose latencies are a plain hour's, times a factor each."""
    return [
        a_row(
            start_s + i * HOUR_S,
            **{"mean_ms": 80.0 * f, "p50_ms": 70.0 * f, "p95_ms": 150.0 * f, **values},
        )
        for i, f in enumerate(factors)
    ]


def the_point(found: Evidence) -> Point:
    point = found.at(KB)
    assert point is not None
    return point


def test_nothing_measured_is_no_segment() -> None:
    found = evidence([], ERA)
    assert found.points == ()
    assert found.current is None
    assert found.here() == ()


def test_steady_hours_are_one_point_at_their_level() -> None:
    point = the_point(evidence(hours(*[1.0] * 48), ERA))
    assert math.exp(point.log_mean) == pytest.approx(80.0)
    assert math.exp(point.log_p95) == pytest.approx(150.0)
    assert math.exp(point.log_tail) == pytest.approx(150.0 / 80.0)
    assert point.hours == 48
    assert point.requests == 48 * 2000
    assert (point.first_s, point.last_s) == (NOW_S - 30 * DAY_S, NOW_S - 28 * DAY_S)


def test_hours_with_too_few_requests_are_left_out() -> None:
    rows = hours(1.0, 1.0, 1.0)
    rows += hours(9.0, 9.0, start_s=NOW_S, requests=MIN_REQUESTS_PER_HOUR - 1)
    assert the_point(evidence(rows, ERA)).hours == 3


def test_a_release_begins_a_segment_and_what_was_before_says_nothing_of_levels() -> None:
    rows = hours(*[1.0] * 5, era="old") + hours(*[2.0] * 3, start_s=NOW_S)
    found = evidence(rows, ERA)
    assert [p.hours for p in found.here()] == [3]
    assert len(found.points) == 2
    assert found.jumped_at_s is None
    assert evidence(rows, "newest").current is None


def test_code_that_comes_back_starts_anew() -> None:
    rows = (
        hours(1.0, 1.0) + hours(1.0, start_s=NOW_S - DAY_S, era="tried") + hours(1.0, start_s=NOW_S)
    )
    assert the_point(evidence(rows, ERA)).hours == 1


@pytest.mark.parametrize("factor", [1.3, 0.7, 2.0])
def test_two_hours_off_to_the_same_side_are_a_jump(factor: float) -> None:
    found = evidence(hours(*[1.0] * 24, factor, factor, factor), ERA)
    assert the_point(found).hours == 3
    assert found.jumped_at_s == NOW_S - 29 * DAY_S
    assert math.exp(the_point(found).log_mean) == pytest.approx(80.0 * factor)


@pytest.mark.parametrize("factor", [1.15, 0.87])
def test_a_small_step_is_no_jump(factor: float) -> None:
    found = evidence(hours(*[1.0] * 24, *[factor] * 24), ERA)
    assert found.jumped_at_s is None
    assert the_point(found).hours == 48


def test_a_lone_odd_hour_is_ignored() -> None:
    odd = evidence(hours(*[1.0] * 24, 3.0, *[1.0] * 24), ERA)
    assert the_point(odd).hours == 48
    assert odd.jumped_at_s is None


def test_two_odd_hours_that_disagree_are_no_jump() -> None:
    found = evidence(hours(*[1.0] * 24, 3.0, 0.3, *[1.0] * 24), ERA)
    assert found.jumped_at_s is None
    assert the_point(found).hours == 48


def test_odd_hours_apart_are_no_jump() -> None:
    found = evidence(hours(*[1.0] * 24, 3.0, 1.0, 3.0, 1.0), ERA)
    assert found.jumped_at_s is None


def test_latencies_that_swing_with_the_day_are_one_segment_with_a_wide_scatter() -> None:
    days = [1.5 if hour % 24 >= 12 else 1.0 for hour in range(10 * 24)]
    found = evidence(hours(*days), ERA)
    point = the_point(found)
    assert point.hours == 240
    assert math.sqrt(point.between_var) == pytest.approx(math.log(1.5) / 2.0, rel=0.05)


def test_a_level_of_another_release_is_not_taken_up_again() -> None:
    old = hours(*[1.0] * 24, era="old")
    new = hours(*[1.6] * 12, *[1.0] * 3, start_s=old[-1].end_s)
    assert the_point(evidence(old + new, ERA)).hours == 3


def test_a_jump_at_one_size_leaves_the_points_of_others_behind() -> None:
    rows = hours(*[1.0] * 24, memory_mb=2048)
    rows += hours(*[2.0] * 24, start_s=rows[-1].end_s)
    rows += hours(*[4.0] * 3, start_s=rows[-1].end_s)
    found = evidence(rows, ERA)
    assert [p.size for p in found.here()] == [KB]
    assert len(found.points) == 3


def test_a_split_makes_the_newest_hours_a_segment_of_their_own() -> None:
    rows = hours(*[1.0] * 24)
    split_s = rows[-2].start_s
    found = evidence(rows, ERA, split_at_s=split_s)
    assert the_point(found).hours == 2
    assert found.jumped_at_s == split_s
    assert len(found.points) == 2


def test_a_split_after_all_rows_changes_nothing() -> None:
    rows = hours(*[1.0] * 24)
    assert evidence(rows, ERA, split_at_s=NOW_S) == evidence(rows, ERA)


def test_an_hour_counts_by_its_requests_but_none_rules_alone() -> None:
    flood = replace(hours(1.15)[0], requests=10**6)
    calm = hours(*[1.0] * 9, start_s=flood.end_s)
    level = math.exp(the_point(evidence([flood, *calm], ERA)).log_mean)
    assert level == pytest.approx(80.0 * 1.15 ** (4 / 13))


def test_more_hours_and_more_requests_make_a_level_surer() -> None:
    dice = random.Random(1)
    factors = [math.exp(dice.gauss(0.0, 0.05)) for _ in range(96)]
    few = the_point(evidence(hours(*factors[:12]), ERA))
    many = the_point(evidence(hours(*factors), ERA))
    thin = the_point(evidence(hours(*factors, requests=30), ERA))
    assert many.log_p95_var < few.log_p95_var
    assert many.log_p95_var < thin.log_p95_var
    assert many.between_var == pytest.approx(0.05**2, rel=0.4)
    assert thin.between_var >= many.between_var


@given(st.lists(st.floats(0.5, 2.0), min_size=1, max_size=30), st.randoms(use_true_random=False))
def test_the_order_of_rows_does_not_matter(factors: list[float], dice: random.Random) -> None:
    rows = hours(*factors)
    shuffled = rows[:]
    dice.shuffle(shuffled)
    assert evidence(shuffled, ERA) == evidence(rows, ERA)


@given(
    st.lists(
        st.builds(
            a_row,
            st.integers(0, 40).map(lambda n: NOW_S + n * HOUR_S),
            st.sampled_from([512, 1024]),
            era=st.sampled_from([ERA, "old"]),
            requests=st.integers(0, 10**6),
            mean_ms=st.floats(1e-3, 9e5),
            p50_ms=st.floats(1e-3, 9e5),
            p95_ms=st.floats(1e-3, 9e5),
        ),
        max_size=30,
        unique_by=lambda r: r.start_s,
    ),
    st.one_of(st.none(), st.floats(NOW_S, NOW_S + 40 * HOUR_S)),
)
def test_any_rows_give_finite_points_and_a_current_segment_of_the_live_code(
    rows: list[Observation], split_at_s: float | None
) -> None:
    found = evidence(rows, ERA, split_at_s)
    for point in found.points:
        assert all(
            math.isfinite(v) and v >= 0.0
            for v in (point.log_mean_var, point.log_p95_var, point.between_var)
        )
        assert point.hours >= 1
        assert point.first_s < point.last_s
    usable = [r for r in rows if r.requests >= MIN_REQUESTS_PER_HOUR and r.era == ERA]
    if found.current is not None:
        assert usable
        assert found.here()
