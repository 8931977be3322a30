"""What one demand would cost under each kind of hosting, from what is known of a request.

Nobody knows how a model would run where it has not run, so every figure is an interval over
what is uncertain: whether a request keeps one processor busy or all that it had, and how much
memory a worker needs. Advice rests on the dear end of it.

Sources: Lambda gives 1 vCPU per 1,769 MB; SageMaker serverless gives vCPU in proportion to
memory as well, in six steps of 1 GB, and is reckoned with Lambda's proportion.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from controller.core.demand import HOURS_PER_MONTH
from controller.core.stats import Floats
from controller.model.demand import Demand, Interval
from controller.model.missing import Missing
from controller.model.price import LambdaPrices, ServerlessPrices

MB_PER_VCPU = 1769.0
SERVERLESS_MOST_MB = 6144
LAMBDA_MOST_MB = 10_240
SLOWER = 1.25
"""A request may take so much longer in a service that gives the same memory."""
USED = 0.8
"""Share of an instance's memory that workers may fill."""


@dataclass(frozen=True, slots=True)
class Work:
    """What one request asks, wherever it is served."""

    service_s: float
    """Time in a worker."""
    vcpu_s: Interval
    """Processor time: from what one thread needs to all that the request was given."""
    memory_mb: int
    """Of one worker with its model."""
    memory_given_mb: int | None
    """What it runs with now, where memory is what is bought."""


@dataclass(frozen=True, slots=True)
class Host:
    """An instance type that could serve it."""

    instance_type: str
    vcpus: int
    memory_mb: int
    usd_per_hour: float


@dataclass(frozen=True, slots=True)
class Fleet:
    """Instances of one type: how many at the cheap and at the dear end, on average."""

    host: Host
    low: float
    high: float


def lambda_memory_mb(work: Work) -> int | None:
    """Memory it would have as a function; None where no function is so large."""
    wanted = max(work.memory_mb, work.memory_given_mb or round(MB_PER_VCPU))
    return wanted if wanted <= LAMBDA_MOST_MB else None


def serverless_memory_mb(work: Work) -> int | None:
    """Memory it would have as a serverless endpoint; None where none is so large."""
    wanted = max(work.memory_mb, work.memory_given_mb or round(MB_PER_VCPU))
    step = math.ceil(wanted / 1024) * 1024
    return step if step <= SERVERLESS_MOST_MB else None


def gb_s_per_request(work: Work, memory_mb: int) -> Interval:
    """GB-seconds that one request is billed at a memory size.

    Where memory is what is bought now, its time stays about as it is; else it follows from the
    processor time and the vCPUs that come with the memory.
    """
    gb, vcpus = memory_mb / 1024.0, memory_mb / MB_PER_VCPU
    if work.memory_given_mb is not None:
        low, high = work.service_s, work.service_s * SLOWER
    else:
        low = work.vcpu_s.low / min(1.0, vcpus)  # one thread uses one processor at most
        high = max(low, work.vcpu_s.high / vcpus)
    return Interval(gb * low, gb * math.sqrt(low * high), gb * high)


def lambda_usd(gb_s: Interval, requests: float, prices: LambdaPrices) -> Interval:
    """USD per month of so many GB-seconds a request."""
    fixed = requests * prices.usd_per_request
    low, mid, high = (
        _tiered(x * requests, prices) + fixed for x in (gb_s.low, gb_s.mid, gb_s.high)
    )
    return Interval(low, mid, high)


def _tiered(gb_s: float, prices: LambdaPrices) -> float:
    usd, reached = 0.0, 0.0
    for tier in prices.tiers:
        end = math.inf if tier.up_to_gb_s is None else tier.up_to_gb_s
        usd += max(0.0, min(gb_s, end) - reached) * tier.usd_per_gb_s
        reached = end
    return usd


def serverless_usd(gb_s: Interval, requests: float, prices: ServerlessPrices) -> Interval:
    """USD per month, as `lambda_usd`; there is no price per request."""
    per_request = prices.usd_per_gb_s * requests
    return Interval(gb_s.low * per_request, gb_s.mid * per_request, gb_s.high * per_request)


def cheapest_fleet(
    work: Work, demand: Demand, hosts: Sequence[Host], utilization: float, least: int
) -> Fleet | None:
    """The type that is cheapest at the dear end; None where none holds a worker."""
    mean, peak = _rates(demand)
    fleets = [
        Fleet(
            host,
            _instances(mean, _capacity(work.vcpu_s.low, work, host) * utilization, least),
            _instances(peak, _capacity(work.vcpu_s.high, work, host) * utilization, least),
        )
        for host in hosts
        if host.memory_mb * USED >= work.memory_mb
    ]
    if not fleets:
        return None
    return min(fleets, key=lambda f: (f.high * f.host.usd_per_hour, f.host.instance_type))


def _rates(demand: Demand) -> tuple[Floats, Floats]:
    """Mean and busiest requests a second, of every hour of the week where that is known."""
    if demand.weekly:
        return (
            np.asarray([h.rps_mean for h in demand.weekly]),
            np.asarray([h.rps_peak for h in demand.weekly]),
        )
    mean = demand.requests_per_month.mid / HOURS_PER_MONTH / 3600.0
    peak = demand.rps_peak
    if isinstance(peak, Missing):
        peak = demand.requests_per_hour_peak / 3600.0
    return np.asarray([mean]), np.asarray([peak])


def _capacity(vcpu_s: float, work: Work, host: Host) -> float:
    """Requests a second that keep one instance wholly busy."""
    slots = max(1, int(host.memory_mb * USED / max(1, work.memory_mb)))
    return min(host.vcpus / max(vcpu_s, 1e-9), slots / max(work.service_s, 1e-9))


def _instances(rates: Floats, capacity: float, least: int) -> float:
    """Instances on average over a week, each hour for itself."""
    return float(np.maximum(least, np.ceil(rates / capacity)).mean())


def fleet_usd(fleet: Fleet) -> Interval:
    """USD per month."""
    low, high = (n * fleet.host.usd_per_hour * HOURS_PER_MONTH for n in (fleet.low, fleet.high))
    return Interval(low, math.sqrt(low * high), high)
