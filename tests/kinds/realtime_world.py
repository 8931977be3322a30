"""Real-time endpoints for tests: a machine's true latency, fleets that scale, and a tick.

Latencies come from the sandbox's queues, which share no code with what is tested.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
from given import HOUR_S, NOW_S, a_fleet, a_memory_use

from controller.core.assess import Observed
from controller.core.evidence import MIN_REQUESTS_PER_HOUR
from controller.kinds.realtime_endpoint.kind import RealtimeSizing
from controller.kinds.realtime_endpoint.windows import hours_of
from controller.model.change import Change, ChangePhase
from controller.model.endpoint import EndpointKey, EndpointState, Kind, Phase
from controller.model.estimate import Observation
from controller.model.missing import Missing
from controller.model.policy import Bounds, Mode, Policy, Scope, Slo, Source, Target
from controller.model.price import HostingPrices
from controller.model.reason import Reason
from controller.model.sagemaker import (
    Autoscaling,
    Endpoint,
    EndpointConfig,
    RealtimeLive,
    ScalableTarget,
    ScalingPolicy,
)
from controller.model.size import RealtimeSize, measured_as
from controller.model.window import Window, WindowSet
from controller.runtime.book import observation
from controller.sandbox.noise import Noise
from controller.sandbox.sagemaker.latency import latencies_ms, squared_cv
from controller.sandbox.sagemaker.stations import ServerStation, Station

PART_S = 300.0
ERA = "config-1"
KEY = EndpointKey("123456789012", "us-east-1", Kind.REALTIME_ENDPOINT, "shop", "AllTraffic")
PRICES = HostingPrices(
    region="us-east-1",
    usd_per_hour={
        "ml.t2.medium": 0.056,
        "ml.m5.large": 0.115,
        "ml.m5.xlarge": 0.23,
        "ml.c5.large": 0.102,
        "ml.c5.xlarge": 0.204,
        "ml.c5.2xlarge": 0.408,
        "ml.c5.4xlarge": 0.816,
        "ml.c5d.xlarge": 0.23,
        "ml.c6g.xlarge": 0.1632,
        "ml.g4dn.xlarge": 0.736,
        "ml.inf1.xlarge": 0.297,
    },
    as_of_s=NOW_S,
    source="bundled",
)
C5 = RealtimeSize("ml.c5.xlarge", 2, 2)


MEMORY = replace(a_memory_use(1500, 8192), cold_starts=0)
"""A gigabyte and a half in use."""


@dataclass(frozen=True)
class Machine:
    """One instance: latencies at any load."""

    station: Station = field(default_factory=lambda: ServerStation(40.0, 4))
    noise: Noise = field(default_factory=lambda: Noise(cv=0.3))

    @cached_property
    def _table(self) -> tuple[Any, Any]:
        """Loads, and a thousand sorted latencies at each; the last columns are of overload."""
        able = self.station.capacity_rps
        loads = np.geomspace(able / 500.0, able, 80)
        ranks = np.tile((np.arange(1000) + 0.5) / 1000.0, (len(loads), 1))
        cv = math.sqrt(squared_cv(self.noise))
        response = self.station.response(loads, cv, np.ones(len(loads)))
        return loads, np.sort(latencies_ms(self.noise, response, ranks), axis=1)

    @cached_property
    def _known(self) -> dict[str | float, Any]:
        _, table = self._table
        percentiles = np.quantile(table, [0.5, 0.95], axis=1)
        return {"p50": percentiles[0], "p95": percentiles[1], "mean": table.mean(axis=1)}

    def _read(self, values: Any, load_rps: float) -> float:
        return float(np.interp(load_rps, self._table[0], values))

    def _backlog_ms(self, load_rps: float) -> float:
        """What five minutes of more than can be served add to every latency."""
        return max(0.0, load_rps / self.station.capacity_rps - 1.0) * PART_S * 500.0

    def _met(self, load_rps: float, threshold_ms: float) -> float:
        left = threshold_ms - self._backlog_ms(load_rps)
        if left not in self._known:
            self._known[left] = (self._table[1] <= left).mean(axis=1)
        return self._read(self._known[left], load_rps)

    def p95_ms(self, load_rps: float) -> float:
        """The latency that one request in twenty exceeds."""
        return self._read(self._known["p95"], load_rps) + self._backlog_ms(load_rps)

    def capacity_rps(self, threshold_ms: float) -> float:
        """The highest load that meets an SLO."""
        loads, _ = self._table
        finer = np.geomspace(loads[0], loads[-1], 1000)
        within = np.interp(finer, loads, self._known["p95"]) <= threshold_ms
        return float(finer[within][-1]) if within.any() else 0.0

    def part(
        self, start_s: float, rps: float, instances: float, threshold_ms: float, wobble: float = 1.0
    ) -> Window:
        """Five minutes of an endpoint with so many instances."""
        load, more = rps / instances, self._backlog_ms(rps / instances)
        mean, p50, p95 = (
            (self._read(self._known[name], load) + more) * wobble for name in ("mean", "p50", "p95")
        )
        return Window(
            start_s=start_s,
            end_s=start_s + PART_S,
            requests=round(rps * PART_S),
            threshold_ms=threshold_ms,
            met_ratio=self._met(load, threshold_ms / wobble),
            mean_ms=mean,
            p50_ms=p50,
            p95_ms=p95,
            errors=0,
            throttles=Missing("instances do not throttle"),
            concurrency_peak=Missing("not read"),
            instances=float(instances),
            peak_rps=rps,
            memory_used_ratio=0.3,
        )


@dataclass
class Fleet:
    """Instances under target tracking: out after eight minutes, in after fifteen quiet ones."""

    size: RealtimeSize
    running: int
    asked: list[int] = field(default_factory=list)
    quiet: int = 0

    def step(self, rps: float) -> int:
        """Instances that serve the next five minutes."""
        size = self.size
        low, high = size.min_instances, size.max_instances
        self.asked.append(self.running)
        if size.target_per_instance is not None and low < high:
            want = math.ceil(rps * 60.0 / size.target_per_instance - 1e-9)
            self.quiet = self.quiet + 1 if want < self.running * 0.9 else 0
            if want > self.running:
                self.asked[-1] = want
            elif self.quiet >= 3:
                self.asked[-1] = max(want, 1)
        self.asked[-1] = min(max(self.asked[-1], low), high)
        previous = self.asked[-2] if len(self.asked) > 1 else self.running
        self.running = min(max(previous, low), high)
        return self.running


def a_policy(threshold_ms: float = 100.0, **values: Any) -> Policy:
    """An enforcing policy for one variant."""
    plain = Policy(
        name="shop",
        target=Target(Kind.REALTIME_ENDPOINT, Scope("us-east-1"), name="shop", qualifier="x"),
        slo=Slo(threshold_ms),
        source=Source("policies.yaml", 1, 1),
        generation="g1",
        mode=Mode.ENFORCE,
        bounds=Bounds(instance_types=("ml.c5.xlarge",)),
    )
    return replace(plain, **values)


def a_live(size: RealtimeSize = C5, *, instances: int | None = None, **config: Any) -> RealtimeLive:
    """The live state of a size."""
    plain = EndpointConfig("shop-v1", "arn", ERA, NOW_S - 60 * 86_400.0, ours=False)
    running = size.min_instances if instances is None else instances
    scaled = size.min_instances < size.max_instances or size.target_per_instance is not None
    target = ScalableTarget(size.min_instances, size.max_instances) if scaled else None
    tracking = ScalingPolicy("p", "TargetTrackingScaling", "{}", size.target_per_instance)
    return RealtimeLive(
        endpoint=Endpoint("arn", "InService", None, replace(plain, **config), "AllTraffic", NOW_S),
        instance_type=size.instance_type,
        instances=running,
        desired_instances=running,
        autoscaling=Autoscaling(target, (tracking,) if size.target_per_instance else ()),
    )


def a_state(size: RealtimeSize = C5, live: RealtimeLive | None = None) -> EndpointState:
    """A stable endpoint."""
    shown = a_live(size) if live is None else live
    return EndpointState(KEY, size, Phase.STABLE, "e1", {}, NOW_S, shown)


def parts_of(
    machine: Machine,
    size: RealtimeSize,
    rps: Sequence[float],
    threshold_ms: float,
    *,
    end_s: float = NOW_S,
    wobbles: Sequence[float] = (1.0,),
) -> tuple[Window, ...]:
    """Five-minute windows of a fleet that follows the rates, ending at `end_s`."""
    fleet = Fleet(size, size.min_instances)
    return tuple(
        machine.part(
            end_s - (len(rps) - i) * PART_S,
            rate,
            fleet.step(rate),
            threshold_ms,
            wobbles[i % len(wobbles)],
        )
        for i, rate in enumerate(rps)
    )


def rows_of(parts: Sequence[Window], size: RealtimeSize, era: str = ERA) -> list[Observation]:
    """Windows as evidence."""
    rows = (observation(w, measured_as(size), era) for w in parts)
    return [row for row in rows if row is not None and row.requests >= MIN_REQUESTS_PER_HOUR]


def an_observed(
    parts: Sequence[Window],
    size: RealtimeSize = C5,
    *,
    policy: Policy | None = None,
    live: RealtimeLive | None = None,
    more_rows: Sequence[Observation] = (),
    **values: Any,
) -> Observed:
    """All that a tick has seen of an endpoint whose windows are given."""
    policy = policy or a_policy()
    now_s = parts[-1].end_s if parts else NOW_S
    hourly = tuple(w for w in hours_of(parts) if w.end_s <= now_s)
    recent = tuple(w for w in parts if w.start_s >= now_s - 3 * HOUR_S)
    plain = Observed(
        now_s=now_s,
        policy=policy,
        state=a_state(size, live),
        era=ERA,
        size_since_s=parts[0].start_s if parts else NOW_S,
        windows=WindowSet(now_s, recent, hourly, {}, Missing("kept with the evidence")),
        rows=(*more_rows, *rows_of(parts, size)),
        recent_rows=(),
        memory_use=(MEMORY,),
        memory_refusal=None,
        changes=(),
        open_change=None,
        pauses=(),
        fleet=a_fleet(),
    )
    return replace(plain, **values)


def a_type_change(**progress: str) -> Change:
    """An open change to another type, with what it remembers."""
    return Change(
        id=1,
        key=KEY,
        policy="shop",
        phase=ChangePhase.VERIFYING,
        before=C5,
        target=RealtimeSize("ml.c5.2xlarge", 1, 1),
        reason=Reason.CHEAPER_SIZE,
        detail="",
        proposal=None,
        etag="e",
        baseline=None,
        actor="controller",
        term=1,
        planned_at_s=NOW_S,
        updated_at_s=NOW_S,
        progress=progress,
    )


def a_sizing(observed: Observed, prices: Mapping[str, float] | None = None) -> RealtimeSizing:
    """Sizing for what was observed."""
    found = PRICES if prices is None else replace(PRICES, usd_per_hour=prices)
    size = observed.state.size
    assert isinstance(size, RealtimeSize)
    return RealtimeSizing(found, observed.state.realtime, size, "us-east-1")


def daily(low: float, high: float, days: int = 14) -> list[float]:
    """A smooth day, quiet at night (UTC), of five-minute rates; the run ends at NOW_S."""
    start_s = NOW_S - days * 86_400.0
    return [
        low
        + (high - low)
        * max(0.0, math.sin(math.pi * (((start_s + i * PART_S) % 86_400.0) / 3600.0 - 6.0) / 14.0))
        for i in range(days * 288)
    ]
