"""What is really so: latency and cost of a function at any size, which nobody in AWS can see.

For tests, benches and the demo's summary; a controller that asked for this would be cheating.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from controller.sandbox.rates import rates_of
from controller.sandbox.region import Region
from controller.sandbox.workload import Effect

if TYPE_CHECKING:
    from controller.sandbox.world import World

HOURS_PER_MONTH = 730.0
RECYCLE_S = 7500.0
_SHARES = (np.arange(4000, dtype=np.float64) + 0.5) / 4000.0


@dataclass(frozen=True, slots=True)
class Truth:
    """One size of one function under its workload as it is now."""

    memory_mb: int
    mean_ms: float
    p50_ms: float
    p95_ms: float
    met_ratio: float | None
    """Share of calls within `threshold_ms`; None where none was given."""
    out_of_memory_share: float
    timeout_share: float
    requests_per_month: float
    usd_per_month: float | None
    """None where the region has no price."""

    def document(self) -> dict[str, Any]:
        """JSON-able form."""
        return asdict(self)


def truth_of(
    world: World,
    region: Region,
    function: str,
    memory_mb: int | None = None,
    threshold_ms: float | None = None,
) -> Truth:
    """The truth at a size, or at the size that serves most requests now.

    Counts the calls of all streams at their weekly mean rate, and the disturbances in force
    now. Raises KeyError where there is no such function.
    """
    live = region.functions[function]
    workload = region.workloads[function]
    nature, now = workload.nature, np.array([world.now_s()])
    state = region.histories[function].at(world.now_s())
    streams = workload.streams
    busiest = max(streams, key=lambda s: s.traffic.mean_rps).qualifier if streams else None
    route = state.route(busiest) if state is not None else ()
    variant = max(route, key=lambda part: part[1])[0] if route else None
    config = live.latest if variant is None else variant
    size = memory_mb or config.memory_mb
    slower = workload.factor(Effect.LATENCY, now)
    heavier = workload.factor(Effect.MEMORY, now)
    busier = workload.factor(Effect.TRAFFIC, now)
    mean_ms = nature.curve.mean_ms(size) * config.latency_factor * _scalar(slower)
    limit_ms = config.timeout_s * 1000.0
    durations = np.minimum(nature.noise.quantile(_SHARES) * mean_ms, limit_ms)
    per_second = sum(s.traffic.mean_rps for s in streams) * _scalar(busier)
    requests = per_second * HOURS_PER_MONTH * 3600.0
    rates = rates_of(region.name, config.architecture)
    usd = None
    if rates is not None:
        fresh = _cold_starts(per_second, mean_ms, nature.keep_alive_s)
        billed_s = (requests * float(np.ceil(durations).mean()) + fresh * nature.init_ms) / 1000.0
        usd = rates.duration_usd(billed_s * size / 1024.0) + requests * rates.usd_per_request
    met = None
    if threshold_ms is not None:
        met = nature.noise.share_below(threshold_ms / mean_ms) if threshold_ms < limit_ms else 1.0
    return Truth(
        memory_mb=size,
        mean_ms=float(durations.mean()),
        p50_ms=float(np.quantile(durations, 0.5)),
        p95_ms=float(np.quantile(durations, 0.95)),
        met_ratio=met,
        out_of_memory_share=nature.memory_shortfall(size, config.memory_factor * _scalar(heavier)),
        timeout_share=float((durations >= limit_ms).mean()),
        requests_per_month=requests,
        usd_per_month=usd,
    )


def cheapest_size(
    world: World,
    region: Region,
    function: str,
    *,
    sizes: Sequence[int],
    threshold_ms: float,
    percentile: float = 0.95,
) -> Truth | None:
    """The cheapest of some sizes that truly meets an SLO; None if none does."""
    found = [truth_of(world, region, function, size, threshold_ms) for size in sizes]
    good = [
        t for t in found
        if t.met_ratio is not None
        and t.met_ratio >= percentile
        and t.out_of_memory_share == 0
        and t.usd_per_month is not None
    ]  # fmt: skip
    return min(good, key=lambda t: (t.usd_per_month or 0.0, t.memory_mb), default=None)


def _scalar(factor: Any) -> float:
    return 1.0 if factor is None else float(factor[0])


def _cold_starts(per_second: float, mean_ms: float, keep_alive_s: float) -> float:
    """Fresh environments a month: after silence, and because AWS recycles them."""
    seconds = HOURS_PER_MONTH * 3600.0
    busy = per_second * mean_ms / 1000.0
    after_silence = per_second * seconds * math.exp(-min(700.0, per_second * keep_alive_s))
    return after_silence + (busy + 2.0 * math.sqrt(busy)) * seconds / RECYCLE_S
