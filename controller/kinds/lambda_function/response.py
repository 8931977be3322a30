"""How long a function takes at each memory size: a posterior over response curves.

The family is duration(m) = c * (a + (1 - a) * (1769 / min(m, s))**p): a share `a` that no
CPU speeds up, a power `p` of the CPU that memory buys (1,769 MB are one vCPU), and a size
`s` from which more memory buys nothing. Of the families fitted to measured curves it is
the closest (median error .05 in log units). The scale `c` is free in every segment of
evidence: a release or a jump moves the scale and leaves most of the shape.

The prior is a grid of shapes with hand-set weights, to be replaced by one that is learnt;
whoever uses `Response` sees only `predict`.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from controller.core.evidence import Evidence, Point
from controller.core.stats import Floats, normal_cdf_array
from controller.model.size import memory_mb_of

VCPU_MB = 1769.0
MODEL_SD_PER_DOUBLING = 0.06
"""Distance of measured curves from the family, in log units, one doubling away."""
MODEL_SD_LIMIT = 0.12
TAIL_SD_PER_DOUBLING = 0.03
"""Change of log(p95 / mean) per doubling of memory: up to +-25 % over the whole range."""
MODEL_NOISE_VAR = 0.05**2
"""Error of a measured point against the true family, when weighing shapes."""
OLD_SEGMENT_WEIGHT = 0.5
"""What another segment's shape counts for, against the current one's."""


@dataclass(frozen=True, slots=True)
class Shapes:
    """The grid of response shapes: one row per (a, p, s), with prior log weights."""

    share_fixed: Floats
    power: Floats
    saturation_mb: Floats
    log_prior: Floats

    def log_duration(self, memory_mb: Floats) -> Floats:
        """log h(m) of every shape (rows) at every memory size (columns)."""
        cpu = np.minimum(memory_mb[None, :], self.saturation_mb[:, None])
        scaled = (VCPU_MB / cpu) ** self.power[:, None]
        fixed = self.share_fixed[:, None]
        return np.asarray(np.log(fixed + (1.0 - fixed) * scaled), dtype=np.float64)


@lru_cache(maxsize=1)
def prior() -> Shapes:
    """Every combination of a share, a power and a saturation size, weighed by plausibility."""
    shares = [0.0, 0.02, 0.05, 0.12, 0.22, 0.35, 0.5, 0.62, 0.74, 0.85, 0.94, 1.0]
    share_weights = [3.0, 1.5, 1.5, 1.5, 1.5, 1.5, 1.5, 1.2, 1.2, 1.2, 1.0, 1.5]
    powers = [0.7, 0.9, 1.0, 1.1, 1.3, 1.6]
    power_weights = [0.6, 1.5, 3.0, 3.0, 1.2, 0.6]
    sizes = [512.0, 1024.0, 1280.0, 1536.0, 1769.0, 2048.0, 2560.0, 3538.0, 10240.0]
    size_weights = [1.5, 1.2, 1.0, 1.5, 3.0, 2.5, 1.0, 0.8, 0.5]
    grid = np.meshgrid(shares, powers, sizes, indexing="ij")
    weights = (
        np.asarray(share_weights)[:, None, None]
        * np.asarray(power_weights)[None, :, None]
        * np.asarray(size_weights)[None, None, :]
    )
    flat = weights.ravel() / weights.sum()
    return Shapes(grid[0].ravel(), grid[1].ravel(), grid[2].ravel(), np.log(flat))


@dataclass(frozen=True, slots=True)
class Prediction:
    """What is expected at each of some memory sizes, in logs of milliseconds."""

    log_mean: Floats
    log_mean_sd: Floats
    log_p95: Floats
    log_p95_sd: Floats
    p_slo: Floats
    """Probability that the p95 of an hour to come is at most the threshold."""
    anchor_mb: tuple[int, ...]
    """The measured size each prediction starts from."""


def predict(evidence: Evidence, memory_mb: Sequence[int], threshold_ms: float) -> Prediction | None:
    """Predict at `memory_mb` from the evidence; None where the live code was never measured.

    A size that was measured in the current segment is taken as measured. Elsewhere each
    shape starts from the nearest measured size; the shapes' disagreement, the family's own
    error and the tail's drift widen the answer with distance.
    """
    here = evidence.here()
    if not here:
        return None
    shapes = prior()
    weights = _posterior(shapes, evidence)
    sizes = np.asarray(memory_mb, dtype=np.float64)
    anchors = [_nearest(here, mb) for mb in memory_mb]
    anchor_mb = np.asarray([float(memory_mb_of(p.size)) for p in anchors])
    steps = _steps(shapes, sizes, anchor_mb)
    doublings = np.abs(np.log2(sizes / anchor_mb))
    model_var = np.minimum(MODEL_SD_PER_DOUBLING * doublings, MODEL_SD_LIMIT) ** 2
    tail_var = (TAIL_SD_PER_DOUBLING * doublings) ** 2
    mean_var = np.asarray([p.log_mean_var for p in anchors]) + model_var
    hour_var = np.asarray([p.between_var for p in anchors]) + model_var + tail_var
    p95_var = np.asarray([p.log_p95_var for p in anchors]) + hour_var
    log_p95 = np.asarray([p.log_p95 for p in anchors])[None, :] + steps
    room = math.log(threshold_ms) - log_p95
    # A shape that is over the threshold gains no probability from a poorly known level:
    # fewer samples must never make a size look better.
    z = room / np.sqrt(np.where(room < 0.0, hour_var[None, :], p95_var[None, :]))
    step_mean = weights @ steps
    step_var = np.maximum(weights @ steps**2 - step_mean**2, 0.0)
    return Prediction(
        log_mean=np.asarray([p.log_mean for p in anchors]) + step_mean,
        log_mean_sd=np.sqrt(mean_var + step_var),
        log_p95=np.asarray([p.log_p95 for p in anchors]) + step_mean,
        log_p95_sd=np.sqrt(p95_var + step_var),
        p_slo=np.clip(weights @ normal_cdf_array(z), 0.0, 1.0),
        anchor_mb=tuple(memory_mb_of(p.size) for p in anchors),
    )


def _steps(shapes: Shapes, sizes: Floats, anchor_mb: Floats) -> Floats:
    """log h(size) - log h(anchor) of every shape: what the step does to the duration."""
    return shapes.log_duration(sizes) - shapes.log_duration(anchor_mb)


def _nearest(points: Sequence[Point], memory_mb: int) -> Point:
    return min(
        points,
        key=lambda p: (abs(math.log(memory_mb_of(p.size) / memory_mb)), -memory_mb_of(p.size)),
    )


def _posterior(shapes: Shapes, evidence: Evidence) -> Floats:
    """Weights of the shapes after all segments; a segment with one size says nothing.

    With a free scale per segment, what remains of a normal likelihood is the weighted
    scatter of (measured - shape) around its own mean.
    """
    log_weights = shapes.log_prior.copy()
    for segment in sorted({p.segment for p in evidence.points}):
        points = [p for p in evidence.points if p.segment == segment]
        if len(points) < 2:
            continue
        sizes = np.asarray([float(memory_mb_of(p.size)) for p in points])
        measured = np.asarray([p.log_mean for p in points])
        precision = 1.0 / (np.asarray([p.log_mean_var for p in points]) + MODEL_NOISE_VAR)
        residual = measured[None, :] - shapes.log_duration(sizes)
        centre = (residual @ precision) / precision.sum()
        misfit = ((residual - centre[:, None]) ** 2) @ precision
        count = 1.0 if segment == evidence.current else OLD_SEGMENT_WEIGHT
        log_weights = log_weights - 0.5 * count * misfit
    log_weights -= log_weights.max()
    weights = np.exp(log_weights)
    return np.asarray(weights / weights.sum(), dtype=np.float64)
