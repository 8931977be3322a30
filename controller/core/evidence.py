"""From hours of measurements to points that a response model can use.

Latencies compare only within a *segment*: the same code (era) and no jump in between.
A jump is found by walking through the hours in order: two hours in a row that lie far
from their size's level so far open a new segment, unless an earlier segment of the same
code knows that level: then it swings, and has not jumped. Nothing is remembered between
ticks; the same rows give the same segments.

Where the load per instance is known, latency follows it, and a level that moves is no jump:
such rows are kept as they are, for the kind's own model of latency against load.
"""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby
from operator import attrgetter, lt

from controller.core.levels import LEVEL_SD_FLOOR, level_of
from controller.model.estimate import Observation
from controller.model.missing import Missing
from controller.model.size import Size, in_order

MIN_REQUESTS_PER_HOUR = 20
"""An hour with fewer says too little about its own latency to move a level."""
JUMP_LOG = 0.2
"""Least change of level, in log units (about 22 %), that can be a jump."""
JUMP_SDS = 4.0


@dataclass(frozen=True, slots=True)
class Point:
    """All hours at one size in one segment, as logarithms of milliseconds."""

    size: Size
    segment: int
    log_mean: float
    log_mean_var: float
    """Variance of the level itself: shrinks with hours and requests."""
    log_p95: float
    log_p95_var: float
    between_var: float
    """Variance of an hour's p95 around the level, sampling noise included."""
    requests: int
    hours: int
    first_s: float
    last_s: float
    shared_sd: float = 0.0
    """Part of the p95's error that it shares with other sizes: how much a wrong assumption about
    tails moves it, with its sign. Contained in `log_p95_var`."""

    @property
    def log_tail(self) -> float:
        """log(p95 / mean), the ratio that must be measured per function."""
        return self.log_p95 - self.log_mean


@dataclass(frozen=True, slots=True)
class Evidence:
    """Points of every segment; `current` is the segment that the live code runs in."""

    points: tuple[Point, ...]
    current: int | None
    jumped_at_s: float | None
    """When the current segment began, if a jump (not a release) began it."""
    loaded: tuple[Observation, ...] = ()
    """Rows of the current segment whose load per instance is known, oldest first."""

    def here(self) -> tuple[Point, ...]:
        """Points of the current segment."""
        return tuple(p for p in self.points if p.segment == self.current)

    @property
    def since_s(self) -> float:
        """When the live code was first measured at its present speed; 0 where it never was."""
        return min((p.first_s for p in self.here()), default=0.0)

    def at(self, size: Size) -> Point | None:
        """The current segment's point at a size."""
        return next((p for p in self.here() if p.size == size), None)


@dataclass(slots=True)
class _Level:
    """Hours at one size so far, with running sums so that a walk stays linear."""

    hours: list[Observation] = field(default_factory=list)
    logs: list[float] = field(default_factory=list)
    """Log mean latency of each of them."""
    total: float = 0.0
    squares: float = 0.0

    def add(self, row: Observation, log_ms: float) -> None:
        self.hours.append(row)
        self.logs.append(log_ms)
        self.total += log_ms
        self.squares += log_ms * log_ms

    def side(self, row: Observation, log_ms: float) -> int:
        """-1 or 1 where the hour lies far below or above the level, else 0; 0 where it is the
        load that latency follows."""
        n = len(self.hours)
        if n < 2:
            return 0
        mean = self.total / n
        distance = log_ms - mean
        if -JUMP_LOG <= distance <= JUMP_LOG or not isinstance(row.load_rps, Missing):
            return 0
        spread = math.sqrt(max(0.0, self.squares - n * mean * mean) / (n - 1))
        sampling = 0.5 / math.sqrt(row.requests)
        limit = max(JUMP_LOG, JUMP_SDS * math.hypot(max(spread, LEVEL_SD_FLOOR), sampling))
        if abs(distance) <= limit:
            return 0
        return 1 if distance > 0 else -1


@dataclass(slots=True)
class _Segment:
    era: str
    levels: dict[Size, _Level] = field(default_factory=dict)
    jumped_at_s: float | None = None

    def level(self, size: Size) -> _Level:
        found = self.levels.get(size)
        if found is None:
            found = self.levels[size] = _Level()
        return found

    def absorb(self, other: "_Segment") -> None:
        """Take over all hours of a later segment."""
        for size, level in other.levels.items():
            mine = self.level(size)
            for row, log_ms in zip(level.hours, level.logs, strict=True):
                mine.add(row, log_ms)


