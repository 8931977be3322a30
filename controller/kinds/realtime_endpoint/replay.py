"""The last two weeks once more, under other bounds: what autoscaling would have made of them.

Target tracking looks at the load of some minutes ago: an instance serves some eight minutes
after the rise that asked for it, and leaves some fifteen after the fall. So in each five
minutes those instances serve that the busiest of the parts before asked for, and what has
risen since then comes on top. Bursts need no model: they are in the course as they came, and
are remembered as long as it lasts, newer ones better than older ones.

Over the traces of the benchmark this says the share of slow requests of a month's half to
about a tenth of it, and the bill to three in a hundred (docs/designs/0007-bursts.md).
"""

import math
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt

from controller.core.stats import Floats
from controller.core.week import HOURS, hour_of_week
from controller.kinds.realtime_endpoint.growth import growth
from controller.model.demand import Course
from controller.model.size import RealtimeSize

SERVING = (2, 3, 4)
"""Instances that serve in five minutes were asked for by the busiest of these parts before …"""
BILLED = (0, 1, 2)
"""… and are billed from when they are asked for: AWS bills them while they start."""
LEAVING = (0, 1, 2, 3, 4, 5, 6)
"""The most that scaling in slowly could have kept."""
STEEPNESS = 8
"""Power of the load by which the share of slow requests grows around the capacity."""
STEPS = 16
"""How finely it is looked for what an instance would have to bear: steps to its double …"""
MOST_STEPS = 4 * STEPS
"""… up to sixteen times of what it does."""
SHARE_OF_BUDGET = 0.8
"""Of the SLO's budget of slow requests, what bursts of the past may have taken."""
HALF_LIFE_S = 14 * 86_400.0
"""Age at which a burst counts for half."""
LEAST_REQUESTS = 20
"""Of fewer in five minutes one slow one would be too many: such a window is no measure."""
LEAST_HOURS = 24
"""A shorter course is no memory."""
BY_CHANCE = 3
"""Hours of the week in which two weeks may have been slow both without it being a habit."""
LEAST_DAYS = 3
"""Days whose same hour tells what is usual in it."""


@dataclass(frozen=True, slots=True)
class Bearable:
    """What one instance bears."""

    usable_rps: float
    """Load at which an hour meets the SLO as surely as the policy wants."""
    capacity_rps: float
    """Load that the true percentile bears all but surely: of many hours together, whose ups
    and downs make up for each other."""
    budget: float
    """Share of requests that may be slow."""
    most: int | None = None
    """Instances that there may be at all."""
    likely_rps: float = 0.0
    """Load that the true percentile bears as likely as not; 0 where it is not known."""
    windows: float | None = None
    """Share of five-minute windows that are to meet the SLO, where the policy says one."""

    def times(self, factor: float) -> "Bearable":
        """The same of an instance that bears so many times more."""
        return replace(
            self,
            usable_rps=self.usable_rps * factor,
            capacity_rps=self.capacity_rps * factor,
            likely_rps=self.likely_rps * factor,
        )


