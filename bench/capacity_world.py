"""Endpoints whose every instance type has a true curve, for the capacity search's benchmark.

The queues are the sandbox's: identical servers with a queue, or a machine whose requests slow
each other down. They share no code and no constants with the beliefs that are judged. Generated
endpoints draw a service time, a parallelism and a scatter per family; measured ones take a
type's latency at numbers of requests in progress from a file of curves.
"""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from bench.capacity_machine import WINDOW_S, Machine
from controller.core.evidence import Evidence
from controller.kinds.realtime_endpoint.bill import Fleet
from controller.kinds.realtime_endpoint.headroom import size_for
from controller.kinds.realtime_endpoint.question import Question
from controller.kinds.realtime_endpoint.shape import Shape, shape
from controller.kinds.realtime_endpoint.types import Beliefs
from controller.model.demand import Demand, Interval, WeeklyHour
from controller.model.endpoint import Kind
from controller.model.estimate import Observation
from controller.model.missing import Missing
from controller.model.policy import Bounds, Policy, Scope, Slo, Source, Target
from controller.model.price import HostingPrices
from controller.model.sagemaker import Autoscaling, Endpoint, EndpointConfig, RealtimeLive
from controller.model.size import RealtimeSize
from controller.sandbox.noise import Noise
from controller.sandbox.sagemaker.catalogue import instance_types, usd_per_hour
from controller.sandbox.sagemaker.stations import MeasuredStation, ServerStation, Station

REGION, ERA = "us-east-1", "code-1"
FAMILIES = ("c4", "c5", "c6i", "m4", "m5", "r5")
SIZES = ("large", "xlarge", "2xlarge", "4xlarge")
SPEEDS = {"c4": 0.8, "c5": 1.0, "c6i": 1.12, "m4": 0.72, "m5": 0.92, "r5": 0.92}
"""Mean speed of a core in the generated worlds; each world strays from it by a fifth."""
MINUTE_S = 60.0
LEAST_REQUESTS = 20
"""Of a row: with fewer a percentile says nothing, and minutes are taken together."""


@dataclass(frozen=True)
class Case:
    """One endpoint: what is asked for, and the truth behind it."""

    name: str
    seed: int
    machines: Mapping[str, Machine]
    prices: HostingPrices
    policy: Policy
    demand: Demand
    current: RealtimeSize
    needs_gib: float = 0.0
    live_rows: tuple[Observation, ...] = ()

    @cached_property
    def shape(self) -> Shape:
        """Its week."""
        return shape(self.demand)

    def question(self, rows: Sequence[Observation], known: Beliefs | None = None) -> Question:
        """What is asked after these rows; `known` spares fitting them."""
        found = beliefs_of([*self.live_rows, *rows], self.policy) if known is None else known
        return Question(
            self.policy, self.current, live_of(self.current), self.shape, found, self.prices
        )

    def violates(self, size: RealtimeSize) -> bool:
        """Whether the size breaks the SLO at the load that it must bear."""
        worst = Fleet.of(size, self.shape).worst_load_rps()
        return self.machines[size.instance_type].percentile_ms(worst) > self.policy.slo.threshold_ms

    def usd_per_month(self, size: RealtimeSize) -> float:
        """Its bill."""
        hourly = self.prices.usd_per_hour[size.instance_type]
        return Fleet.of(size, self.shape).usd_per_month(hourly).mid

    def true_size(self, name: str) -> RealtimeSize | None:
        """What a type would be sized at by one who knows its curve; None where none would do."""
        capacity = self.machines[name].capacity_rps(self.policy.slo.threshold_ms)
        question = self.question((), known=Beliefs({}, self.policy.slo.threshold_ms, 0.95))
        for share in (1.0, 0.9, 0.8, 0.7, 0.6, 0.5):
            if capacity > 0.0:
                target = capacity * share * self.policy.autoscaling.utilization
                size = size_for(question, name, target).size
                if not self.violates(size):
                    return size
        return None

    def best_usd(self, names: Sequence[str]) -> float:
        """The least bill that meets the SLO, among types."""
        sizes = [size for name in names if (size := self.true_size(name)) is not None]
        return min(self.usd_per_month(size) for size in sizes)


