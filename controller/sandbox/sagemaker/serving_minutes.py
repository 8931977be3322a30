"""What becomes of a fleet's requests, minute by minute: on instances, and serverless."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, sqrt

import numpy as np
import numpy.typing as npt

from controller.sandbox.sagemaker.catalogue import instance_types
from controller.sandbox.sagemaker.fleet_cell import FleetCell
from controller.sandbox.sagemaker.latency import latencies_ms, squared_cv
from controller.sandbox.sagemaker.stations import Response, Station
from controller.sandbox.samples import draw_shares
from controller.sandbox.throttling import refused_share
from controller.sandbox.workload import Effect

Floats = npt.NDArray[np.float64]
Counts = npt.NDArray[np.int64]

TIMEOUT_MS = 60_000.0
QUEUE_MINUTES = 0.5
"""A container's queue holds so much work; what comes on top is turned away with a 5XX."""
RECYCLE_MINUTES = 125.0
LEAST_ROOM = 1e-9


@dataclass(frozen=True, slots=True)
class Offer:
    """What comes to a fleet in consecutive minutes from `first` of the hour on.

    arrivals: requests of the workload; probes: calls through InvokeEndpoint; slower: factor
    on service times; minutes_s: when each minute begins.
    """

    first: int
    arrivals: Counts
    probes: Counts
    slower: Floats
    minutes_s: Floats

    @property
    def window(self) -> slice:
        """Its place in the arrays of a cell."""
        return slice(self.first, self.first + len(self.arrivals))


def serve_instances(cell: FleetCell, offer: Offer) -> None:
    """Real-time: what arrives is queued; what finds the queue full is turned away with a 5XX."""
    window, arrivals, slower = offer.window, offer.arrivals, offer.slower
    cell.arrivals[window] = arrivals
    kind = instance_types().get(cell.fleet.instance_type or "")
    hit, fit = cell.workload.hit_ratio(kind)
    cell.hit_ratio[window], cell.loaded[window] = hit, fit
    if kind is not None:
        models_mb = fit * cell.workload.models.model_mb
        used_mb = cell.workload.base_memory_mb * _memory_factor(cell, offer.minutes_s) + models_mb
        cell.memory[window] = np.minimum(100.0, used_mb / (10.24 * kind.memory_gib))
    station = cell.workload.machines.station(cell.fleet.instance_type or "")
    if station is None:
        cell.server_errors[window] = arrivals
        return
    instances = cell.instances[window]
    # Instances were there for part of the minute only, and so were their requests.
    there = np.maximum(cell.there[window], LEAST_ROOM)
    load_rps = (arrivals + offer.probes) / 60.0 / np.maximum(instances, LEAST_ROOM)
    load_rps = np.where(instances > 0, load_rps, 0.0)
    least, most, lost = _backlog(cell, station, offer, instances)
    response = _response(cell, station, load_rps, slower, instances / there)
    cell.busy[window] = np.minimum(load_rps * instances, 1e9) * response.service_ms / 1000.0
    able_rps = station.capacity_rps / slower
    cell.used[window] = np.minimum(1.0, load_rps / able_rps)
    waiting_ms = response.waiting * response.wait_ms + (least + most) / 2.0
    held = load_rps * (response.service_ms + waiting_ms) / 1000.0
    cell.concurrency[window] = np.where(instances > 0, held, 0.0)
    _draw(cell, offer.first, arrivals, response, (least, most))
    cell.server_errors[window] += np.minimum(lost, arrivals)
    _count_errors(cell, offer, np.zeros(len(arrivals)))


def _response(
    cell: FleetCell, station: Station, load_rps: Floats, slower: Floats, instances: Floats
) -> Response:
    cv = sqrt(squared_cv(cell.workload.nature.noise))
    pooled = 1
    if cell.fleet.routing == "LEAST_OUTSTANDING_REQUESTS":
        pooled = max(1, round(float(instances.max(initial=1.0))))
    return station.response(load_rps, cv, slower, pooled)


def _backlog(
    cell: FleetCell, station: Station, offer: Offer, instances: Floats
) -> tuple[Floats, Floats, Counts]:
    """(delay in milliseconds at each minute's begin and end, requests turned away).

    Beyond its capacity a queue grows like water until it is full.
    """
    length = len(offer.arrivals)
    least, most, lost = np.zeros(length), np.zeros(length), np.zeros(length, np.int64)
    room = station.capacity_rps * 60.0 * instances / offer.slower
    offered = offer.arrivals + offer.probes
    if cell.backlog <= 0 and not (offered > room).any():
        return least, most, lost
    for minute in range(length):
        able = max(float(room[minute]), LEAST_ROOM)
        full = able * QUEUE_MINUTES
        least[minute] = min(1.0, cell.backlog / full) * QUEUE_MINUTES * 60_000.0
        waiting = max(0.0, cell.backlog + float(offered[minute]) - able)
        lost[minute] = int(max(0.0, waiting - full))
        cell.backlog = min(waiting, full)
        most[minute] = cell.backlog / full * QUEUE_MINUTES * 60_000.0
    return least, most, lost