def evidence(rows: Iterable[Observation], era: str, split_at_s: float | None = None) -> Evidence:
    """Group observations into segments and summarise each size in each.

    `era` names the live code. Hours with too few requests are left out of levels; if no
    row of the live era remains, there is no current segment. With `split_at_s`, what began
    at or after that instant is a segment of its own: a breach that is certain by counts
    must not be argued away by older hours.
    """
    ordered = _ordered(rows)
    if split_at_s is None:
        segments = _segments(ordered)
    else:
        segments = _segments([r for r in ordered if r.start_s < split_at_s])
        newest = [r for r in ordered if r.start_s >= split_at_s and r.era == era]
        segments += [replace(s, jumped_at_s=split_at_s) for s in _segments(newest)[-1:]]
    points = tuple(
        _point(size, index, level)
        for index, segment in enumerate(segments)
        for size, level in sorted(segment.levels.items(), key=lambda item: in_order(item[0]))
        if level.hours
    )
    last = len(segments) - 1
    live = segments[last] if segments and segments[last].era == era else None
    return Evidence(
        points=points,
        current=None if live is None else last,
        jumped_at_s=None if live is None else live.jumped_at_s,
        loaded=() if live is None else _loaded(live),
    )


def _loaded(segment: _Segment) -> tuple[Observation, ...]:
    levels = sorted(segment.levels.items(), key=lambda item: in_order(item[0]))
    rows = (row for _, level in levels for row in level.hours)
    known = [row for row in rows if not isinstance(row.load_rps, Missing)]
    return tuple(known if len(levels) == 1 else sorted(known, key=attrgetter("start_s")))


def _ordered(rows: Iterable[Observation]) -> list[Observation]:
    """By time; where two begin at once, by what distinguishes them."""
    ordered = sorted(rows, key=attrgetter("start_s"))
    starts = [row.start_s for row in ordered]
    if all(map(lt, starts, starts[1:])):
        return ordered
    return sorted(ordered, key=lambda r: (r.start_s, in_order(r.size), r.era))


def _segments(rows: Sequence[Observation]) -> list[_Segment]:
    if not any(isinstance(row.load_rps, Missing) for row in rows):
        return _of_loads(rows)
    segments: list[_Segment] = []
    for era, released in _by_era(rows):
        segments.append(_Segment(era))
        suspect: Observation | None = None
        size: Size | None = None
        for row in released:
            if row.size is not size:
                size, level = row.size, segments[-1].level(row.size)
            log_ms = math.log(row.mean_ms)
            side = level.side(row, log_ms)
            if side == 0:
                level.add(row, log_ms)
            elif suspect is not None and _agree(segments[-1], suspect, row, side):
                _jump(segments, suspect, row)
                suspect, size = None, None
            else:
                suspect = row
    return segments


def _of_loads(rows: Sequence[Observation]) -> list[_Segment]:
    """Segments of rows of which none can be a jump: nothing but a release parts them."""
    segments: list[_Segment] = []
    for era, released in _by_era(rows):
        segments.append(_Segment(era))
        for size, alike in groupby(released, key=attrgetter("size")):
            segments[-1].level(size).hours.extend(alike)
    return segments


def _by_era(rows: Sequence[Observation]) -> Iterable[tuple[str, Iterator[Observation]]]:
    """Rows with enough requests to say anything, from release to release."""
    enough = (row for row in rows if row.requests >= MIN_REQUESTS_PER_HOUR)
    return groupby(enough, key=attrgetter("era"))


def _jump(segments: list[_Segment], first: Observation, second: Observation) -> None:
    """Two hours off to the same side: a new segment, or the return of an older one.

    Latencies that go back to where they once were swing (with the time of day, say) and
    have not jumped for good: all from that segment on is one, with the swing as its scatter.
    """
    release = next((i for i, s in enumerate(segments[::-1]) if s.era != first.era), len(segments))
    since = range(len(segments) - release, len(segments))
    old = next((i for i in since if _fits(segments[i], first, second)), None)
    if old is None:
        segments.append(_Segment(first.era, jumped_at_s=first.start_s))
    else:
        for segment in segments[old + 1 :]:
            segments[old].absorb(segment)
        del segments[old + 1 :]
    for row in (first, second):
        segments[-1].level(row.size).add(row, math.log(row.mean_ms))


def _fits(segment: _Segment, *rows: Observation) -> bool:
    """Whether all rows lie on a level that the segment has."""
    return all(
        len(level.hours) >= 2 and level.side(row, math.log(row.mean_ms)) == 0
        for row in rows
        for level in (segment.level(row.size),)
    )


def _agree(segment: _Segment, suspect: Observation, row: Observation, side: int) -> bool:
    """Whether the hour before was off to the same side; a lone odd hour is left out for good."""
    if suspect.size != row.size or suspect.end_s != row.start_s:
        return False
    return segment.level(row.size).side(suspect, math.log(suspect.mean_ms)) == side


def _point(size: Size, segment: int, level: _Level) -> Point:
    found, hours = level_of(level.hours), level.hours
    return Point(
        size=size,
        segment=segment,
        log_mean=found.log_mean,
        log_mean_var=found.log_mean_var,
        log_p95=found.log_p95,
        log_p95_var=found.log_p95_var,
        between_var=found.between_var,
        requests=sum([r.requests for r in hours]),
        hours=len(hours),
        first_s=min([r.start_s for r in hours]),
        last_s=max([r.end_s for r in hours]),
    )
