"""How measurements at some memory sizes carry over to others, for one class of functions.

For a given shape and roughness the log mean and the log p95 at all sizes are jointly normal:
scale and tail ratio are free, the mean strays from the shape smoothly, and the tail ratio drifts
with log memory. Everything here follows from that and is the same for all shapes.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from controller.core.evidence import Point
from controller.core.stats import Floats
from controller.kinds.shared.shapes import Learnt, correlation
from controller.model.size import memory_mb_of

FREE_VAR = 25.0
"""Prior variance of scale and tail: whatever was measured decides."""
SURE_VAR = 1e-6
RISE = 0.02
"""More memory makes a function slower by no more than this (log): what is more, is noise."""


@dataclass(frozen=True, slots=True)
class Kriging:
    """One class of roughness: how measurements carry over to the ladder."""

    rough_sd: float
    solve: Floats
    """Inverse covariance of the measurements, means first, then p95s."""
    log_constant: float
    mean_gain: Floats
    p95_gain: Floats
    mean_var: Floats
    p95_var: Floats
    sure_mean_var: Floats
    """Of the mean, had the measurements been exact …"""
    sure_var: Floats
    """… and of the p95."""
    lower: Floats
    """Least log mean per size, by what larger sizes take …"""
    upper: Floats
    """… and greatest, by what smaller ones take."""
    doublings: Floats
    """Of memory, from the nearest measured size."""


def _covariance(learnt: Learnt, sd: float, x: Floats, other: Floats) -> tuple[Floats, Floats]:
    """Of mean with mean, and of tail with tail, between sizes in doublings."""
    gaps = np.abs(x[:, None] - other[None, :])
    same = gaps < 1e-9
    mean = FREE_VAR + sd**2 * correlation(gaps / learnt.reach_doublings)
    tail = FREE_VAR + learnt.tail_slope_sd**2 * (x[:, None] - 10.0) * (other[None, :] - 10.0)
    tail = tail + learnt.tail_scatter_sd**2 * correlation(gaps / learnt.reach_doublings)
    return mean + learnt.point_sd**2 * same, tail


def _stack(mean: Floats, tail: Floats) -> Floats:
    """Covariance of (means, p95s) from those of means and tails: p95 = mean + tail."""
    return np.vstack([np.hstack([mean, mean]), np.hstack([mean, mean + tail])])


def krige(learnt: Learnt, sd: float, points: Sequence[Point], sizes: Floats) -> Kriging:
    x = np.log2([float(memory_mb_of(p.size)) for p in points])
    noise = _noise(points)
    mean, tail = _covariance(learnt, sd, x, x)
    between = _stack(mean, tail)
    inverse: Floats = np.asarray(np.linalg.inv(between + noise), dtype=np.float64)
    sure = np.linalg.inv(between + SURE_VAR * np.eye(2 * len(points)))
    ladder = np.log2(sizes)
    to_mean, to_tail = _covariance(learnt, sd, ladder, x)
    to_p95 = np.hstack([to_mean, to_mean + to_tail])
    to_mean = np.hstack([to_mean, to_mean])
    mean_0 = FREE_VAR + sd**2 + learnt.point_sd**2
    tail_0 = FREE_VAR + learnt.tail_scatter_sd**2 + (learnt.tail_slope_sd * (ladder - 10.0)) ** 2
    mean_gain, p95_gain = to_mean @ inverse, to_p95 @ inverse
    return Kriging(
        rough_sd=sd,
        solve=inverse,
        log_constant=-0.5 * float(np.linalg.slogdet(between + noise)[1]),
        mean_gain=mean_gain,
        p95_gain=p95_gain,
        mean_var=_left(mean_0, mean_gain, to_mean),
        p95_var=_left(mean_0 + tail_0, p95_gain, to_p95),
        sure_mean_var=_left(mean_0, to_mean @ sure, to_mean),
        sure_var=_left(mean_0 + tail_0, to_p95 @ sure, to_p95),
        lower=_bounds(points, sizes, 1.0),
        upper=-_bounds(points, sizes, -1.0),
        doublings=np.abs(ladder[:, None] - x[None, :]).min(axis=1),
    )


def _left(before: Floats | float, gain: Floats, covariance: Floats) -> Floats:
    """Variance that measuring leaves."""
    return np.asarray(np.maximum(before - (gain * covariance).sum(axis=1), 1e-8))


def _noise(points: Sequence[Point]) -> Floats:
    """Sampling errors of means and p95s: of a lognormal sample their covariance is exactly the
    variance of the mean, for what moves the mean moves the quantile along."""
    mean = np.asarray([p.log_mean_var for p in points])
    p95 = np.asarray([p.log_p95_var for p in points])
    both = np.diag(np.minimum(mean, 0.95 * p95))
    return np.vstack([np.hstack([np.diag(mean), both]), np.hstack([both, np.diag(p95)])])


def _bounds(points: Sequence[Point], sizes: Floats, side: float) -> Floats:
    """The greatest of the levels (times side) of larger (1) or smaller (-1) sizes."""
    measured = np.asarray([float(memory_mb_of(p.size)) for p in points])
    least = min(p.log_mean_var for p in points)
    # The noise of the best known level is everybody's; that of others is their own.
    slack = [RISE + 2.0 * math.sqrt(p.log_mean_var - least) for p in points]
    levels = np.asarray([side * p.log_mean - s for p, s in zip(points, slack, strict=True)])
    beyond = side * (measured[None, :] - sizes[:, None]) > 0.0
    return np.asarray(np.where(beyond, levels[None, :], -np.inf).max(axis=1))
