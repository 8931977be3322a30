"""The distribution of a minute's latencies in a queue: service, and for some a wait before it.

A request takes `service x z`, z being the workload's scatter with mean 1. A share of the
requests waits before that, exponentially. Distribution functions of z and of z plus an
exponential wait are tabulated once per scatter, for waits from a hundredth of the service time
to thousands of it; a minute's is a mixture of those, and its quantiles are read off.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import numpy.typing as npt

from controller.sandbox.noise import Noise
from controller.sandbox.sagemaker.stations import Response

Floats = npt.NDArray[np.float64]

_T = np.geomspace(0.02, 20_000.0, 700)
_W = np.geomspace(0.01, 5_000.0, 64)
_LOG_W = np.log(_W)
_MIDDLES = (np.arange(240, dtype=np.float64) + 0.5) / 240.0
NOBODY_WAITS = 1e-4


def latencies_ms(noise: Noise, response: Response, share: Floats) -> Floats:
    """Milliseconds at ranks `share` (0-1), of shape (minutes, ranks), in minutes' responses."""
    values = noise.quantile(share)
    queued = np.flatnonzero(response.waiting > NOBODY_WAITS)
    if len(queued):
        waiting = response.waiting[queued, None]
        alone, table = _distributions(noise)
        place = np.interp(
            np.log(response.wait_ms[queued] / response.service_ms[queued]),
            _LOG_W, np.arange(len(_W), dtype=np.float64),
        )  # fmt: skip
        lower = np.minimum(place.astype(np.int64), len(_W) - 2)
        part = (place - lower)[:, None]
        waited = (1.0 - part) * table[lower] + part * table[lower + 1]
        below = (1.0 - waiting) * alone + waiting * waited
        for row, minute in enumerate(queued):
            values[minute] = np.interp(share[minute], below[row], _T)
    return values * response.service_ms[:, None]


@lru_cache(maxsize=256)
def squared_cv(noise: Noise) -> float:
    """Squared coefficient of variation of a scatter."""
    values = noise.quantile(_MIDDLES)
    return float(np.mean(values**2) / np.mean(values) ** 2 - 1.0)


@lru_cache(maxsize=64)
def _distributions(noise: Noise) -> tuple[Floats, Floats]:
    """Share of requests within each t of the grid: without a wait, and by mean wait."""
    values = noise.quantile(_MIDDLES)
    alone = np.array([noise.share_below(float(t)) for t in _T])
    after = np.maximum(0.0, _T[:, None] - values[None, :])
    table = np.stack([(1.0 - np.exp(-after / wait)).mean(axis=1) for wait in _W])
    return alone, np.maximum.accumulate(table, axis=1)
