"""What single calls at a size say of its level and tail: a `Point` for the response model.

A handful of calls is judged against the live ones: what the same handful of those would have
shown, stragglers and all, gives the offset and the error of the estimate. Tails of few calls are
taken from how much their bulk scatters, those of many from their own quantile.
"""

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

import numpy as np

from controller.core.evidence import Evidence, Point
from controller.core.stats import Floats
from controller.model.size import LambdaSize

TRIMMED = 0.1
"""Share of the slowest calls that is left out of a level; at least one."""
BLOCK = 100
"""Calls beyond which the error of a level follows the square root law."""
DIRECT = 200
"""Calls from which mean and p95 are taken as they are."""
TAIL_CALLS = 8
"""Calls from which anything is said of the tail."""
QUANTILE_CALLS = 40
SCATTER_DOUBT = 0.35
"""How wrong it may be that the tail follows the scatter of the bulk, at all sizes of a function
alike …"""
SCATTER_SD = 0.04
"""… and at each by itself."""
SCATTERS = (0.3, 4.0)
"""Least and most that a handful's scatter is believed to differ from that of live calls."""
LEVEL_SD = 0.01
UNKNOWN_VAR = 4.0


@dataclass(frozen=True, slots=True)
class _Block:
    """What so many live calls show: log mean over level, variance of level, bulk's scatter."""

    offset: float
    variance: float
    scatter: float


