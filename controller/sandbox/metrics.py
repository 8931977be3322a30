"""Metrics of `AWS/Lambda`, computed when asked for and never stored point by point.

A subject is an exact set of dimensions; its points come from the hour tapes of the functions
it speaks of. Points of closed periods are remembered, because they never change; tapes are
kept while they are used.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from controller.sandbox.invocations import Invocation
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
Wanted = tuple[str, Statistic]
"""A metric's name and a statistic of it."""

HOURS_OF_POINTS = 50_000


class Subject:
    """An exact, sorted set of dimensions in one account and region; hashed once.

    `function` is the one it speaks of, None where it is account-wide.
    """

    __slots__ = ("_hash", "account", "dimensions", "function", "region")

    def __init__(self, account: str, region: str, dimensions: Dimensions = ()) -> None:
        self.account = account
        self.region = region
        self.dimensions = dimensions
        self.function = dict(dimensions).get("FunctionName")
        self._hash = hash((account, region, dimensions))

    def __hash__(self) -> int:
        return self._hash

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, Subject)
            and other.dimensions == self.dimensions
            and (other.account, other.region) == (self.account, self.region)
        )


@dataclass(frozen=True, slots=True)
class Span:
    """Periods of `period_s` that start in [start_s, end_s); `start_s` is a multiple of it."""

    period_s: int
    start_s: int
    end_s: int


@dataclass(slots=True)
class _Known:
    """Points of one statistic in the periods of an hour that are closed: those before `minutes`."""

    minutes: int = 0
    points: Points = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _View:
    """What can be seen of a metric now: minutes before `visible_s`, less the gaps."""

    visible_s: int
    gaps: tuple[MetricFault, ...]


class Metrics:
    """Reads points, with its caches; one per world."""

    def __init__(self, world: World, tapes: int) -> None:
        """tapes: how many hours of functions are kept at once, some 35 kB each."""
        self._world = world
        self._most = tapes
        self._tapes: OrderedDict[tuple[str, str, str, int], Tape] = OrderedDict()
        self._hours: OrderedDict[tuple[Subject, int, int], dict[Wanted, _Known]] = OrderedDict()
        self._generation = 0
        self.pools = Pools()

    def forget(self) -> None:
        """Drop everything remembered: the past was seeded anew."""
        self._tapes.clear()
        self._hours.clear()
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
                for from_s, to_s in _without(start_s, end_s, gaps):
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

    def read(
        self,
        subject: Subject,
        wanted: Sequence[Wanted],
        span: Span,
        now_s: float,
    ) -> dict[Wanted, Points]:
        """Points of several metrics and statistics of one subject.

        A period reaching beyond the span's end or the publication delay counts only what
        lies before.
        """
        answer: dict[Wanted, Points] = {one: [] for one in wanted}
        faults = self._world.metric_faults
        if faults.generation != self._generation:
            self._hours.clear()
            self._generation = faults.generation
        views: dict[_View, list[Wanted]] = {}
        function = subject.function
        for one in answer:
            if one[0] in METRICS:
                visible_s = faults.visible_until(now_s, function, one[0])
                view = _View(visible_s, tuple(faults.gaps(function, one[0])))
                views.setdefault(view, []).append(one)
        for view, group in views.items():
            _Reading(self, subject, span.period_s, view, answer).run(
                group, span.start_s, span.end_s
            )
        return answer

    def known(self, subject: Subject, period_s: int, hour_s: int) -> dict[Wanted, _Known]:
        """What is remembered of an hour, to be filled."""
        key = (subject, period_s, hour_s)
        found = self._hours.get(key)
        if found is None:
            found = self._hours[key] = {}
            if len(self._hours) > HOURS_OF_POINTS:
                self._hours.popitem(last=False)
        return found


@dataclass(slots=True)
class _Reading:
    """One read of one subject under one view of its metrics."""

    metrics: Metrics
    subject: Subject
    period_s: int
    view: _View
    answer: dict[Wanted, Points]

    def run(self, wanted: Sequence[Wanted], start_s: int, end_s: int) -> None:
        """Append all points to the answer."""
        stop_s = min(end_s, self.view.visible_s)
        if HOUR_S % self.period_s == 0:
            for hour_s in range(start_s // HOUR_S * HOUR_S, stop_s, HOUR_S):
                self._hour(wanted, hour_s, start_s, stop_s)
            return
        for from_s in range(start_s, stop_s, self.period_s):
            to_s = min(from_s + self.period_s, stop_s)
            bucket = self.metrics.bucket(self.subject, from_s, to_s, self.view.gaps)
            for one in wanted:
                _append(self.answer[one], bucket, one, from_s)

    def _hour(self, wanted: Sequence[Wanted], hour_s: int, start_s: int, stop_s: int) -> None:
        """The points of one hour; those of closed periods are computed only once."""
        buckets: dict[int, Bucket] = {}
        until = min(HOUR_S, stop_s - hour_s) // MINUTE_S
        step = self.period_s // MINUTE_S
        closed = until // step * step
        memory = self.metrics.known(self.subject, self.period_s, hour_s)
        for one in wanted:
            known = memory.get(one)
            if known is None:
                known = memory[one] = _Known()
            for minute in range(known.minutes, closed, step):
                bucket = self._bucket(buckets, hour_s, minute, step)
                _append(known.points, bucket, one, hour_s + minute * MINUTE_S)
            known.minutes = max(known.minutes, closed)
            points = self.answer[one]
            if start_s <= hour_s and known.minutes == closed:
                points.extend(known.points)
            else:
                first = bisect_left(known.points, (start_s,))
                last = bisect_left(known.points, (hour_s + closed * MINUTE_S,))
                points.extend(known.points[first:last])
            if closed < until and start_s < hour_s + until * MINUTE_S:
                bucket = self._bucket(buckets, hour_s, closed, until - closed)
                _append(points, bucket, one, hour_s + closed * MINUTE_S)

    def _bucket(self, buckets: dict[int, Bucket], hour_s: int, minute: int, length: int) -> Bucket:
        found = buckets.get(minute)
        if found is None:
            from_s = hour_s + minute * MINUTE_S
            to_s = from_s + length * MINUTE_S
            found = self.metrics.bucket(self.subject, from_s, to_s, self.view.gaps)
            buckets[minute] = found
        return found


def _instant(call: Invocation) -> float:
    return call.at_s


def _append(points: Points, bucket: Bucket, one: Wanted, at_s: int) -> None:
    if (value := bucket.value(*one)) is not None:
        points.append((at_s, value))


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
