"""Whether the SLO is met: counts of slow requests, and what they do not say."""

from dataclasses import replace

import pytest
from given import HOUR_S, NOW_S, UNREAD, a_window, windows_at
from hypothesis import given
from hypothesis import strategies as st

from controller.core.slo import CERTAIN, Counts, count, error_slo_broken, slo_status
from controller.core.stats import share_at_most
from controller.model.demand import Attainment, SloStatus
from controller.model.missing import Missing
from controller.model.policy import Slo
from controller.model.window import Window

SLO = Slo(200.0)


def an_hour(*met: float | None, requests: int = 100, errors: int | Missing = 0) -> list[Window]:
    """Five-minute windows up to now with these shares of fast requests; None: no traffic."""
    return [
        a_window(NOW_S - (len(met) - i) * 300.0, met_ratio=ratio, requests=requests, errors=errors)
        for i, ratio in enumerate(met)
        if ratio is not None
    ]


def status(windows: list[Window], slo: Slo = SLO, since_s: float = 0.0) -> SloStatus:
    return slo_status(windows, slo, NOW_S, since_s)


def test_counts_are_added_up() -> None:
    found = count(an_hour(0.9, 1.0, 0.95, requests=200, errors=3), 200.0)
    assert found == Counts(600, 30, 9, 3, NOW_S - 900.0, NOW_S)


def test_windows_without_a_count_or_with_another_threshold_are_left_out() -> None:
    blind = a_window(met_ratio=UNREAD)
    silent = a_window(requests=UNREAD)
    other = a_window(threshold_ms=100.0)
    assert count([blind, silent, other], 200.0) == Counts()


@pytest.mark.parametrize("met", [0.97, 1.0])
def test_few_slow_requests_meet_the_slo(met: float) -> None:
    found = status(an_hour(*[met] * 12))
    assert found.attainment is Attainment.MET
    assert found.met_ratio == pytest.approx(met)
    assert found.p_met >= CERTAIN


def test_many_slow_requests_break_it() -> None:
    found = status(an_hour(*[0.9] * 12))
    assert found.attainment is Attainment.BREACHED
    assert (found.requests, found.slow) == (1200, 120)


def test_around_the_limit_and_with_few_samples_nothing_is_known() -> None:
    assert status(an_hour(*[0.95] * 12)).attainment is Attainment.UNKNOWN
    assert status(an_hour(1.0, requests=10)).attainment is Attainment.UNKNOWN
    assert status([]).attainment is Attainment.UNKNOWN


def test_a_burst_that_has_passed_is_no_breach() -> None:
    found = status(an_hour(*[0.3] * 3, *[1.0] * 9))
    assert found.p_met < 1.0 - CERTAIN
    assert found.attainment is Attainment.UNKNOWN


def test_one_bad_window_alone_is_no_breach() -> None:
    assert status(an_hour(*[1.0] * 11, 0.0)).attainment is Attainment.UNKNOWN
    assert status(an_hour(*[1.0] * 10, 0.0, 0.0)).attainment is Attainment.BREACHED


def test_what_was_before_the_present_size_does_not_count() -> None:
    windows = an_hour(*[0.5] * 6, *[1.0] * 6)
    assert status(windows, since_s=NOW_S - 1800.0).attainment is Attainment.MET


def test_only_the_policys_window_counts() -> None:
    windows = an_hour(*[0.5] * 12, *[1.0] * 12)
    assert status(windows).attainment is Attainment.MET
    assert status(windows, replace(SLO, window_s=2 * HOUR_S)).requests == 2400


def test_nothing_is_said_where_nothing_was_seen() -> None:
    found = status([])
    assert isinstance(found.met_ratio, Missing)
    assert isinstance(found.p95_ms, Missing)
    assert isinstance(found.error_ratio, Missing)
    assert isinstance(found.newest_s, Missing)
    assert found.requests == 0


def test_errors_that_were_not_published_are_unknown_not_none() -> None:
    assert isinstance(status(an_hour(*[1.0] * 12, errors=UNREAD)).error_ratio, Missing)
    half = an_hour(*[1.0] * 6, errors=UNREAD)
    known = [replace(w, start_s=w.start_s - 1800, end_s=w.end_s - 1800, errors=2) for w in half]
    assert status(half + known).error_ratio == pytest.approx(0.02)


@pytest.mark.parametrize(
    ("errors", "limit", "broken"),
    [(0, 0.01, False), (1, 0.01, False), (2, 0.01, True), (50, None, False), (1, 0.0, True)],
)
def test_the_error_slo(errors: int, limit: float | None, broken: bool) -> None:
    slo = replace(SLO, max_error_ratio=limit)
    assert error_slo_broken(status(an_hour(*[1.0] * 12, errors=errors), slo), slo) == broken


def test_unknown_errors_break_no_slo() -> None:
    slo = replace(SLO, max_error_ratio=0.01)
    assert not error_slo_broken(status(an_hour(*[1.0] * 12, errors=UNREAD), slo), slo)


starts = st.integers(-20, 2).map(lambda n: NOW_S + n * 300.0)


@given(st.lists(windows_at(starts, 300.0), max_size=20, unique_by=lambda w: w.start_s))
def test_any_windows_give_a_status_that_agrees_with_itself(windows: list[Window]) -> None:
    found = status(windows)
    assert 0.0 <= found.p_met <= 1.0
    assert 0 <= found.slow <= found.requests
    if found.attainment is Attainment.MET:
        assert found.p_met >= CERTAIN
    if found.attainment is Attainment.BREACHED:
        assert found.p_met <= 1.0 - CERTAIN
        assert found.slow > 0
    assert found.p_met == share_at_most(1.0 - SLO.percentile, found.slow, found.requests)
    assert slo_status(windows[::-1], SLO, NOW_S, 0.0).attainment is found.attainment
