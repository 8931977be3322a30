"""What a model is on machines: how long a request takes on a type, and how many at once.

Three sorts: computed from the type's cores and accelerators, a literal table by type, and
rows measured at several concurrencies. A type that a model cannot run on (not in the table,
another architecture, too little memory) has no station, and its fleet never comes up.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import cache
from pathlib import Path
from typing import Any, Protocol

from controller.sandbox.sagemaker.catalogue import InstanceType, instance_types
from controller.sandbox.sagemaker.stations import MeasuredStation, ServerStation, Station
from controller.sandbox.workload import Workload, workload_from


class Machines(Protocol):
    """A model's stations by instance type."""

    def station(self, instance_type: str) -> Station | None:
        """One instance as a station; None where the model does not run on the type."""


@dataclass(frozen=True, slots=True)
class ComputedMachines:
    """A request is `fixed_ms` plus `work_ms` of one ml.c5 vCPU, spread over `cores` of them.

    Where the type has an accelerator and `accelerator_ms` is set (on a T4), that takes the
    place of the work, `per_accelerator` requests at a time. Graviton and Inferentia run only
    what was built for them.
    """

    work_ms: float = 50.0
    fixed_ms: float = 2.0
    cores: float = 1.0
    accelerator_ms: float | None = None
    per_accelerator: int = 1
    arm: bool = False
    inferentia: bool = False

    def station(self, instance_type: str) -> Station | None:
        """One instance as a station."""
        kind = instance_types().get(instance_type)
        if kind is None or (kind.arm and not self.arm):
            return None
        if kind.accelerator == "inferentia" and not self.inferentia:
            return None
        if kind.accelerator and self.accelerator_ms is not None:
            mean_ms = self.fixed_ms + self.accelerator_ms / kind.accelerator_speed
            return ServerStation(mean_ms, kind.accelerators * self.per_accelerator, gpu=True)
        # A request that spreads over more cores than there are takes longer; spreading is
        # not perfect either.
        cores = min(self.cores, kind.vcpus)
        mean_ms = self.fixed_ms + self.work_ms / (kind.speed * math.pow(cores, 0.9))
        return ServerStation(mean_ms, max(1, int(kind.vcpus // cores)))


@dataclass(frozen=True, slots=True)
class TableMachines:
    """(mean milliseconds alone, requests at once) by instance type, and no other type."""

    rows: Mapping[str, tuple[float, int]]

    def station(self, instance_type: str) -> Station | None:
        """One instance as a station."""
        row = self.rows.get(instance_type)
        if row is None:
            return None
        kind = instance_types().get(instance_type)
        return ServerStation(row[0], row[1], gpu=kind is not None and kind.accelerator == "gpu")


@dataclass(frozen=True, slots=True)
class MeasuredMachines:
    """(requests in progress, mean milliseconds) by instance type, as somebody measured them."""

    rows: Mapping[str, tuple[tuple[float, float], ...]]

    def station(self, instance_type: str) -> Station | None:
        """One instance as a station."""
        points = self.rows.get(instance_type)
        kind = instance_types().get(instance_type)
        gpu = kind is not None and kind.accelerator == "gpu"
        return None if points is None else MeasuredStation(points, gpu=gpu)


@dataclass(frozen=True, slots=True)
class ManyModels:
    """A multi-model endpoint's models: how many, how large, how unevenly asked for (Zipf)."""

    number: int = 0
    model_mb: float = 200.0
    zipf: float = 1.0
    load_ms: float = 900.0


@dataclass(frozen=True, slots=True)
class EndpointWorkload(Workload):
    """The workload of a SageMaker endpoint.

    `nature` says what a serverless variant does at a memory size (init_ms is its model's
    set-up) and how requests scatter; `machines` what instances do. A stream's `qualifier` is
    a TargetVariant. payload_kb and overhead_ms make OverheadLatency.
    """

    machines: Machines = ComputedMachines()
    overhead_ms: float = 4.0
    payload_kb: float = 10.0
    models: ManyModels = ManyModels()

    def runs_on(self, instance_type: str) -> bool:
        """Whether a container with this model comes up on a type."""
        kind = instance_types().get(instance_type)
        if self.machines.station(instance_type) is None:
            return False
        return kind is None or self.base_memory_mb < kind.memory_gib * 1024.0

    @property
    def base_memory_mb(self) -> float:
        """Memory that the container takes on an instance, operating system included."""
        return self.nature.memory_mb + 450.0

    def hit_ratio(self, kind: InstanceType | None) -> tuple[float, int]:
        """(share of requests whose model is loaded, models that fit) on one instance."""
        if self.models.number <= 0:
            return 1.0, 0
        room_mb = (4.0 if kind is None else kind.memory_gib) * 1024.0 - self.base_memory_mb
        fit = max(1, min(self.models.number, int(room_mb / self.models.model_mb)))
        return _least_recently_used(self.models.number, self.models.zipf, fit), fit


@cache
def _least_recently_used(number: int, zipf: float, fit: int) -> float:
    """Hit ratio of an LRU cache of `fit` out of `number` (Che's approximation, 2002)."""
    if fit >= number:
        return 1.0
    weights = [1.0 / math.pow(rank, zipf) for rank in range(1, number + 1)]
    total = sum(weights)
    shares = [weight / total for weight in weights]
    low, high = 0.0, 1.0
    while sum(1.0 - math.exp(-share * high) for share in shares) < fit:
        high *= 2.0
    for _ in range(60):
        middle = (low + high) / 2.0
        held = sum(1.0 - math.exp(-share * middle) for share in shares)
        low, high = (middle, high) if held < fit else (low, middle)
    return sum(share * (1.0 - math.exp(-share * high)) for share in shares)


_OWN = {"machines", "overhead_ms", "payload_kb", "models"}


def endpoint_workload_from(document: Mapping[str, Any], start_s: float) -> EndpointWorkload:
    """A workload from JSON: as `workload_from`, with `machines`, `overhead_ms`, `payload_kb`
    and `models: {number, model_mb, zipf, load_ms}`. Raises ValueError."""
    base = workload_from({k: v for k, v in document.items() if k not in _OWN}, start_s)
    shared = {item.name: getattr(base, item.name) for item in fields(base)}
    own: dict[str, Any] = {
        name: float(document[name]) for name in ("overhead_ms", "payload_kb") if name in document
    }
    if "models" in document:
        own["models"] = ManyModels(**document["models"])
    return EndpointWorkload(**shared, machines=machines_from(document.get("machines", {})), **own)


def machines_from(document: Mapping[str, Any]) -> Machines:
    """Machines from JSON.

    `{work_ms, fixed_ms, cores, accelerator_ms, per_accelerator, arm, inferentia}`, or
    `{table: {type: {service_ms, servers}}}`, or `{measured: {type: [[concurrency, ms], ...]}}`,
    or `{file: path}` to JSON with `rows` of {instance, concurrency, latency_mean_s}.
    Raises ValueError.
    """
    if "table" in document:
        return TableMachines(
            {
                name: (float(row["service_ms"]), int(row["servers"]))
                for name, row in document["table"].items()
            }
        )
    if "measured" in document:
        return MeasuredMachines(
            {
                name: tuple(sorted((float(n), float(ms)) for n, ms in points))
                for name, points in document["measured"].items()
            }
        )
    if "file" in document:
        found: dict[str, list[tuple[float, float]]] = {}
        for row in json.loads(Path(document["file"]).read_text(encoding="utf-8"))["rows"]:
            point = float(row["concurrency"]), 1000.0 * float(row["latency_mean_s"])
            found.setdefault(row["instance"], []).append(point)
        return MeasuredMachines({name: tuple(sorted(rows)) for name, rows in found.items()})
    known = {item.name for item in fields(ComputedMachines)}
    if unknown := set(document) - known:
        raise ValueError(f"machines have no member {min(unknown)!r}")
    return ComputedMachines(**document)
