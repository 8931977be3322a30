"""When requests come: constant, daily and weekly shape, bursts, thin, or a recorded trace.

A traffic answers with the expected number of requests of each minute; how many really come
is drawn from that (Poisson), except for a trace, whose counts are taken as they are.
"""

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from controller.sandbox import draws

Floats = npt.NDArray[np.float64]

MINUTE_S = 60.0
DAY_S = 86_400.0
WEEK_S = 7 * DAY_S


@dataclass(frozen=True, slots=True)
class Bursts:
    """Sudden extra load at random moments, `per_day` of them on average."""

    per_day: float
    factor: float
    minutes: float = 10.0


@dataclass(frozen=True, slots=True)
class Trace:
    """Recorded counts: `requests[i]` between `offsets_s[i]` and the next offset."""

    offsets_s: tuple[float, ...]
    requests: tuple[float, ...]
    origin_s: float = 0.0
    """Instant of offset 0; the trace repeats before and after."""
    scale: float = 1.0

    def cumulative(self, instants_s: Floats) -> Floats:
        """Requests since the origin, rising; linear inside a recorded interval."""
        step = self.offsets_s[1] - self.offsets_s[0]
        span = self.offsets_s[-1] + step
        knots = np.append(np.asarray(self.offsets_s), span)
        totals: Floats = np.concatenate(([0.0], np.cumsum(self.requests))) * self.scale
        laps, inside = np.divmod(instants_s - self.origin_s, span)
        return np.asarray(laps * totals[-1] + np.interp(inside, knots, totals), np.float64)


@dataclass(frozen=True, slots=True)
class Traffic:
    """A mean rate, its shape over day and week, bursts; or a trace instead of all that."""

    rps: float = 0.0
    daily_amplitude: float = 0.0
    """0-1: the rate swings by this share around its mean over a day."""
    peak_hour_utc: float = 14.0
    weekend_factor: float = 1.0
    bursts: Bursts | None = None
    trace: Trace | None = None

    def expected_per_minute(self, minutes_s: Floats, *key: draws.Key) -> Floats:
        """Requests expected in the minutes that start at `minutes_s`; `key` places bursts."""
        if self.trace is not None:
            return self.trace.cumulative(minutes_s + MINUTE_S) - self.trace.cumulative(minutes_s)
        rate = np.full(len(minutes_s), self.rps * MINUTE_S)
        if self.daily_amplitude > 0:
            hour = (minutes_s % DAY_S) / 3600.0
            swing = np.cos((hour - self.peak_hour_utc) * (2 * np.pi / 24.0))
            rate *= 1.0 + self.daily_amplitude * swing
        if self.weekend_factor != 1.0:
            # The epoch was a Thursday: days 2 and 3 of its week are Saturday and Sunday.
            weekday = (minutes_s // DAY_S) % 7
            rate = np.where((weekday == 2) | (weekday == 3), rate * self.weekend_factor, rate)
        if self.bursts is not None:
            rate *= _burst_factor(self.bursts, minutes_s, *key)
        return rate

    def exact_per_minute(self, minutes_s: Floats) -> npt.NDArray[np.int64] | None:
        """Whole counts of a trace's minutes (they sum to the trace's own); None otherwise."""
        if self.trace is None:
            return None
        edges = np.floor(self.trace.cumulative(np.append(minutes_s, minutes_s[-1] + MINUTE_S)))
        return np.diff(edges).astype(np.int64)

    @property
    def mean_rps(self) -> float:
        """Requests per second over a whole week (or the whole trace)."""
        if self.trace is not None:
            step = self.trace.offsets_s[1] - self.trace.offsets_s[0]
            total = sum(self.trace.requests) * self.trace.scale
            return total / (self.trace.offsets_s[-1] + step)
        week = (5.0 + 2.0 * self.weekend_factor) / 7.0
        extra = 0.0
        if self.bursts is not None:
            busy = min(1.0, self.bursts.per_day * self.bursts.minutes / 1440.0)
            extra = busy * (self.bursts.factor - 1.0)
        return self.rps * week * (1.0 + extra)


def _burst_factor(bursts: Bursts, minutes_s: Floats, *key: draws.Key) -> Floats:
    """1, or the burst's factor in minutes that a burst covers."""
    factor = np.ones(len(minutes_s))
    length_s = bursts.minutes * MINUTE_S
    first, last = int((minutes_s[0] - length_s) // DAY_S), int(minutes_s[-1] // DAY_S)
    for day in range(first, last + 1):
        dice = draws.generator(*key, "bursts", day)
        starts = day * DAY_S + DAY_S * dice.random(int(dice.poisson(bursts.per_day)))
        for start in starts:
            factor[(minutes_s >= start) & (minutes_s < start + length_s)] = bursts.factor
    return factor


def traffic_from(document: Mapping[str, Any], start_s: float) -> Traffic:
    """Traffic from JSON.

    `{rps}` or `{requests_per_day}`, with `daily_amplitude`, `peak_hour_utc`,
    `weekend_factor`, `bursts: {per_day, factor, minutes}`; or `{trace: [[offset_s,
    requests], ...]}` or `{trace_file: csv}` with `origin_s` (default `start_s`) and `scale`.
    Raises ValueError on an unknown member or a trace of fewer than two rows.
    """
    known = {"rps", "requests_per_day", "daily_amplitude", "peak_hour_utc", "weekend_factor",
             "bursts", "trace", "trace_file", "origin_s", "scale"}  # fmt: skip
    if unknown := set(document) - known:
        raise ValueError(f"traffic has no member {min(unknown)!r}")
    if "trace" in document or "trace_file" in document:
        return Traffic(trace=_trace_from(document, start_s))
    rps = document.get("rps", document.get("requests_per_day", 0.0) / DAY_S)
    bursts = document.get("bursts")
    return Traffic(
        rps=float(rps),
        daily_amplitude=float(document.get("daily_amplitude", 0.0)),
        peak_hour_utc=float(document.get("peak_hour_utc", 14.0)),
        weekend_factor=float(document.get("weekend_factor", 1.0)),
        bursts=None if bursts is None else Bursts(**bursts),
    )


def _trace_from(document: Mapping[str, Any], start_s: float) -> Trace:
    rows: Sequence[Sequence[Any]] = document.get("trace", ())
    if "trace_file" in document:
        with Path(document["trace_file"]).open(encoding="utf-8", newline="") as file:
            rows = [(row["offset_s"], row["requests"]) for row in csv.DictReader(file)]
    if len(rows) < 2:
        raise ValueError("a trace needs at least two rows of offset_s, requests")
    return Trace(
        offsets_s=tuple(float(row[0]) for row in rows),
        requests=tuple(float(row[1]) for row in rows),
        origin_s=float(document.get("origin_s", start_s)),
        scale=float(document.get("scale", 1.0)),
    )
