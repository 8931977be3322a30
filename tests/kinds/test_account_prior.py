"""What an account's functions say of one another."""

import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from controller.core.evidence import Evidence, Point
from controller.core.neighbours import account_prior
from controller.kinds.shared.learnt import LEARNT
from controller.kinds.shared.response import posterior, predict, prior_of
from controller.model.size import LambdaSize

LEARNT_WEIGHTS = np.exp(prior_of(LEARNT))
CPU_BOUND = {256: 800.0, 512: 400.0, 1024: 200.0}
WAITS = {256: 205.0, 512: 202.0, 1024: 200.0}


def _evidence(means_ms: dict[int, float]) -> Evidence:
    points = tuple(
        Point(
            size=LambdaSize(mb),
            segment=0,
            log_mean=math.log(ms),
            log_mean_var=1e-4,
            log_p95=math.log(ms) + 0.3,
            log_p95_var=1e-4,
            between_var=1e-4,
            requests=5000,
            hours=5,
            first_s=0.0,
            last_s=18_000.0,
        )
        for mb, ms in means_ms.items()
    )
    return Evidence(points, 0, None)


def _p95_ms(neighbours: list[dict[int, float]], at_mb: int) -> float:
    shown = [posterior(_evidence(means)) for means in neighbours]
    prior = account_prior(LEARNT_WEIGHTS, [one for one in shown if one is not None])
    found = predict(_evidence({1024: 200.0}), [at_mb], 1e6, account=prior)
    assert found is not None
    return math.exp(float(found.log_p95[0]))


def test_one_size_shows_no_shape() -> None:
    assert posterior(_evidence({1024: 200.0})) is None
    assert posterior(Evidence((), None, None)) is None


def test_without_neighbours_there_is_no_prior_of_the_account() -> None:
    assert account_prior(LEARNT_WEIGHTS, []) is None


def test_a_function_is_expected_to_be_like_its_neighbours() -> None:
    alone = _p95_ms([], 256)
    assert _p95_ms([CPU_BOUND] * 6, 256) > 1.15 * alone
    assert _p95_ms([WAITS] * 6, 256) < 0.85 * alone


def test_more_neighbours_say_it_more_firmly() -> None:
    some, many = _p95_ms([CPU_BOUND], 256), _p95_ms([CPU_BOUND] * 8, 256)
    assert _p95_ms([], 256) < some < many


def test_what_a_function_has_shown_itself_outweighs_its_neighbours() -> None:
    shown = posterior(_evidence(WAITS))
    assert shown is not None
    prior = account_prior(LEARNT_WEIGHTS, [shown] * 50)
    own = _evidence(CPU_BOUND)
    here, with_others = predict(own, [384], 1e6), predict(own, [384], 1e6, account=prior)
    assert here is not None
    assert with_others is not None
    assert abs(float(here.log_p95[0] - with_others.log_p95[0])) < 0.1


@given(st.lists(st.sampled_from([CPU_BOUND, WAITS]), min_size=1, max_size=4))
def test_weights_stay_a_distribution(neighbours: list[dict[int, float]]) -> None:
    shown = [posterior(_evidence(means)) for means in neighbours]
    prior = account_prior(LEARNT_WEIGHTS, [one for one in shown if one is not None])
    assert prior is not None
    assert prior.functions == len(neighbours)
    assert math.isclose(float(np.exp(prior.log_weights).sum()), 1.0, abs_tol=1e-6)
