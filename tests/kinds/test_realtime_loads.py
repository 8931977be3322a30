"""What windows of few requests tell, gathered by load."""

import numpy as np
import pytest
from realtime_world import C5, ERA

from controller.kinds.realtime_endpoint.loads import Loads, gathered
from controller.model.estimate import Observation

SIGMA = 0.3
"""Log standard deviation of single latencies."""


def seen(windows: int, requests: int, scatter: float = 0.0) -> Loads:
    """Minutes at one load, one slower and one quicker than usual in turn."""
    rows = []
    for i in range(windows):
        p95_ms = 100.0 * np.exp(scatter * (-1) ** i)
        p50_ms = p95_ms * np.exp(-1.645 * SIGMA)
        rows.append(
            Observation(
                C5, ERA, 60.0 * i, 60.0 * (i + 1), requests, 1.05 * p50_ms, p50_ms, p95_ms,
                0.95, 100.0, "probe", 10.0,
            )
        )  # fmt: skip
    found = gathered(rows)
    assert found is not None
    return found


def test_sampling_errors_are_each_windows_own() -> None:
    one, six = seen(20, 60), seen(120, 10)
    assert six.variance[0] == pytest.approx(one.variance[0], rel=0.2)
    # A quantile's own, of so many requests: sqrt(p (1 - p)) / density, and half more.
    alone = (1.5 * np.sqrt(0.95 * 0.05) / 0.10314 * SIGMA) ** 2 / 1_200
    assert alone < six.variance[0] < 1.5 * alone


def test_what_neighbours_have_in_common_does_not_go_away_with_more_requests() -> None:
    steady, unsteady = seen(20, 1_000_000, 0.0), seen(20, 1_000_000, 0.2)
    assert unsteady.variance[0] > 20.0 * steady.variance[0]
    assert unsteady.variance[0] == pytest.approx(4.0 * unsteady.scatter**2 / 20.0, rel=0.05)
