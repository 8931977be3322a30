"""How long a function takes at each memory size: a posterior over response curves.

The mean is c * shape(m) times a smooth random departure (`shapes.py`), and the p95 is the mean
times a tail ratio that drifts with log memory. For one shape and one class of roughness all of
that is jointly normal in logs, so that measured sizes are joined by kriging; shapes and classes
are weighed by how well they foretell the measurements. What they were worth beforehand is learnt
(`learnt.py`). The scale `c` and the tail are free in every segment of evidence: a release or a
jump moves the level and leaves most of the shape.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from controller.core.evidence import Evidence, Point
from controller.core.neighbours import AccountPrior
from controller.core.stats import Z90, Floats, normal_cdf_table
from controller.kinds.shared.kriging import Kriging, krige
from controller.kinds.shared.learnt import LEARNT
from controller.kinds.shared.shapes import Learnt, curves_on, shapes_of
from controller.model.size import memory_mb_of

Indices: TypeAlias = npt.NDArray[np.int64]

OLD_SEGMENT_WEIGHT = 0.5
"""What another segment's shape counts for, against the current one's."""
SLOTS = 100
"""Shapes that stand for all of the grid's in a prediction, about."""
NARROWER, NARROWER_DOUBLINGS = 0.3, 1.5
"""By `bench/calibration.py`: with these, nine truths in ten lie inside."""
RISES_FROM = 0.05
"""Classes of functions rougher than this may seem to rise between measured sizes."""
DENSITY = 0.3989422804014327
"""Of a normal distribution at its mean."""
UNREACHABLE = 0.1
"""Weight of shapes under which no size meets the SLO, against those under which one does:
thresholds are mostly set where a function can be."""


@dataclass(frozen=True, slots=True)
class Prediction:
    """What is expected at each of some memory sizes, in logs of milliseconds."""

    log_mean: Floats
    log_mean_sd: Floats
    log_p95: Floats
    log_p95_sd: Floats
    p_slo: Floats
    """Probability that the p95 of an hour to come is at most the threshold."""
    overshoot: Floats
    """Expected log of p95 over the threshold, where it is over: what a trial would risk."""
    width90: Floats
    """Half-width of a 90 % interval, in standard deviations: a normal's where it was measured,
    less far from there, where a few rough shapes make most of the variance."""
    anchor_mb: tuple[int, ...]
    """The measured size that is nearest."""


def predict(
    evidence: Evidence,
    memory_mb: Sequence[int],
    threshold_ms: float,
    learnt: Learnt = LEARNT,
    account: AccountPrior | None = None,
) -> Prediction | None:
    """Predict at `memory_mb` from the evidence; None where the live code was never measured.

    account: what the other functions of the account say; None: what is learnt alone.
    """
    here = evidence.here()
    if not here:
        return None
    ladder = tuple(memory_mb)
    sizes = np.asarray(ladder, dtype=np.float64)
    known = krige(learnt, here, ladder)
    missed = _missed(learnt, here)
    prior = prior_of(learnt) if account is None else account.log_weights
    weights = _weights(learnt, evidence, prior, known, missed)
    nearest = _nearest(here, sizes)
    hour_var = np.asarray([p.between_var for p in here])[nearest]
    shape, rough, kept = _thinned(weights)
    told = _told(known, missed.rest[shape], rough)
    mean = curves_on(learnt, ladder)[shape] + missed.scale[shape, None] + told[:, : len(sizes)]
    tail = missed.log_tail + told[:, len(sizes) :]
    first = int(np.searchsorted(rough, sum(sd < RISES_FROM for sd in learnt.rough_sds)))
    mixed = _Mixed(known, rough, kept, mean, tail, first)
    total = _mixture(mixed, hour_var, math.log(threshold_ms))
    return _summed(total, known, tuple(memory_mb_of(here[i].size) for i in nearest))


def prior_of(learnt: Learnt) -> Floats:
    """Log weights of every shape (rows) and class of roughness (columns) beforehand."""
    shapes = shapes_of(learnt)
    return np.asarray(shapes.log_prior[:, None] + np.log(learnt.rough_weights)[None, :])


