"""How measurements at some memory sizes carry over to others, for one class of functions.

For a given shape and roughness the log mean and the log p95 at all sizes are jointly normal:
scale and tail ratio are free, the mean strays from the shape smoothly, and the tail ratio drifts
with log memory. Everything here follows from that and is the same for all shapes.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

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
    """How measurements carry over to the ladder: one row per class of roughness, first axis."""

    solve: Floats
    """Inverse covariance of the measurements, means first, then p95s."""
    log_constant: Floats
    mean_gain: Floats
    p95_gain: Floats
    mean_var: Floats
    p95_var: Floats
    sure_mean_var: Floats
    """Of the mean, had the measurements been exact …"""
    sure_var: Floats
    """… and of the p95."""
    lower: Floats
    """Least log mean per size, by what larger sizes take, for all classes …"""
    upper: Floats
    """… and greatest, by what smaller ones take."""
    doublings: Floats
    """Of memory, from the nearest measured size."""


@dataclass(frozen=True, slots=True)
class _Grid:
    """What follows from the sizes alone, whatever was measured there: by class as above."""

    between: Floats
    """Covariance of the exact measurements, means first, then p95s."""
    to_mean: Floats
    """Covariance of the ladder's means with the measurements …"""
    to_p95: Floats
    """… and of its p95s."""
    mean_0: Floats
    """Variance of a mean before anything is measured (one column) …"""
    both_0: Floats
    """… and of a p95."""
    sure_mean_var: Floats
    sure_var: Floats
    doublings: Floats


@lru_cache(maxsize=512)
def _grid(learnt: Learnt, measured: tuple[int, ...], ladder: tuple[int, ...]) -> _Grid:
    """Endpoints measure a size or two a day at most, and estimate their ladder every hour."""
    x, at = np.log2(np.asarray(measured, dtype=np.float64)), np.log2(np.asarray(ladder, np.float64))
    classes = [_between(learnt, sd, x, at) for sd in learnt.rough_sds]
    between, to_mean, to_p95 = (np.stack(each) for each in zip(*classes, strict=True))
    sure = np.linalg.inv(between + SURE_VAR * np.eye(2 * len(measured)))
    mean_0 = FREE_VAR + np.asarray(learnt.rough_sds)[:, None] ** 2 + learnt.point_sd**2
    tail_0 = FREE_VAR + learnt.tail_scatter_sd**2 + (learnt.tail_slope_sd * (at - 10.0)) ** 2
    return _Grid(
        between=between,
        to_mean=to_mean,
        to_p95=to_p95,
        mean_0=mean_0,
        both_0=mean_0 + tail_0,
        sure_mean_var=_left(mean_0, to_mean @ sure, to_mean),
        sure_var=_left(mean_0 + tail_0, to_p95 @ sure, to_p95),
        doublings=np.abs(at[:, None] - x[None, :]).min(axis=1),
    )


def _between(learnt: Learnt, sd: float, x: Floats, at: Floats) -> tuple[Floats, Floats, Floats]:
    """Of one class: covariance of what is measured at x, and of means and p95s at `at` with it."""
    mean, tail = _covariance(learnt, sd, x, x)
    to_mean, to_tail = _covariance(learnt, sd, at, x)
    to_p95 = np.hstack([to_mean, to_mean + to_tail])
    return _stack(mean, tail), np.hstack([to_mean, to_mean]), to_p95


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


def krige(learnt: Learnt, points: Sequence[Point], ladder: tuple[int, ...]) -> Kriging:
    """Every class of roughness, on the memory sizes of a ladder (MB)."""
    measured = tuple(memory_mb_of(p.size) for p in points)
    grid, sizes = _grid(learnt, measured, ladder), np.asarray(ladder, dtype=np.float64)
    covariance = grid.between + _noise(points)
    inverse: Floats = np.asarray(np.linalg.inv(covariance), dtype=np.float64)
    mean_gain, p95_gain = grid.to_mean @ inverse, grid.to_p95 @ inverse
    return Kriging(
        solve=inverse,
        log_constant=-0.5 * np.linalg.slogdet(covariance)[1],
        mean_gain=mean_gain,
        p95_gain=p95_gain,
        mean_var=_left(grid.mean_0, mean_gain, grid.to_mean),
        p95_var=_left(grid.both_0, p95_gain, grid.to_p95),
        sure_mean_var=grid.sure_mean_var,
        sure_var=grid.sure_var,
        lower=_bounds(points, sizes, 1.0),
        upper=-_bounds(points, sizes, -1.0),
        doublings=grid.doublings,
    )


def _left(before: Floats, gain: Floats, covariance: Floats) -> Floats:
    """Variance that measuring leaves."""
    return np.asarray(np.maximum(before - (gain * covariance).sum(axis=-1), 1e-8))


def _noise(points: Sequence[Point]) -> Floats:
    """Sampling errors of means and p95s: of a lognormal sample their covariance is exactly the
    variance of the mean, for what moves the mean moves the quantile along. What p95s err by
    together is no less wrong for being seen at many sizes."""
    count = len(points)
    noise = np.zeros((2 * count, 2 * count))
    shared = np.asarray([point.shared_sd for point in points])
    noise[count:, count:] = np.outer(shared, shared)
    for i, point in enumerate(points):
        mean, p95 = point.log_mean_var, point.log_p95_var
        noise[i, i], noise[count + i, count + i] = mean, p95
        noise[i, count + i] = noise[count + i, i] = min(mean, 0.95 * p95)
    return noise


def _bounds(points: Sequence[Point], sizes: Floats, side: float) -> Floats:
    """The greatest of the levels (times side) of larger (1) or smaller (-1) sizes."""
    measured = np.asarray([float(memory_mb_of(p.size)) for p in points])
    least = min(p.log_mean_var for p in points)
    # The noise of the best known level is everybody's; that of others is their own.
    slack = [RISE + 2.0 * math.sqrt(p.log_mean_var - least) for p in points]
    levels = np.asarray([side * p.log_mean - s for p, s in zip(points, slack, strict=True)])
    beyond = side * (measured[None, :] - sizes[:, None]) > 0.0
    return np.asarray(np.where(beyond, levels[None, :], -np.inf).max(axis=1))
