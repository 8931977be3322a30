"""The next thing to measure, from beliefs made up for each case."""

from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.core.search import (
    AROUND,
    Option,
    Probe,
    Rules,
    Settled,
    Spent,
    Step,
    Trial,
    gain,
    next_step,
)

RULES = Rules()
UNSPENT = Spent()
KNOWN = Option(0.0, 0.01, 1.0, 0.0, 0.5, measured=1000)


def an_option(
    log_cost: float, p_slo: float = 1.0, overshoot: float = 0.0, **more: object
) -> Option:
    plain = Option(log_cost, 0.02, p_slo, overshoot, 0.5, measured=0)
    return replace(plain, **more)  # type: ignore[arg-type]


def step(options: Sequence[Option], spent: Spent = UNSPENT, live: bool = True) -> Step:
    return next_step(options, RULES, spent, live)


def test_the_best_size_is_settled_on_once_nothing_cheaper_is_worth_a_look() -> None:
    assert step([an_option(0.5), KNOWN]) == Settled(1, 1.0)


def test_a_size_is_not_settled_on_before_live_requests_have_been_there() -> None:
    found = step([replace(KNOWN, measured=30)])
    assert isinstance(found, Trial)
    assert found.requests == 30


def test_nobodys_request_is_the_first_at_a_size_below_all_that_were_measured() -> None:
    assert step([an_option(-0.2, frontier=True), KNOWN]) == Probe(0, RULES.knock)
    known = an_option(-0.2, frontier=False, measured=2, probed=2)
    found = step([known, KNOWN])
    assert isinstance(found, Trial)
    assert found.index == 0
    assert found.requests == RULES.first_batch


def test_a_doubtful_size_below_all_measured_ones_serves_nobody() -> None:
    found = step([an_option(-0.2, p_slo=0.9, overshoot=1e-6, frontier=True), KNOWN])
    assert found != Trial(0, 20, 20 * 0.5e-6)
    assert not (isinstance(found, Trial) and found.index == 0)


def test_a_batch_is_as_large_as_the_harm_it_may_do_allows() -> None:
    risky = an_option(-0.2, p_slo=0.97, overshoot=0.0008, measured=5000)
    rules = replace(RULES, measured_enough=10_000)
    found = next_step([risky, KNOWN], rules, Spent(), live=True)
    assert isinstance(found, Trial)
    assert found.harm <= RULES.harm * RULES.harm_share + 1e-12
    later = next_step([risky, KNOWN], rules, Spent(harm=0.07), live=True)
    assert not isinstance(later, Trial) or later.index == 1 or later.requests < found.requests


def test_a_risk_too_great_for_the_smallest_batch_is_called_in_a_shadow() -> None:
    risky = an_option(-0.2, p_slo=0.96, overshoot=0.02)
    assert step([risky, KNOWN]) == Probe(0, RULES.first_probe)
    begun = replace(risky, measured=3, probed=3)
    assert step([begun, KNOWN]) == Probe(0, RULES.probe_calls)


def test_without_live_requests_only_shadows_are_called() -> None:
    found = step([an_option(-0.2, log_cost_sd=0.3), an_option(-0.25, measured=10)], live=False)
    assert found == Probe(0, RULES.first_probe)


def test_while_no_size_is_safe_the_likeliest_is_called_and_not_the_dearest() -> None:
    sizes = [an_option(0.0, 0.0, 1.0), an_option(0.6, 0.907, 0.02), an_option(2.0, 0.91, 0.02)]
    assert step(sizes) == Probe(1, RULES.first_probe)


def test_while_no_size_is_safe_a_size_that_was_begun_with_is_stayed_with() -> None:
    begun = an_option(2.0, 0.85, 0.02, measured=10, probed=10)
    sizes = [an_option(0.0, 0.0, 1.0), an_option(0.6, 0.9, 0.02), begun]
    assert step(sizes) == Probe(2, RULES.probe_calls)


def test_where_nothing_more_may_be_spent_the_likeliest_is_settled_on() -> None:
    sizes = [an_option(0.0, 0.3, 0.5), an_option(1.0, 0.8, 0.1)]
    spent = Spent(probe_calls=RULES.ground_probes, ground_harm=RULES.ground_harm)
    assert step(sizes, spent) == Settled(1, 0.8)


@pytest.mark.parametrize("p_slo", [0.2, 1.0])
def test_a_gain_is_what_would_be_saved_times_its_chance(p_slo: float) -> None:
    sure = an_option(-0.3, p_slo, log_cost_sd=1e-6)
    assert gain(sure, KNOWN) == pytest.approx(0.3 * p_slo, rel=1e-3)


OPTIONS = st.builds(
    Option,
    log_cost=st.floats(-3.0, 3.0),
    log_cost_sd=st.floats(0.0, 1.0),
    p_slo=st.floats(0.0, 1.0),
    overshoot=st.floats(0.0, 2.0),
    slow_per_log=st.floats(0.01, 3.0),
    measured=st.integers(0, 5000),
    probed=st.integers(0, 50),
    frontier=st.booleans(),
)
SPENT = st.builds(
    Spent, st.integers(0, 200), st.integers(0, 10_000), st.floats(0.0, 0.5), st.floats(0.0, 1.0)
)


@given(st.lists(OPTIONS, min_size=1, max_size=8), SPENT, st.booleans())
def test_whatever_is_believed_a_step_stays_within_what_may_be_spent(
    options: list[Option], spent: Spent, live: bool
) -> None:
    found = next_step(options, RULES, spent, live)
    assert 0 <= found.index < len(options)
    assert found == next_step(options, RULES, spent, live)
    after = spent.after(found)
    if isinstance(found, Trial):
        assert live
        new = options[found.index].measured <= options[found.index].probed
        least, most = (RULES.first_batch, RULES.first_batch) if new else RULES.batch
        assert least <= found.requests <= most
        assert after.live_requests <= RULES.live_requests
        budget = RULES.ground_harm if found.ground else RULES.harm
        assert found.harm <= RULES.harm_share * budget + 1e-9
    elif isinstance(found, Probe):
        assert after.probe_calls <= max(RULES.ground_probes, RULES.knocks)
    else:
        assert after == spent


def test_what_saves_little_may_risk_little() -> None:
    """Of the same size and the same risk: a batch for a large saving, none for a small one."""
    large = step([an_option(-0.5, 0.97, 0.002, measured=100), KNOWN])
    small = step([an_option(-0.005, 0.97, 0.002, measured=100), KNOWN])
    assert isinstance(large, Trial)
    assert large.index == 0
    assert not (isinstance(small, Trial) and small.index == 0)
    assert small != Probe(0, RULES.probe_calls), "nor is a copy called for so little"


def test_where_a_size_and_those_around_it_were_called_enough_another_is_looked_at() -> None:
    likely = an_option(1.0, 0.6, 0.02, probed=RULES.ground_at_one, measured=RULES.ground_at_one)
    around = [an_option(1.0, 0.59, 0.02) for _ in range(AROUND)]
    away = an_option(0.2, 0.4, 0.1)
    sizes = [away, *around, likely, *around]
    spent = Spent(probe_calls=RULES.ground_at_one)
    assert step(sizes, spent) == Probe(0, RULES.first_probe)
    fewer = replace(likely, probed=RULES.ground_at_one // 2)
    assert step([away, *around, fewer, *around], spent) == Probe(AROUND + 1, RULES.probe_calls)
