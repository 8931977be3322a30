"""Measured windows of one instance type, gathered by load: what a latency curve is fitted to."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from operator import attrgetter
from statistics import NormalDist

import numpy as np

from controller.core.levels import column
from controller.core.stats import Floats
from controller.model.estimate import Observation
from controller.model.missing import Missing

BIN_LOG = 0.1
"""Windows whose loads differ by less than about a tenth are taken together."""
MEMORY_S = 7 * 86_400.0
"""Age at which a window counts for half."""
SCATTER_FLOOR = 0.02
TOGETHER = 4.0
"""Neighbouring windows err alike beyond what sampling explains: so many count as one. Sampling
errors are each window's own."""
OUTLIER_SDS = 4.0
QUEUE = 4.0
"""A window this many times slower than usual leaves a queue to the next, whose latency is its
own only if it has no less load …"""
QUICK = 1.5
"""… or is within this many times of the usual again."""
_NORMAL = NormalDist()
TOP_ROWS = 6
"""A load has been seen enough when half an hour was spent at it or above."""


@dataclass(frozen=True, slots=True)
class Loads:
    """Bins of load per instance, lowest first, as logarithms; and what they rest on."""

    load_rps: Floats
    log_p95: Floats
    variance: Floats
    """Of each bin's level."""
    scatter: float
    """Log standard deviation of a window around its bin."""
    service_scatter: float
    """Log standard deviation of single requests at the lightest loads."""
    log_tail: float
    """log(percentile / mean) at the lightest loads."""
    top_rps: float
    """Highest load seen enough."""
    requests: int
    windows: int


def gathered(rows: Sequence[Observation], percentile: float = 0.95) -> Loads | None:
    """Rows of one type in one segment, as bins; None where no load is known.

    `percentile` is the SLO's, which rows carry as `p95_ms`.
    """
    known = [r for r in rows if not isinstance(r.load_rps, Missing) and r.load_rps > 0.0]
    known = without_queues(known)
    if not known:
        return None
    load = column(known, "load_rps")
    order = np.argsort(load, kind="stable")
    load = load[order]
    p95_ms, p50_ms, mean_ms, requests, end_s = (
        column(known, name)[order] for name in ("p95_ms", "p50_ms", "mean_ms", "requests", "end_s")
    )
    log_p95 = np.log(p95_ms)
    rank = max(0.5, _NORMAL.inv_cdf(percentile))
    # Log standard deviation of single latencies, from the median and the percentile.
    sigma = np.maximum(0.05, np.log(np.maximum(p95_ms / p50_ms, 1.0)) / rank)
    # Of a sample quantile: sqrt(p (1 - p)) / density, half more for tails that are no lognormal.
    spread = 1.5 * math.sqrt(percentile * (1.0 - percentile)) / _NORMAL.pdf(rank)
    noise = (spread * sigma) ** 2 / requests
    weight = 0.5 ** ((end_s.max() - end_s) / MEMORY_S)
    places = _bins(load)
    scatter = _scatter(log_p95, noise, places)
    light = slice(0, max(1, len(known) // 4))
    return Loads(
        *_levels(load, log_p95, _Variances.of(scatter**2, noise, weight), places),
        scatter=scatter,
        service_scatter=float(np.median(sigma[light])),
        log_tail=float(np.median(np.log(p95_ms[light] / mean_ms[light]))),
        top_rps=float(load[-min(TOP_ROWS, len(load))]),
        requests=int(requests.sum()),
        windows=len(known),
    )


def without_queues(rows: Sequence[Observation]) -> list[Observation]:
    """Rows whose latency is of their own load: not those that follow on an overload and serve
    the queue that it left. More instances have come by then, and were they believed, their load
    would look as if it were too much."""
    if len(rows) < 2:
        return list(rows)
    ordered = sorted(rows, key=attrgetter("start_s"))
    p95_ms = column(ordered, "p95_ms")
    usual_ms = float(np.median(p95_ms))
    if p95_ms.max() <= QUEUE * usual_ms:
        return ordered
    kept, burdened = [ordered[0]], False
    for before, row in pairwise(ordered):
        queued = row.start_s <= before.end_s and before.p95_ms > QUEUE * usual_ms
        relieved = burdened or _load(row) < _load(before)
        burdened = queued and relieved and row.p95_ms > QUICK * usual_ms
        if not burdened:
            kept.append(row)
    return kept


def _load(row: Observation) -> float:
    return 0.0 if isinstance(row.load_rps, Missing) else row.load_rps


def _bins(load: Floats) -> list[slice]:
    """Runs of the sorted loads that lie within a bin's width of their first."""
    logs, edges = np.log(load), [0]
    while edges[-1] < len(load):
        edges.append(int(np.searchsorted(logs, logs[edges[-1]] + BIN_LOG, side="right")))
    return [slice(a, b) for a, b in pairwise(edges)]


def _scatter(log_p95: Floats, noise: Floats, places: Sequence[slice]) -> float:
    """Spread of windows around their bins, beyond what sampling explains; robust."""
    left = [log_p95[at] - np.median(log_p95[at]) for at in places if at.stop - at.start > 2]
    if not left:
        return 0.1
    spread = 1.4826 * float(np.median(np.abs(np.concatenate(left)))) * 1.1
    return max(SCATTER_FLOOR, math.sqrt(max(0.0, spread**2 - float(np.median(noise)))))


@dataclass(frozen=True, slots=True)
class _Variances:
    """Of every window."""

    alone: Floats
    """Around its bin."""
    among: Floats
    """What it adds to its bin's level, one of many."""

    @classmethod
    def of(cls, scatter: float, noise: Floats, weight: Floats) -> "_Variances":
        return cls((scatter + noise) / weight, (TOGETHER * scatter + noise) / weight)


def _levels(
    load: Floats, log_p95: Floats, variance: _Variances, places: Sequence[slice]
) -> tuple[Floats, Floats, Floats]:
    """(load, level, variance of the level) of every bin, odd windows left out."""
    found = []
    for at in places:
        middle = float(np.median(log_p95[at]))
        apart = np.abs(log_p95[at] - middle)
        near = apart <= np.maximum(OUTLIER_SDS * np.sqrt(variance.alone[at]), np.median(apart))
        weights = near / variance.among[at]
        total = float(weights.sum())
        found.append(
            (
                float(weights @ load[at]) / total,
                float(weights @ log_p95[at]) / total,
                1.0 / total,
            )
        )
    columns = np.asarray(found).T
    return columns[0], columns[1], columns[2]
