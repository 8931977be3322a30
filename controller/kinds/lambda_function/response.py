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
from controller.core.stats import Z90, Floats, normal_cdf_table
from controller.kinds.lambda_function.kriging import Kriging, krige
from controller.kinds.lambda_function.learnt import LEARNT
from controller.kinds.lambda_function.shapes import Learnt, curves_on, shapes_of
from controller.model.size import memory_mb_of

Indices: TypeAlias = npt.NDArray[np.int64]

OLD_SEGMENT_WEIGHT = 0.5
"""What another segment's shape counts for, against the current one's."""
SLOTS = 150
"""Shapes that stand for all of the grid's in a prediction, about."""
NARROWER, NARROWER_DOUBLINGS = 0.3, 1.5
"""By `bench/calibration.py`: with these, nine truths in ten lie inside."""
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


@dataclass(frozen=True, slots=True)
class _Rows:
    """Shapes (rows) that stand for all, at every size (columns)."""

    weights: Floats
    mean: Floats
    sure_mean_var: Floats
    noise_var: Floats
    """Of the mean, from the noise of measurements alone."""
    tail: Floats
    tail_var: Floats
    sure_tail_var: Floats
    lower: Floats
    upper: Floats
    width90: Floats


def predict(
    evidence: Evidence,
    memory_mb: Sequence[int],
    threshold_ms: float,
    learnt: Learnt = LEARNT,
) -> Prediction | None:
    """Predict at `memory_mb` from the evidence; None where the live code was never measured."""
    here = evidence.here()
    if not here:
        return None
    sizes = np.asarray(memory_mb, dtype=np.float64)
    known = [krige(learnt, sd, here, sizes) for sd in learnt.rough_sds]
    missed = _missed(learnt, here)
    weights = _weights(learnt, evidence, known, missed)
    nearest = _nearest(here, sizes)
    return _mixture(
        _rows(learnt, tuple(memory_mb), known, missed, weights),
        np.asarray([p.between_var for p in here])[nearest],
        math.log(threshold_ms),
        tuple(memory_mb_of(here[i].size) for i in nearest),
    )


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
    learnt: Learnt, evidence: Evidence, known: Sequence[Kriging], missed: _Missed
) -> Floats:
    """Posterior of every shape (rows) and class of roughness (columns)."""
    shapes = shapes_of(learnt)
    log_weights = shapes.log_prior[:, None] + np.log(learnt.rough_weights)[None, :]
    log_weights = log_weights + _fit(known, missed)
    for segment in sorted({p.segment for p in evidence.points} - {evidence.current}):
        points = [p for p in evidence.points if p.segment == segment]
        if len(points) < 2:
            continue  # with a free scale, one size says nothing of the shape
        none = np.asarray([float(memory_mb_of(points[0].size))])
        old = [krige(learnt, sd, points, none) for sd in learnt.rough_sds]
        log_weights = log_weights + OLD_SEGMENT_WEIGHT * _fit(old, _missed(learnt, points))
    weights = np.exp(log_weights - log_weights.max())
    return np.asarray(weights / weights.sum(), dtype=np.float64)


def _fit(known: Sequence[Kriging], missed: _Missed) -> Floats:
    """Log likelihood of every shape (rows) under every class of roughness (columns)."""
    each = [
        k.log_constant - 0.5 * ((missed.rest @ k.solve) * missed.rest).sum(axis=1) for k in known
    ]
    return np.stack(each, axis=1)


