"""Metrics of `AWS/Lambda`, computed when asked for and never stored point by point.

A subject is an exact set of dimensions; its points come from the hour tapes of the functions
it speaks of. Tapes are kept while they are used.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import OrderedDict
from collections.abc import Iterable
from typing import TYPE_CHECKING

from controller.sandbox.invocations import Invocation
from controller.sandbox.metric_buckets import METRICS, Bucket
from controller.sandbox.metric_faults import MetricFault
from controller.sandbox.metric_points import (
    Dimensions,
    Points,
    PointStore,
    Span,
    Subject,
    Wanted,
    without,
)
from controller.sandbox.pool import Pools
from controller.sandbox.region import Region
from controller.sandbox.tape import HOUR_S, MINUTE_S, Tape

if TYPE_CHECKING:
    from controller.sandbox.world import World

__all__ = ["Dimensions", "Metrics", "PointStore", "Points", "Span", "Subject", "Wanted"]


class Metrics(PointStore):
    """Reads points, with its caches; one per world."""

    def __init__(self, world: World, tapes: int) -> None:
        """tapes: how many hours of functions are kept at once, some 35 kB each."""
        super().__init__(world, METRICS)
        self._most = tapes
        self._tapes: OrderedDict[tuple[str, str, str, int], Tape] = OrderedDict()
        self.pools = Pools()

    def forget(self) -> None:
        """Drop everything remembered: the past was seeded anew."""
        super().forget()
        self._tapes.clear()
        self.pools = Pools()

    def tape(self, region: Region, function: str, hour_s: int) -> Tape:
        """The tape of a function's hour; played by whoever needs it."""
        key = (region.account, region.name, function, hour_s)
        found = self._tapes.get(key)
        if found is not None:
            self._tapes.move_to_end(key)
            return found
        found = self._tapes[key] = Tape(
            (region.seed, region.account, region.name, function),
            function,
            region.histories[function],
            hour_s,
            lambda: self.pools.left(region, function, hour_s),
        )
        if len(self._tapes) > self._most:
            self._tapes.popitem(last=False)
        return found

    def prepare(self, subject: Subject, hour_s: int, minutes: int) -> None:
        """Play the function's tape in one go."""
        region = self._world.region(subject.account, subject.region)
        name = subject.function
        history = None if name is None else region.histories.get(name)
        if name is None or history is None or hour_s + HOUR_S <= history.states[0].start_s:
            return
        self.tape(region, name, hour_s).play(minutes)

    def bucket(
        self, subject: Subject, start_s: int, end_s: int, gaps: Iterable[MetricFault] = ()
    ) -> Bucket:
        """All calls of a subject in [start_s, end_s), whole minutes, less the gaps."""
        region = self._world.region(subject.account, subject.region)
        bucket = Bucket(subject.dimensions)
        function = subject.function
        names = list(region.histories) if function is None else [function]
        for name in names:
            if name in region.histories:
                for from_s, to_s in without(start_s, end_s, gaps):
                    self._collect(bucket, region, name, from_s, to_s)
        return bucket

    def _collect(self, bucket: Bucket, region: Region, name: str, from_s: int, to_s: int) -> None:
        begin_s = region.histories[name].states[0].start_s
        for hour_s in range(from_s // HOUR_S * HOUR_S, to_s, HOUR_S):
            if hour_s + HOUR_S <= begin_s:
                continue
            first = max(0, (from_s - hour_s) // MINUTE_S)
            last = min(60, (to_s - hour_s) // MINUTE_S)
            tape = self.tape(region, name, hour_s)
            tape.play(last)
            bucket.add_cells(hour_s, tape.cells.values(), first, last)
        if calls := region.invocations.get(name):
            first = bisect_left(calls, float(from_s), key=_instant)
            last = bisect_left(calls, float(to_s), key=_instant)
            bucket.add_invocations(calls[first:last])


def _instant(call: Invocation) -> float:
    return call.at_s
