"""How surely a share of five-minute windows will be met: one probability for all that is not known.

Two things are not known: what an instance bears, and how many windows of the weeks to come ask
for more than that. The first has a posterior. Of the second the last weeks are one sample: if
four windows of 4,000 asked for too much, the next 4,000 have more than four as often as not. So
the number to come is taken as Poisson, its mean as what a count leaves open (Jeffreys' prior:
Gamma of the count and a half), and that over the posterior of the capacity. What a policy is
confident of is the whole, not each part by itself.
"""

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from controller.core.stats import Z90, Floats

_MIDDLES = np.asarray([-1.593, -0.967, -0.589, -0.282, 0.0, 0.282, 0.589, 0.967, 1.593])
"""Of nine equal parts of a normal distribution."""
_HAIR = 1e-9


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which share of windows is to be met, and how surely."""

    share: float
    confidence: float


def capacities_rps(low: float, likely: float, high: float) -> Floats:
    """Nine equally likely values of what has this 90 % interval, logs being normal on either
    side of the middle."""
    likely = max(low, likely)
    high = max(likely, high)
    below, above = math.log(likely / low) / Z90, math.log(high / likely) / Z90
    return np.asarray(likely * np.exp(np.where(_MIDDLES < 0.0, below, above) * _MIDDLES))


def met(loads_rps: Floats, able_rps: Floats, wanted: Wanted) -> bool:
    """Whether the share will be met as surely as is wanted, by instances that have these loads
    in each window and bear one of `able_rps`, all equally likely."""
    chances, enough = _asked(len(loads_rps), wanted)
    broken = np.asarray([np.count_nonzero(loads_rps > able) for able in able_rps * (1.0 + _HAIR)])
    return _p_met(broken, chances) >= enough


def times_more(loads_rps: Floats, able_rps: Floats, wanted: Wanted) -> float:
    """How many times as much an instance must bear for that, at the least; below one where it
    bears more than it must."""
    if not len(loads_rps):
        return 0.0
    chances, enough = _asked(len(loads_rps), wanted)
    worst = np.sort(loads_rps)[-len(chances) :]
    factors = np.unique(np.divide.outer(worst, able_rps))
    few, will_do = -1, len(factors) - 1
    while will_do - few > 1:
        middle = (few + will_do) // 2
        able = factors[middle] * able_rps * (1.0 + _HAIR)
        broken = len(worst) - np.searchsorted(worst, able, side="right")
        if _p_met(broken, chances) >= enough:
            will_do = middle
        else:
            few = middle
    return float(factors[will_do])


def _p_met(broken: Floats, chances: Floats) -> float:
    return float(chances[np.minimum(broken.astype(np.intp), len(chances) - 1)].mean())


def _asked(windows: int, wanted: Wanted) -> tuple[Floats, float]:
    """(probability by windows broken, how high it must be). A memory too short to be sure of
    anything asks for no broken window."""
    chances = _chances(windows * (1.0 - wanted.share))
    return chances, min(wanted.confidence, float(chances[0]) - _HAIR)


@lru_cache(maxsize=16)
def _chances(allowed: float) -> Floats:
    """P(Gamma(k + 1/2) <= allowed) by k, up to where nothing is left of it (the recurrence of
    the incomplete gamma function, Abramowitz & Stegun 6.5.21)."""
    left = math.erf(math.sqrt(allowed))
    found = [left]
    while left > _HAIR and len(found) < 3.0 * allowed + 50.0:
        k = len(found) - 1
        log_term = (k + 0.5) * math.log(max(allowed, _HAIR)) - allowed - math.lgamma(k + 1.5)
        left = max(0.0, left - math.exp(log_term))
        found.append(left)
    return np.asarray(found)