def _mixture(
    rows: _Rows,
    hour_var: Floats,
    log_threshold: float,
    anchor_mb: tuple[int, ...],
) -> Prediction:
    """Moments and probabilities over all shapes and classes that count."""
    mean, mean_var = _between(rows.mean, rows.sure_mean_var, rows.lower, rows.upper)
    sure_var = mean_var + rows.sure_tail_var + hour_var
    mean_var = mean_var + rows.noise_var
    p95, p95_var = mean + rows.tail, mean_var + rows.tail_var
    # A shape that is over the threshold gains no probability from a poorly known level:
    # fewer samples must never make a size look better.
    room = log_threshold - p95
    sd = np.sqrt(np.where(room < 0.0, np.minimum(sure_var, p95_var + hour_var), p95_var + hour_var))
    z = room / sd
    met = normal_cdf_table(z)
    over = sd * np.exp(-0.5 * z * z) * DENSITY - room * (1.0 - met)
    # Whether a shape meets the threshold anywhere, by its middle: that does not hang on noise.
    reach = normal_cdf_table((room / np.sqrt(sure_var)).max(axis=1))
    weights = rows.weights * (UNREACHABLE + (1.0 - UNREACHABLE) * reach)
    weights = weights / weights.sum()
    log_mean, log_p95 = weights @ mean, weights @ p95
    return Prediction(
        log_mean=log_mean,
        log_mean_sd=np.sqrt(weights @ ((mean - log_mean) ** 2 + mean_var)),
        log_p95=log_p95,
        log_p95_sd=np.sqrt(weights @ ((p95 - log_p95) ** 2 + p95_var) + hour_var),
        p_slo=np.clip(weights @ met, 0.0, 1.0),
        overshoot=np.maximum(weights @ over, 0.0),
        width90=rows.width90,
        anchor_mb=anchor_mb,
    )


def _rows(
    learnt: Learnt,
    memory_mb: tuple[int, ...],
    known: Sequence[Kriging],
    missed: _Missed,
    weights: Floats,
) -> _Rows:
    """The shapes that count, each with what it says of every size."""
    shape, rough, kept = _thinned(weights)
    rest = missed.rest[shape]
    curves = curves_on(learnt, memory_mb)[shape] + missed.scale[shape, None]
    mean, tail = np.empty_like(curves), np.empty_like(curves)
    for index, k in enumerate(known):
        mine = rough == index
        mean[mine] = curves[mine] + rest[mine] @ k.mean_gain.T
        tail[mine] = missed.log_tail + rest[mine] @ (k.p95_gain - k.mean_gain).T
    mean_var = np.stack([k.mean_var for k in known])[rough]
    sure_mean_var = np.stack([k.sure_mean_var for k in known])[rough]
    p95_var = np.stack([k.p95_var for k in known])[rough]
    return _Rows(
        weights=kept,
        mean=mean,
        sure_mean_var=np.minimum(sure_mean_var, mean_var),
        noise_var=np.maximum(mean_var - sure_mean_var, 0.0),
        tail=tail,
        tail_var=np.maximum(p95_var - mean_var, 0.0),
        sure_tail_var=np.stack([k.sure_var - k.sure_mean_var for k in known])[rough].clip(0.0),
        lower=known[0].lower,
        upper=known[0].upper,
        width90=Z90 - NARROWER * np.minimum(known[0].doublings / NARROWER_DOUBLINGS, 1.0),
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


def _between(mean: Floats, var: Floats, lower: Floats, upper: Floats) -> tuple[Floats, Floats]:
    """Moments of a normal that is known to lie between bounds (per size).

    More memory makes nothing slower, but for what is within the noise.
    """
    sd = np.sqrt(var)
    low, high = np.clip((lower - mean) / sd, -8.0, 4.0), np.clip((upper - mean) / sd, -4.0, 8.0)
    low_density = np.exp(-0.5 * low * low) * DENSITY
    high_density = np.exp(-0.5 * high * high) * DENSITY
    inside = np.maximum(normal_cdf_table(high) - normal_cdf_table(low), 1e-5)
    shift = (low_density - high_density) / inside
    left = 1.0 + (low * low_density - high * high_density) / inside - shift**2
    return np.clip(mean + sd * shift, lower, upper), var * np.clip(left, 0.02, 1.0)


def _nearest(points: Sequence[Point], sizes: Floats) -> list[int]:
    """Which measured size is nearest (log) to each size; of two, the larger."""
    measured = np.asarray([float(memory_mb_of(p.size)) for p in points])
    order = np.argsort(-measured)
    gaps = np.abs(np.log(measured[order][None, :] / sizes[:, None]))
    return [int(i) for i in order[gaps.argmin(axis=1)]]
