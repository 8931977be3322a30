"""What a probe costs: before, from its plan; after, from what was billed. Pure.

A copy of a function costs its calls, as the function does: GB-seconds by whole milliseconds,
INIT of cold starts, and requests. A copy of a real-time endpoint costs its instance from the
moment it is asked for until it is gone, whether it is called or not. The list prices of
`model.price` are used at their dearest tier, so an estimate is never too low for its tier.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass

from controller.core.contract import Prices
from controller.core.periods import DAY_S
from controller.model.endpoint import EndpointState
from controller.model.missing import Maybe, Missing
from controller.model.probe import Failure, ProbeKind, ProbeRecord, Sample
from controller.model.probing import ProbeBudget
from controller.model.size import LambdaSize, RealtimeSize, ServerlessSize, Size

INIT_MS = 3000.0
"""Time of a cold start where none was seen: a container with a model needs seconds."""
START_S = 300.0
"""A real-time copy is paid for while it starts, and serves some five minutes later …"""
END_S = 60.0
"""… and while it is being removed."""
_NOT_WAITED_OUT = (Failure.TIMEOUT, Failure.UNFINISHED)


@dataclass(frozen=True, slots=True)
class Tariff:
    """What calls to one copy cost."""

    memory_gb: float = 0.0
    usd_per_gb_s: float = 0.0
    usd_per_request: float = 0.0
    usd_per_hour: float = 0.0
    """Of the copy itself; 0 where only its calls are paid for."""

    def calls_usd(self, billed_ms: float, requests: int) -> float:
        """USD of calls that were billed so many milliseconds together."""
        return (
            billed_ms / 1000.0 * self.memory_gb * self.usd_per_gb_s
            + requests * self.usd_per_request
        )

    def standing_usd(self, seconds: float) -> float:
        """USD of a copy that stood so long."""
        return max(0.0, seconds) / 3600.0 * self.usd_per_hour


@dataclass(frozen=True, slots=True)
class Load:
    """What a probe is expected to send."""

    requests: float
    """The warm-up included."""
    duration_s: float
    mean_ms: float
    cold_starts: int = 1
    init_ms: float = INIT_MS


def tariff(size: Size, state: EndpointState, prices: Prices, kind: ProbeKind) -> Maybe[Tariff]:
    """The prices that hold for a probe of `size`; Missing where one is not known.

    Calls to a live real-time endpoint cost nothing that is not paid for already.
    """
    region = state.key.region
    if isinstance(size, LambdaSize):
        found = prices.lambda_prices(region, state.function.serving.architecture)
        if isinstance(found, Missing):
            return found
        per_gb_s = max(tier.usd_per_gb_s for tier in found.tiers)
        return Tariff(size.memory_mb / 1024.0, per_gb_s, found.usd_per_request)
    if isinstance(size, ServerlessSize):
        serverless = prices.serverless_prices(region)
        if isinstance(serverless, Missing):
            return serverless
        return Tariff(size.memory_mb / 1024.0, serverless.usd_per_gb_s)
    if kind is ProbeKind.LIVE:
        return Tariff()
    return _instance(size, region, prices)


def _instance(size: RealtimeSize, region: str, prices: Prices) -> Maybe[Tariff]:
    """One instance: a copy never has more."""
    hosting = prices.hosting_prices(region)
    if isinstance(hosting, Missing):
        return hosting
    usd = hosting.usd_per_hour.get(size.instance_type)
    if usd is None:
        return Missing(f"the price of {size.instance_type} in {region} is not known")
    return Tariff(usd_per_hour=usd)


def estimated_usd(rate: Tariff, load: Load) -> float:
    """USD that a probe is expected to cost, a copy's start and end included."""
    billed_ms = load.requests * math.ceil(load.mean_ms) + load.cold_starts * load.init_ms
    standing_s = START_S + load.duration_s + END_S if rate.usd_per_hour else 0.0
    return rate.calls_usd(billed_ms, math.ceil(load.requests)) + rate.standing_usd(standing_s)


def counted_usd(rate: Tariff, samples: Iterable[Sample], standing_s: float) -> float:
    """USD that a run has cost, by what was billed.

    Where an answer does not tell what was billed, its latency stands for it: that is never
    less, and it does for what was no longer waited for. What the service refused (throttled, or
    not reached) is not billed.
    """
    billed_ms, requests = 0.0, 0
    for sample in samples:
        served = 200 <= sample.status < 300 or sample.error in _NOT_WAITED_OUT
        if isinstance(sample.billed_ms, Missing) and not served:
            continue
        billed = sample.billed_ms
        billed_ms += math.ceil(sample.latency_ms) if isinstance(billed, Missing) else billed
        requests += 1
    return rate.calls_usd(billed_ms, requests) + rate.standing_usd(standing_s)


def spent_usd(records: Iterable[ProbeRecord], now_s: float) -> float:
    """USD of the probes begun in the last 24 hours; of one that runs, what it may cost."""
    return sum(spent_on(record) for record in records if record.started_at_s > now_s - DAY_S)


def spent_on(record: ProbeRecord) -> float:
    """USD of one probe; of one that runs, what it may cost."""
    if not isinstance(record.usd, Missing):
        return record.usd
    return 0.0 if isinstance(record.usd_estimated, Missing) else record.usd_estimated


def over_budget(usd: Maybe[float], spent: float, budget: ProbeBudget) -> str | None:
    """Why a probe may not be paid, in words; None where it may.

    A price that is not known is refused wherever there is a budget to keep.
    """
    if isinstance(usd, Missing):
        limited = budget.usd_per_probe is not None or budget.usd_per_day is not None
        return f"its price is not known: {usd.reason}" if limited else None
    each, day = budget.usd_per_probe, budget.usd_per_day
    if each is not None and usd > each:
        return f"it would cost {money(usd)} USD, and a probe may cost {money(each)}"
    if day is not None and spent + usd > day:
        of_day = f"{money(spent)} of the day's {money(day)} are spent"
        return f"it would cost {money(usd)} USD, and {of_day}"
    return None


def money(usd: float) -> str:
    """Dollars of probes with as many digits as say something: `0.0021`, `1.35`."""
    if usd >= 0.1 or usd == 0.0:
        return f"{usd:.2f}"
    return f"{usd:.{min(9, 1 - math.floor(math.log10(usd)))}f}"
