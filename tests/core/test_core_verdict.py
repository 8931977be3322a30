"""Verdicts: what a trial's counts allow to be said, and how often it is wrong."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.core.slo import Counts
from controller.core.verdict import Trial, judge, log_likelihood_ratio
from controller.model.change import Verdict, VerdictKind
from controller.model.policy import Rollout, Slo
from controller.model.reason import Reason

SLO = Slo(200.0)
BUDGET = 0.05
ROLLOUT = Rollout()
PASS, FAIL, OPEN = VerdictKind.PASS, VerdictKind.FAIL, VerdictKind.INCONCLUSIVE


def a_trial(
    requests: int,
    slow: int = 0,
    errors: int = 0,
    *,
    minutes: float = 30.0,
    before: tuple[int, int, int] = (6000, 60, 0),
    breaching: bool = False,
) -> Trial:
    return Trial(Counts(requests, slow, errors, 1), Counts(*before, 1), breaching, minutes * 60.0)


def verdict(trial: Trial, slo: Slo = SLO, rollout: Rollout = ROLLOUT) -> Verdict:
    return judge(trial, slo, rollout)


def summary(found: Verdict) -> tuple[VerdictKind, Reason]:
    assert found.detail
    return found.kind, found.reason


# --- one trial ---


@pytest.mark.parametrize("minutes", [0.0, 30.0, 359.0, 10_000.0])
@pytest.mark.parametrize("breaching", [False, True])
def test_no_measurement_is_never_success(minutes: float, breaching: bool) -> None:
    nothing = a_trial(0, minutes=minutes, breaching=breaching)
    assert summary(verdict(nothing)) == (OPEN, Reason.BAKING)


@pytest.mark.parametrize(
    ("trial", "expected"),
    [
        (a_trial(1000, 10), (PASS, Reason.VERIFIED)),
        (a_trial(1000, 10, minutes=9.0), (OPEN, Reason.BAKING)),  # not baked
        (a_trial(199, 0), (OPEN, Reason.BAKING)),  # too few
        (a_trial(1000, 42), (OPEN, Reason.BAKING)),  # between good and bad
        (a_trial(1000, 100), (FAIL, Reason.MADE_WORSE)),
        (a_trial(60, 20, minutes=1.0), (FAIL, Reason.MADE_WORSE)),  # harm ends it at once
    ],
)
def test_slow_requests_decide(trial: Trial, expected: tuple[VerdictKind, Reason]) -> None:
    assert summary(verdict(trial)) == expected


@pytest.mark.parametrize(
    ("errors", "before_errors", "expected"),
    [(2, 0, PASS), (30, 0, FAIL), (30, 180, PASS), (60, 60, FAIL)],
)
def test_more_errors_than_before_fail(
    errors: int, before_errors: int, expected: VerdictKind
) -> None:
    found = verdict(a_trial(1000, 5, errors, before=(6000, 60, before_errors)))
    assert found.kind is expected
    if expected is FAIL:
        assert found.reason is Reason.MADE_WORSE
        assert "failed" in found.detail


def test_errors_end_a_trial_before_it_has_baked() -> None:
    assert verdict(a_trial(40, 0, 20, minutes=1.0)).kind is FAIL


def test_without_a_baseline_errors_are_compared_with_nothing() -> None:
    assert verdict(a_trial(1000, 5, 500, before=(0, 0, 0))).kind is PASS


@pytest.mark.parametrize(("slow", "expected"), [(40, PASS), (55, FAIL), (0, PASS)])
def test_when_time_is_up_the_likelier_side_wins(slow: int, expected: VerdictKind) -> None:
    assert verdict(a_trial(1000, slow, minutes=360.0)).kind is expected


@pytest.mark.parametrize(
    ("slow", "minutes", "expected"),
    [
        (30, 30.0, (PASS, Reason.VERIFIED)),  # from 20 % to 3 %: met
        (100, 30.0, (PASS, Reason.VERIFIED)),  # to 10 %: better, if not mended
        (190, 30.0, (OPEN, Reason.BAKING)),  # to 19 %: who knows
        (190, 360.0, (FAIL, Reason.NO_BENEFIT)),
        (300, 5.0, (FAIL, Reason.MADE_WORSE)),
    ],
)
def test_a_climb_out_of_a_breach_must_help(
    slow: int, minutes: float, expected: tuple[VerdictKind, Reason]
) -> None:
    climb = a_trial(1000, slow, minutes=minutes, before=(6000, 1200, 0), breaching=True)
    assert summary(verdict(climb)) == expected


@pytest.mark.parametrize(
    ("after", "beside", "minutes", "expected"),
    [
        ((6, 1, 0), (54, 20, 0), 60.0, Reason.NOT_WORSE),
        ((6, 3, 0), (54, 20, 0), 60.0, Reason.BAKING),  # slower so far: wait for more
        ((6, 1, 1), (54, 20, 0), 60.0, Reason.BAKING),  # fails where the other does not
        ((4, 0, 0), (36, 20, 0), 60.0, Reason.BAKING),  # too few to say that it answers
        ((6, 1, 0), (54, 20, 0), 9.0, Reason.BAKING),  # not baked
        ((60, 1, 0), (540, 200, 0), 60.0, Reason.BAKING),  # will get its two hundred in time
        ((6, 1, 0), (0, 0, 0), 60.0, Reason.BAKING),  # nothing to compare with
    ],
)
def test_a_thin_canary_out_of_a_breach_may_be_called_not_worse(
    after: tuple[int, int, int],
    beside: tuple[int, int, int],
    minutes: float,
    expected: Reason,
) -> None:
    plain = a_trial(*after, minutes=minutes, before=beside, breaching=True)
    trial = replace(plain, canary=True)
    assert summary(verdict(trial)) == (OPEN, expected)
    starving = replace(trial, breaching_before=False, starving_before=True)
    assert summary(verdict(starving)) in {(OPEN, expected), (FAIL, Reason.MADE_WORSE)}
    for other in (replace(trial, canary=False), replace(trial, breaching_before=False)):
        assert verdict(other).reason is not Reason.NOT_WORSE, "only to leave a breach"


def test_limits_of_zero_are_limits() -> None:
    at_once = replace(ROLLOUT, bake_s=0.0, min_requests=0, max_bake_s=0.0)
    assert verdict(a_trial(10, 0, minutes=0.0), rollout=at_once).kind is PASS
    nothing = verdict(a_trial(0, 0, minutes=0.0), rollout=at_once)
    assert nothing.kind is not PASS


@given(
    st.integers(0, 20_000),
    st.floats(0.0, 1.0),
    st.floats(0.0, 1.0),
    st.floats(0.0, 1000.0),
    st.booleans(),
    st.sampled_from([0.5, 0.9, 0.95, 0.99, 0.999]),
)
def test_any_counts_have_a_verdict_and_more_slow_requests_never_a_better_one(
    requests: int, slow: float, errors: float, minutes: float, breaching: bool, percentile: float
) -> None:
    slo = Slo(200.0, percentile)
    rank = {FAIL: 0, OPEN: 1, PASS: 2}
    few, more = round(requests * slow / 2.0), round(requests * slow)
    failed = round(requests * errors)
    one = a_trial(requests, few, failed, minutes=minutes, breaching=breaching)
    other = a_trial(requests, more, failed, minutes=minutes, breaching=breaching)
    assert rank[verdict(other, slo).kind] <= rank[verdict(one, slo).kind]


@pytest.mark.parametrize("percentile", [0.9, 0.95, 0.99])
def test_walds_statistic_falls_with_good_requests_and_rises_with_slow_ones(
    percentile: float,
) -> None:
    slo = Slo(200.0, percentile)
    assert log_likelihood_ratio(Counts(0, 0), slo) == 0.0
    assert (
        log_likelihood_ratio(Counts(100, 0), slo)
        < 0.0
        < log_likelihood_ratio(Counts(100, 100), slo)
    )


# --- many trials: how often the answer is wrong ---


def shares(
    slow: float,
    *,
    per_minute: float,
    errors: float = 0.0,
    before: tuple[float, float] = (0.02, 0.0),
    breaching: bool = False,
    trials: int = 300,
) -> dict[VerdictKind, float]:
    """Trials judged every minute to their end; the baseline is an hour of the same traffic."""
    dice = np.random.default_rng(20260225)
    minutes = int(ROLLOUT.max_bake_s / 60.0) + 1
    ended = dict.fromkeys(VerdictKind, 0)
    for _ in range(trials):
        base = int(dice.poisson(60.0 * per_minute))
        old = (base, int(dice.binomial(base, before[0])), int(dice.binomial(base, before[1])))
        new = dice.poisson(per_minute, minutes)
        rows = [
            new.cumsum(),
            dice.binomial(new, slow).cumsum(),
            dice.binomial(new, errors).cumsum(),
        ]
        found = verdict(a_trial(0))
        for minute in range(minutes):
            n, s, e = (int(row[minute]) for row in rows)
            trial = a_trial(n, s, e, minutes=minute + 1.0, before=old, breaching=breaching)
            found = verdict(trial)
            if found.kind is not OPEN:
                break
        ended[found.kind] += 1
    return {kind: n / trials for kind, n in ended.items()}


@pytest.mark.parametrize("per_minute", [4.0, 12.0, 100.0])
def test_a_good_size_fails_rarely(per_minute: float) -> None:
    assert shares(0.6 * BUDGET, per_minute=per_minute)[FAIL] <= 0.055


@pytest.mark.parametrize("per_minute", [4.0, 12.0, 100.0])
def test_a_size_that_breaks_the_slo_by_a_fifth_passes_hardly_ever(per_minute: float) -> None:
    assert shares(1.2 * BUDGET, per_minute=per_minute)[PASS] <= 0.02


def test_a_size_twice_over_the_budget_never_passes() -> None:
    assert shares(2.0 * BUDGET, per_minute=12.0)[PASS] == 0.0


@pytest.mark.parametrize("errors", [0.001, 0.01, 0.05])
def test_errors_as_before_hardly_ever_fail_a_trial_however_often_it_is_looked_at(
    errors: float,
) -> None:
    found = shares(0.02, per_minute=12.0, errors=errors, before=(0.02, errors))
    assert found[FAIL] <= 0.05


def test_three_times_the_errors_are_found() -> None:
    found = shares(0.02, per_minute=12.0, errors=0.15, before=(0.02, 0.05))
    assert found[FAIL] >= 0.97


def test_a_climb_that_halves_the_slow_requests_passes() -> None:
    found = shares(0.1, per_minute=12.0, before=(0.2, 0.0), breaching=True)
    assert found[PASS] >= 0.97


def test_a_climb_that_changes_nothing_mostly_ends_without_benefit() -> None:
    found = shares(0.2, per_minute=12.0, before=(0.2, 0.0), breaching=True, trials=60)
    assert found[PASS] <= 0.15
    assert found[OPEN] == 0.0


def test_a_burst_is_held_against_fewer_instances_only_after_the_window_of_the_slo() -> None:
    early = replace(a_trial(3000, 1000, minutes=5.0), patience_s=3600.0)
    assert verdict(early).kind is OPEN
    assert verdict(replace(early, elapsed_s=3700.0)).kind is FAIL
    failing = replace(a_trial(3000, 1000, 900, minutes=5.0), patience_s=3600.0)
    assert verdict(failing).kind is FAIL
