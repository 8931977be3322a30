"""The family of response curves, and what is learnt of it beforehand.

duration(m) = c * (a + (1 - a) * (1769 / min(m, s))**p): a share `a` that no CPU speeds up, a
power `p` of the CPU that memory buys (1,769 MB are one vCPU), and a size `s` from which more
memory buys nothing. Real curves stray from the family, some by 2 %, some by 30 %; by how much is
a smooth random function of log memory (Matern 3/2) whose size is one of a few classes.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from controller.core.stats import Floats

VCPU_MB = 1769.0


@dataclass(frozen=True, slots=True)
class Learnt:
    """What measured curves say of curves to come."""

    shares: tuple[float, ...]
    powers: tuple[float, ...]
    saturations_mb: tuple[float, ...]
    weights: tuple[str, ...]
    """Ten-thousandths: a row for every share and power, a number for every saturation."""
    rough_sds: tuple[float, ...]
    """Distance of a curve from the family (sd, log units), per class of functions …"""
    rough_weights: tuple[float, ...]
    """… and how likely each class is."""
    reach_doublings: float
    """Over how many doublings of memory that distance is much the same."""
    point_sd: float
    """What single sizes stray besides."""
    tail_slope_sd: float
    """Change of log(p95 / mean) per doubling of memory …"""
    tail_scatter_sd: float
    """… and what single sizes stray from that."""


@dataclass(frozen=True, slots=True)
class Shapes:
    """The shapes that are considered: one row per (a, p, s), with prior log weights."""

    rows: Floats
    log_prior: Floats

    def log_duration(self, memory_mb: Floats) -> Floats:
        """log h(m) of every shape (rows) at every memory size (columns)."""
        return log_duration(self.rows, memory_mb)


def log_duration(rows: Floats, memory_mb: Floats) -> Floats:
    """log h(m) of shapes, given as rows (a, p, s), at every memory size (columns)."""
    fixed, power, saturation = rows[:, 0:1], rows[:, 1:2], rows[:, 2:3]
    scaled = (VCPU_MB / np.minimum(memory_mb[None, :], saturation)) ** power
    return np.asarray(np.log(fixed + (1.0 - fixed) * scaled), dtype=np.float64)


def correlation(gaps: Floats) -> Floats:
    """Matern 3/2, of gaps in units of its reach."""
    scaled = np.sqrt(3.0) * gaps
    return np.asarray((1.0 + scaled) * np.exp(-scaled), dtype=np.float64)


@lru_cache(maxsize=64)
def shapes_of(learnt: Learnt) -> Shapes:
    """The grid without what has no weight."""
    axes = np.meshgrid(learnt.shares, learnt.powers, learnt.saturations_mb, indexing="ij")
    rows = np.stack([axis.ravel() for axis in axes], axis=1)
    weights = np.asarray([float(w) for row in learnt.weights for w in row.split()])
    kept = weights > 0.0
    return Shapes(rows[kept], np.log(weights[kept] / weights[kept].sum()))


@lru_cache(maxsize=64)
def curves_on(learnt: Learnt, sizes_mb: tuple[int, ...]) -> Floats:
    """`Shapes.log_duration` on a ladder: the same for every endpoint that has this ladder."""
    return shapes_of(learnt).log_duration(np.asarray(sizes_mb, dtype=np.float64))
