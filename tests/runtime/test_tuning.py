"""A search with copies: what it finds on known curves, what it spends, and when it ends."""

import math
from collections.abc import Callable
from itertools import pairwise

import numpy as np
import pytest

from controller.kinds.lambda_function.calls import Usual
from controller.runtime.tuning import APART, Goal, MemoryTuning, Strategy, known_calls

SIZES = tuple(range(128, 3073, 64))
SIGMA = 0.2
TAIL = math.exp(1.645 * SIGMA - SIGMA**2 / 2.0)
"""p95 per mean of a lognormal."""


def mean_ms(memory_mb: int) -> float:
    """Proportional to memory up to a whole processor."""
    return 20.0 + 120_000.0 / min(memory_mb, 1769)


def cost(memory_mb: int, ms: float) -> float:
    return memory_mb / 1024.0 * ms / 1000.0 * 1.67e-5 + 2e-7


def present(memory_mb: int) -> Usual:
    mid = mean_ms(memory_mb)
    median = mid * math.exp(-(SIGMA**2) / 2.0)
    return known_calls(mid, median, mid * TAIL)


def searched(
    goal: Goal, seed: int = 0, short_of: Callable[[int], bool] = lambda _: False
) -> tuple[MemoryTuning, int]:
    """A search to its end, three sizes at once, and the number of rounds."""
    dice = np.random.default_rng(seed)
    tuning = MemoryTuning(goal, present(3008), 3008, SIZES, cost)
    for rounds in range(1, 20):
        wanted = tuning.wanted(3)
        if not wanted:
            return tuning, rounds
        for one in wanted:
            ms = mean_ms(one.memory_mb) * dice.lognormal(-(SIGMA**2) / 2.0, SIGMA, one.calls)
            broke = short_of(one.memory_mb)
            tuning.learn(one.memory_mb, [] if broke else ms.tolist(), broke=broke)
    raise AssertionError("it does not end")


@pytest.mark.parametrize("seed", range(4))
def test_the_cheapest_that_meets_the_slo_is_found_with_few_calls(seed: int) -> None:
    goal = Goal(threshold_ms=300.0, confidence=0.95)
    tuning, rounds = searched(goal, seed)
    found, p_slo = tuning.settled()
    good = [mb for mb in SIZES if mean_ms(mb) * TAIL <= 300.0]
    best = min(good, key=lambda mb: cost(mb, mean_ms(mb)))
    assert p_slo >= 0.95
    assert mean_ms(found) * TAIL <= 300.0 * 1.03
    assert cost(found, mean_ms(found)) <= 1.05 * cost(best, mean_ms(best))
    assert sum(map(len, tuning.calls.values())) <= 400
    assert tuning.seen(found) >= goal.confirm - goal.calls // 2
    assert rounds <= 10


def test_strategies_disagree_as_they_should() -> None:
    by = {
        strategy: searched(Goal(300.0, 0.95, strategy, weight=0.5))[0].settled()[0]
        for strategy in Strategy
    }
    fastest, cheapest = by[Strategy.SPEED], by[Strategy.COST]
    assert mean_ms(fastest) <= 1.05 * min(map(mean_ms, SIZES))
    least = min(cost(mb, mean_ms(mb)) for mb in SIZES)
    assert cost(cheapest, mean_ms(cheapest)) <= 1.05 * least
    assert cheapest < by[Strategy.BALANCED] <= fastest + 512


def test_sizes_without_the_memory_are_left_with_all_below_them() -> None:
    goal = Goal(5000.0, 0.95)
    tuning, _ = searched(goal, short_of=lambda mb: mb < 500)
    assert tuning.settled()[0] >= 500
    assert min(tuning.ladder()) > max(tuning.impossible)


def test_what_is_called_at_once_lies_apart() -> None:
    tuning = MemoryTuning(Goal(300.0, 0.95), present(3008), 3008, SIZES, cost)
    sizes = sorted(one.memory_mb for one in tuning.wanted(3))
    assert len(sizes) == 3
    assert all(b / a >= APART for a, b in pairwise(sizes))


def test_known_calls_have_the_figures_that_cloudwatch_gave() -> None:
    calls = known_calls(100.0, 90.0, 190.0).durations_ms
    assert calls.mean() == pytest.approx(100.0)
    assert np.quantile(calls, 0.95) / np.quantile(calls, 0.5) == pytest.approx(190 / 90, rel=0.02)
