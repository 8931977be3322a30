"""Instances and money of a size under a week's demand, as target tracking would have them.

Where the last two weeks are known by five minutes they are lived through once more (`replay`);
else the week by its hours has to do.
"""

import math
from dataclasses import dataclass

import numpy as np

from controller.core.demand import HOURS_PER_MONTH
from controller.core.stats import Floats
from controller.kinds.realtime_endpoint.replay import BILLED, LEAVING, SERVING, Bearable, Replay
from controller.kinds.realtime_endpoint.schedule import lower_bounds
from controller.kinds.realtime_endpoint.shape import Hour, Shape
from controller.model.demand import Interval
from controller.model.size import RealtimeSize

LAG_S = 480.0
"""From a rise to an instance that serves: three minutes of alarm, five of launch."""


def needed(rps: float, target_rps: float) -> int:
    """Instances at which each is at or below the target; at least one."""
    return max(1, math.ceil(rps / target_rps - 1e-9)) if target_rps > 0.0 else 1


@dataclass(frozen=True, slots=True)
class Fleet:
    """A size as it would run: how many instances, hour by hour."""

    size: RealtimeSize
    shape: Shape
    fixed: int | None = None
    """Instances where nothing moves their number."""

    @classmethod
    def of(cls, size: RealtimeSize, shape: Shape, running: int | None = None) -> "Fleet":
        """A size without target tracking stays at its count, or at what runs now."""
        if size.min_instances == size.max_instances:
            return cls(size, shape, size.min_instances)
        if size.target_per_instance is None:
            now = size.min_instances if running is None else running
            return cls(size, shape, min(max(now, size.min_instances), size.max_instances))
        return cls(size, shape)

    def at(self, rps: float, low: int) -> int:
        """Instances at a rate, with a lower bound in force."""
        rate_rps = self.size.rate_rps
        if self.fixed is not None:
            return self.fixed
        if rate_rps is None:
            return low
        return min(max(needed(rps, rate_rps), low), self.size.max_instances)

    def hours(self) -> list[tuple[Hour, int]]:
        """Every hour of the week with its lower bound."""
        lows = lower_bounds(self.size.schedule, self.size.min_instances)
        return [(hour, lows[hour.hour % len(lows)]) for hour in self.shape.hours]

    def _counts(self, replay: Replay, lags: tuple[int, ...]) -> Floats:
        """Instances in every part of the last weeks."""
        if self.fixed is not None:
            return np.full(len(replay.rps), float(self.fixed))
        lows = lower_bounds(self.size.schedule, self.size.min_instances)
        return replay.instances(self.size, lows, lags)

    def instances(self) -> Interval:
        """At the trough, on average, and at the peak."""
        if self.shape.replay is not None:
            counts = self._counts(self.shape.replay, BILLED)
            return Interval(float(counts.min()), float(counts.mean()), float(counts.max()))
        hours = self.hours()
        usual = [self.at(_between(hour), low) for hour, low in hours]
        quiet = min(self.at(hour.rps_mean, low) for hour, low in hours)
        most = self.at(self.shape.peak_rps, max(low for _, low in hours))
        mean = sum(usual) / len(usual)
        return Interval(min(float(quiet), mean), mean, max(float(most), mean))

    def mean_instances(self) -> float:
        """Over the weeks: what sizes of one type are compared by."""
        replay = self.shape.replay
        if replay is None:
            return self.usd_per_month(1.0).mid / HOURS_PER_MONTH
        return float(self._counts(replay, BILLED).mean())

    def usd_per_month(self, usd_per_hour: float) -> Interval:
        """Every hour at its mean, between mean and busiest minutes, and at those.

        Target tracking adds instances within minutes and takes them away slowly, so that a
        fleet stands nearer its busiest minutes than its mean.
        """
        month = usd_per_hour * HOURS_PER_MONTH
        replay = self.shape.replay
        if replay is not None:
            spans = ((0,), BILLED, LEAVING)
            means = (float(self._counts(replay, lags).mean()) for lags in spans)
            return Interval(*(mean * month for mean in means))
        hours = self.hours()
        sums = [
            sum(self.at(rate(hour), low) for hour, low in hours) / len(hours)
            for rate in (_mean, _between, _peak)
        ]
        return Interval(*(total * month for total in sums))

    def worst_load_rps(self, bearable: Bearable | None = None) -> float:
        """The load per instance that the SLO must bear.

        Of known weeks: the steady load that would leave as many requests slow as they did, for
        what an instance bears. Else, where the number follows demand: the target,
        or what a rise leaves on those that are there until new ones come; where it cannot: the
        peak shared by all there are.
        """
        replay = self.shape.replay
        if replay is not None and bearable is not None:
            return replay.burdened_rps(replay.rps / self._counts(replay, SERVING), bearable)
        hours = self.hours()
        top = max(low for _, low in hours)
        peak = self.shape.peak_rps / self.at(self.shape.peak_rps, top)
        rises = [
            _risen(hour, after) / max(self.at(hour.rps_mean, low), bound)
            for (hour, low), (after, bound) in zip(hours, [*hours[1:], hours[0]], strict=True)
            if after.hour == (hour.hour + 1) % 168
        ]
        rate_rps = self.size.rate_rps
        if self.fixed is not None or rate_rps is None:
            return peak
        usual = min(rate_rps, self.shape.peak_rps / min(low for _, low in hours))
        return max([peak, usual, *rises])

    def bears(self, bearable: Bearable) -> bool:
        """Whether an instance bears its load: without a search for how much that is."""
        replay = self.shape.replay
        if replay is None:
            return self.worst_load_rps(bearable) <= bearable.usable_rps
        return replay.borne(replay.rps / self._counts(replay, SERVING), bearable)


def _risen(hour: Hour, after: Hour) -> float:
    """The rate at which the fleet still has the instances of before: on a straight rise, or on
    the jump that the next hour brings every week."""
    rise = max(0.0, after.rps_mean - hour.rps_mean)
    return hour.rps_mean + max(rise * LAG_S / 3600.0, min(after.rps_jump, rise))


def _mean(hour: Hour) -> float:
    return hour.rps_mean


def _peak(hour: Hour) -> float:
    return hour.rps_peak


def _between(hour: Hour) -> float:
    return (hour.rps_mean + hour.rps_peak) / 2.0
