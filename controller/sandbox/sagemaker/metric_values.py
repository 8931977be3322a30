"""From a fleet's hour to what SageMaker emits: values in true units, with how often each came.

Facts: latencies are in microseconds; every request adds 1 to Invocations and 1/instances to
InvocationsPerInstance; an instance-based variant that nobody calls emits zeros for those two,
a serverless one emits nothing; CPUUtilization is 0-100 for each core, so up to 400 on four;
a serverless variant has MemoryUtilization and nothing else of its machine.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from controller.sandbox.sagemaker.fleet_cell import FleetCell
from controller.sandbox.sagemaker.machine_values import (
    MACHINE_VALUES,
    NOTHING,
    Emitted,
    Emitter,
    Floats,
    Minutes,
)
from controller.sandbox.sagemaker.runtime_calls import EndpointCall

INVOCATIONS: Mapping[str, str] = {
    "Invocations": "None",
    "InvocationsPerInstance": "None",
    "Invocation4XXErrors": "None",
    "Invocation5XXErrors": "None",
    "InvocationModelErrors": "None",
    "ModelLatency": "Microseconds",
    "OverheadLatency": "Microseconds",
    "ModelSetupTime": "Microseconds",
    "ConcurrentRequestsPerModel": "Count",
    "ModelCacheHit": "None",
    "ModelLoadingWaitTime": "Microseconds",
    "ServerlessConcurrentExecutionsUtilization": "None",
    "ServerlessProvisionedConcurrencyExecutions": "Count",
    "ServerlessProvisionedConcurrencyUtilization": "None",
    "ServerlessProvisionedConcurrencyInvocations": "Count",
    "ServerlessProvisionedConcurrencySpilloverInvocations": "Count",
}
MACHINES: Mapping[str, str] = {
    "CPUUtilization": "Percent",
    "MemoryUtilization": "Percent",
    "DiskUtilization": "Percent",
    "GPUUtilization": "Percent",
    "GPUMemoryUtilization": "Percent",
    "LoadedModelCount": "Count",
}
METRICS = frozenset({*INVOCATIONS, *MACHINES})


def emitted(metric: str, cell: FleetCell, minutes: Minutes) -> Emitted:
    """What a fleet's traffic emitted of a metric in some minutes of its hour."""
    serverless = cell.fleet.serverless is not None
    if metric in _SERVERLESS_ONLY and not serverless:
        return NOTHING
    if metric in MACHINES and serverless and metric != "MemoryUtilization":
        return NOTHING
    return _EMITTED[metric](cell, minutes)


def _flag(cell: FleetCell, minutes: Minutes, ones: Minutes) -> Emitted:
    """0 or 1 for every request."""
    total = float(cell.arrivals[minutes].sum())
    hits = min(total, float(ones[minutes].sum()))
    return np.array([0.0, 1.0]), np.array([total - hits, hits])


def _idle(cell: FleetCell, minutes: Minutes) -> float:
    """Minutes in which an instance-based variant was there and nobody called."""
    if cell.fleet.serverless is not None:
        return 0.0
    there = (cell.instances[minutes] > 0) & (cell.arrivals[minutes] == 0)
    return float(there.sum())


def _invocations(cell: FleetCell, minutes: Minutes) -> Emitted:
    counts = [_idle(cell, minutes), float(cell.arrivals[minutes].sum())]
    return np.array([0.0, 1.0]), np.array(counts)


def _per_instance(cell: FleetCell, minutes: Minutes) -> Emitted:
    if cell.fleet.serverless is not None:
        return NOTHING
    held = cell.instances[minutes] / np.maximum(cell.there[minutes], 1e-9)
    values = 1.0 / np.maximum(held, 1.0)
    counts = cell.arrivals[minutes].astype(np.float64)
    return np.append(values, 0.0), np.append(counts, _idle(cell, minutes))


def _model_errors(cell: FleetCell, minutes: Minutes) -> Emitted:
    return _flag(cell, minutes, cell.server_errors)


def _model_latency(cell: FleetCell, minutes: Minutes) -> Emitted:
    values = cell.durations[minutes].ravel().astype(np.float64) * 1000.0
    return values, cell.counts[minutes].ravel().astype(np.float64)


def _overhead(cell: FleetCell, minutes: Minutes) -> Emitted:
    values = cell.overhead[minutes].copy()
    counts = cell.counts[minutes].astype(np.float64)
    extra_values, extra_counts = [], []
    for row, minute in enumerate(minutes):
        if not cell.cold[minute]:
            continue
        # Cold starts take requests away from the largest stratum, then from the next.
        cold_values, cold_counts = _cold(cell, int(minute))
        left = float(cold_counts.sum())
        for stratum in np.argsort(-counts[row]):
            taken = min(left, counts[row, stratum])
            counts[row, stratum] -= taken
            left -= taken
        extra_values.append(cold_values + float(values[row].mean()))
        extra_counts.append(cold_counts)
    if cell.workload.models.number > 0:
        values, counts = _with_misses(cell, minutes, values, counts)
    flat = [values.ravel() * 1000.0, *(value * 1000.0 for value in extra_values)]
    return np.concatenate(flat), np.concatenate([counts.ravel(), *extra_counts])


