"""Thin traffic put together until it says something."""

import pytest
from given import ERA, NOW_S, UNREAD, a_window

from controller.core.pooling import pooled
from controller.model.estimate import Observation
from controller.model.missing import Missing
from controller.model.size import LambdaSize
from controller.model.window import Window

KB = LambdaSize(1024)


def minutes(*windows: dict[str, object]) -> list[Window]:
    return [a_window(NOW_S - (len(windows) - i) * 300.0, **w) for i, w in enumerate(windows)]


def test_windows_are_weighed_by_their_requests() -> None:
    many = {"requests": 30, "mean_ms": 100.0, "p50_ms": 80.0, "p95_ms": 200.0}
    few = {"requests": 10, "mean_ms": 300.0, "p50_ms": 240.0, "p95_ms": 600.0}
    row = pooled(minutes(many, few), KB, ERA)
    assert isinstance(row, Observation)
    assert (row.size, row.era, row.requests) == (KB, ERA, 40)
    assert (row.start_s, row.end_s) == (NOW_S - 600.0, NOW_S)
    assert row.mean_ms == pytest.approx(150.0)
    assert row.p50_ms == pytest.approx(120.0)
    assert row.p95_ms == pytest.approx(300.0)


def test_windows_without_a_latency_add_nothing() -> None:
    known, blind = {"requests": 25}, {"requests": 500, "mean_ms": UNREAD}
    row = pooled(minutes(known, blind, {"requests": UNREAD}, {"requests": 0}), KB, ERA)
    assert isinstance(row, Observation)
    assert row.requests == 25


@pytest.mark.parametrize("windows", [[], [{"requests": 19}], [{"requests": 50, "p95_ms": UNREAD}]])
def test_too_little_says_nothing(windows: list[dict[str, object]]) -> None:
    assert isinstance(pooled(minutes(*windows), KB, ERA), Missing)


def test_a_latency_of_zero_can_be_taken_the_logarithm_of() -> None:
    row = pooled(minutes({"mean_ms": 0.0, "p50_ms": 0.0, "p95_ms": 0.0}), KB, ERA)
    assert isinstance(row, Observation)
    assert row.mean_ms > 0.0
