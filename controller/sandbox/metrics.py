"""Metrics of `AWS/Lambda`, computed when asked for and never stored point by point.

A series is a metric and an exact set of dimensions; its points come from the hour tapes of
the functions it speaks of. Points of closed periods are remembered, because they never
change; tapes are kept while they are used.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from controller.sandbox.metric_buckets import METRICS, Bucket
from controller.sandbox.metric_faults import MetricFault
from controller.sandbox.pool import Pools
from controller.sandbox.region import Region
from controller.sandbox.statistic import Statistic
from controller.sandbox.tape import HOUR_S, MINUTE_S, Tape

if TYPE_CHECKING:
    from controller.sandbox.world import World

Dimensions = tuple[tuple[str, str], ...]
Points = list[tuple[int, float]]
"""(start of the period in seconds since the epoch, value), oldest first."""

TAPES = 1024
HOURS_OF_POINTS = 200_000


@dataclass(frozen=True, slots=True)
class SeriesKey:
    """A metric of `AWS/Lambda` under an exact, sorted set of dimensions."""

    account: str
    region: str
    metric: str
    dimensions: Dimensions

    @property
    def function(self) -> str | None:
        """The function it speaks of; None for account-wide series."""
        return dict(self.dimensions).get("FunctionName")


@dataclass(slots=True)
class _HourPoints:
    """Points of one statistic in one hour, in the periods that are closed so far."""

    minutes: int
    points: Points


class Metrics:
    """Reads series, with its caches; one per world."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._tapes: OrderedDict[tuple[str, str, str, int], Tape] = OrderedDict()
        self._points: OrderedDict[tuple[SeriesKey, str, int, int], _HourPoints] = OrderedDict()
        self._generation = 0
        self.pools = Pools()

    def forget(self) -> None:
        """Drop everything remembered: the past was seeded anew."""
        self._tapes.clear()
        self._points.clear()
        self.pools = Pools()

    # --- tapes

    def tape(self, region: Region, function: str, hour_s: int) -> Tape:
        """The tape of a function's hour; played by whoever needs it."""
        key = (region.account, region.name, function, hour_s)
        found = self._tapes.get(key)
        if found is None:
            found = Tape(
                (region.seed, region.account, region.name, function),
                function,
                region.histories[function],
                hour_s,
                lambda: self.pools.left(region, function, hour_s),
            )
            self._tapes[key] = found
            if len(self._tapes) > TAPES:
                self._tapes.popitem(last=False)
        else:
            self._tapes.move_to_end(key)
        return found

    def bucket(self, key: SeriesKey, start_s: int, end_s: int, visible_s: int) -> Bucket:
        """All calls of a series in [start_s, end_s), as far as visible; whole minutes."""
        region = self._world.region(key.account, key.region)
        names = region.histories if key.function is None else [key.function]
        bucket = Bucket(key.metric, dict(key.dimensions))
        stop_s = min(end_s, visible_s)
        gaps = self._world.metric_faults.gaps(key.function, key.metric)
        for name in names:
            if name not in region.histories:
                continue
            for from_s, to_s in _without(start_s, stop_s, gaps):
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
        if region.invocations.get(name):
            bucket.add_invocations(region.invocations[name], from_s, to_s)

    # --- points

    def read(
        self,
        key: SeriesKey,
        statistics: Sequence[Statistic],
        period_s: int,
        start_s: int,
        end_s: int,
        now_s: float,
    ) -> Mapping[str, Points]:
        """Points of several statistics of one series, by the statistic's name.

        Periods start in [start_s, end_s), at multiples of `period_s`; a period reaching
        beyond `end_s` or the publication delay counts only what lies before.
        """
        answer: dict[str, Points] = {statistic.name: [] for statistic in statistics}
        if key.metric not in METRICS:
            return answer
        faults = self._world.metric_faults
        if faults.generation != self._generation:
            self._points.clear()
            self._generation = faults.generation
        visible_s = faults.visible_until(now_s, key.function, key.metric)
        stop_s = min(end_s, visible_s)
        if HOUR_S % period_s == 0:
            for hour_s in range(start_s // HOUR_S * HOUR_S, stop_s, HOUR_S):
                self._read_hour(key, statistics, period_s, hour_s, start_s, stop_s, answer)
            return answer
        for from_s in range(start_s, stop_s, period_s):
            bucket = self.bucket(key, from_s, min(from_s + period_s, stop_s), visible_s)
            for statistic in statistics:
                if (value := bucket.value(statistic)) is not None:
                    answer[statistic.name].append((from_s, value))
        return answer

    def _read_hour(
        self,
        key: SeriesKey,
        statistics: Iterable[Statistic],
        period_s: int,
        hour_s: int,
        start_s: int,
        stop_s: int,
        answer: Mapping[str, Points],
    ) -> None:
        """Append the points of one hour to the answer, computing what is not yet known."""
        buckets: dict[int, Bucket] = {}
        until = min(HOUR_S, stop_s - hour_s) // MINUTE_S
        step = period_s // MINUTE_S
        closed = until // step * step
        for statistic in statistics:
            cache_key = (key, statistic.name, period_s, hour_s)
            known = self._points.get(cache_key)
            if known is None:
                known = self._points[cache_key] = _HourPoints(0, [])
                if len(self._points) > HOURS_OF_POINTS:
                    self._points.popitem(last=False)
            for minute in range(known.minutes, closed, step):
                self._append(known.points, key, statistic, hour_s, minute, step, buckets)
            known.minutes = max(known.minutes, closed)
            points = answer[statistic.name]
            if start_s <= hour_s and known.minutes <= closed:
                points.extend(known.points)
            else:
                limit_s = hour_s + closed * MINUTE_S
                points.extend(p for p in known.points if start_s <= p[0] < limit_s)
            if closed < until and start_s < hour_s + until * MINUTE_S:
                self._append(points, key, statistic, hour_s, closed, until - closed, buckets)

    def _append(
        self,
        points: Points,
        key: SeriesKey,
        statistic: Statistic,
        hour_s: int,
        minute: int,
        length: int,
        buckets: dict[int, Bucket],
    ) -> None:
        from_s = hour_s + minute * MINUTE_S
        bucket = buckets.get(minute)
        if bucket is None:
            to_s = from_s + length * MINUTE_S
            bucket = buckets[minute] = self.bucket(key, from_s, to_s, to_s)
        if (value := bucket.value(statistic)) is not None:
            points.append((from_s, value))


def _without(start_s: int, stop_s: int, gaps: Iterable[MetricFault]) -> list[tuple[int, int]]:
    """[start_s, stop_s) less the gaps, in whole minutes."""
    pieces = [(start_s, stop_s)]
    for gap in gaps:
        from_s = int(gap.from_s // MINUTE_S) * MINUTE_S
        to_s = stop_s if gap.to_s is None else int(-(-gap.to_s // MINUTE_S)) * MINUTE_S
        pieces = [
            piece
            for begin, end in pieces
            for piece in ((begin, min(end, from_s)), (max(begin, to_s), end))
            if piece[0] < piece[1]
        ]
    return [piece for piece in pieces if piece[0] < piece[1]]
