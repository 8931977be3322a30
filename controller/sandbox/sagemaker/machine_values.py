"""What a fleet emits that is not about single requests: concurrency, and its machines.

Facts: CPUUtilization is 0-100 for each core and GPUUtilization for each GPU; a serverless
variant has MemoryUtilization and nothing else of its machine.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import numpy.typing as npt

from controller.sandbox.sagemaker.catalogue import InstanceType, instance_types
from controller.sandbox.sagemaker.fleet_cell import FleetCell

Floats = npt.NDArray[np.float64]
Minutes = npt.NDArray[np.int64]
"""Minutes of an hour, as indices."""
Emitted = tuple[Floats, Floats]
"""(values, how often each was emitted); flat, of one length."""
Emitter = Callable[[FleetCell, Minutes], Emitted]

NOTHING: Emitted = (np.empty(0), np.empty(0))


# --- serverless concurrency


def _level(values: Floats, cell: FleetCell, minutes: Minutes) -> Emitted:
    """A minute's level comes with each of its requests."""
    return values, cell.arrivals[minutes].astype(np.float64)


def _concurrency_used(cell: FleetCell, minutes: Minutes) -> Emitted:
    size = cell.fleet.serverless
    assert size is not None
    peak = np.where(cell.throttled[minutes] > 0, size.max_concurrency, cell.peak[minutes])
    return _level(peak / size.max_concurrency, cell, minutes)


def _provided(cell: FleetCell, minutes: Minutes) -> Minutes:
    return minutes[cell.ready[minutes] > 0]


def _provisioned_executions(cell: FleetCell, minutes: Minutes) -> Emitted:
    there = _provided(cell, minutes)
    return _level(cell.provisioned[there].astype(np.float64), cell, there)


def _provisioned_used(cell: FleetCell, minutes: Minutes) -> Emitted:
    there = _provided(cell, minutes)
    values = cell.provisioned[there] / np.maximum(cell.ready[there], 1)
    idle = cell.arrivals[there] == 0
    return values, np.where(idle, 1.0, cell.arrivals[there])


def _provisioned_calls(cell: FleetCell, minutes: Minutes) -> Emitted:
    there = _provided(cell, minutes)
    count = float((cell.calls[there] - cell.spilled[there]).sum())
    return np.ones(1), np.array([count])


def _spilled(cell: FleetCell, minutes: Minutes) -> Emitted:
    return np.ones(1), np.array([float(cell.spilled[_provided(cell, minutes)].sum())])


# --- machines


def _per_machine(
    cell: FleetCell, minutes: Minutes, level: Floats, scatter: float, most: float
) -> Emitted:
    """One value for each instance and minute (of at most sixteen instances)."""
    present = cell.instances[minutes] > 0
    there, level = minutes[present], level[present]
    if not len(there):
        return NOTHING
    machines = np.clip(np.ceil(cell.instances[there]), 1, 16)
    shown = np.arange(16)[None, :] < machines[:, None]
    values = level[:, None] * (1.0 + scatter * cell.jitter[there])
    return np.clip(values, 0.0, most)[shown], np.ones(int(shown.sum()))


def _kind(cell: FleetCell) -> InstanceType | None:
    return instance_types().get(cell.fleet.instance_type or "")


def _on_gpu(cell: FleetCell) -> bool:
    station = cell.workload.machines.station(cell.fleet.instance_type or "")
    return station is not None and station.gpu


def _cpu(cell: FleetCell, minutes: Minutes) -> Emitted:
    kind = _kind(cell)
    if kind is None:
        return NOTHING
    most = 100.0 * kind.vcpus
    share = 0.15 if _on_gpu(cell) else 0.97
    return _per_machine(cell, minutes, most * (0.01 + share * cell.used[minutes]), 0.06, most)


def _memory(cell: FleetCell, minutes: Minutes) -> Emitted:
    if cell.fleet.serverless is None:
        return _per_machine(cell, minutes, cell.memory[minutes], 0.01, 100.0)
    called = minutes[cell.calls[minutes] > 0]
    values = cell.memory[called] * (1.0 + 0.01 * cell.jitter[called, 0])
    return np.minimum(100.0, values), np.ones(len(called))


def _disk(cell: FleetCell, minutes: Minutes) -> Emitted:
    level = np.full(len(minutes), 6.0 + cell.workload.nature.memory_mb / 500.0)
    return _per_machine(cell, minutes, level, 0.01, 100.0)


def _gpu(cell: FleetCell, minutes: Minutes) -> Emitted:
    kind = _kind(cell)
    if kind is None or kind.accelerator != "gpu":
        return NOTHING
    most = 100.0 * kind.accelerators
    share = 1.0 if _on_gpu(cell) else 0.0
    return _per_machine(cell, minutes, most * share * cell.used[minutes], 0.06, most)


def _gpu_memory(cell: FleetCell, minutes: Minutes) -> Emitted:
    kind = _kind(cell)
    if kind is None or kind.accelerator != "gpu":
        return NOTHING
    most = 100.0 * kind.accelerators
    level = most * min(1.0, cell.workload.nature.memory_mb / 16_384.0) if _on_gpu(cell) else 0.0
    return _per_machine(cell, minutes, np.full(len(minutes), level), 0.01, most)


def _loaded(cell: FleetCell, minutes: Minutes) -> Emitted:
    if cell.workload.models.number <= 0:
        return NOTHING
    return _per_machine(cell, minutes, cell.loaded[minutes], 0.0, 1e9)


MACHINE_VALUES: Mapping[str, Emitter] = {
    "ServerlessConcurrentExecutionsUtilization": _concurrency_used,
    "ServerlessProvisionedConcurrencyExecutions": _provisioned_executions,
    "ServerlessProvisionedConcurrencyUtilization": _provisioned_used,
    "ServerlessProvisionedConcurrencyInvocations": _provisioned_calls,
    "ServerlessProvisionedConcurrencySpilloverInvocations": _spilled,
    "CPUUtilization": _cpu,
    "MemoryUtilization": _memory,
    "DiskUtilization": _disk,
    "GPUUtilization": _gpu,
    "GPUMemoryUtilization": _gpu_memory,
    "LoadedModelCount": _loaded,
}
