"""Sizes of a serverless endpoint: six memory steps, concurrency, what each costs and does.

The CPU of an environment grows with its memory, as a Lambda function's does, and the same
family of response curves is used. On demand, only processing is billed: GB-seconds of memory
times time, so a concurrency limit costs nothing. What is kept warm (provisioned concurrency) is
billed all the time, and requests that run in it at a price of their own. Data in and out is
billed by the gigabyte whatever the size, and left out of all estimates alike.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from controller.core.evidence import MIN_REQUESTS_PER_HOUR, Evidence
from controller.core.neighbours import AccountPrior
from controller.core.stats import Z90
from controller.kinds.serverless_endpoint.concurrency import (
    ESCALATION,
    STEPS,
    Limits,
    busy_peak,
    planned,
    rounded_up,
)
from controller.kinds.serverless_endpoint.mixture import Mixed, Warm, mixed
from controller.kinds.serverless_endpoint.warmth import Cold, Warmth, choices
from controller.kinds.shared.response import Prediction, predict
from controller.model.demand import Demand, Interval
from controller.model.estimate import Estimate
from controller.model.missing import Maybe, Missing
from controller.model.policy import Bounds, Covers, Policy, Slo
from controller.model.price import ServerlessPrices
from controller.model.size import ServerlessSize

MEMORY_MB = (1024, 2048, 3072, 4096, 5120, 6144)
"""The only sizes there are; the API's own model does not say so."""
MEMORY_HEADROOM = 1.15
"""Memory that must be there per memory seen in use: MemoryUtilization is sampled by minute."""
MODEL_HEADROOM = 1.2
"""Memory that must be there per byte of the model's artefact."""
SECONDS_PER_MONTH = 730.0 * 3600.0
SHOWN = 0.0005
"""Share of cold starts from which it is told."""


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


def memory_floor_mb(demand: Demand, model_bytes: Maybe[int]) -> Maybe[int]:
    """Least memory that holds what was seen in use, and the model's artefact, with headroom;
    where the latter is not known, what was seen must do."""
    if isinstance(demand.memory_used_mb, Missing):
        return demand.memory_used_mb
    model_mb = 0.0
    if not isinstance(model_bytes, Missing):
        model_mb = model_bytes / 1024.0**2 * MODEL_HEADROOM
    return math.ceil(max(demand.memory_used_mb * MEMORY_HEADROOM, model_mb))


def ladder(
    policy: Policy, current: ServerlessSize, evidence: Evidence, demand: Demand, limits: Limits
) -> tuple[ServerlessSize, ...]:
    """Sizes to choose from, smallest first, the current one included.

    At the current memory, a few higher concurrency limits. At another, one size: as many
    requests at once as now, and more where each takes longer. A limit is never lowered but
    to bring it inside the bounds. Where the policy allows environments to be kept warm, other
    numbers of them at the current memory.
    """
    sizes = {current, *_kept_warm(policy, current, demand, limits)}
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


def _kept_warm(
    policy: Policy, current: ServerlessSize, demand: Demand, limits: Limits
) -> set[ServerlessSize]:
    """The current memory with other numbers of environments kept warm, each within the limit."""
    allowed = policy.bounds.max_provisioned_concurrency
    if allowed is None:
        return set()
    peak = math.ceil(busy_peak(demand) + 2.0 * math.sqrt(busy_peak(demand)))
    numbers = choices(STEPS, min(allowed, limits.most), max(1, peak))
    return {
        replace(
            current,
            max_concurrency=max(current.max_concurrency, number),
            provisioned_concurrency=number,
        )
        for number in numbers
    }


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
    slo: Slo
    current: ServerlessSize | None
    """The live size; None where nothing is live."""
    model_bytes: Maybe[int]
    neighbours: AccountPrior | None = None


def estimates(sizes: Sequence[ServerlessSize], inputs: SizingInputs) -> Maybe[tuple[Estimate, ...]]:
    """One estimate per size; Missing where the live model was never measured."""
    memory = sorted({size.memory_mb for size in sizes})
    threshold_ms = inputs.slo.threshold_ms
    prediction = predict(inputs.evidence, memory, threshold_ms, account=inputs.neighbours)
    if prediction is None:
        needed = f"{MIN_REQUESTS_PER_HOUR} requests"
        return Missing(f"the running model has not had an hour with {needed} yet")
    warmth = Warmth.of(inputs.demand)
    return tuple(_estimate(memory.index(s.memory_mb), s, prediction, inputs, warmth) for s in sizes)