def _with_misses(cell: FleetCell, minutes: Minutes, values: Floats, counts: Floats) -> Emitted:
    """Requests whose model was not loaded waited for that before."""
    missing = np.round(counts * (1.0 - cell.hit_ratio[minutes])[:, None])
    return (
        np.concatenate([values, values + cell.workload.models.load_ms]),
        np.concatenate([counts - missing, missing]),
    )


def _cold(cell: FleetCell, minute: int) -> Emitted:
    """(milliseconds, how often) of a minute's cold starts."""
    number = int(cell.cold[minute])
    drawn = cell.setup[minute][: min(32, number)]
    counts = np.full(len(drawn), number // len(drawn), np.float64)
    counts[: number % len(drawn)] += 1.0
    return drawn, counts


def _setup(cell: FleetCell, minutes: Minutes) -> Emitted:
    found = [_cold(cell, int(minute)) for minute in minutes if cell.cold[minute]]
    if not found:
        return NOTHING
    return (
        np.concatenate([values for values, _ in found]) * 1000.0,
        np.concatenate([counts for _, counts in found]),
    )


def _concurrent(cell: FleetCell, minutes: Minutes) -> Emitted:
    """Six times a minute: requests in progress or waiting on one instance."""
    there = minutes[cell.instances[minutes] > 0]
    scatter = np.sqrt(np.maximum(cell.concurrency[there], 0.0))[:, None] * cell.jitter[there, :6]
    values = np.maximum(0.0, cell.concurrency[there][:, None] + 0.4 * scatter)
    return values.ravel(), np.ones(values.size)


def _cache_hit(cell: FleetCell, minutes: Minutes) -> Emitted:
    if cell.workload.models.number <= 0:
        return NOTHING
    calls = cell.arrivals[minutes]
    hits = np.round(calls * cell.hit_ratio[minutes])
    return np.array([0.0, 1.0]), np.array([float((calls - hits).sum()), float(hits.sum())])


def _loading_wait(cell: FleetCell, minutes: Minutes) -> Emitted:
    if cell.workload.models.number <= 0:
        return NOTHING
    calls = cell.arrivals[minutes]
    missing = calls - np.round(calls * cell.hit_ratio[minutes])
    values = cell.workload.models.load_ms * np.exp(0.25 * cell.jitter[minutes, 0]) * 1000.0
    return values, missing


_EMITTED: Mapping[str, Emitter] = {
    "Invocations": _invocations,
    "InvocationsPerInstance": _per_instance,
    "Invocation4XXErrors": lambda cell, minutes: _flag(cell, minutes, cell.client_errors),
    "Invocation5XXErrors": lambda cell, minutes: _flag(cell, minutes, cell.server_errors),
    "InvocationModelErrors": _model_errors,
    "ModelLatency": _model_latency,
    "OverheadLatency": _overhead,
    "ModelSetupTime": _setup,
    "ConcurrentRequestsPerModel": _concurrent,
    "ModelCacheHit": _cache_hit,
    "ModelLoadingWaitTime": _loading_wait,
    **MACHINE_VALUES,
}
_SERVERLESS_ONLY = frozenset(name for name in _EMITTED if name.startswith("Serverless")) | {
    "ModelSetupTime"
}


def of_calls(metric: str, calls: list[EndpointCall]) -> Emitted:
    """What calls through InvokeEndpoint emitted of a metric."""
    ran = [call for call in calls if not call.throttled]
    values: list[float]
    if metric == "Invocations":
        values = [1.0] * len(calls)
    elif metric == "InvocationsPerInstance":
        values = [c.share_of_instance for c in calls if c.share_of_instance > 0]
    elif metric == "Invocation4XXErrors":
        values = [float(c.throttled or c.error == "4xx") for c in calls]
    elif metric in ("Invocation5XXErrors", "InvocationModelErrors"):
        values = [float(c.error == "5xx") for c in calls]
    elif metric == "ModelLatency":
        values = [1000.0 * c.model_ms for c in ran]
    elif metric == "OverheadLatency":
        values = [1000.0 * c.overhead_ms for c in ran]
    elif metric == "ModelSetupTime":
        values = [1000.0 * c.setup_ms for c in ran if c.setup_ms is not None]
    else:
        values = []
    return np.array(values), np.ones(len(values))
