"""Points of metrics that are computed when asked for, remembered once their period is closed.

A store turns a subject and an interval into a bucket, which tells statistics. What is asked,
when and how often changes nothing.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from bisect import bisect_left
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from controller.sandbox.metric_faults import MetricFault
from controller.sandbox.statistic import Statistic
from controller.sandbox.tape import HOUR_S, MINUTE_S

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

    `function` is the one it speaks of, None where it is account-wide or of another service.
    """

    __slots__ = ("_hash", "account", "dimensions", "fault_name", "function", "region")

    def __init__(self, account: str, region: str, dimensions: Dimensions = ()) -> None:
        self.account = account
        self.region = region
        self.dimensions = dimensions
        self.function = dict(dimensions).get("FunctionName")
        self.fault_name = fault_name(dimensions)
        self._hash = hash((account, region, dimensions))

    def __hash__(self) -> int:
        return self._hash

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, Subject)
            and other.dimensions == self.dimensions
            and (other.account, other.region) == (self.account, self.region)
        )


def fault_name(dimensions: Dimensions) -> str | None:
    """What faults of metrics call a series' owner: a function, or `endpoint/NAME`."""
    named = dict(dimensions)
    if "EndpointName" in named:
        return f"endpoint/{named['EndpointName']}"
    return named.get("FunctionName")


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


class Values(Protocol):
    """What a subject emitted in an interval."""

    def value(self, metric: str, statistic: Statistic) -> float | None:
        """A statistic of a metric; None where there is nothing to take it of."""


class PointStore(ABC):
    """Reads points of the metrics named, with what it remembers; one per world and service."""

    def __init__(self, world: World, metrics: frozenset[str]) -> None:
        self._world = world
        self._metrics = metrics
        self._hours: OrderedDict[tuple[Subject, int, int], dict[Wanted, _Known]] = OrderedDict()
        self._generation = 0

    def forget(self) -> None:
        """Drop all points remembered."""
        self._hours.clear()

    @abstractmethod
    def bucket(
        self, subject: Subject, start_s: int, end_s: int, gaps: Iterable[MetricFault] = ()
    ) -> Values:
        """What a subject emitted in [start_s, end_s), whole minutes, less the gaps."""

    @abstractmethod
    def prepare(self, subject: Subject, hour_s: int, minutes: int) -> None:
        """Periods up to `minutes` into an hour are about to be asked for, one by one.

        To play a tape in one go costs a third of playing it period by period.
        """

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
        function = subject.fault_name
        for one in answer:
            if one[0] in self._metrics:
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

    metrics: PointStore
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
        buckets: dict[int, Values] = {}
        until = min(HOUR_S, stop_s - hour_s) // MINUTE_S
        step = self.period_s // MINUTE_S
        closed = until // step * step
        memory = self.metrics.known(self.subject, self.period_s, hour_s)
        if any(one not in memory or memory[one].minutes < closed for one in wanted):
            self.metrics.prepare(self.subject, hour_s, until)
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

    def _bucket(self, buckets: dict[int, Values], hour_s: int, minute: int, length: int) -> Values:
        found = buckets.get(minute)
        if found is None:
            from_s = hour_s + minute * MINUTE_S
            to_s = from_s + length * MINUTE_S
            found = self.metrics.bucket(self.subject, from_s, to_s, self.view.gaps)
            buckets[minute] = found
        return found


def _append(points: Points, bucket: Values, one: Wanted, at_s: int) -> None:
    if (value := bucket.value(*one)) is not None:
        points.append((at_s, value))


def without(start_s: int, stop_s: int, gaps: Iterable[MetricFault]) -> list[tuple[int, int]]:
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
