"""How single calls scatter around the mean: lognormal body, and a tail of slow calls.

A call takes `mean x z`. With probability `slow_share` it is a slow one, 1.5 to 4 times
(`slow_factor`) as long as it would have been; `z` has mean 1, so that a response curve is
the mean of all calls. The quantile function is tabulated once and then only interpolated.
"""

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

_GRID = 1201
_SLOW_STEPS = 9


@dataclass(frozen=True, slots=True)
class Noise:
    """Scatter of durations: coefficient of variation of the body, and the slow tail."""

    cv: float = 0.15
    slow_share: float = 0.0
    slow_factor: tuple[float, float] = (1.5, 4.0)

    def quantile(self, share: Floats) -> Floats:
        """`z` below which the given shares (0-1) of calls are."""
        shares, values = _table(self)
        return np.interp(share, shares, values)

    def share_below(self, z: float) -> float:
        """Share of calls with a scatter of at most `z`."""
        shares, values = _table(self)
        return float(np.interp(z, values, shares))


@lru_cache(maxsize=256)
def _table(noise: Noise) -> tuple[Floats, Floats]:
    """(shares, z) of the distribution function, z rising."""
    sigma = math.sqrt(math.log1p(max(noise.cv, 1e-6) ** 2))
    low, high = noise.slow_factor
    factors = np.linspace(low, high, _SLOW_STEPS) if noise.slow_share > 0 else np.ones(1)
    body_mean = 1.0 / (1.0 - noise.slow_share + noise.slow_share * float(factors.mean()))
    mu = math.log(body_mean) - sigma * sigma / 2.0
    grid = np.linspace(mu - 5.5 * sigma, mu + 5.5 * sigma + math.log(float(factors.max())), _GRID)
    shares = (1.0 - noise.slow_share) * _normal_cdf((grid - mu) / sigma)
    for factor in factors:
        shifted = (grid - mu - math.log(factor)) / sigma
        shares = shares + noise.slow_share / len(factors) * _normal_cdf(shifted)
    shares[0], shares[-1] = 0.0, 1.0
    return np.maximum.accumulate(shares), np.exp(grid)


def _normal_cdf(x: Floats) -> Floats:
    return np.array([0.5 * math.erfc(-value / math.sqrt(2.0)) for value in x])