def posterior(evidence: Evidence, learnt: Learnt = LEARNT) -> Floats | None:
    """What the evidence says of shapes (rows) and classes of roughness (columns), summing to 1.

    None where it says nothing of them: one size has a level, and no shape.
    """
    here = evidence.here()
    if len({point.size for point in evidence.points}) < 2 or not here:
        return None
    known = krige(learnt, here, (memory_mb_of(here[0].size),))
    return _weights(learnt, evidence, prior_of(learnt), known, _missed(learnt, here))


@dataclass(frozen=True, slots=True)
class _Missed:
    """What each shape (rows) leaves to explain, once it runs through the best known size."""

    scale: Floats
    """log c of every shape."""
    log_tail: float
    """log(p95 / mean) there."""
    rest: Floats
    """Rows of means, then p95s, less shape, scale and tail."""


def _missed(learnt: Learnt, points: Sequence[Point]) -> _Missed:
    best = min(range(len(points)), key=lambda i: points[i].log_p95_var)
    means = np.asarray([p.log_mean for p in points])[None, :] - curves_on(
        learnt, tuple(memory_mb_of(p.size) for p in points)
    )
    scale, log_tail = means[:, best], points[best].log_tail
    means = means - scale[:, None]
    tails = np.asarray([p.log_tail - log_tail for p in points])[None, :]
    return _Missed(scale, log_tail, np.hstack([means, means + tails]))


def _weights(
    learnt: Learnt, evidence: Evidence, prior: Floats, known: Kriging, missed: _Missed
) -> Floats:
    """Posterior of every shape (rows) and class of roughness (columns)."""
    log_weights = prior + _fit(known, missed)
    for segment in sorted({p.segment for p in evidence.points} - {evidence.current}):
        points = [p for p in evidence.points if p.segment == segment]
        if len(points) < 2:
            continue  # with a free scale, one size says nothing of the shape
        old = krige(learnt, points, (memory_mb_of(points[0].size),))
        log_weights = log_weights + OLD_SEGMENT_WEIGHT * _fit(old, _missed(learnt, points))
    weights = np.exp(log_weights - log_weights.max())
    return np.asarray(weights / weights.sum(), dtype=np.float64)


def _fit(known: Kriging, missed: _Missed) -> Floats:
    """Log likelihood of every shape (rows) under every class of roughness (columns)."""
    squares = ((missed.rest @ known.solve) * missed.rest).sum(axis=-1)
    return np.asarray(known.log_constant - 0.5 * squares.T)


@dataclass(frozen=True, slots=True)
class _Mixed:
    """What stands for all: rows of a shape under a class each, in order of class."""

    known: Kriging
    rough: Indices
    """Class of every row."""
    weights: Floats
    mean: Floats
    tail: Floats
    first: int
    """The first row of a class that may seem to rise."""


def _told(k: Kriging, rest: Floats, rough: Indices) -> Floats:
    """What the measurements say of means, then tails, at every size: rows of `rest`, each by its
    own class, in one product."""
    classes, size, count = k.mean_gain.shape
    spread = np.zeros((len(rough), classes, count))
    spread[np.arange(len(rough)), rough] = rest
    gains = np.concatenate([k.mean_gain, k.p95_gain - k.mean_gain], axis=1)
    gains = gains.transpose(0, 2, 1).reshape(classes * count, 2 * size)
    return np.asarray(spread.reshape(len(rough), classes * count) @ gains)


