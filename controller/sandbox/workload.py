"""A workload: what a function is by nature, and who calls it when.

Configuration (memory, aliases, concurrency) belongs to AWS and can be changed by anybody;
a workload belongs to the world and cannot. It is a frozen value, JSON-able both ways; a
change of it (a fault, a new release's behaviour) is a new value from an instant on.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import numpy as np
import numpy.typing as npt

from controller.sandbox.curve import Curve, PowerCurve, curve_from
from controller.sandbox.noise import Noise
from controller.sandbox.traffic import Traffic, traffic_from

Floats = npt.NDArray[np.float64]

LATEST = "$LATEST"


@dataclass(frozen=True, slots=True)
class Nature:
    """What one call costs: time, memory, initialisation, chance of failing."""

    curve: Curve = field(default_factory=lambda: PowerCurve(a_ms=20.0, b=50_000.0))
    noise: Noise = field(default_factory=Noise)
    memory_mb: float = 90.0
    """Most memory a call uses; a size below it runs out of memory for some or all calls."""
    memory_spread: float = 0.08
    """Calls use between `memory_mb x (1 - spread)` and `memory_mb`."""
    init_ms: float = 400.0
    init_cv: float = 0.2
    error_rate: float = 0.0
    first_call_factor: float = 1.0
    """The first call in a fresh environment takes so many times as long (lazy loading)."""
    keep_alive_s: float = 600.0
    """An idle environment is kept so long."""

    def memory_shortfall(self, memory_mb: float, factor: float = 1.0) -> float:
        """Share of calls (0-1) that run out of memory at a size."""
        most = self.memory_mb * factor
        least = most * (1.0 - self.memory_spread)
        if memory_mb >= most:
            return 0.0
        return 1.0 if memory_mb <= least else (most - memory_mb) / (most - least)


@dataclass(frozen=True, slots=True)
class Stream:
    """Requests that name the function in one way: `live`, `7`, `$LATEST`, or None (bare name)."""

    qualifier: str | None
    traffic: Traffic


class Effect(StrEnum):
    """What a disturbance acts on."""

    LATENCY = "latency"
    """Durations are multiplied by `factor`."""
    TRAFFIC = "traffic"
    """Request rates are multiplied by `factor` (0 is an outage of the callers)."""
    ERRORS = "errors"
    """The share of failing calls is at least `factor` (1 is an outage of the function)."""
    MEMORY = "memory"
    """Memory used is multiplied by `factor`."""


@dataclass(frozen=True, slots=True)
class Disturbance:
    """Something that changes the workload from `from_s` to `to_s` (None: for good)."""

    effect: Effect
    factor: float
    from_s: float
    to_s: float | None = None
    ramp_s: float = 0.0
    """The factor is reached linearly over so many seconds."""

    def factors(self, instants_s: Floats) -> Floats:
        """The factor at each instant; 1 outside the disturbance."""
        active = instants_s >= self.from_s
        if self.to_s is not None:
            active &= instants_s < self.to_s
        reached = np.ones(len(instants_s))
        if self.ramp_s > 0:
            reached = np.clip((instants_s - self.from_s) / self.ramp_s, 0.0, 1.0)
        return np.where(active, 1.0 + (self.factor - 1.0) * reached, 1.0)


@dataclass(frozen=True, slots=True)
class Workload:
    """Nature, callers and disturbances of one function."""

    nature: Nature = field(default_factory=Nature)
    streams: tuple[Stream, ...] = ()
    disturbances: tuple[Disturbance, ...] = ()

    def factor(self, effect: Effect, instants_s: Floats) -> Floats | None:
        """Product of the disturbances of one effect; None where there are none."""
        total: Floats | None = None
        for disturbance in self.disturbances:
            if disturbance.effect is effect:
                factors = disturbance.factors(instants_s)
                total = factors if total is None else total * factors
        return total

    def error_share(self, instants_s: Floats) -> Floats | None:
        """Share of calls failing by disturbances; None where there are none."""
        total: Floats | None = None
        for disturbance in self.disturbances:
            if disturbance.effect is not Effect.ERRORS:
                continue
            active = instants_s >= disturbance.from_s
            if disturbance.to_s is not None:
                active &= instants_s < disturbance.to_s
            share = np.where(active, disturbance.factor, 0.0)
            total = share if total is None else np.maximum(total, share)
        return total


def workload_from(document: Mapping[str, Any], start_s: float) -> Workload:
    """A workload from JSON.

    `{curve: {...}, cv, slow_share, slow_factor: [low, high], memory_mb, memory_spread,
    init_ms, init_cv, error_rate, first_call_factor, keep_alive_s, qualifier, traffic: {...},
    streams: [{qualifier, traffic}], disturbances: [{effect, factor, from_s | from_in_s,
    to_s | to_in_s, ramp_s}]}`; `*_in_s` count from `start_s`. Raises ValueError.
    """
    natures = ("memory_mb", "memory_spread", "init_ms", "init_cv", "error_rate",
               "first_call_factor", "keep_alive_s")  # fmt: skip
    noises = ("cv", "slow_share", "slow_factor")
    others = ("curve", "qualifier", "traffic", "streams", "disturbances")
    if unknown := set(document) - {*natures, *noises, *others}:
        raise ValueError(f"a workload has no member {min(unknown)!r}")
    noise = {name: document[name] for name in noises if name in document}
    if "slow_factor" in noise:
        noise["slow_factor"] = tuple(noise["slow_factor"])
    nature: dict[str, Any] = {name: document[name] for name in natures if name in document}
    if "curve" in document:
        nature["curve"] = curve_from(document["curve"])
    streams = list(document.get("streams", ()))
    if "traffic" in document:
        streams.append({"qualifier": document.get("qualifier"), "traffic": document["traffic"]})
    return Workload(
        nature=Nature(noise=Noise(**noise), **nature),
        streams=tuple(
            Stream(item.get("qualifier"), traffic_from(item["traffic"], start_s))
            for item in streams
        ),
        disturbances=tuple(
            disturbance_from(item, start_s) for item in document.get("disturbances", ())
        ),
    )


def disturbance_from(document: Mapping[str, Any], start_s: float) -> Disturbance:
    """A disturbance from JSON (see `workload_from`), from now if not said. Raises ValueError."""
    begin = instant_of(document, "from", start_s)
    return Disturbance(
        effect=Effect(document["effect"]),
        factor=float(document["factor"]),
        from_s=start_s if begin is None else begin,
        to_s=instant_of(document, "to", start_s),
        ramp_s=float(document.get("ramp_s", 0.0)),
    )


def instant_of(document: Mapping[str, Any], name: str, start_s: float) -> float | None:
    """`{name}_s` (since the epoch) or `{name}_in_s` (after `start_s`); None without either."""
    if (absolute := document.get(f"{name}_s")) is not None:
        return float(absolute)
    if (relative := document.get(f"{name}_in_s")) is not None:
        return start_s + float(relative)
    return None
