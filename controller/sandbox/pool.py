"""The account's concurrency, shared by all functions that have no limit of their own.

What others use is taken from what their workload asks for at the start of the hour, so that
one function's throttling depends on the others' load without playing all of them together.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from controller.sandbox.region import Region
from controller.sandbox.serving import Serving


class Pools:
    """Concurrency in use at the start of an hour, by function; remembered per hour."""

    def __init__(self) -> None:
        self._hours: dict[tuple[str, str, int], _Survey] = {}

    def left(self, region: Region, function: str, hour_s: int) -> float:
        """Slots that a function without reserved concurrency may use in an hour."""
        key = (region.account, region.name, hour_s)
        found = self._hours.get(key)
        if found is None:
            if len(self._hours) > 1000:
                self._hours.clear()
            found = self._hours[key] = _survey(region, hour_s)
        others = found.total - found.busy.get(function, 0.0)
        return max(1.0, found.free - others)


@dataclass(frozen=True, slots=True)
class _Survey:
    """Slots not reserved, and the mean concurrency of the functions that share them."""

    free: float
    busy: Mapping[str, float]
    total: float


def _survey(region: Region, hour_s: int) -> _Survey:
    reserved = 0
    busy: dict[str, float] = {}
    for name, history in region.histories.items():
        state = history.at(float(hour_s))
        if state is None or not state.routes:
            continue
        if state.reserved is not None:
            reserved += state.reserved
        else:
            busy[name] = offered_load(region, name, state, hour_s)
    free = float(region.concurrency_limit - reserved)
    return _Survey(free, busy, sum(busy.values()))


def offered_load(region: Region, name: str, state: Serving, at_s: float) -> float:
    """Mean number of requests in progress that a function's workload asks for (Little)."""
    load = 0.0
    for index, stream in enumerate(state.workload.streams):
        route = state.route(stream.qualifier)
        if not route:
            continue
        key = (region.seed, region.account, region.name, name, index)
        rate = float(stream.traffic.expected_per_minute(np.array([float(at_s)]), *key)[0])
        mean_ms = sum(
            share * state.workload.nature.curve.mean_ms(v.memory_mb) * v.latency_factor
            for v, share in route
        )
        load += rate * mean_ms / 60_000.0
    return load