def beliefs_of(rows: Sequence[Observation], policy: Policy) -> Beliefs:
    """What the controller believes after rows."""
    evidence = Evidence((), 0, None, tuple(sorted(rows, key=lambda row: row.start_s)))
    return Beliefs.of(evidence, policy.slo, policy.confidence)


def live_of(size: RealtimeSize) -> RealtimeLive:
    """The endpoint as AWS would show it."""
    config = EndpointConfig("config-1", "arn", ERA, 0.0, ours=False)
    endpoint = Endpoint("arn", "InService", None, config, "AllTraffic", 0.0)
    count = size.min_instances
    return RealtimeLive(endpoint, size.instance_type, count, count, Autoscaling())


def row_of(
    machine: Machine, name: str, load_rps: float, span: tuple[float, float], threshold_ms: float,
    rng: np.random.Generator, source: str,
) -> Observation | None:  # fmt: skip
    """A window of so many seconds; None where too few requests came."""
    number = int(rng.poisson(load_rps * (span[1] - span[0])))
    if number < LEAST_REQUESTS:
        return None
    values = machine.sample_ms(load_rps, min(number, 20_000), rng)
    return Observation(
        RealtimeSize(name, 1, 1), ERA, *span, number, float(values.mean()),
        float(np.quantile(values, 0.5)), float(np.quantile(values, machine.percentile)),
        float((values <= threshold_ms).mean()), threshold_ms, source, load_rps,
    )  # fmt: skip


def probed(case: Case, name: str, load_rps: float, span: tuple[float, int]) -> list[Observation]:
    """A light minute, then the load in six rows; in fewer where little comes.

    `span`: seconds, and probes of the type before. The same probe of the same endpoint gives
    the same rows, whoever makes it.
    """
    load_s, before = span
    rng = np.random.default_rng([case.seed, *name.encode(), round(1e4 * load_rps), before])
    machine, threshold_ms = case.machines[name], case.policy.slo.threshold_ms
    rows = max(1, min(6, int(load_rps * load_s / LEAST_REQUESTS / 1.5)))
    step_s = (load_s - MINUTE_S) / rows
    spans = [(MINUTE_S + i * step_s, MINUTE_S + (i + 1) * step_s) for i in range(rows)]
    plan = [(load_rps / 8.0, (0.0, MINUTE_S)), *((load_rps, span) for span in spans)]
    made = [row_of(machine, name, rps, s, threshold_ms, rng, "probe") for rps, s in plan]
    return [row for row in made if row is not None]


# --- how endpoints are made


def generated(seed: int) -> Case:
    """Three or four families on one container, drawn from a seed."""
    rng = np.random.default_rng([seed, 4])
    families = rng.choice(FAMILIES, int(rng.integers(3, 5)), replace=False)
    base_ms = float(np.exp(rng.uniform(math.log(15.0), math.log(250.0))))
    per_vcpu, shared = float(rng.choice([0.5, 1.0, 1.0, 2.0])), float(rng.uniform(0.0, 0.5))
    single, slows = rng.random() < 0.15, float(rng.uniform(0.0, 0.5)) * (rng.random() < 0.5)
    machines, known = {}, instance_types()
    for family in sorted(families):
        speed = SPEEDS[family] * math.exp(rng.normal(0.0, 0.2))
        noise = Noise(float(rng.uniform(0.12, 0.6)), float(rng.choice([0.0, 0.01])))
        for size in SIZES:
            name = f"ml.{family}.{size}"
            if name not in known or usd_per_hour(REGION, name) is None:
                continue
            vcpus = known[name].vcpus
            servers = 1 if single else max(1, round(vcpus * per_vcpu))
            own = math.exp(rng.normal(0.0, 0.06))
            alone_ms = base_ms / speed / (vcpus / 2.0) ** shared * own
            machines[name] = Machine(_station(alone_ms, servers, slows), noise)
    prices = {name: usd_per_hour(REGION, name) or 0.0 for name in machines}
    return _case(f"generated-{seed}", seed, machines, prices, rng, float(rng.choice([1.5, 3, 6])))


