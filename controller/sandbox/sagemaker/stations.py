"""One instance as a queue: how long requests wait and take at a load.

Identical servers: Erlang's C gives the share of requests that wait; the wait of those is
exponential with mean S / (c - a), scaled by (1 + cv^2) / 2 for service times that are not
exponential (Allen and Cunneen's correction for Poisson arrivals). Measured rows: a station
whose speed depends on how many are in progress, which slow each other down; its mean response
is that of the birth-death process with those speeds.

A minute is short. A queue that would need hours to fill does not stand there at once: the
mean wait is held below what a balanced queue grows to in a minute, sqrt(2 T s / pi) for
arrivals and service that bring s seconds of scatter a second.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

HORIZON_S = 60.0
_GRID = np.concatenate([np.linspace(0.0, 0.9, 181), np.linspace(0.9, 0.999, 100)[1:]])


@dataclass(frozen=True, slots=True)
class Response:
    """Per load: mean time in service, share that waits, mean wait of those; milliseconds."""

    service_ms: Floats
    waiting: Floats
    wait_ms: Floats


class Station(Protocol):
    """One instance, or several that share a queue."""

    @property
    def capacity_rps(self) -> float:
        """Requests a second that it can do at most."""

    @property
    def gpu(self) -> bool:
        """Whether requests run on a GPU."""

    @property
    def alone_ms(self) -> float:
        """Mean time of a request that has the instance for itself."""

    def response(self, load_rps: Floats, cv: float, slower: Floats, pooled: int = 1) -> Response:
        """Behaviour at loads of one instance.

        cv: of service times; slower: factor on service times; pooled: instances that share
        one queue.
        """


@dataclass(frozen=True, slots=True)
class ServerStation:
    """`servers` requests at once, each `alone_ms` on average; others wait."""

    alone_ms: float
    servers: int
    gpu: bool = False

    @property
    def capacity_rps(self) -> float:
        """Requests a second that it can do at most."""
        return 1000.0 * self.servers / self.alone_ms

    def response(self, load_rps: Floats, cv: float, slower: Floats, pooled: int = 1) -> Response:
        """Behaviour at loads of one instance."""
        servers = self.servers * pooled
        service_ms = self.alone_ms * slower
        busy = np.minimum(load_rps * service_ms / 1000.0 / self.servers, 0.999)
        waiting = np.interp(busy, _GRID, _erlang_c(servers))
        wait_ms = service_ms / (servers * (1.0 - busy)) * (1.0 + cv * cv) / 2.0
        return Response(service_ms, waiting, _bounded(wait_ms, service_ms / servers, cv))


@dataclass(frozen=True, slots=True)
class MeasuredStation:
    """Mean milliseconds at numbers of requests in progress; linear in between."""

    points: tuple[tuple[float, float], ...]
    gpu: bool = False

    @property
    def alone_ms(self) -> float:
        """Mean time of a request that has the instance for itself."""
        return self.points[0][1] / max(1.0, self.points[0][0])

    @property
    def capacity_rps(self) -> float:
        """Requests a second that it can do at most."""
        return max(number * 1000.0 / ms for number, ms in self.points)

    def response(self, load_rps: Floats, cv: float, slower: Floats, pooled: int = 1) -> Response:
        """Behaviour at loads of one instance; a shared queue helps little where all share."""
        loads, means = _sojourns(self.points)
        mean_ms = np.interp(load_rps * slower, loads, means)
        floor_ms = self.points[0][1]
        extra_ms = _bounded(mean_ms - floor_ms, np.full(len(mean_ms), 1000.0 / loads[-1]), cv)
        nobody = np.zeros(len(load_rps))
        return Response((floor_ms + extra_ms) * slower, nobody, nobody + 1.0)


def _bounded(wait_ms: Floats, step_ms: Floats, cv: float) -> Floats:
    """A wait that a minute's queue can reach: a smooth minimum of it and of the bound."""
    most_ms = np.sqrt(2.0 / math.pi * HORIZON_S * 1000.0 * step_ms * (1.0 + cv * cv))
    return wait_ms * most_ms / (wait_ms + most_ms)


@lru_cache(maxsize=512)
def _erlang_c(servers: int) -> Floats:
    """Share of requests that wait, at utilisations of the grid (Erlang's recursion)."""
    load = _GRID * servers
    blocked = np.ones(len(load))
    for number in range(1, servers + 1):
        offered = load * blocked
        blocked = offered / (number + offered)
    return blocked / (1.0 - _GRID * (1.0 - blocked))


@lru_cache(maxsize=256)
def _sojourns(points: tuple[tuple[float, float], ...]) -> tuple[Floats, Floats]:
    """(loads in requests a second, mean milliseconds) of the birth-death process."""
    numbers = np.arange(1, 401, dtype=np.float64)
    known = np.array([number for number, _ in points])
    rates = np.array([number * 1000.0 / ms for number, ms in points])
    speed = np.maximum.accumulate(np.interp(numbers, known, rates))
    speed = np.where(numbers < known[0], rates[0] * numbers / known[0], speed)
    loads = float(speed[-1]) * np.linspace(0.0, 0.999, 200)[1:]
    logs = np.cumsum(np.log(loads[:, None]) - np.log(speed[None, :]), axis=1)
    weights = np.exp(logs - np.maximum(logs.max(axis=1), 0.0)[:, None])
    nothing = np.exp(-np.maximum(logs.max(axis=1), 0.0))
    mean_number = (weights * numbers).sum(axis=1) / (nothing + weights.sum(axis=1))
    return np.asarray(loads), np.asarray(1000.0 * mean_number / loads)