def _mixture(m: _Mixed, hour_var: Floats, log_threshold: float) -> Floats:
    """The mixture, per size: its weight, first and second moments of mean and p95, the chance
    to meet the threshold, and the overshoot."""
    k = m.known
    mean, mean_var = _between(m)
    p95 = mean + m.tail
    poor = np.maximum(k.mean_var - k.sure_mean_var, 0.0)
    p95_more = poor + np.maximum(k.p95_var - k.mean_var, 0.0) + hour_var
    sure_more = np.maximum(k.sure_var - k.sure_mean_var, 0.0) + hour_var
    p95_var = mean_var + p95_more[m.rough]
    # A shape that is over the threshold gains no probability from a poorly known level:
    # fewer samples must never make a size look better.
    room = log_threshold - p95
    less = mean_var + np.minimum(sure_more, p95_more)[m.rough]
    sd = np.sqrt(np.where(room < 0.0, less, p95_var))
    z = room / sd
    met = normal_cdf_table(z)
    over = sd * np.exp(-0.5 * z * z) * DENSITY - room * (1.0 - met)
    # Whether a shape meets the threshold anywhere, by its middle: that does not hang on noise.
    sure = np.sqrt(mean_var + sure_more[m.rough])
    reach = normal_cdf_table((room / sure).max(axis=1))
    w = m.weights * (UNREACHABLE + (1.0 - UNREACHABLE) * reach)
    squares = w @ (mean * mean + mean_var + poor[m.rough]), w @ (p95 * p95 + p95_var)
    rows = (np.full(len(hour_var), w.sum()), w @ mean, squares[0], w @ p95, squares[1])
    return np.stack([*rows, w @ met, w @ over])


def _summed(total: Floats, k: Kriging, anchor_mb: tuple[int, ...]) -> Prediction:
    log_mean, mean_square, log_p95, p95_square, p_slo, overshoot = total[1:] / total[0]
    return Prediction(
        log_mean=log_mean,
        log_mean_sd=np.sqrt(np.maximum(mean_square - log_mean**2, 1e-8)),
        log_p95=log_p95,
        log_p95_sd=np.sqrt(np.maximum(p95_square - log_p95**2, 1e-8)),
        p_slo=np.clip(p_slo, 0.0, 1.0),
        overshoot=np.maximum(overshoot, 0.0),
        width90=Z90 - NARROWER * np.minimum(k.doublings / NARROWER_DOUBLINGS, 1.0),
        anchor_mb=anchor_mb,
    )


def _thinned(weights: Floats) -> tuple[Indices, Indices, Floats]:
    """Shapes, classes and weights of at most twice `SLOTS` that stand for all.

    What weighs a slot or more stays as it is; of the rest, taken in the grid's order, each
    slot's worth is stood for by one. No chance is involved, and the total is kept.
    """
    flat = weights.T.ravel()
    small = np.where(flat * SLOTS < 1.0, flat, 0.0)
    turns = np.diff(np.floor(np.cumsum(small) * SLOTS + 0.5), prepend=0.0)
    found = np.where(flat * SLOTS < 1.0, turns / SLOTS, flat)
    places = np.flatnonzero(found)
    return places % len(weights), places // len(weights), found[places] / found[places].sum()


def _between(m: _Mixed) -> tuple[Floats, Floats]:
    """Moments of log means that are known to lie between bounds, had measurements been exact.

    More memory makes nothing slower, but for what is within the noise. Smooth classes keep to
    their shapes, and shapes never rise.
    """
    k = m.known
    var = np.minimum(k.sure_mean_var, k.mean_var)[m.rough]
    mean, left = m.mean[m.first :], var[m.first :]
    sd = np.sqrt(left)
    low = ((k.lower - mean) / sd).clip(-8.0, 4.0)
    high = ((k.upper - mean) / sd).clip(-4.0, 8.0)
    low_density, high_density = np.exp(-0.5 * low * low), np.exp(-0.5 * high * high)
    inside = np.maximum(normal_cdf_table(high) - normal_cdf_table(low), 1e-5) / DENSITY
    shift = (low_density - high_density) / inside
    part = 1.0 + (low * low_density - high * high_density) / inside - shift * shift
    m.mean[m.first :] = (mean + sd * shift).clip(k.lower, k.upper)
    left *= part.clip(0.02, 1.0)
    return m.mean, var


def _nearest(points: Sequence[Point], sizes: Floats) -> list[int]:
    """Which measured size is nearest (log) to each size; of two, the larger."""
    measured = np.asarray([float(memory_mb_of(p.size)) for p in points])
    order = np.argsort(-measured)
    gaps = np.abs(np.log(measured[order][None, :] / sizes[:, None]))
    return [int(i) for i in order[gaps.argmin(axis=1)]]
