"""Sizes of a Lambda function: the ladder, the price of each rung, and its estimate."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from controller.core.evidence import MIN_REQUESTS_PER_HOUR, Evidence
from controller.core.neighbours import AccountPrior
from controller.core.stats import Z90
from controller.kinds.shared.response import Prediction, predict
from controller.model.demand import Demand, Interval
from controller.model.estimate import Estimate
from controller.model.missing import Maybe, Missing
from controller.model.policy import Bounds
from controller.model.price import LambdaPrices
from controller.model.size import LambdaSize, memory_mb_of

SMALLEST_MB = 128
LARGEST_MB = 10_240
MEMORY_HEADROOM = 1.15
"""Memory that must be there per memory seen in use: REPORT's figure is a peak, not a bound."""


@lru_cache(maxsize=256)
def ladder(bounds: Bounds, current_mb: int) -> tuple[int, ...]:
    """Memory sizes to choose from, smallest first, inside the bounds; and the current one.

    Steps of 6 to 12 % below 256 MB and of 3 to 6 % above, with the sizes at which a whole vCPU
    is reached: finer steps cost less than the search for them.
    """
    if bounds.memory_mb is not None:
        rungs = set(bounds.memory_mb)
    else:
        rungs = {*range(128, 256, 16), *range(256, 512, 16), *range(512, 1024, 32)}
        rungs |= {*range(1024, 2048, 64), *range(2048, 4096, 128), *range(4096, 10241, 384)}
        rungs |= {1769, 3008, 3538, 5307, 7076, 8845, LARGEST_MB}
    low = SMALLEST_MB if bounds.min_memory_mb is None else bounds.min_memory_mb
    high = LARGEST_MB if bounds.max_memory_mb is None else bounds.max_memory_mb
    rungs |= {low, high} if bounds.memory_mb is None else set()
    return tuple(sorted({mb for mb in rungs if low <= mb <= high} | {current_mb}))


def in_bounds(bounds: Bounds, memory_mb: int) -> bool:
    """Whether the policy allows a size; with an explicit list, only its members are."""
    if bounds.memory_mb is not None and memory_mb not in bounds.memory_mb:
        return False
    if bounds.min_memory_mb is not None and memory_mb < bounds.min_memory_mb:
        return False
    return bounds.max_memory_mb is None or memory_mb <= bounds.max_memory_mb


def memory_floor_mb(demand: Demand) -> Maybe[int]:
    """Smallest memory that holds what was seen in use, with headroom."""
    if isinstance(demand.memory_used_mb, Missing):
        return demand.memory_used_mb
    return math.ceil(demand.memory_used_mb * MEMORY_HEADROOM)


def duration_usd_per_month(gb_s: float, prices: LambdaPrices) -> float:
    """USD for a month's GB-seconds through the price tiers.

    The tiers run over an account's whole month; a function's own seconds are priced as if
    they came first, which never understates its cost.
    """
    usd, below = 0.0, 0.0
    for tier in prices.tiers:
        upper = tier.up_to_gb_s
        if upper is None or gb_s <= upper:
            return usd + (gb_s - below) * tier.usd_per_gb_s
        usd += (upper - below) * tier.usd_per_gb_s
        below = upper
    return usd


def usd_per_month(
    memory_mb: int, mean_ms: float, requests: float, demand: Demand, prices: LambdaPrices
) -> float:
    """Monthly bill: GB-seconds by whole milliseconds, INIT of cold starts, and requests.

    A duration is rounded up to the next millisecond: half of one more on average. INIT is
    billed since August 2025; where REPORT lines are not read, its share is taken as none.
    """
    return _usd_per_month(memory_mb, mean_ms + 0.5 + _init_ms(demand), requests, prices)


def _usd_per_month(
    memory_mb: int, billed_ms: float, requests: float, prices: LambdaPrices
) -> float:
    gb_s = requests * billed_ms / 1000.0 * memory_mb / 1024.0
    return duration_usd_per_month(gb_s, prices) + requests * prices.usd_per_request


def _init_ms(demand: Demand) -> float:
    """What INIT adds to a request on average."""
    if isinstance(demand.cold_start_ratio, Missing) or isinstance(demand.init_mean_ms, Missing):
        return 0.0
    return demand.cold_start_ratio * demand.init_mean_ms


@dataclass(frozen=True, slots=True)
class SizingInputs:
    """What an estimate of every size rests on."""

    evidence: Evidence
    demand: Demand
    prices: Maybe[LambdaPrices]
    threshold_ms: float
    neighbours: AccountPrior | None = None


def estimates(sizes_mb: Sequence[int], inputs: SizingInputs) -> Maybe[tuple[Estimate, ...]]:
    """One estimate per size; Missing where the live code was never measured."""
    prediction = predict(inputs.evidence, sizes_mb, inputs.threshold_ms, account=inputs.neighbours)
    if prediction is None:
        needed = f"{MIN_REQUESTS_PER_HOUR} requests"
        return Missing(f"the running code has not had an hour with {needed} yet")
    points = {memory_mb_of(point.size): point for point in inputs.evidence.here()}
    halves = (prediction.log_p95_sd * prediction.width90).tolist()
    p95s = zip(prediction.log_p95.tolist(), halves, strict=True)
    costs = _costs(sizes_mb, prediction, inputs)
    rows = zip(sizes_mb, p95s, prediction.p_slo.tolist(), prediction.anchor_mb, costs, strict=True)
    made = []
    for memory_mb, p95, p_slo, anchor_mb, usd in rows:
        point = points.get(memory_mb)
        words = f"predicted from {anchor_mb} MB" if point is None else "measured here"
        requests = 0 if point is None else point.requests
        size = LambdaSize(memory_mb)
        made.append(Estimate(size, _log_interval(*p95), p_slo, usd, words, requests))
    return tuple(made)


def _costs(
    sizes_mb: Sequence[int], prediction: Prediction, inputs: SizingInputs
) -> Sequence[Maybe[Interval]]:
    """What a month costs at each size."""
    prices, requests = inputs.prices, inputs.demand.requests_per_month
    if isinstance(prices, Missing):
        return [prices] * len(sizes_mb)
    traffic, init_ms = Z90 * _log_sd(requests), _init_ms(inputs.demand)
    halves = (prediction.log_mean_sd * prediction.width90).tolist()
    means = zip(prediction.log_mean.tolist(), halves, strict=True)
    found = []
    for memory_mb, (log_mean, half) in zip(sizes_mb, means, strict=True):
        billed_ms = math.exp(log_mean) + 0.5 + init_ms
        mid = _usd_per_month(memory_mb, billed_ms, requests.mid, prices)
        spread = math.exp(math.hypot(half, traffic))
        found.append(Interval(mid / spread, mid, mid * spread))
    return found


def _log_interval(centre: float, half: float) -> Interval:
    return Interval(math.exp(centre - half), math.exp(centre), math.exp(centre + half))


def _log_sd(interval: Interval) -> float:
    if interval.low <= 0.0 or interval.mid <= 0.0:
        return 1.0
    return math.log(interval.high / interval.low) / (2.0 * Z90)