@dataclass(frozen=True, eq=False)
class Replay:
    """A course by five minutes, with what autoscaling saw of it."""

    rps: Floats
    hours: npt.NDArray[np.int64]
    """Hour of the week of every part."""
    step_s: float
    memo: dict[tuple[int, ...], Floats] = field(default_factory=dict, repr=False)
    beyond: dict[Bearable, Floats | float] = field(default_factory=dict, repr=False)

    @classmethod
    def of(cls, course: Course | None) -> "Replay | None":
        """None where the course is no memory yet: a day at least."""
        if course is None or len(course.rps) * course.step_s < LEAST_HOURS * 3600.0:
            return None
        first = (-int(course.start_s) % 3600) // int(course.step_s)
        whole = (len(course.rps) - first) // (parts := round(3600.0 / course.step_s)) * parts
        rps = np.asarray(course.rps[first : first + whole])
        start_s = course.start_s + first * course.step_s
        zero = hour_of_week(start_s)
        hours = (zero + np.arange(whole, dtype=np.int64) // parts) % HOURS
        return cls(rps, hours, course.step_s)

    def scaled(self, factor: float | Floats) -> "Replay":
        """The same with so many times the demand, altogether or in each part."""
        return replace(self, rps=self.rps * factor, memo={}, beyond={})

    def grown(self) -> "Replay":
        """As it would be were demand all the time what it has become since (`growth`)."""
        factors = growth(self._asked / self._parts)
        return self if factors.max() <= 1.0 else self.scaled(np.repeat(factors, self._parts))

    def by_hour(self) -> dict[int, tuple[float, float]]:
        """(mean, peak) by hour of the week, over the weeks."""
        hours = self.hours[:: self._parts]
        peaks = self.rps.reshape(-1, self._parts).max(axis=1)
        means = self._asked / self._parts
        return {
            int(hour): (float(means[hours == hour].mean()), float(peaks[hours == hour].max()))
            for hour in np.unique(hours)
        }

    def busiest(self, lags: tuple[int, ...]) -> Floats:
        """In each part the highest rate of those so many parts before it."""
        if lags not in self.memo:
            shifted = [
                np.concatenate([np.full(lag, self.rps[0]), self.rps[: len(self.rps) - lag]])
                for lag in lags
            ]
            self.memo[lags] = np.max(shifted, axis=0)
        return self.memo[lags]

    def instances(self, size: RealtimeSize, lows: tuple[int, ...], lags: tuple[int, ...]) -> Floats:
        """Instances in each part, had this size been in force; `lows` are its lower bounds by
        hour of the week."""
        rate = size.rate_rps
        if rate is None or size.min_instances == size.max_instances:
            return np.full(len(self.rps), float(size.min_instances))
        low = np.asarray(lows, dtype=np.float64)[self.hours] if size.schedule else lows[0]
        wanted = np.ceil(self.busiest(lags) / rate - 1e-9)
        return np.minimum(np.maximum(wanted, low), float(size.max_instances))

    def burdened_rps(self, loads: Floats, bearable: Bearable) -> float:
        """The steady load that an instance must bear for these loads to be borne.

        The largest of: all requests, within a share of the SLO's budget; the worst hour of the
        week as it usually is; and as many windows as the policy wants met, if it says so. What
        comes back at its hour is to be borne every time, a burst out of the blue as the budget
        allows. What would have been slow with all instances that there may be is held against
        no size, while it is within the budget.
        """
        worst_rps = bearable.usable_rps * self._short_of(loads, bearable)
        if bearable.windows is None:
            return worst_rps
        capacity = max(bearable.capacity_rps, bearable.usable_rps)
        least_rps = bearable.usable_rps * self._all_but(loads / capacity, bearable, capacity)
        return max(worst_rps, least_rps)

    def borne(self, loads: Floats, bearable: Bearable) -> bool:
        """Whether an instance bears what it must."""
        capacity = max(bearable.capacity_rps, bearable.usable_rps)
        if self._worst(loads, bearable) > 1.0:
            return False
        if bearable.windows is None:
            return True
        return self._all_but(loads / capacity, bearable, capacity) <= 1.0

    def _short_of(self, loads: Floats, bearable: Bearable) -> float:
        """How many times more an instance would have to bear.

        Below the capacity slow requests grow with a power of the load. A burst of many times
        the capacity is slow altogether, and stays so if an instance bears somewhat more: how
        much more would do has to be looked for.
        """
        worst = self._worst(loads, bearable)
        if worst <= 1.0:
            return float(worst ** (1.0 / STEEPNESS))
        few, enough, over, under = 0, MOST_STEPS, worst, 0.0
        while enough - few > 1:
            middle = (few + enough) // 2
            found = self._worst(loads, bearable.times(2.0 ** (middle / STEPS)))
            if found > 1.0:
                few, over = middle, found
            else:
                enough, under = middle, found
        # Between two steps as the power law has it, which is exact where nothing is saturated.
        part = math.log(over) / math.log(over / under) if under > 0.0 else 1.0
        return float(2.0 ** ((few + min(part, 1.0)) / STEPS))

    def _worst(self, loads: Floats, bearable: Bearable) -> float:
        """Slow requests, in budgets: of all, or of the worst hour as it usually is."""
        usable, capacity = bearable.usable_rps, max(bearable.capacity_rps, bearable.usable_rps)
        slow = self._slow(loads / capacity, bearable.budget)
        altogether = self._share(slow - self._beyond(bearable, capacity))
        over = slow if capacity == usable else self._slow(loads / usable, bearable.budget)
        usual = self._usual(over / np.maximum(self._asked, 1e-9))
        return max(altogether / SHARE_OF_BUDGET, usual)

    def _all_but(self, use: Floats, bearable: Bearable, capacity_rps: float) -> float:
        """What so many of the windows stay within, of what an instance bears; those that no
        number of instances would have borne are held against no size."""
        judged = self.rps * self.step_s >= LEAST_REQUESTS
        if bearable.most is not None:
            judged &= self.rps <= bearable.most * capacity_rps
        seen = use[judged]
        if bearable.windows is None or not len(seen):
            return 0.0
        over = min(int((1.0 - bearable.windows) * len(seen) + 1e-9), len(seen) - 1)
        return float(np.partition(seen, len(seen) - 1 - over)[len(seen) - 1 - over])

    def _beyond(self, bearable: Bearable, capacity_rps: float) -> Floats | float:
        """Slow requests of every hour with as many instances as there may be."""
        if bearable.most is None:
            return 0.0
        if bearable not in self.beyond:
            slow = self._slow(self.rps / bearable.most / capacity_rps, bearable.budget)
            self.beyond[bearable] = slow if self._share(slow) <= 1.0 else 0.0
        return self.beyond[bearable]

    def _share(self, slow: Floats) -> float:
        """Of all requests, the newer ones counting for more; in budgets."""
        return float(slow @ self._weights / max(float(self._asked @ self._weights), 1e-9))

    def _slow(self, use: Floats, budget: float) -> Floats:
        """Slow requests of every hour, in budgets of one request."""
        for _ in range(3):  # to the 8th: STEEPNESS
            use = use * use
        slow = np.minimum(use, 1.0 / budget) * self.rps
        return np.asarray(slow.reshape(-1, self._parts).sum(axis=1))

    @property
    def _parts(self) -> int:
        return round(3600.0 / self.step_s)

    @cached_property
    def _asked(self) -> Floats:
        return np.asarray(self.rps.reshape(-1, self._parts).sum(axis=1))

    @cached_property
    def _weights(self) -> Floats:
        age_s = np.arange(len(self._asked) - 1, -1, -1) * 3600.0
        return np.asarray(0.5 ** (age_s / HALF_LIFE_S))

    def _usual(self, hourly: Floats) -> float:
        """The worst hour of the day as it is on most days; and of the week as it was in every
        week, but for a few: two weeks have some bursts at the same hour by chance."""
        days = len(hourly) // 24
        if days < LEAST_DAYS:
            return float(hourly.max())
        daily = float(np.sort(hourly[-24 * days :].reshape(days, 24), axis=0)[days // 2].max())
        if len(hourly) < 2 * HOURS:
            return daily
        weekly = hourly[-2 * HOURS :].reshape(2, HOURS).min(axis=0)
        return max(daily, float(np.partition(weekly, -1 - BY_CHANCE)[-1 - BY_CHANCE]))