def _station(alone_ms: float, servers: int, slows: float) -> Station:
    """Servers with a queue, or, where requests slow each other down, a shared machine."""
    if slows <= 0.0:
        return ServerStation(alone_ms, servers)
    numbers = sorted({1, 2, servers, 2 * servers, 8 * servers})
    points = [
        (
            float(n),
            alone_ms
            * max(1.0, n / servers)
            * (1.0 + slows * min(n - 1, servers - 1) / max(servers, 2)),
        )
        for n in numbers
    ]
    return MeasuredStation(tuple(points))


def measured(folder: Path, seed: int) -> list[Case]:
    """An endpoint per file of curves that measured more than one type."""
    found = []
    for number, file in enumerate(sorted(folder.glob("*.json"))):
        document = json.loads(file.read_text())
        rng = np.random.default_rng([seed, number, 5])
        points: dict[str, list[tuple[float, float]]] = {}
        prices = {}
        for row in document["rows"]:
            if row["error_rate"] == 0.0:
                point = (float(row["concurrency"]), 1000.0 * row["latency_mean_s"])
                points.setdefault(row["instance"], []).append(point)
                prices[row["instance"]] = float(row["usd_per_hour"])
        noise = Noise(float(rng.uniform(0.1, 0.4)))
        machines = {
            name: Machine(MeasuredStation(tuple(sorted(rows))), noise)
            for name, rows in points.items()
        }
        if len(machines) > 1:
            name = str(document["name"])
            found.append(_case(name, 1000 * seed + number, machines, prices, rng, 0.0))
    return found


def _case(
    name: str, seed: int, machines: Mapping[str, Machine], prices: Mapping[str, float],
    rng: np.random.Generator, needs_gib: float,
) -> Case:  # fmt: skip
    """An endpoint with a hand-set number of instances of a type that meets its SLO."""
    known = instance_types()
    holds = [
        n for n in sorted(machines) if needs_gib == 0.0 or known[n].memory_gib > needs_gib * 1.3
    ]
    own = str(rng.choice(holds))
    idle_ms = machines[own].percentile_ms(0.0)
    slo = Slo(round(idle_ms * float(rng.uniform(1.4, 4.0)), 1))
    capacity = machines[own].capacity_rps(slo.threshold_ms)
    peak_rps = capacity * float(np.exp(rng.uniform(math.log(0.5), math.log(20.0))))
    demand = _week(peak_rps, float(rng.uniform(0.1, 0.8)), needs_gib)
    policy = Policy(
        name=name,
        target=Target(Kind.REALTIME_ENDPOINT, Scope(REGION), name=name, qualifier="AllTraffic"),
        slo=slo,
        source=Source("bench", 1, 1),
        generation="1",
        bounds=Bounds(instance_types=tuple(sorted(machines))),
    )
    count = max(1, math.ceil(peak_rps / (0.5 * capacity)))
    current = RealtimeSize(own, count, count)
    rows = [
        row_of(
            machines[own], own, hour.rps_mean / count,
            (at_s, at_s + 6.0 * WINDOW_S), slo.threshold_ms, rng, "cloudwatch",
        )
        for at_s, hour in ((3600.0 * (h.hour - 168), h) for h in demand.weekly[::2])
    ]  # fmt: skip
    return Case(
        name, seed, machines, HostingPrices(REGION, dict(prices), 0.0, "bench"), policy, demand,
        current, needs_gib, tuple(row for row in rows if row is not None),
    )  # fmt: skip


def _week(peak_rps: float, quiet: float, needs_gib: float) -> Demand:
    """A day that swells and ebbs, seven times, the weekend quieter."""
    hours = []
    for hour in range(168):
        day, clock = divmod(hour, 24)
        swell = max(0.0, math.sin(math.pi * (clock - 6.0) / 14.0)) if 6 <= clock <= 20 else 0.0
        level = quiet + (1.0 - quiet) * swell * (0.6 if day >= 5 else 1.0)
        rps = peak_rps / 1.15 * level
        hours.append(WeeklyHour(hour, 4, rps, rps * 1.15))
    mean = sum(h.rps_mean for h in hours) / len(hours)
    month = mean * 730.0 * 3600.0
    unread = Missing("not read")
    return Demand(
        Interval(month * 0.95, month, month * 1.05), max(h.rps_mean for h in hours) * 3600.0,
        min(h.rps_mean for h in hours) * 3600.0, unread, round(needs_gib * 1024), unread, unread,
        unread, unread, 168, peak_rps, tuple(hours),
    )  # fmt: skip
