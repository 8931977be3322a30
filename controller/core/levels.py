"""Hours at one size as a level with its uncertainty, in logarithms of milliseconds.

Hours are weighted by requests, capped so that no hour rules alone. Fewer requests with the same
latencies never look surer: the cap is relative, and what sampling noise adds to the scatter
between hours is not taken out.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from operator import attrgetter

import numpy as np

from controller.core.stats import Floats
from controller.model.estimate import Observation

WEIGHT_CAP = 4.0
"""An hour counts for at most this many times the median hour's requests."""
P95_NOISE = 3.2**2
"""Sampling variance of a p95 against that of a mean, for lognormal latencies."""
LEAST_SIGMA = 0.05
"""Log standard deviation of single latencies: no less is believed …"""
LEAST_RATIO = math.exp(1.645 * LEAST_SIGMA)
"""… so of p95 over median (lognormal: z95 = 1.645) no less than this."""
LEVEL_SD_FLOOR = 0.03
"""Between-hour standard deviation assumed while a level rests on few hours, in log units."""


@dataclass(frozen=True, slots=True)
class Level:
    """Of mean and p95."""

    log_mean: float
    log_mean_var: float
    log_p95: float
    log_p95_var: float
    between_var: float
    """Of an hour's p95 around the level, sampling noise included."""


def level_of(hours: Sequence[Observation]) -> Level:
    """The level of some hours, at least one."""
    requests = column(hours, "requests")
    weights = np.minimum(requests, WEIGHT_CAP * _median(requests))
    weights /= weights.sum()
    p95_ms = column(hours, "p95_ms")
    ratios = p95_ms / np.maximum(column(hours, "p50_ms"), 1e-3)
    mean_noise = float(weights @ _noises(ratios, requests))
    log_mean, mean_between = _between(np.log(column(hours, "mean_ms")), weights)
    log_p95, p95_between = _between(np.log(p95_ms), weights)
    share = float(weights @ weights)
    return Level(
        log_mean,
        share * (mean_between + mean_noise),
        log_p95,
        share * (p95_between + P95_NOISE * mean_noise),
        p95_between,
    )


def column(rows: Sequence[Observation], name: str) -> Floats:
    """One number of every row."""
    return np.fromiter(map(attrgetter(name), rows), np.float64, len(rows))


def _median(values: Floats) -> float:
    """As `numpy.median`, whose cost is felt where there are few."""
    ordered, middle = np.sort(values), (len(values) - 1) // 2
    return float(ordered[middle] + ordered[-1 - middle]) / 2.0


def _noises(ratios: Floats, requests: Floats) -> Floats:
    """Sampling variance of every hour's log mean: that of single latencies, from the ratio of
    their quantiles, over how many there were."""
    sigmas = np.log(np.maximum(ratios, LEAST_RATIO)) / 1.645
    return np.asarray(sigmas * sigmas / requests)


def _between(values: Floats, weights: Floats) -> tuple[float, float]:
    """Weighted mean, and the variance between hours; the weights' sum is 1."""
    mean = float(weights @ values)
    if len(values) < 3:
        return mean, LEVEL_SD_FLOOR**2
    off = values - mean
    scatter = float(weights @ (off * off))
    return mean, max(scatter * len(values) / (len(values) - 1.0), 0.01**2)
