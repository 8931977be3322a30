"""Counters of requests: monotone, no window counted twice, late points added."""

import random
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.core.slo_ledger import (
    REVISED_S,
    Ledger,
    Totals,
    budget_remaining,
    burn_rate,
    taken,
)
from controller.model.missing import Maybe, Missing
from controller.model.policy import Slo
from controller.model.window import Window

T_MS = 400.0
STEP_S = 300.0
HOUR = 12
"""Windows in the time in which one may still grow."""


def window(
    number: int, requests: Maybe[int], slow: int = 0, *, failed: int = 0, threshold_ms: float = T_MS
) -> Window:
    """The `number`th five minutes."""
    unknown = Missing("not asked")
    met: Maybe[float] = Missing("no Duration datapoint")
    if not isinstance(requests, Missing) and requests:
        met = 1.0 - slow / requests
    return Window(
        start_s=number * STEP_S,
        end_s=(number + 1) * STEP_S,
        requests=requests,
        threshold_ms=threshold_ms,
        met_ratio=met,
        mean_ms=unknown,
        p50_ms=unknown,
        p95_ms=unknown,
        errors=failed,
        throttles=unknown,
        concurrency_peak=unknown,
    )


def counts(most: int = 5000) -> st.SearchStrategy[tuple[int, int]]:
    """Requests and how many of them were slow."""
    return st.integers(1, most).flatmap(lambda n: st.tuples(st.just(n), st.integers(0, n)))


HISTORIES = st.lists(counts(), min_size=1, max_size=40)


def whole(history: Sequence[tuple[int, int]]) -> list[Window]:
    """Every window, complete."""
    return [window(i, n, slow) for i, (n, slow) in enumerate(history)]


@given(HISTORIES, st.randoms(use_true_random=False), st.data())
def test_read_in_pieces_and_again_it_is_the_sum(
    history: list[tuple[int, int]], chance: random.Random, data: st.DataObject
) -> None:
    windows = whole(history)
    ledger = Ledger()
    seen = 0
    while seen < len(windows):
        seen += data.draw(st.integers(1, len(windows) - seen))
        again = windows[max(0, seen - 1 - chance.randrange(HOUR)) : seen]
        batch = windows[:seen] if chance.random() < 0.3 else windows[:seen][-seen:] + again
        chance.shuffle(batch)
        ledger = taken(ledger, batch, T_MS)
    assert ledger.total.requests == sum(n for n, _ in history)
    assert ledger.total.slow == sum(slow for _, slow in history)


@given(HISTORIES, st.randoms(use_true_random=False))
def test_late_points_are_added_once_and_nothing_ever_falls(
    history: list[tuple[int, int]], chance: random.Random
) -> None:
    """The newest windows are shown in part, sometimes less of them than before."""
    ledger, final = Ledger(), whole(history)
    for newest in range(len(final)):
        partly = [_part(history, i, chance) for i in range(max(0, newest - 2), newest + 1)]
        after = taken(ledger, [*final[: max(0, newest - 2)], *partly], T_MS)
        assert after.total.requests >= ledger.total.requests
        assert after.total.slow >= ledger.total.slow
        assert after.total.slow <= after.total.requests
        ledger = after
    ledger = taken(taken(ledger, final, T_MS), final, T_MS)
    assert ledger.total.requests == sum(n for n, _ in history)
    assert ledger.total.slow == sum(slow for _, slow in history)


def _part(history: Sequence[tuple[int, int]], number: int, chance: random.Random) -> Window:
    n, slow = history[number]
    slow_seen = chance.randint(0, slow)
    fast_seen = chance.randint(0, n - slow)
    return window(number, slow_seen + fast_seen, slow_seen)


@given(HISTORIES, HISTORIES)
def test_a_second_look_at_the_same_adds_nothing(
    history: list[tuple[int, int]], other: list[tuple[int, int]]
) -> None:
    once = taken(Ledger(), whole(history), T_MS)
    assert taken(once, whole(history), T_MS) == once
    longer = taken(once, whole([*history, *other]), T_MS)
    assert taken(longer, whole(history), T_MS) == longer


def test_a_window_closes_an_hour_after_it() -> None:
    ledger = taken(Ledger(), [window(0, 100, 5)], T_MS)
    ledger = taken(ledger, [window(0, 120, 5), window(HOUR - 1, 10)], T_MS)
    assert ledger.total == Totals(130, 5, 0)
    ledger = taken(ledger, [window(HOUR, 10)], T_MS)
    late = taken(ledger, [window(0, 500, 500)], T_MS)
    assert late.total == Totals(140, 5, 0)
    assert late.closed_s == (HOUR + 1) * STEP_S - REVISED_S


def test_a_gap_is_caught_up_with_however_long_it_was() -> None:
    ledger = taken(Ledger(), whole([(10, 1)] * 3), T_MS)
    ledger = taken(ledger, whole([(10, 1)] * 30), T_MS)
    assert ledger.total == Totals(300, 30, 0)


def test_another_objective_does_not_judge_counted_requests_again() -> None:
    ledger = taken(Ledger(), whole([(100, 0)] * 3), T_MS)
    stricter = [window(i, 100, 90, threshold_ms=100.0) for i in range(4)]
    ledger = taken(ledger, stricter, 100.0)
    assert ledger.total == Totals(400, 90, 0)
    assert taken(ledger, whole([(100, 0)] * 4), 100.0) == ledger


def test_what_is_not_known_waits_and_is_not_counted_as_good() -> None:
    unknown = window(0, 100)
    ledger = taken(Ledger(), [window(0, Missing("refused")), window(1, 0)], T_MS)
    assert ledger.total == Totals()
    assert taken(ledger, [unknown], T_MS).total == Totals(100, 0, 0)


def test_failed_requests_are_counted_too() -> None:
    ledger = taken(Ledger(), [window(0, 100, 5, failed=2)], T_MS)
    assert taken(ledger, [window(0, 100, 5, failed=3)], T_MS).total == Totals(100, 5, 3)


@pytest.mark.parametrize(
    ("slow", "left"), [(0, 1.0), (50, 0.0), (25, 0.5), (100, -1.0), (1000, -19.0)]
)
def test_the_budget_is_a_share_of_what_is_allowed(slow: int, left: float) -> None:
    remaining = budget_remaining([window(0, 1000, slow)], Slo(T_MS))
    assert remaining == pytest.approx(left)


def test_without_requests_there_is_no_budget_to_speak_of() -> None:
    assert isinstance(budget_remaining([], Slo(T_MS)), Missing)


def test_all_slow_burns_twenty_times_at_95_percent() -> None:
    assert burn_rate(1.0, Slo(T_MS)) == pytest.approx(20.0)
    assert burn_rate(0.01, Slo(T_MS, percentile=0.99)) == pytest.approx(1.0)