def _draw(
    cell: FleetCell, first: int, calls: Counts, response: Response, delay_ms: tuple[Floats, Floats]
) -> None:
    """Durations of a stretch's requests; minutes without any draw nothing."""
    present = np.flatnonzero(calls)
    if not len(present):
        return
    minutes = present + first
    share, counts = draw_shares(calls[present], cell.dice["places"], cell.dice["fall"])
    seen = Response(
        response.service_ms[present], response.waiting[present], response.wait_ms[present]
    )
    values = latencies_ms(cell.workload.nature.noise, seen, share)
    least, most = delay_ms[0][present, None], delay_ms[1][present, None]
    place = cell.dice["delay"].random(values.shape)
    values = np.minimum(values + least + (most - least) * place, TIMEOUT_MS)
    cell.counts[minutes] = counts
    cell.durations[minutes] = values
    if values.max() >= TIMEOUT_MS:
        late = np.where(values >= TIMEOUT_MS, counts, 0).sum(axis=1)
        cell.server_errors[minutes] += late


def serve_serverless(cell: FleetCell, offer: Offer) -> None:
    """Serverless: no queue; beyond MaxConcurrency a request is throttled (a 4XX)."""
    size = cell.fleet.serverless
    assert size is not None
    window, arrivals, first = offer.window, offer.arrivals, offer.first
    nature = cell.workload.nature
    mean_ms = nature.curve.mean_ms(size.memory_mb) * offer.slower
    offered = (arrivals + offer.probes) * mean_ms / 60_000.0
    refused = refused_share(offered, float(size.max_concurrency))
    throttled = np.zeros(len(arrivals), np.int64)
    if refused is not None:
        throttled = cell.dice["throttles"].binomial(arrivals, refused)
    calls = arrivals - throttled
    cell.arrivals[window], cell.throttled[window] = arrivals, throttled
    cell.client_errors[window] += throttled
    cell.busy[window] = calls * mean_ms / 60_000.0
    heavier = _memory_factor(cell, offer.minutes_s)
    used_mb = nature.memory_mb * (1.0 - nature.memory_spread / 2.0) * heavier
    cell.memory[window] = np.minimum(100.0, 100.0 * used_mb / size.memory_mb)
    _count_environments(cell, first, calls, size.max_concurrency, size.provisioned_concurrency or 0)
    nobody = np.zeros(len(arrivals))
    _draw(cell, first, calls, Response(mean_ms, nobody, nobody + 1.0), (nobody, nobody))
    killed = [nature.memory_shortfall(size.memory_mb, float(factor)) for factor in heavier]
    _count_errors(cell, offer, np.array(killed))


def _count_environments(
    cell: FleetCell, first: int, calls: Counts, most: int, provisioned: int
) -> None:
    """Environments in use, fresh ones among them; idle ones are kept for a while."""
    keep = max(1, round(cell.workload.nature.keep_alive_s / 60.0))
    dice = cell.dice["cold"].random(len(calls)).tolist()
    for offset, count in enumerate(calls.tolist()):
        minute, needed = first + offset, 0
        cell.ready[minute] = provisioned
        if count:
            busy = float(cell.busy[minute])
            needed = min(count, most, max(1, ceil(busy + 2.0 * sqrt(busy))))
            cell.peak[minute] = needed
            on_demand = max(0, needed - provisioned)
            warm = max(cell.recent, default=0)
            recycled = int(min(on_demand, warm) / RECYCLE_MINUTES + dice[offset])
            cell.cold[minute] = min(count, max(0, on_demand - warm) + recycled)
            cell.provisioned[minute] = min(needed, provisioned)
            if provisioned:
                cell.spilled[minute] = round(count * on_demand / needed)
            needed = on_demand
        cell.recent.append(needed)
        while len(cell.recent) > keep:
            cell.recent.popleft()


def _memory_factor(cell: FleetCell, minutes_s: Floats) -> Floats:
    found = cell.workload.factor(Effect.MEMORY, minutes_s)
    return np.ones(len(minutes_s)) if found is None else found


def _count_errors(cell: FleetCell, offer: Offer, killed: Floats) -> None:
    """Requests that the model fails, or that the lack of memory kills: 5XX from the model."""
    workload = cell.workload
    share: float | Floats = workload.nature.error_rate
    failing = workload.error_share(offer.minutes_s) if workload.disturbances else None
    if failing is not None:
        share = np.maximum(share, failing)
    share = np.maximum(share, killed)
    if not np.any(share):
        return
    window = offer.window
    healthy = np.maximum(0, cell.calls[window] - cell.server_errors[window])
    cell.server_errors[window] += cell.dice["errors"].binomial(healthy, share)
