"""The few pieces of statistics that decisions rest on, in closed form."""

import math
from functools import lru_cache
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

Floats: TypeAlias = npt.NDArray[np.float64]

Z90 = 1.6448536269514722
"""Half-width, in standard deviations, of a normal distribution's central 90 %."""
_TABLE_SDS = 6
_TABLE_STEPS = 500


def normal_cdf(x: float) -> float:
    """P(N(0,1) <= x)."""
    return 0.5 * math.erfc(-x / math.sqrt(2.0))


def normal_cdf_array(x: Floats) -> Floats:
    """`normal_cdf` of every element, to 1e-7 (Abramowitz & Stegun 7.1.26)."""
    z = np.abs(x) * math.sqrt(0.5)
    t = 1.0 / (1.0 + 0.3275911 * z)
    poly = t * (
        0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429)))
    )
    upper = 0.5 * poly * np.exp(-z * z)
    return np.where(x >= 0.0, 1.0 - upper, upper)


@lru_cache(maxsize=1)
def _normal_cdf_steps() -> Floats:
    return normal_cdf_array(np.linspace(-_TABLE_SDS, _TABLE_SDS, 2 * _TABLE_STEPS * _TABLE_SDS + 1))


def normal_cdf_table(x: Floats) -> Floats:
    """`normal_cdf` of every element by the nearest entry of a table, to 4e-4; never falling."""
    places = np.minimum(x, _TABLE_SDS)
    np.maximum(places, -_TABLE_SDS, out=places)
    places *= _TABLE_STEPS
    places += _TABLE_STEPS * _TABLE_SDS + 0.5
    return _normal_cdf_steps().take(places.astype(np.intp))


def beta_cdf(x: float, a: float, b: float) -> float:
    """P(Beta(a, b) <= x): the regularised incomplete beta function.

    Continued fraction by Lentz's method (Press et al., Numerical Recipes, 6.4).
    Raises ValueError unless a > 0 and b > 0.
    """
    if a <= 0.0 or b <= 0.0:
        raise ValueError("a and b must be positive")
    if x <= 0.0:
        return 0.0
    if x >= 1.0:
        return 1.0
    log_front = (
        math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x)
    )
    front = math.exp(log_front)
    if x < (a + 1.0) / (a + b + 2.0):
        return min(1.0, front * _beta_fraction(x, a, b) / a)
    return max(0.0, 1.0 - front * _beta_fraction(1.0 - x, b, a) / b)


def _beta_fraction(x: float, a: float, b: float) -> float:
    tiny = 1e-300
    c = 1.0
    d = 1.0 - (a + b) * x / (a + 1.0)
    d = 1.0 / (d if abs(d) > tiny else tiny)
    h = d
    for m in range(1, 1000):
        even = m * (b - m) * x / ((a + 2 * m - 1.0) * (a + 2 * m))
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1.0))
        for term in (even, odd):
            d = 1.0 + term * d
            d = 1.0 / (d if abs(d) > tiny else tiny)
            c = 1.0 + term / c
            c = c if abs(c) > tiny else tiny
            h *= d * c
        if abs(d * c - 1.0) < 1e-12:
            break
    return h


def share_at_most(limit: float, hits: int, trials: int) -> float:
    """Posterior probability that a true share is at most `limit`.

    Binomial counts with Jeffreys' prior Beta(1/2, 1/2); `trials` of 0 gives the prior's.
    """
    return beta_cdf(limit, hits + 0.5, trials - hits + 0.5)


def share_mean_sd(hits: int, trials: int) -> tuple[float, float]:
    """Mean and standard deviation of a share's posterior, same prior as `share_at_most`."""
    a, b = hits + 0.5, trials - hits + 0.5
    mean = a / (a + b)
    return mean, math.sqrt(a * b / ((a + b) ** 2 * (a + b + 1.0)))


def share_exceeds(hits: int, trials: int, other_hits: int, other_trials: int) -> float:
    """Posterior probability that the first true share is larger than the second.

    Normal approximation to the difference of the two Beta posteriors: within two points of
    the exact value from ten hits a side on, and conservative (nearer 1/2) below.
    """
    mean, sd = share_mean_sd(hits, trials)
    other_mean, other_sd = share_mean_sd(other_hits, other_trials)
    return normal_cdf((mean - other_mean) / math.hypot(sd, other_sd))
