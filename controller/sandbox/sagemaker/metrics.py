"""Metrics of `AWS/SageMaker` and `/aws/sagemaker/Endpoints`, computed when asked for.

A subject is an endpoint and a variant; while a deployment is under way both fleets come under
their EndpointConfigName as well, and under the plain dimensions together.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import OrderedDict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from controller.sandbox.metric_faults import MetricFault
from controller.sandbox.metric_points import Dimensions, PointStore, Subject, without
from controller.sandbox.sagemaker.endpoint_tape import EndpointTape
from controller.sandbox.sagemaker.fleet_cell import Counts, FleetCell, Floats
from controller.sandbox.sagemaker.machine_values import Minutes
from controller.sandbox.sagemaker.metric_values import MACHINES, METRICS, emitted, of_calls
from controller.sandbox.sagemaker.runtime_calls import EndpointCall
from controller.sandbox.sagemaker_state import SageMakerPlace, sagemaker_of
from controller.sandbox.statistic import Distribution, Moments, Statistic

if TYPE_CHECKING:
    from controller.sandbox.world import World

DIMENSION_SETS = frozenset(
    {("EndpointName", "VariantName"), ("EndpointConfigName", "EndpointName", "VariantName")}
)
"""The sets of dimensions that SageMaker publishes under; any other has no data."""

COUNTED = frozenset({"Invocations", "InvocationsPerInstance"})
"""Metrics that need no request to be served: an autoscaler reads them minute by minute."""
HOUR_S = 3600
MINUTE_S = 60


class EndpointMetrics(PointStore):
    """Reads points of endpoints, with its caches; one per world."""

    def __init__(self, world: World, tapes: int = 1024, *, counting: bool = False) -> None:
        super().__init__(world, COUNTED if counting else METRICS)
        self._most = tapes
        self._counting = counting
        self._tapes: OrderedDict[tuple[str, str, str, int], EndpointTape] = OrderedDict()

    def forget(self) -> None:
        """Drop everything remembered: the past was seeded anew."""
        super().forget()
        self._tapes.clear()

    def tape(self, place: SageMakerPlace, endpoint: str, hour_s: int) -> EndpointTape:
        """The tape of an endpoint's hour; played by whoever needs it."""
        region = place.region
        key = (region.account, region.name, endpoint, hour_s)
        found = self._tapes.get(key)
        if found is not None:
            self._tapes.move_to_end(key)
            return found

        def probes(fleet: str, first: int, last: int) -> Counts:
            return _calls_by_minute(place.calls.get(endpoint, []), fleet, hour_s, first, last)

        found = self._tapes[key] = EndpointTape(
            endpoint_key(place, endpoint), place.histories[endpoint], hour_s, probes,
            counting=self._counting,
        )  # fmt: skip
        if len(self._tapes) > self._most:
            self._tapes.popitem(last=False)
        return found

    def cells(
        self, place: SageMakerPlace, endpoint: str, from_s: int, to_s: int
    ) -> Iterator[tuple[FleetCell, int, int]]:
        """(cell, first minute, last minute) of every fleet and hour in [from_s, to_s)."""
        timeline = place.histories.get(endpoint)
        if timeline is None or not timeline.states:
            return
        begin_s = timeline.states[0].start_s
        for hour_s in range(from_s // HOUR_S * HOUR_S, to_s, HOUR_S):
            if hour_s + HOUR_S <= begin_s:
                continue
            first = max(0, (from_s - hour_s) // MINUTE_S)
            last = min(60, (to_s - hour_s) // MINUTE_S)
            tape = self.tape(place, endpoint, hour_s)
            tape.play(last)
            for cell in tape.cells.values():
                yield cell, first, last

    def prepare(self, subject: Subject, hour_s: int, minutes: int) -> None:
        """Play the endpoint's tape in one go."""
        name = dict(subject.dimensions).get("EndpointName", "")
        region = self._world.region(subject.account, subject.region)
        place = sagemaker_of(self._world, region)
        for _ in self.cells(place, name, hour_s, hour_s + minutes * MINUTE_S):
            pass

    def bucket(
        self, subject: Subject, start_s: int, end_s: int, gaps: Iterable[MetricFault] = ()
    ) -> Gathered:
        """What a variant emitted in [start_s, end_s), whole minutes, less the gaps."""
        named = dict(subject.dimensions)
        region = self._world.region(subject.account, subject.region)
        place = sagemaker_of(self._world, region)
        name, variant = named.get("EndpointName", ""), named.get("VariantName")
        config = named.get("EndpointConfigName")
        gathered = Gathered()
        for from_s, to_s in without(start_s, end_s, gaps):
            for cell, first, last in self.cells(place, name, from_s, to_s):
                if cell.fleet.variant == variant and config in (None, cell.fleet.config_name):
                    minutes = np.arange(first, last)
                    if config is not None:
                        minutes = minutes[cell.deploying[first:last]]
                    gathered.parts.append((cell, minutes))
            calls = place.calls.get(name, [])
            low = bisect_left(calls, float(from_s), key=_instant)
            high = bisect_left(calls, float(to_s), key=_instant)
            gathered.calls += [
                call
                for call in calls[low:high]
                if call.variant == variant
                and (config is None or (call.deploying and call.config_name == config))
            ]
        return gathered


@dataclass(slots=True)
class Gathered:
    """Fleets' minutes and single calls of one series over one period."""

    parts: list[tuple[FleetCell, Minutes]] = field(default_factory=list)
    calls: list[EndpointCall] = field(default_factory=list)
    _values: dict[str, tuple[Floats, Floats, Moments]] = field(default_factory=dict)
    _sorted: dict[str, Distribution] = field(default_factory=dict)

    def value(self, metric: str, statistic: Statistic) -> float | None:
        """A statistic of a metric; None where there is nothing to take it of."""
        found = self._values.get(metric)
        if found is None:
            found = self._values[metric] = self._collect(metric)
        values, counts, moments = found
        if moments.count == 0:
            return None
        if statistic.simple is not None:
            return statistic.simple(moments)
        distribution = self._sorted.get(metric)
        if distribution is None:
            distribution = Distribution(values.astype(np.float32), counts.astype(np.int64))
            self._sorted[metric] = distribution
        return statistic.of(distribution)

    def _collect(self, metric: str) -> tuple[Floats, Floats, Moments]:
        """(values, how often each, their moments)."""
        pairs = [emitted(metric, cell, minutes) for cell, minutes in self.parts]
        if self.calls:
            pairs.append(of_calls(metric, self.calls))
        if len(pairs) == 1:
            values, counts = pairs[0]
        else:
            values = np.concatenate([np.empty(0), *(one for one, _ in pairs)])
            counts = np.concatenate([np.empty(0), *(often for _, often in pairs)])
        there = counts > 0
        values, counts = values[there], counts[there]
        if not len(values):
            return values, counts, Moments(0, 0.0)
        extremes = float(values.min()), float(values.max())
        total = float((values * counts).sum())
        return values, counts, Moments(int(counts.sum()), total, extremes)


def endpoint_metrics(world: World) -> EndpointMetrics:
    """The world's one store of endpoints' metrics."""
    found: EndpointMetrics | None = world.extensions.get(EndpointMetrics)
    if found is None:
        found = world.extensions[EndpointMetrics] = EndpointMetrics(world)
    return found


def endpoint_key(place: SageMakerPlace, endpoint: str) -> tuple[int, str, str, str]:
    """What all that is random about an endpoint is drawn from."""
    region = place.region
    return (region.seed, region.account, region.name, f"endpoint/{endpoint}")


def endpoint_series(
    place: SageMakerPlace, from_s: float, to_s: float
) -> Iterator[tuple[str, str, Dimensions]]:
    """(namespace, metric, dimensions) that endpoints can have published under in an interval."""
    for name, timeline in place.histories.items():
        sets: set[Dimensions] = set()
        serverless = False
        for _, _, state in timeline.between(from_s, to_s):
            for fleet in state.fleets:
                serverless = fleet.serverless is not None
                plain = (("EndpointName", name), ("VariantName", fleet.variant))
                sets.add(plain)
                if fleet.deploying:
                    sets.add((("EndpointConfigName", fleet.config_name), *plain))
        for dimensions in sets:
            for metric in ("Invocations", "Invocation4XXErrors", "Invocation5XXErrors",
                           "InvocationModelErrors", "ModelLatency", "OverheadLatency"):  # fmt: skip
                yield "AWS/SageMaker", metric, dimensions
            yield "AWS/SageMaker", _own(serverless), dimensions
            for metric in ("MemoryUtilization",) if serverless else MACHINES:
                yield "/aws/sagemaker/Endpoints", metric, dimensions


def _own(serverless: bool) -> str:
    return "ModelSetupTime" if serverless else "InvocationsPerInstance"


def _instant(call: EndpointCall) -> float:
    return call.at_s


def _calls_by_minute(
    calls: list[EndpointCall], fleet: str, hour_s: int, first: int, last: int
) -> Counts:
    """Calls of a fleet through InvokeEndpoint in minutes [first, last) of an hour."""
    found = np.zeros(last - first, np.int64)
    low = bisect_left(calls, float(hour_s + first * MINUTE_S), key=_instant)
    high = bisect_left(calls, float(hour_s + last * MINUTE_S), key=_instant)
    for call in calls[low:high]:
        if call.fleet == fleet and not call.throttled:
            found[int(call.at_s - hour_s) // MINUTE_S - first] += 1
    return found