def _estimate(
    i: int, size: ServerlessSize, prediction: Prediction, inputs: SizingInputs, warmth: Warmth
) -> Estimate:
    point = inputs.evidence.at(ServerlessSize(size.memory_mb, 1))
    mean_ms = math.exp(float(prediction.log_mean[i]))
    cold = _cold(size, mean_ms, inputs, warmth)
    seen = _mixed(i, prediction, inputs, cold)
    words = _evidence(point is not None, prediction.anchor_mb[i], inputs.demand)
    words += _unweighed(size, inputs)
    return Estimate(
        size=size,
        p95_ms=_log_interval(seen.log_p95, float(prediction.log_p95_sd[i])),
        p_slo=seen.p_slo,
        usd_per_month=_cost(i, size, prediction, inputs, warmth),
        evidence=words if cold.share < SHOWN else f"{words}; {cold.share:.1%} start cold",
        measured_requests=0 if point is None else point.requests,
    )


def _cold(size: ServerlessSize, mean_ms: float, inputs: SizingInputs, warmth: Warmth) -> Cold:
    """What of the requests starts cold, where the objective speaks of it. The number that is
    kept now is not left for what might be: only for what was measured."""
    number, now = size.provisioned_concurrency, inputs.current
    same = now is not None and number == now.provisioned_concurrency
    if inputs.slo.covers is Covers.MODEL or (same and not warmth.measured(number)):
        return Cold(0.0, 0.0)
    return warmth.cold(number, mean_ms)


def _mixed(i: int, prediction: Prediction, inputs: SizingInputs, cold: Cold) -> Mixed:
    warm = Warm(
        float(prediction.log_mean[i]),
        float(prediction.log_p95[i]),
        float(prediction.log_p95_sd[i]),
        float(prediction.p_slo[i]),
    )
    return mixed(warm, cold, inputs.demand.init_mean_ms, inputs.slo)


def _evidence(measured: bool, anchor_mb: int, demand: Demand) -> str:
    """What an estimate rests on, and what going there costs in cold starts."""
    if measured:
        return "measured here"
    cold = environments(demand)
    took = demand.init_mean_ms
    each = "" if isinstance(took, Missing) else f" of {took / 1000.0:.1f} s"
    starts = "1 cold start" if cold == 1 else f"{cold} cold starts"
    return f"predicted from {anchor_mb} MB; going there costs about {starts}{each}"


def _unweighed(size: ServerlessSize, inputs: SizingInputs) -> str:
    """What is to be known of less memory, where S3 does not tell how large the model is."""
    now, model = inputs.current, inputs.model_bytes
    if now is None or size.memory_mb >= now.memory_mb or not isinstance(model, Missing):
        return ""
    why = model.reason.partition(" (")[0]  # AWS's own words are long
    return f"; its memory in use counts alone: {why.rstrip('.')}"


def environments(demand: Demand) -> int:
    """Environments that run at the peak, all of which a change of memory starts anew."""
    return max(1, math.ceil(busy_peak(demand)))


@dataclass(frozen=True, slots=True)
class Bill:
    """A month, in US dollars."""

    used: float
    """For processing: grows with the traffic."""
    kept: float
    """For what is kept warm, whether used or not."""


def bill(
    size: ServerlessSize,
    mean_ms: float,
    requests: float,
    prices: ServerlessPrices,
    overflow: float = 0.0,
) -> Maybe[Bill]:
    """GB-seconds of processing by whole milliseconds, and what is kept warm; overflow: the
    share of requests that finds all of that busy, and runs on demand.

    A duration is rounded up to the next millisecond: half of one more on average.
    """
    gb = size.memory_mb / 1024.0
    used_gb_s = requests * (mean_ms + 0.5) / 1000.0 * gb
    if size.provisioned_concurrency == 0:
        return Bill(used_gb_s * prices.usd_per_gb_s, 0.0)
    kept, use = prices.usd_per_gb_s_provisioned, prices.usd_per_gb_s_provisioned_use
    if isinstance(kept, Missing):
        return kept
    if isinstance(use, Missing):
        return use
    used = used_gb_s * ((1.0 - overflow) * use + overflow * prices.usd_per_gb_s)
    return Bill(used, size.provisioned_concurrency * gb * SECONDS_PER_MONTH * kept)


def _cost(
    i: int, size: ServerlessSize, prediction: Prediction, inputs: SizingInputs, warmth: Warmth
) -> Maybe[Interval]:
    prices = inputs.prices
    if isinstance(prices, Missing):
        return prices
    requests = inputs.demand.requests_per_month
    mean_ms = math.exp(float(prediction.log_mean[i]))
    overflow = warmth.overflow(size.provisioned_concurrency, mean_ms)
    month = bill(size, mean_ms, requests.mid, prices, overflow)
    if isinstance(month, Missing):
        return month
    used, kept = month.used, month.kept
    if inputs.evidence.at(ServerlessSize(size.memory_mb, 1)) is None:
        used += _cold_usd(size, inputs.demand, prices)
    spread = math.exp(Z90 * math.hypot(float(prediction.log_mean_sd[i]), _log_sd(requests)))
    return Interval(used / spread + kept, used + kept, used * spread + kept)


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
