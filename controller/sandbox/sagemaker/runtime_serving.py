"""How long one request through InvokeEndpoint takes in the queue that it shares with all others."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass
from math import ceil, sqrt

import numpy as np
import numpy.typing as npt

from controller.sandbox.sagemaker.endpoint_tape import expected_rate
from controller.sandbox.sagemaker.latency import latencies_ms, squared_cv
from controller.sandbox.sagemaker.metrics import endpoint_key
from controller.sandbox.sagemaker.runtime_calls import EndpointCall
from controller.sandbox.sagemaker.serving_minutes import QUEUE_MINUTES, TIMEOUT_MS
from controller.sandbox.sagemaker_state import EndpointServing, Fleet, SageMakerPlace
from controller.sandbox.warm_pool import WarmPool
from controller.sandbox.workload import Effect

Floats = npt.NDArray[np.float64]

_OVERHEAD_CV = 0.45


@dataclass(frozen=True, slots=True)
class Moment:
    """What answers a request to an endpoint now, and the request's own dice."""

    place: SageMakerPlace
    endpoint: str
    state: EndpointServing
    fleet: Fleet
    now_s: float
    dice: np.random.Generator

    def per_minute(self, minutes_s: Floats) -> Floats:
        """Requests a minute that the workload sends to the fleet."""
        key = endpoint_key(self.place, self.endpoint)
        return expected_rate(self.state, self.fleet, minutes_s, key)


@dataclass(frozen=True, slots=True)
class Served:
    """Milliseconds in the model and around it; setup_ms is the part that was a cold start.

    failure: (status, text) where the machine failed the request.
    """

    model_ms: float
    overhead_ms: float
    setup_ms: float | None = None
    failure: tuple[int, str] | None = None


def on_instances(moment: Moment) -> Served:
    """A request to a real-time fleet, behind the workload's traffic and other such requests."""
    fleet, workload, dice = moment.fleet, moment.state.workload, moment.dice
    station = workload.machines.station(fleet.instance_type or "")
    if station is None:
        return Served(0.0, workload.overhead_ms, None, (500, "the container is not running"))
    instants = np.array([moment.now_s])
    slower = workload.factor(Effect.LATENCY, instants)
    factor = np.ones(1) if slower is None else slower
    load_rps = (moment.per_minute(instants) + _recent(moment)) / 60.0 / fleet.instances
    pooled = fleet.instances if fleet.routing == "LEAST_OUTSTANDING_REQUESTS" else 1
    cv = sqrt(squared_cv(workload.nature.noise))
    response = station.response(load_rps, cv, factor, pooled)
    rank = dice.random((1, 1))
    model_ms = float(latencies_ms(workload.nature.noise, response, rank)[0, 0])
    able = station.capacity_rps * 60.0 * fleet.instances / float(factor[0])
    delay_ms, turned_away = _delay(moment, able)
    full = dice.random() < turned_away
    failure = (503, "the container's queue is full") if full else None
    return Served(min(model_ms + delay_ms, TIMEOUT_MS), _overhead_ms(moment), None, failure)


def _recent(moment: Moment) -> int:
    """Requests through InvokeEndpoint in the minute before; those of this instant are done."""
    calls = moment.place.calls.get(moment.endpoint, [])
    low = bisect_left(calls, moment.now_s - 60.0, key=_instant)
    high = bisect_left(calls, moment.now_s, key=_instant)
    alone = len(moment.state.fleets) == 1 and moment.state.start_s <= moment.now_s - 60.0
    if alone:
        return high - low  # nobody else was there to answer them
    return sum(1 for call in calls[low:high] if call.fleet == moment.fleet.uid)


def _delay(moment: Moment, able: float) -> tuple[float, float]:
    """(milliseconds that an overloaded fleet's backlog costs, share turned away), from what the
    last half hour asked for; able: requests a minute."""
    begun_s = max(moment.state.start_s, moment.now_s - 1800.0)
    minutes_s = np.arange(moment.now_s - 60.0, begun_s - 60.0, -60.0)[::-1]
    backlog, lost = 0.0, 0.0
    for rate in moment.per_minute(minutes_s).tolist() if len(minutes_s) else ():
        waiting = max(0.0, backlog + rate - able)
        backlog = min(able * QUEUE_MINUTES, waiting)
        lost = (waiting - backlog) / rate if rate else 0.0
    return backlog / able * 60_000.0, lost


def serverless(moment: Moment) -> Served | None:
    """A request to a serverless fleet; None where it is throttled."""
    size, workload, dice = moment.fleet.serverless, moment.state.workload, moment.dice
    assert size is not None
    nature, instants = workload.nature, np.array([moment.now_s])
    slower = workload.factor(Effect.LATENCY, instants)
    heavier = workload.factor(Effect.MEMORY, instants)
    mean_ms = nature.curve.mean_ms(size.memory_mb) * (1.0 if slower is None else float(slower[0]))
    model_ms = mean_ms * float(nature.noise.quantile(dice.random(1))[0])
    rate = float(moment.per_minute(instants)[0])
    busy = rate * mean_ms / 60_000.0
    now_s, pool = moment.now_s, moment.place.pools.setdefault(moment.endpoint, WarmPool())
    if pool.busy(now_s) + busy >= size.max_concurrency:
        return None
    # Traffic keeps environments warm; so does provisioned concurrency, for as many as it has.
    spare = ceil(busy + 2.0 * sqrt(busy)) - ceil(busy) if rate * nature.keep_alive_s > 180.0 else 0
    provisioned = size.provisioned_concurrency or 0
    warm = pool.busy(now_s) < max(spare, provisioned - ceil(busy))
    cold = pool.take(moment.fleet.uid, now_s, model_ms, nature.keep_alive_s, warm=warm)
    used_mb = nature.memory_mb * (1.0 if heavier is None else float(heavier[0]))
    used_mb *= 1.0 - nature.memory_spread * float(dice.random())
    failure = (500, "the container ran out of memory") if used_mb > size.memory_mb else None
    overhead_ms, setup_ms = _overhead_ms(moment), None
    if cold:
        setup_ms = nature.init_ms * max(0.2, 1.0 + nature.init_cv * float(dice.standard_normal()))
        overhead_ms += setup_ms
    return Served(model_ms, overhead_ms, setup_ms, failure)


def _overhead_ms(moment: Moment) -> float:
    workload = moment.state.workload
    sigma = sqrt(np.log1p(_OVERHEAD_CV**2))
    scatter = float(np.exp(sigma * moment.dice.standard_normal() - sigma * sigma / 2.0))
    return (workload.overhead_ms + 0.01 * workload.payload_kb) * scatter


def _instant(call: EndpointCall) -> float:
    return call.at_s
