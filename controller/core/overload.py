"""Whether a breach is one of too much load: latencies that are just what that load does."""

from collections.abc import Sequence
from itertools import pairwise

from controller.model.demand import Interval
from controller.model.estimate import Estimate, Observation
from controller.model.missing import Maybe, Missing
from controller.model.size import Size

NEARLY = 0.9
"""Share of the least capacity believed from which a load explains slow requests."""
MOST = 0.8
"""Share of the slow requests that must be explained."""


def denies(made: Maybe[Sequence[Estimate]], current: Size, breach: Sequence[Observation]) -> bool:
    """Whether older hours still say that the current size is fine, though by what is known of
    an instance the load of these minutes was not too much for it."""
    known = () if isinstance(made, Missing) else made
    here = next((e for e in known if e.size == current), None)
    return here is not None and here.p_slo > 0.5 and not overloaded(breach, here.capacity_rps)


def overloaded(rows: Sequence[Observation], capacity_rps: Maybe[Interval]) -> bool:
    """Whether the slow requests of these rows came with more load per instance than one is
    believed to bear, or right after it, out of the queue that was left."""
    if isinstance(capacity_rps, Missing) or not rows:
        return False
    ordered = sorted(rows, key=lambda row: row.start_s)
    over = [_over(row, NEARLY * capacity_rps.low) for row in ordered]
    after = [False, *(before for before, _ in pairwise(over))]
    slow = [_slow(row) for row in ordered]
    explained = sum(n for n, now, left in zip(slow, over, after, strict=True) if now or left)
    return sum(slow) > 0.0 and explained >= MOST * sum(slow)


def _over(row: Observation, limit_rps: float) -> bool:
    return not isinstance(row.load_rps, Missing) and row.load_rps >= limit_rps


def _slow(row: Observation) -> float:
    """Slow requests; where only percentiles are known, all those of a row that is over."""
    if isinstance(row.met_ratio, Missing):
        return float(row.requests) if row.p95_ms > row.threshold_ms else 0.0
    return row.requests * (1.0 - row.met_ratio)
