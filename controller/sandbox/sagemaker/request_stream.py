"""Requests of one client that come at a known rate, answered many at a time in virtual time.

For load generators that live inside the world, whose clock does not move while they ask: the
same queue, scatter and failures as for a single InvokeEndpoint, a minute's requests at once. A
minute (or a phase of the load, where that is shorter) has one mix of latencies, as it has on
the endpoint's own tape; beyond its capacity the queue grows from one to the next until it is
full. Every request is kept as a call, so that CloudWatch and the bill know of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from controller.sandbox import draws
from controller.sandbox.sagemaker.endpoint_tape import expected_rate
from controller.sandbox.sagemaker.latency import latencies_ms, squared_cv
from controller.sandbox.sagemaker.metrics import endpoint_key
from controller.sandbox.sagemaker.runtime_calls import EndpointCall
from controller.sandbox.sagemaker.serving_minutes import QUEUE_MINUTES, TIMEOUT_MS
from controller.sandbox.sagemaker.stations import Station
from controller.sandbox.sagemaker_state import EndpointServing, Fleet, sagemaker_of
from controller.sandbox.workload import Effect

if TYPE_CHECKING:
    from controller.sandbox.region import Region
    from controller.sandbox.world import World

Floats = npt.NDArray[np.float64]
_OVERHEAD_CV = 0.45


@dataclass(frozen=True, slots=True)
class Reply:
    """One request: when it came, what its client waited, and its HTTP status (424: the model
    failed it; 400: nothing is in service)."""

    at_s: float
    latency_ms: float
    status: int


class RequestStream:
    """One client of one real-time endpoint. Not for several threads."""

    def __init__(self, world: World, region: Region, endpoint: str, seed: int = 0) -> None:
        self._world = world
        self._place = sagemaker_of(world, region)
        self._endpoint = endpoint
        self._dice = draws.generator(*endpoint_key(self._place, endpoint), "stream", seed)
        self._backlog: dict[str, float] = {}
        """Requests that wait, by fleet."""

    def replies(self, instants_s: Sequence[float], rate_rps: float) -> list[Reply]:
        """Answers to requests that come at `rate_rps`, within one minute of the world's past.

        `instants_s`: in order, none before those that were asked about earlier.
        """
        if not len(instants_s):
            return []
        with self._world.lock:
            timeline = self._place.histories.get(self._endpoint)
            state = None if timeline is None else timeline.at(instants_s[0])
            fleets = [] if state is None else [f for f in state.fleets if not f.shadow]
            if state is None or not fleets:
                return [Reply(at_s, 1.0, 400) for at_s in instants_s]
            fleet = self._picked(fleets)
            return self._served(state, fleet, np.asarray(instants_s), rate_rps)

    def _picked(self, fleets: Sequence[Fleet]) -> Fleet:
        """By share: while a deployment shifts traffic, all of a minute go to one of the fleets."""
        shares = np.array([max(fleet.share, 1e-9) for fleet in fleets])
        return fleets[int(self._dice.choice(len(fleets), p=shares / shares.sum()))]

    def _served(
        self, state: EndpointServing, fleet: Fleet, instants_s: Floats, rate_rps: float
    ) -> list[Reply]:
        workload, count = state.workload, len(instants_s)
        station = workload.machines.station(fleet.instance_type or "")
        if station is None or fleet.instances <= 0:
            return [Reply(float(at_s), workload.overhead_ms, 424) for at_s in instants_s]
        first_s = instants_s[:1]
        slower = workload.factor(Effect.LATENCY, first_s)
        factor = np.ones(1) if slower is None else slower
        theirs = expected_rate(state, fleet, first_s, endpoint_key(self._place, self._endpoint))
        offered_rps = rate_rps + float(theirs[0]) / 60.0
        pooled = fleet.instances if fleet.routing == "LEAST_OUTSTANDING_REQUESTS" else 1
        cv = sqrt(squared_cv(workload.nature.noise))
        load = np.array([offered_rps / fleet.instances])
        response = station.response(load, cv, factor, pooled)
        model_ms = latencies_ms(workload.nature.noise, response, self._dice.random((1, count)))[0]
        able_rps = _able_rps(station, fleet, factor)
        delay_ms, turned_away = self._delayed(fleet.uid, instants_s, offered_rps, able_rps)
        model_ms = np.minimum(model_ms + delay_ms, TIMEOUT_MS)
        failing = workload.error_share(first_s)
        share = max(workload.nature.error_rate, 0.0 if failing is None else float(failing[0]))
        failed = (self._dice.random(count) < max(share, turned_away)) | (model_ms >= TIMEOUT_MS)
        overhead_ms = self._overhead_ms(workload.overhead_ms + 0.01 * workload.payload_kb, count)
        self._note(fleet, instants_s, model_ms, overhead_ms, failed)
        return [
            Reply(float(at_s), float(ms), 424 if bad else 200)
            for at_s, ms, bad in zip(instants_s, model_ms + overhead_ms, failed, strict=True)
        ]

    def _delayed(
        self, uid: str, instants_s: Floats, offered_rps: float, able_rps: float
    ) -> tuple[Floats, float]:
        """(milliseconds that each waits for the backlog, share that finds the queue full)."""
        full = able_rps * 60.0 * QUEUE_MINUTES
        since_s = instants_s - instants_s[0]
        grown = self._backlog.get(uid, 0.0) + (offered_rps - able_rps) * since_s
        waiting = np.clip(grown, 0.0, full)
        self._backlog[uid] = float(waiting[-1])
        over = float((grown > full).mean())
        turned_away = over * max(0.0, 1.0 - able_rps / max(offered_rps, 1e-9))
        return waiting / able_rps * 1000.0, turned_away

    def _overhead_ms(self, mean_ms: float, count: int) -> Floats:
        sigma = sqrt(np.log1p(_OVERHEAD_CV**2))
        scatter = np.exp(sigma * self._dice.standard_normal(count) - sigma * sigma / 2.0)
        return np.asarray(mean_ms * scatter)

    def _note(
        self,
        fleet: Fleet,
        instants_s: Floats,
        model_ms: Floats,
        overhead_ms: Floats,
        failed: Floats,
    ) -> None:
        """Keep them as calls, in the order of time."""
        calls = self._place.calls.setdefault(self._endpoint, [])
        each = zip(instants_s, model_ms, overhead_ms, failed, strict=True)
        calls.extend(
            EndpointCall(
                at_s=float(at_s),
                fleet=fleet.uid,
                variant=fleet.variant,
                config_name=fleet.config_name,
                share_of_instance=1.0 / fleet.instances,
                model_ms=float(model),
                overhead_ms=float(overhead),
                error="5xx" if bad else None,
                deploying=fleet.deploying,
            )
            for at_s, model, overhead, bad in each
        )
        if len(calls) > len(instants_s) and calls[-len(instants_s) - 1].at_s > instants_s[0]:
            calls.sort(key=lambda call: call.at_s)


def _able_rps(station: Station, fleet: Fleet, factor: Floats) -> float:
    return station.capacity_rps * fleet.instances / float(factor[0])
