"""What is really so: latency and cost of an endpoint at any size and load.

For tests, benches and the demo's summary; a controller that asked for this would be cheating.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from math import sqrt
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from controller.sandbox.sagemaker.catalogue import serverless_usd_per_gb_s, usd_per_hour
from controller.sandbox.sagemaker.latency import latencies_ms, squared_cv
from controller.sandbox.sagemaker.machines import EndpointWorkload
from controller.sandbox.sagemaker_state import ServerlessConfig, sagemaker_of
from controller.sandbox.throttling import refused_share
from controller.sandbox.workload import Effect

if TYPE_CHECKING:
    from controller.sandbox.region import Region
    from controller.sandbox.world import World

Floats = npt.NDArray[np.float64]

HOURS_PER_MONTH = 730.0
_RANKS = (np.arange(2000, dtype=np.float64)[None, :] + 0.5) / 2000.0


@dataclass(frozen=True, slots=True)
class EndpointTruth:
    """One size under one load; latencies are ModelLatency in milliseconds.

    used: share of the capacity in use; at 1 and above the queue grows without end, and the
    latencies are those of the minute in which it begins to. met_ratio: share of requests
    within the threshold, None where none was given; refused_share: throttled for want of
    concurrency; usd_per_month: None where there is no price.
    """

    load_rps: float
    used: float
    mean_ms: float
    p50_ms: float
    p95_ms: float
    p99_ms: float
    met_ratio: float | None
    refused_share: float
    usd_per_month: float | None
    runs: bool = True
    """Whether the model comes up on such machines at all."""

    def document(self) -> dict[str, Any]:
        """JSON-able form."""
        return asdict(self)


def endpoint_truth(
    world: World,
    region: Region,
    endpoint: str,
    *,
    instance_type: str | None = None,
    instances: int = 1,
    memory_mb: int | None = None,
    max_concurrency: int = 200,
    load_rps: float | None = None,
    threshold_ms: float | None = None,
    routing: str = "RANDOM",
) -> EndpointTruth:
    """The truth at so many instances of a type, or at a serverless memory size.

    load_rps: of the whole endpoint; None for the workload's mean over a week. The disturbances
    in force now count. Raises KeyError where there is no such endpoint, ValueError without
    exactly one of instance_type and memory_mb.
    """
    if (instance_type is None) == (memory_mb is None):
        raise ValueError("give an instance type or a serverless memory size")
    workload = sagemaker_of(world, region).workloads[endpoint]
    now = np.array([world.now_s()])
    busier, slower = workload.factor(Effect.TRAFFIC, now), workload.factor(Effect.LATENCY, now)
    mean_rps = sum(stream.traffic.mean_rps for stream in workload.streams)
    if load_rps is None:
        load_rps = mean_rps * (1.0 if busier is None else float(busier[0]))
    factor = np.ones(1) if slower is None else slower
    if memory_mb is not None:
        size = ServerlessConfig(memory_mb, max_concurrency)
        return _serverless(
            workload, size, load_rps, factor, rate=serverless_usd_per_gb_s(region.name),
            threshold_ms=threshold_ms,
        )  # fmt: skip
    assert instance_type is not None
    station = workload.machines.station(instance_type)
    usd = usd_per_hour(region.name, instance_type)
    usd_per_month = None if usd is None else usd * HOURS_PER_MONTH * instances
    if station is None or not workload.runs_on(instance_type):
        endless = float("inf")
        return EndpointTruth(load_rps, endless, endless, endless, endless, endless, None, 0.0,
                             usd_per_month, runs=False)  # fmt: skip
    pooled = instances if routing == "LEAST_OUTSTANDING_REQUESTS" else 1
    noise = workload.nature.noise
    each = np.array([load_rps / instances])
    response = station.response(each, sqrt(squared_cv(noise)), factor, pooled)
    values = latencies_ms(noise, response, _RANKS.copy())[0]
    used = float(each[0] / (station.capacity_rps / factor[0]))
    return _truth(values, load_rps, used, threshold_ms, refused=0.0, usd=usd_per_month)


def capacity_rps(
    world: World,
    region: Region,
    endpoint: str,
    *,
    instance_type: str,
    threshold_ms: float,
    percentile: float = 0.95,
) -> float:
    """The highest load of one instance at which the share `percentile` of requests is within
    the threshold; 0 where none is. Raises KeyError."""

    def met(load_rps: float) -> bool:
        truth = endpoint_truth(world, region, endpoint, instance_type=instance_type,
                               load_rps=load_rps, threshold_ms=threshold_ms)  # fmt: skip
        return truth.used < 1.0 and (truth.met_ratio or 0.0) >= percentile

    station = sagemaker_of(world, region).workloads[endpoint].machines.station(instance_type)
    if station is None or not met(0.0):
        return 0.0
    low, high = 0.0, station.capacity_rps * 2.0
    for _ in range(40):
        middle = (low + high) / 2.0
        low, high = (middle, high) if met(middle) else (low, middle)
    return low


def _serverless(
    workload: EndpointWorkload, size: ServerlessConfig, load_rps: float, factor: Floats, *,
    rate: float | None, threshold_ms: float | None,
) -> EndpointTruth:  # fmt: skip
    nature, memory_mb, most = workload.nature, size.memory_mb, size.max_concurrency
    mean_ms = nature.curve.mean_ms(memory_mb) * float(factor[0])
    busy = load_rps * mean_ms / 1000.0
    refused = refused_share(np.array([busy]), float(most))
    lost = 0.0 if refused is None else float(refused[0])
    usd = None
    if rate is not None:
        seconds = busy * (1.0 - lost) * HOURS_PER_MONTH * 3600.0
        usd = seconds * memory_mb / 1024.0 * rate
    values = nature.noise.quantile(_RANKS[0]) * mean_ms
    runs = nature.memory_mb * (1.0 - nature.memory_spread) < memory_mb
    found = _truth(values, load_rps, busy / most, threshold_ms, refused=lost, usd=usd)
    return found if runs else EndpointTruth(**{**asdict(found), "runs": False})


def _truth(
    values: Floats, load_rps: float, used: float, threshold_ms: float | None, *, refused: float,
    usd: float | None,
) -> EndpointTruth:  # fmt: skip
    met = None if threshold_ms is None else float((values <= threshold_ms).mean())
    return EndpointTruth(
        load_rps=load_rps,
        used=used,
        mean_ms=float(values.mean()),
        p50_ms=float(np.quantile(values, 0.5)),
        p95_ms=float(np.quantile(values, 0.95)),
        p99_ms=float(np.quantile(values, 0.99)),
        met_ratio=met,
        refused_share=refused,
        usd_per_month=usd,
    )
