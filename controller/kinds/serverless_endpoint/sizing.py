"""Sizes of a serverless endpoint: six memory steps, concurrency, what each costs and does.

The CPU of an environment grows with its memory, as a Lambda function's does, and the same
family of response curves is used. On demand, only processing is billed: GB-seconds of memory
times time, so a concurrency limit costs nothing. Data in and out is billed by the gigabyte
whatever the size, and left out of all estimates alike.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from controller.core.evidence import MIN_REQUESTS_PER_HOUR, Evidence
from controller.core.neighbours import AccountPrior
from controller.core.stats import Z90
from controller.kinds.serverless_endpoint.concurrency import (
    ESCALATION,
    Limits,
    busy_peak,
    planned,
    rounded_up,
)
from controller.kinds.shared.response import Prediction, predict
from controller.model.demand import Demand, Interval
from controller.model.estimate import Estimate
from controller.model.missing import Maybe, Missing
from controller.model.policy import Bounds, Policy
from controller.model.price import ServerlessPrices
from controller.model.size import ServerlessSize

MEMORY_MB = (1024, 2048, 3072, 4096, 5120, 6144)
"""The only sizes there are; the API's own model does not say so."""
MEMORY_HEADROOM = 1.15
"""Memory that must be there per memory seen in use: MemoryUtilization is sampled by minute."""
MODEL_HEADROOM = 1.2
"""Memory that must be there per byte of the model's artefact."""
SECONDS_PER_MONTH = 730.0 * 3600.0


def memory_ladder(bounds: Bounds, current_mb: int) -> tuple[int, ...]:
    """The memory steps inside the bounds, smallest first, and the current one."""
    return tuple(mb for mb in MEMORY_MB if in_bounds(bounds, mb) or mb == current_mb)


def in_bounds(bounds: Bounds, memory_mb: int) -> bool:
    """Whether the policy allows a memory step."""
    if bounds.memory_mb is not None and memory_mb not in bounds.memory_mb:
        return False
    if bounds.min_memory_mb is not None and memory_mb < bounds.min_memory_mb:
        return False
    return bounds.max_memory_mb is None or memory_mb <= bounds.max_memory_mb


def memory_floor_mb(demand: Demand, model_bytes: int | None) -> Maybe[int]:
    """Least memory that holds what was seen in use, and the model's artefact, with headroom."""
    if isinstance(demand.memory_used_mb, Missing):
        return demand.memory_used_mb
    model_mb = 0.0 if model_bytes is None else model_bytes / 1024.0**2 * MODEL_HEADROOM
    return math.ceil(max(demand.memory_used_mb * MEMORY_HEADROOM, model_mb))


def ladder(
    policy: Policy, current: ServerlessSize, evidence: Evidence, demand: Demand, limits: Limits
) -> tuple[ServerlessSize, ...]:
    """Sizes to choose from, smallest first, the current one included.

    At the current memory, a few higher concurrency limits. At another, one size: as many
    requests at once as now, and more where each takes longer. A limit is never lowered but
    to bring it inside the bounds.
    """
    sizes = {current}
    busy = busy_peak(demand)
    memory = memory_ladder(policy.bounds, current.memory_mb)
    for mb, slower in zip(memory, _slower(memory, current.memory_mb, evidence), strict=True):
        here = mb == current.memory_mb
        wanted = {max(current.max_concurrency, planned(busy * slower))}
        if here:
            wanted |= {_escalated(current, 1), _escalated(current, 2)}
        sizes |= {_size(current, mb, limits.clamp(limit)) for limit in wanted}
    return tuple(sorted(sizes))


def _escalated(current: ServerlessSize, times: int) -> int:
    return rounded_up(current.max_concurrency * ESCALATION**times)


def _size(current: ServerlessSize, memory_mb: int, max_concurrency: int) -> ServerlessSize:
    """Provisioned concurrency is somebody's choice and stays, as far as the limit allows."""
    return ServerlessSize(
        memory_mb, max_concurrency, min(current.provisioned_concurrency, max_concurrency)
    )


def _slower(memory: Sequence[int], current_mb: int, evidence: Evidence) -> list[float]:
    """How much longer a request takes at each memory than at the current one; 1 if unknown."""
    prediction = predict(evidence, memory, 1.0)
    if prediction is None:
        return [1.0] * len(memory)
    here = float(prediction.log_mean[list(memory).index(current_mb)])
    return [math.exp(max(0.0, float(log_ms) - here)) for log_ms in prediction.log_mean]


