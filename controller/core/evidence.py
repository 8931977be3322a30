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
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from operator import attrgetter, mul

from controller.model.estimate import Observation
from controller.model.missing import Missing
from controller.model.size import Size, in_order

MIN_REQUESTS_PER_HOUR = 20
"""An hour with fewer says too little about its own latency to move a level."""
JUMP_LOG = 0.2
"""Least change of level, in log units (about 22 %), that can be a jump."""
JUMP_SDS = 4.0
WEIGHT_CAP = 4.0
"""An hour counts for at most this many times the median hour's requests."""
P95_NOISE = 3.2**2
"""Sampling variance of a p95 against that of a mean, for lognormal latencies."""
LEAST_SIGMA = 0.05
"""Log standard deviation of single latencies: no less is believed …"""
LEAST_RATIO = math.exp(1.645 * LEAST_SIGMA)
"""… so of p95 over median (lognormal: z95 = 1.645) no less than this."""
LEVEL_SD_FLOOR = 0.03
"""Between-hour standard deviation assumed while a level rests on few hours, in log units."""


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
    rows = (row for level in segment.levels.values() for row in level.hours)
    known = [row for row in rows if not isinstance(row.load_rps, Missing)]
    return tuple(sorted(known, key=lambda row: (row.start_s, in_order(row.size))))


def _ordered(rows: Iterable[Observation]) -> list[Observation]:
    """By time; where two begin at once, by what distinguishes them."""
    ordered = sorted(rows, key=attrgetter("start_s"))
    if all(one.start_s < other.start_s for one, other in pairwise(ordered)):
        return ordered
    return sorted(ordered, key=lambda r: (r.start_s, in_order(r.size), r.era))


def _segments(rows: Sequence[Observation]) -> list[_Segment]:
    segments: list[_Segment] = []
    suspect: Observation | None = None
    size: Size | None = None
    for row in rows:
        if row.requests < MIN_REQUESTS_PER_HOUR:
            continue
        if not segments or segments[-1].era != row.era:
            segments.append(_Segment(row.era))
            suspect, size = None, None
        if row.size is not size:
            size, level = row.size, segments[-1].level(row.size)
        log_ms = math.log(row.mean_ms)
        side = level.side(row, log_ms)
        if side == 0:
            level.add(row, log_ms)
            continue
        if suspect is not None and _agree(segments[-1], suspect, row, side):
            _jump(segments, suspect, row)
            suspect, size = None, None
        else:
            suspect = row
    return segments


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
    """Request-weighted level with its uncertainty; weights are capped so no hour rules alone.

    Both are such that fewer requests with the same latencies never look surer: the cap is
    relative, and what sampling noise adds to the scatter between hours is not taken out.
    """
    hours = level.hours
    requests = [r.requests for r in hours]
    cap = WEIGHT_CAP * statistics.median(requests)
    weights = [float(n) if n < cap else cap for n in requests]
    total = sum(weights)
    log_p95s = [math.log(r.p95_ms) for r in hours]
    mean_noise = _average(_noises(hours), weights, total)
    log_mean, mean_between = _level(level.logs, weights, total)
    log_p95, p95_between = _level(log_p95s, weights, total)
    share = sum(map(mul, weights, weights)) / total**2
    return Point(
        size=size,
        segment=segment,
        log_mean=log_mean,
        log_mean_var=share * (mean_between + mean_noise),
        log_p95=log_p95,
        log_p95_var=share * (p95_between + P95_NOISE * mean_noise),
        between_var=p95_between,
        requests=sum(requests),
        hours=len(hours),
        first_s=min([r.start_s for r in hours]),
        last_s=max([r.end_s for r in hours]),
    )


def _noises(hours: Sequence[Observation]) -> list[float]:
    """Sampling variance of every hour's log mean: that of single latencies, from its
    quantiles, over how many there were."""
    ratios = [r.p95_ms / max(r.p50_ms, 1e-3) for r in hours]
    sigmas = [math.log(ratio) / 1.645 if ratio > LEAST_RATIO else LEAST_SIGMA for ratio in ratios]
    return [sigma * sigma / r.requests for sigma, r in zip(sigmas, hours, strict=True)]


def _level(values: Sequence[float], weights: Sequence[float], total: float) -> tuple[float, float]:
    """Weighted mean, and the variance between hours; `total` is the sum of the weights."""
    mean = _average(values, weights, total)
    if len(values) < 3:
        return mean, LEVEL_SD_FLOOR**2
    off = [v - mean for v in values]
    scatter = _average(list(map(mul, off, off)), weights, total)
    return mean, max(scatter * len(values) / (len(values) - 1.0), 0.01**2)


def _average(values: Sequence[float], weights: Sequence[float], total: float) -> float:
    weighted: float = sum(map(mul, values, weights))
    return weighted / total