@dataclass(frozen=True, slots=True)
class Usual:
    """Live calls at the current size, and what follows from them."""

    durations_ms: Floats
    log_mean: float
    log_tail: float
    scatter: float
    density: float
    """Of log duration at the p95, the least that it may be: how well a quantile is known."""
    slow_per_log: float
    """Requests that become slow per unit of log p95: the mass just below the p95. Stragglers
    make a long thin tail above it, which says nothing of that."""
    follows: float
    """By how much the p95 (log) moves where the scatter of the bulk is one and the same again: as
    far as it is a call of the bulk, and not a straggler."""
    _blocks: dict[int, _Block] = field(default_factory=dict)

    def block(self, calls: int) -> _Block:
        """What `calls` live calls show, by how many of them; at most `BLOCK`."""
        count = min(calls, BLOCK, len(self.durations_ms) // 2)
        if count not in self._blocks:
            whole = len(self.durations_ms) // count * count
            level, scatter = _bulk(self.durations_ms[:whole].reshape(-1, count))
            variance = max(float(level.var()), 0.8 * self.scatter**2 / count)
            offset = self.log_mean - float(level.mean())
            self._blocks[count] = _Block(offset, variance, max(float(scatter.mean()), 1e-3))
        return self._blocks[count]


def usual(durations_ms: Floats) -> Usual:
    """What live calls teach. Raises ValueError for fewer than a hundred."""
    if len(durations_ms) < BLOCK:
        raise ValueError(f"{len(durations_ms)} live calls are too few, {BLOCK} are needed")
    logs = np.sort(np.log(durations_ms))
    log_mean = math.log(float(durations_ms.mean()))
    at = np.quantile(logs, [0.90, 0.93, 0.95, 0.97, 0.98])
    density = min(0.08 / max(at[4] - at[0], 1e-3), 0.04 / max(at[3] - at[1], 1e-3))
    below = 0.05 / max(at[2] - at[0], 1e-3)
    scatter = float(logs[: int(0.97 * len(logs))].std())
    tail = float(at[2]) - log_mean
    return Usual(
        durations_ms=durations_ms,
        log_mean=log_mean,
        log_tail=tail,
        scatter=scatter,
        density=float(density),
        slow_per_log=float(max(below, density)),
        follows=_follows(float(at[2] - np.median(logs)), scatter, float(density)),
    )


def _follows(above: float, scatter: float, density: float) -> float:
    """How a quantile that lies so far above the median moves with the bulk's scale: by its
    distance, times the share of the density there that is the bulk's, if that is normal."""
    deviations = above / max(scatter, 1e-6)
    normal = math.exp(-0.5 * deviations * deviations) / math.sqrt(2.0 * math.pi)
    return above * min(1.0, normal / (max(scatter, 1e-6) * density))


def point(memory_mb: int, durations_ms: Floats, live: Usual, pooled: float = 1.0) -> Point:
    """Level and tail of some calls at a size. `pooled`: scatter over live calls', of all sizes."""
    count = len(durations_ms)
    log_mean, variance = _level(durations_ms, live)
    log_tail, tail_var, shared_sd = _tail(durations_ms, log_mean, live, pooled)
    return Point(
        size=LambdaSize(memory_mb),
        segment=0,
        log_mean=log_mean,
        log_mean_var=variance,
        log_p95=log_mean + log_tail,
        log_p95_var=variance + tail_var,
        between_var=0.0,
        requests=count,
        hours=1,
        first_s=0.0,
        last_s=0.0,
        shared_sd=shared_sd,
    )


def evidence_of(calls: Mapping[int, Floats], live: Usual) -> Evidence:
    """Calls by memory size (MB), as one segment of evidence."""
    pooled = _pooled_ratio(calls.values(), live)
    points = tuple(point(mb, durations, live, pooled) for mb, durations in sorted(calls.items()))
    return Evidence(points, current=0, jumped_at_s=None)


def _scatter_ratio(durations_ms: Floats, live: Usual) -> float:
    """Scatter of the bulk of some calls over that of as many live ones."""
    ratio = float(_bulk(durations_ms)[1]) / live.block(len(durations_ms)).scatter
    return min(max(ratio, SCATTERS[0]), SCATTERS[1])


def _pooled_ratio(calls: Collection[Floats], live: Usual) -> float:
    """How much calls at all sizes together scatter over live ones: what errors follow from. By
    its own scatter, a handful that lies close together by chance would seem better known than
    others, and outvote them."""
    few = [d for d in calls if TAIL_CALLS <= len(d) < 2 * DIRECT]
    known = [(math.sqrt(len(d)), _scatter_ratio(d, live)) for d in few]
    weight = sum(root for root, _ in known)
    return sum(root * ratio for root, ratio in known) / weight if known else 1.0


def _bulk(durations_ms: Floats) -> tuple[Floats, Floats]:
    """Mean and scatter of log duration without the slowest calls; along the last axis."""
    count = durations_ms.shape[-1]
    kept = count - max(1, math.ceil(TRIMMED * count)) if count > 1 else 1
    part = np.sort(np.log(durations_ms), axis=-1)[..., :kept]
    return part.mean(axis=-1), part.std(axis=-1)


def _level(durations_ms: Floats, live: Usual) -> tuple[float, float]:
    count = len(durations_ms)
    if count >= DIRECT:
        mean = float(durations_ms.mean())
        return math.log(mean), (float(durations_ms.std()) / mean) ** 2 / count
    block = live.block(count)
    variance = block.variance if count <= BLOCK else 1.1 * live.scatter**2 / count
    return float(_bulk(durations_ms)[0]) + block.offset, variance + LEVEL_SD**2


def _tail(
    durations_ms: Floats, log_mean: float, live: Usual, pooled: float
) -> tuple[float, float, float]:
    """log(p95 / mean), its variance, and the error (sd) in it that other sizes share."""
    count = len(durations_ms)
    if count < TAIL_CALLS:
        return live.log_tail, UNKNOWN_VAR, 0.0
    wider = max(1.0, pooled)
    by_scatter = live.log_tail + live.follows * (_scatter_ratio(durations_ms, live) - 1.0)
    scatter_var = (live.follows * wider) ** 2 * 0.8 / count + SCATTER_SD**2
    shared_sd = SCATTER_DOUBT * live.follows * (pooled - 1.0)
    if count < QUANTILE_CALLS:
        return by_scatter, scatter_var + shared_sd**2, shared_sd
    by_quantile = float(np.quantile(np.log(durations_ms), 0.95)) - log_mean
    quantile_var = 1.1 * 0.0475 / count * (wider / live.density) ** 2 + 1.0 / count**2
    if count >= 2 * DIRECT:
        return by_quantile, quantile_var, 0.0
    part = quantile_var / (quantile_var + scatter_var + shared_sd**2)
    mean = part * by_scatter + (1.0 - part) * by_quantile
    shared_sd *= part
    variance = part**2 * scatter_var + (1.0 - part) ** 2 * quantile_var + shared_sd**2
    return mean, variance, shared_sd