@dataclass(frozen=True, slots=True)
class SizingInputs:
    """What an estimate of every size rests on."""

    evidence: Evidence
    demand: Demand
    prices: Maybe[ServerlessPrices]
    threshold_ms: float
    neighbours: AccountPrior | None = None


def estimates(sizes: Sequence[ServerlessSize], inputs: SizingInputs) -> Maybe[tuple[Estimate, ...]]:
    """One estimate per size; Missing where the live model was never measured."""
    memory = sorted({size.memory_mb for size in sizes})
    prediction = predict(inputs.evidence, memory, inputs.threshold_ms, account=inputs.neighbours)
    if prediction is None:
        needed = f"{MIN_REQUESTS_PER_HOUR} requests"
        return Missing(f"the running model has not had an hour with {needed} yet")
    return tuple(_estimate(memory.index(s.memory_mb), s, prediction, inputs) for s in sizes)


def _estimate(
    i: int, size: ServerlessSize, prediction: Prediction, inputs: SizingInputs
) -> Estimate:
    point = inputs.evidence.at(ServerlessSize(size.memory_mb, 1))
    return Estimate(
        size=size,
        p95_ms=_log_interval(float(prediction.log_p95[i]), float(prediction.log_p95_sd[i])),
        p_slo=float(prediction.p_slo[i]),
        usd_per_month=_cost(i, size, prediction, inputs),
        evidence=_evidence(point is not None, prediction.anchor_mb[i], inputs.demand),
        measured_requests=0 if point is None else point.requests,
    )


def _evidence(measured: bool, anchor_mb: int, demand: Demand) -> str:
    """What an estimate rests on, and what going there costs in cold starts."""
    if measured:
        return "measured here"
    cold = environments(demand)
    took = demand.init_mean_ms
    each = "" if isinstance(took, Missing) else f" of {took / 1000.0:.1f} s"
    starts = "1 cold start" if cold == 1 else f"{cold} cold starts"
    return f"predicted from {anchor_mb} MB; going there costs about {starts}{each}"


def environments(demand: Demand) -> int:
    """Environments that run at the peak, all of which a change of memory starts anew."""
    return max(1, math.ceil(busy_peak(demand)))


def usd_per_month(
    size: ServerlessSize, mean_ms: float, requests: float, prices: ServerlessPrices
) -> Maybe[float]:
    """Monthly bill: GB-seconds of processing by whole milliseconds, and what is kept warm.

    A duration is rounded up to the next millisecond: half of one more on average.
    """
    gb = size.memory_mb / 1024.0
    used_gb_s = requests * (mean_ms + 0.5) / 1000.0 * gb
    if size.provisioned_concurrency == 0:
        return used_gb_s * prices.usd_per_gb_s
    kept = prices.usd_per_gb_s_provisioned
    if isinstance(kept, Missing):
        return kept
    use = prices.usd_per_gb_s_provisioned_use
    if isinstance(use, Missing):
        return use
    return used_gb_s * use + size.provisioned_concurrency * gb * SECONDS_PER_MONTH * kept


def _cost(
    i: int, size: ServerlessSize, prediction: Prediction, inputs: SizingInputs
) -> Maybe[Interval]:
    prices = inputs.prices
    if isinstance(prices, Missing):
        return prices
    requests = inputs.demand.requests_per_month
    mean_ms = math.exp(float(prediction.log_mean[i]))
    mid = usd_per_month(size, mean_ms, requests.mid, prices)
    if isinstance(mid, Missing):
        return mid
    if inputs.evidence.at(ServerlessSize(size.memory_mb, 1)) is None:
        mid += _cold_usd(size, inputs.demand, prices)
    spread = math.exp(Z90 * math.hypot(float(prediction.log_mean_sd[i]), _log_sd(requests)))
    return Interval(mid / spread, mid, mid * spread)


def _cold_usd(size: ServerlessSize, demand: Demand, prices: ServerlessPrices) -> float:
    """What starting all environments anew costs once, as if set-up were billed like work."""
    took_ms = 0.0 if isinstance(demand.init_mean_ms, Missing) else demand.init_mean_ms
    return environments(demand) * took_ms / 1000.0 * size.memory_mb / 1024.0 * prices.usd_per_gb_s


def _log_interval(centre: float, sd: float) -> Interval:
    return Interval(math.exp(centre - Z90 * sd), math.exp(centre), math.exp(centre + Z90 * sd))


def _log_sd(interval: Interval) -> float:
    if interval.low <= 0.0 or interval.mid <= 0.0:
        return 1.0
    return math.log(interval.high / interval.low) / (2.0 * Z90)
