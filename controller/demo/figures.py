"""The truth about any size of any endpoint, out of the sandbox's world: what nobody in AWS sees.

A real-time endpoint is put together from the hours of a day: so many instances as its bounds
and target give at the hour's traffic, each with its share of it. What a scaling action takes
to have effect is left out.
"""

import math
from dataclasses import dataclass
from functools import partial

import numpy as np

from controller.model.endpoint import EndpointKey, Kind
from controller.model.estimate import Candidate
from controller.model.policy import Policy, Slo
from controller.model.size import LambdaSize, RealtimeSize, ServerlessSize, Size
from controller.sandbox.region import Region
from controller.sandbox.sagemaker.truth import EndpointTruth, capacity_rps, endpoint_truth
from controller.sandbox.sagemaker_state import sagemaker_of
from controller.sandbox.truth import cheapest_size
from controller.sandbox.workload import Effect
from controller.sandbox.world import World

HOURS = range(0, 24, 2)
"""Hours of the day that stand for it."""


@dataclass(frozen=True, slots=True)
class Figures:
    """One size of one endpoint, under its workload as it is now.

    p95_ms: of a SageMaker endpoint, in its busiest hour. met_ratio: share of requests within
    the SLO's threshold. refused_share: of requests that found no free concurrency.
    """

    size: Size
    p95_ms: float
    met_ratio: float | None
    usd_per_month: float | None
    refused_share: float = 0.0


def figures(world: World, key: EndpointKey, size: Size, slo: Slo) -> Figures:
    """What a size truly does. Raises KeyError where there is no such endpoint."""
    region = world.region(key.account, key.region)
    match size:
        case LambdaSize(memory_mb=memory_mb):
            truth = world.truth(
                key.name,
                memory_mb,
                threshold_ms=slo.threshold_ms,
                account=key.account,
                region=key.region,
            )
            return Figures(size, truth.p95_ms, truth.met_ratio, truth.usd_per_month)
        case ServerlessSize() | RealtimeSize():
            return _endpoint(world, region, key.name, size, slo)


def live_size(world: World, key: EndpointKey, last: Size) -> Size:
    """The size that serves now; of SageMaker endpoints the one that was last seen."""
    if key.kind is not Kind.LAMBDA_FUNCTION:
        return last
    return LambdaSize(world.truth(key.name, None, account=key.account, region=key.region).memory_mb)


def cheapest(
    world: World, key: EndpointKey, policy: Policy, candidates: tuple[Candidate, ...]
) -> Figures | None:
    """The cheapest size that truly keeps the SLO; None if none does."""
    region, slo = world.region(key.account, key.region), policy.slo
    if key.kind is Kind.LAMBDA_FUNCTION:
        sizes = [s.memory_mb for s in _sizes(candidates) if isinstance(s, LambdaSize)]
        found = cheapest_size(
            world,
            region,
            key.name,
            sizes=sizes,
            threshold_ms=slo.threshold_ms,
            percentile=slo.percentile,
        )
        return None if found is None else figures(world, key, LambdaSize(found.memory_mb), slo)
    wanted = [_just_enough(world, region, key.name, size, policy) for size in _sizes(candidates)]
    made = [figures(world, key, size, slo) for size in wanted if size is not None]
    good = [f for f in made if (f.met_ratio or 0.0) >= slo.percentile and f.refused_share < 0.001]
    return min(good, key=lambda f: f.usd_per_month or math.inf, default=None)


def _sizes(candidates: tuple[Candidate, ...]) -> list[Size]:
    return [candidate.estimate.size for candidate in candidates]


def _just_enough(
    world: World, region: Region, name: str, size: Size, policy: Policy
) -> Size | None:
    """A serverless size without a limit; of a type, so many instances as each hour needs."""
    if isinstance(size, ServerlessSize):
        return ServerlessSize(size.memory_mb, 200)
    if not isinstance(size, RealtimeSize):
        return None
    most = capacity_rps(
        world,
        region,
        name,
        instance_type=size.instance_type,
        threshold_ms=policy.slo.threshold_ms,
        percentile=policy.slo.percentile,
    )
    least = policy.bounds.min_instances or 1
    return None if most <= 0.0 else RealtimeSize(size.instance_type, least, 1000, most * 60.0)


def _endpoint(
    world: World, region: Region, name: str, size: ServerlessSize | RealtimeSize, slo: Slo
) -> Figures:
    rates = _rates(world, region, name)
    at = partial(endpoint_truth, world, region, name, threshold_ms=slo.threshold_ms)
    truths = [_at_load(at, size, rps) for rps in rates]
    total = sum(rates) or 1.0
    met = sum(rps * (truth.met_ratio or 0.0) for rps, truth in zip(rates, truths, strict=True))
    refused = sum(rps * truth.refused_share for rps, truth in zip(rates, truths, strict=True))
    prices = [truth.usd_per_month for truth in truths]
    known = [usd for usd in prices if usd is not None]
    busiest = max(zip(rates, truths, strict=True), key=lambda pair: pair[0])[1]
    return Figures(
        size=size,
        p95_ms=busiest.p95_ms,
        met_ratio=met / total if all(truth.runs for truth in truths) else 0.0,
        usd_per_month=sum(known) / len(known) if len(known) == len(prices) else None,
        refused_share=refused / total,
    )


def _at_load(
    at: "partial[EndpointTruth]", size: ServerlessSize | RealtimeSize, rps: float
) -> EndpointTruth:
    if isinstance(size, ServerlessSize):
        return at(memory_mb=size.memory_mb, max_concurrency=size.max_concurrency, load_rps=rps)
    count = _instances(size, rps)
    truth = at(instance_type=size.instance_type, instances=count, load_rps=rps)
    if truth.used < 1.0:
        return truth
    # The queue grows without end: nobody is served in time.
    return EndpointTruth(
        **{**truth.document(), "met_ratio": 0.0 if truth.met_ratio is not None else None}
    )


def _instances(size: RealtimeSize, rps: float) -> int:
    """So many as target tracking settles on at a steady rate."""
    if size.target_per_instance is None:
        return size.min_instances
    wanted = math.ceil(rps * 60.0 / size.target_per_instance - 1e-9)
    return min(size.max_instances, max(size.min_instances, wanted))


def _rates(world: World, region: Region, name: str) -> list[float]:
    """Requests per second at some hours of the present day, disturbances in force included."""
    workload = sagemaker_of(world, region).workloads[name]
    now_s = world.now_s()
    busier = workload.factor(Effect.TRAFFIC, np.array([now_s]))
    midnight_s = now_s - now_s % 86_400.0
    minutes = np.array([midnight_s + hour * 3600.0 for hour in HOURS])
    each = sum(stream.traffic.expected_per_minute(minutes) for stream in workload.streams)
    factor = 1.0 if busier is None else float(busier[0])
    return [float(value) * factor / 60.0 for value in np.atleast_1d(each)]
