"""Functions drawn from what is learnt of functions: what the search's rules are tuned on.

Nobody measured these, so whatever is set by looking at them was not set by looking at the curves
that judge. A drawn function is a shape of the learnt family, strays from it as a function of its
class of roughness does, and, as some real ones do and the family does not know, may fall off a
cliff: below some size it lacks memory, and takes a multiple of its time.
"""

from typing import Any

import numpy as np

from bench.measured_curves import Floats, never_rising
from controller.kinds.shared.learnt import LEARNT
from controller.kinds.shared.shapes import Learnt, correlation, shapes_of

SIZES_MB = (128, 192, 256, 384, 512, 768, 1024, 1536, 1769, 2048, 2560, 3008)
CLIFFS = 0.12
"""Share of functions that have a cliff …"""
CLIFF_FACTORS = (1.5, 8.0)
"""… and how much slower they are below it."""
MEDIAN_MS, SPREAD_LOG = 150.0, 1.3
"""Durations at one vCPU: from a few milliseconds to seconds."""


def drawn_records(count: int, seed: int, learnt: Learnt = LEARNT) -> list[dict[str, Any]]:
    """Curves in the form in which measured ones are kept, each a family of its own."""
    rng = np.random.default_rng(seed)
    return [_record(i, rng, learnt) for i in range(count)]


def _record(number: int, rng: np.random.Generator, learnt: Learnt) -> dict[str, Any]:
    sizes = np.asarray(SIZES_MB, dtype=np.float64)
    shapes = shapes_of(learnt)
    weights = np.exp(shapes.log_prior)
    shape = rng.choice(len(weights), p=weights / weights.sum())
    classes = np.asarray(learnt.rough_weights)
    rough_sd = learnt.rough_sds[rng.choice(len(classes), p=classes / classes.sum())]
    log_ms = shapes.log_duration(sizes)[shape] + _stray(sizes, rough_sd, rng, learnt)
    if rng.random() < CLIFFS:
        edge_mb = SIZES_MB[int(rng.integers(1, 6))]
        log_ms = log_ms + np.where(sizes < edge_mb, np.log(rng.uniform(*CLIFF_FACTORS)), 0.0)
    scale = rng.normal(np.log(MEDIAN_MS), SPREAD_LOG)
    duration_ms = np.exp(never_rising(log_ms) + scale)
    return {
        "name": f"drawn-{number}",
        "family": f"drawn{number}",
        "arch": "x86" if rng.random() < 0.5 else "arm64",
        "sizes_mb": list(SIZES_MB),
        "duration_ms": [float(ms) for ms in np.maximum(duration_ms, 1.0)],
    }


def _stray(sizes: Floats, rough_sd: float, rng: np.random.Generator, learnt: Learnt) -> Floats:
    """A smooth random departure from the family."""
    at = np.log2(sizes)
    gaps = np.abs(at[:, None] - at[None, :]) / learnt.reach_doublings
    smooth = rough_sd**2 * correlation(gaps) + learnt.point_sd**2 * np.eye(len(sizes))
    return np.asarray(np.linalg.cholesky(smooth) @ rng.normal(size=len(sizes)))
