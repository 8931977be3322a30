"""From calls to the values of a metric over one period.

What counts as a value is AWS Lambda's habit: every call emits 1 for Invocations, 0 or 1 for
Errors and Throttles, its duration for Duration; a throttled request emits only Throttles.
Nothing is emitted where nobody called.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

import numpy as np
import numpy.typing as npt

from controller.sandbox.cell import Cell
from controller.sandbox.invocations import Invocation
from controller.sandbox.statistic import Distribution, Moments, Statistic

Floats = npt.NDArray[np.float64]
Counts = npt.NDArray[np.int64]
Flagged = Callable[[Cell, int, int], tuple[float, float]]

UNITS: Mapping[str, str] = {
    "Duration": "Milliseconds",
    "Invocations": "Count",
    "Errors": "Count",
    "Throttles": "Count",
    "ConcurrentExecutions": "Count",
    "UnreservedConcurrentExecutions": "Count",
    "ProvisionedConcurrentExecutions": "Count",
    "ProvisionedConcurrencyInvocations": "Count",
    "ProvisionedConcurrencySpilloverInvocations": "Count",
    "ProvisionedConcurrencyUtilization": "Count",
}
METRICS = frozenset(UNITS)

_NONE = Moments(0, 0.0)
_EXTREMES = frozenset({"Minimum", "Maximum"})


def _invocations(cell: Cell, first: int, last: int) -> tuple[float, float]:
    calls = cell.total("calls", first, last)
    return calls, calls


def _errors(cell: Cell, first: int, last: int) -> tuple[float, float]:
    return cell.total("errors", first, last), cell.total("calls", first, last)


def _throttles(cell: Cell, first: int, last: int) -> tuple[float, float]:
    throttled = cell.total("throttled", first, last)
    return throttled, throttled + cell.total("calls", first, last)


def _spilled(cell: Cell, first: int, last: int) -> tuple[float, float]:
    spilled = cell.total("spilled", first, last)
    return spilled, spilled


def _provisioned(cell: Cell, first: int, last: int) -> tuple[float, float]:
    window = slice(first, last)
    served = cell.calls[window] - cell.spilled[window]
    count = float(served[cell.ready[window] > 0].sum())
    return count, count


_FLAGS: Mapping[str, Flagged] = {
    "Invocations": _invocations,
    "Errors": _errors,
    "Throttles": _throttles,
    "ProvisionedConcurrencyInvocations": _provisioned,
    "ProvisionedConcurrencySpilloverInvocations": _spilled,
}


class Bucket:
    """Calls of one series over one period, gathered from cells and single invocations."""

    def __init__(self, dimensions: Iterable[tuple[str, str]]) -> None:
        named = dict(dimensions)
        self._resource = named.get("Resource")
        self._version = named.get("ExecutedVersion")
        self._moments: dict[str, Moments] = {}
        self._distributions: dict[str, Distribution] = {}
        self._parts: list[tuple[int, Cell, int, int]] = []
        self._single: list[Invocation] = []

    def _fits(self, resource: str, executed_version: str | None) -> bool:
        return (self._resource is None or self._resource == resource) and (
            self._version is None or self._version == executed_version
        )

    def add_cells(self, hour_s: int, cells: Iterable[Cell], first: int, last: int) -> None:
        """Take minutes [first, last) of an hour's cells that the dimensions name."""
        for cell in cells:
            if self._fits(cell.resource, cell.executed_version):
                self._parts.append((hour_s, cell, first, last))

    def add_invocations(self, calls: Iterable[Invocation]) -> None:
        """Take those single calls that the dimensions name."""
        self._single += [c for c in calls if self._fits(c.resource, c.executed_version)]

    def value(self, metric: str, statistic: Statistic) -> float | None:
        """A statistic of a metric; None where there is nothing to take it of."""
        moments = self._moments.get(metric)
        if moments is None:
            moments = self._moments[metric] = self._moments_of(metric)
        if moments.count == 0:
            return None
        if statistic.simple is not None and (moments.extremes or statistic.name not in _EXTREMES):
            return statistic.simple(moments)
        distribution = self._distributions.get(metric)
        if distribution is None:
            distribution = self._distributions[metric] = self._distribution_of(metric)
        if statistic.name in _EXTREMES:
            return float(distribution.values[0 if statistic.name == "Minimum" else -1])
        return statistic.of(distribution)

    def _moments_of(self, metric: str) -> Moments:
        """Number, sum, least and greatest of the values."""
        if metric == "Duration":
            return self._duration_moments()
        if metric in _FLAGS:
            ones, count = self._flags(metric)
            return Moments(count, float(ones), (float(ones == count), float(ones > 0)))
        values, counts = self._levels(metric)
        if not len(values):
            return _NONE
        total = float((values * counts).sum())
        extremes = float(values.min()), float(values.max())
        return Moments(int(counts.sum()), total, extremes)

    def _distribution_of(self, metric: str) -> Distribution:
        """The values themselves; only where there are any."""
        if metric == "Duration":
            return self._durations()
        if metric in _FLAGS:
            ones, count = self._flags(metric)
            return Distribution(
                np.array([0.0, 1.0], np.float32), np.array([count - ones, ones], np.int64)
            )
        values, counts = self._levels(metric)
        return Distribution(values.astype(np.float32), counts)

    # --- durations

    def _duration_moments(self) -> Moments:
        count, total = 0, 0.0
        for _, cell, first, last in self._parts:
            count += int(cell.total("calls", first, last))
            total += cell.total("duration_sum", first, last)
        for call in self._single:
            if not call.throttled:
                count, total = count + 1, total + call.duration_ms
        return Moments(count, total)

    def _durations(self) -> Distribution:
        values: list[npt.NDArray[np.float32]] = []
        counts: list[Counts] = []
        for _, cell, first, last in self._parts:
            taken = cell.counts[first:last]
            present = taken > 0
            values.append(cell.durations[first:last][present])
            counts.append(taken[present].astype(np.int64))
        singles = [call.duration_ms for call in self._single if not call.throttled]
        if singles:
            values.append(np.array(singles, np.float32))
            counts.append(np.ones(len(singles), np.int64))
        return Distribution(np.concatenate(values), np.concatenate(counts))

    # --- yes or no for every call

    def _flags(self, metric: str) -> tuple[int, int]:
        """(how many calls emitted 1, how many emitted anything)."""
        flagged = _FLAGS[metric]
        ones = count = 0.0
        for _, cell, first, last in self._parts:
            one, every = flagged(cell, first, last)
            ones, count = ones + one, count + every
        for call in self._single:
            one, every = {
                "Invocations": (not call.throttled, not call.throttled),
                "Errors": (call.error, not call.throttled),
                "Throttles": (call.throttled, True),
            }.get(metric, (False, False))
            ones, count = ones + one, count + every
        return int(ones), int(count)

    # --- levels: how many at once

    def _levels(self, metric: str) -> tuple[Floats, Counts]:
        """(values, how often): a minute emits its mean level for each call, its peak once."""
        hours: dict[int, Floats] = {}
        if len(self._parts) == 1:  # the usual case
            _, cell, first, last = self._parts[0]
            window = slice(first, last)
            alone = (cell.calls, cell.busy, cell.provisioned, cell.ready)
            hours[0] = np.array([each[window] for each in alone], np.float64)
        for hour_s, cell, first, last in self._parts if not hours else ():
            window = slice(first, last)
            sums = hours.setdefault(hour_s, np.zeros((4, 60)))
            sums[0, window] += cell.calls[window]
            sums[1, window] += cell.busy[window]
            sums[2, window] += cell.provisioned[window]
            sums[3, window] = np.maximum(sums[3, window], cell.ready[window])
        values, counts = [np.empty(0)], [np.empty(0, np.int64)]
        for sums in hours.values():
            calls, busy, used, ready = sums[:, sums[0] > 0]
            peak = np.minimum(calls, np.maximum(1.0, np.ceil(busy + 2.0 * np.sqrt(busy))))
            mean = np.maximum(1.0, np.minimum(peak, np.round(busy + 0.5)))
            if metric.startswith("Provisioned"):
                provided = ready > 0
                calls, ready = calls[provided], ready[provided]
                peak = used[provided]
                mean = np.minimum(peak, np.ceil(busy[provided]))
                if metric == "ProvisionedConcurrencyUtilization":
                    peak, mean = peak / ready, mean / ready
            values += [peak, mean]
            counts += [np.ones(len(peak), np.int64), np.maximum(0, calls - 1).astype(np.int64)]
        every, times = np.concatenate(values), np.concatenate(counts)
        return every[times > 0], times[times > 0]
