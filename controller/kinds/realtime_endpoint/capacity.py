"""How much load an instance bears: a posterior over latency curves, and the knee in them.

A curve is an idle level, a number of servers and a limit in requests per second
(`queueing.rise` says how the percentile climbs between them). Many of them, each with a weight,
are what is believed of a type (`fitting`). So a curve that was only seen far below its knee
stays wide, and no capacity is claimed far beyond the highest load seen enough.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from controller.core.stats import Floats, normal_cdf_array
from controller.kinds.realtime_endpoint.queueing import backlog_ms, rise
from controller.kinds.realtime_endpoint.sections import Places, last_above
from controller.model.demand import Interval

REACH = 5.0
"""Largest extrapolation in load: beyond it nothing is claimed, however sure the curve looks …"""
ALONE_USE = 0.5
"""… but for instances so idle that even one request at a time would keep them busy for less
than this share of the time."""
MISFIT = 0.04
"""Log standard deviation of measured curves around the family, where they were seen …"""
MISFIT_RISE = 0.14
"""… and per e-fold by which latency has risen with load …"""
MISFIT_BEYOND = 0.12
"""… and in addition per e-fold of load beyond the highest seen."""
AT_ONCE = 12_000
"""Numbers that are reckoned with at once."""
_LOADS = np.concatenate([np.geomspace(1e-3, 1.0, 120), np.geomspace(1.0, 100.0, 30)[1:]])
"""Loads that are looked at, as shares of the reach."""
_NODES = np.asarray([-1.7321, 0.0, 1.7321])
_NODE_WEIGHTS = np.asarray([1.0, 4.0, 1.0]) / 6.0
"""Gauss-Hermite nodes of a normal distribution."""
_NINTHS = np.asarray([-1.593, -0.967, -0.589, -0.282, 0.0, 0.282, 0.589, 0.967, 1.593])
"""Middles of nine equal parts of a normal distribution."""


@dataclass(frozen=True, slots=True)
class Shift:
    """How another type is expected to differ: in logs, with standard deviations."""

    log_level: float = 0.0
    level_sd: float = 0.0
    log_limit: float = 0.0
    limit_sd: float = 0.0


SAME = Shift()


@dataclass(frozen=True, eq=False)
class Curves:
    """The posterior over one type's latency curves."""

    place: Floats
    """Index into SERVERS, per curve."""
    limit_rps: Floats
    log_level: Floats
    """log of the idle percentile in ms."""
    weight: Floats
    level_var: float
    hour_sd: float
    """What an hour to come may lie off the curve."""
    percentile: float
    service_scatter: float
    top_rps: float
    """Highest load that was seen enough; scaled by the shift for another type."""
    alone_rps: float
    """Load at which one request at a time would take all the time."""
    shift: Shift = SAME

    @property
    def reach_rps(self) -> float:
        """The highest load of which anything is claimed."""
        return max(REACH * self.top_rps, ALONE_USE * self.alone_rps)

    def shifted(self, shift: Shift) -> "Curves":
        """The same beliefs carried over to another type."""
        return replace(
            self,
            log_level=self.log_level + shift.log_level,
            limit_rps=self.limit_rps * math.exp(shift.log_limit),
            top_rps=self.top_rps * math.exp(shift.log_limit),
            alone_rps=self.alone_rps * math.exp(-shift.log_level),
            shift=shift,
        )

    @cached_property
    def _each(self) -> "_Each":
        """Every curve with every node of its limit: one node where the limit is the type's own."""
        sd = self.shift.limit_sd
        nodes, shares = (_NODES, _NODE_WEIGHTS) if sd > 0.0 else (np.zeros(1), np.ones(1))
        return _Each(
            np.tile(self.place, len(nodes))[:, None],
            np.outer(np.exp(nodes * sd), self.limit_rps).reshape(-1, 1),
            np.tile(self.log_level, len(nodes))[:, None],
            np.outer(shares, self.weight).ravel(),
        )

    def _log_ms(self, each: "_Each", load_rps: Floats) -> Floats:
        """Percentile by curve and load."""
        use = load_rps / each.limit_rps
        risen = rise(use, each.place, self.percentile, self.service_scatter)
        return percentile_log_ms(each.log_level, use, risen)

    def _sd(self, each: "_Each", load_rps: Floats, log_ms: Floats) -> Floats:
        """Standard deviation of the true level around each curve, shaped as `log_ms`."""
        beyond = np.maximum(0.0, np.log(np.maximum(load_rps, 1e-9) / self.top_rps))
        known = self.level_var + MISFIT**2 + self.shift.level_sd**2
        found = log_ms - each.log_level
        found *= MISFIT_RISE
        found *= found
        found += known + (MISFIT_BEYOND * beyond) ** 2
        return np.asarray(np.sqrt(found, out=found))

    def p_met(self, load_rps: Floats, threshold_ms: float) -> Floats:
        """Probability that an hour at each load meets the SLO; never rising with load."""
        limit = math.log(threshold_ms)

        def met(each: _Each) -> Floats:
            log_ms = self._log_ms(each, load_rps)
            room = limit - log_ms
            future = np.hypot(self._sd(each, load_rps, log_ms), self.hour_sd)
            # A curve that is over gains nothing from being poorly known.
            return normal_cdf_array(room / np.where(room < 0.0, self.hour_sd, future))

        return np.asarray(np.minimum.accumulate(self._mean(met, len(load_rps))))

    def p_bears(self, load_rps: Floats, threshold_ms: float) -> Floats:
        """Probability that the true percentile at each load is within; never rising with load.

        Unlike `p_met` it counts what a probe may yet find out, and no hour's own scatter.
        """
        limit = math.log(threshold_ms)

        def within(each: _Each) -> Floats:
            log_ms = self._log_ms(each, load_rps)
            return normal_cdf_array((limit - log_ms) / self._sd(each, load_rps, log_ms))

        return np.asarray(np.minimum.accumulate(self._mean(within, len(load_rps))))

    def _ninths_within(self, load_rps: Floats, threshold_ms: float) -> Floats:
        """By curve and load, how many ninths of its level are within."""
        limit, every = math.log(threshold_ms), []
        for each in self._each.parts(len(load_rps)):
            log_ms = self._log_ms(each, load_rps)
            room = (limit - log_ms) / self._sd(each, load_rps, log_ms)
            found = np.zeros(room.shape, dtype=np.int8)
            for ninth in _NINTHS:
                found += room >= ninth
            every.append(found)
        return np.concatenate(every).astype(np.float64)

    def _mean(self, values_of: Callable[["_Each"], Floats], loads: int) -> Floats:
        """By load, of values by curve and load."""
        found = np.zeros(loads)
        for part in self._each.parts(loads):
            found += part.weight @ values_of(part)
        return found

    def percentile_ms(self, load_rps: float) -> Interval:
        """The percentile at a load, with its 90 % interval."""
        each, load = self._each, np.asarray([load_rps])
        log_ms = self._log_ms(each, load)
        values = log_ms + self._sd(each, load, log_ms) * _NINTHS
        low, mid, high = _quantiles(values, each.weight[:, None] / len(_NINTHS))
        return Interval(math.exp(low), math.exp(mid), math.exp(high))

    def capacity_rps(self, threshold_ms: float) -> Interval:
        """The highest load whose true percentile is within the threshold: a 90 % interval.

        Mostly a curve that is over the threshold at one load is at all higher ones. Where the
        doubt that grows beyond the loads seen lets one back in, all loads are counted.
        """
        loads, weight = self._loads(), self._each.weight / len(_NINTHS)
        known: dict[int, Floats] = {}

        def share(places: Places) -> Floats:
            within = self._ninths_within(loads[places], threshold_ms)
            known.update(zip(places.tolist(), within.T, strict=True))
            return np.asarray(weight @ within)

        places = last_above(share, (0.95, 0.5, 0.05), len(loads))
        by_load = np.stack([known[place] for place in sorted(known)])
        if (by_load[1:] > by_load[:-1]).any():
            return self._counted_rps(loads, threshold_ms)
        reached = np.concatenate([[loads[0] / 2.0], loads])
        return Interval(*(float(reached[place + 1]) for place in places))

    def _counted_rps(self, loads: Floats, threshold_ms: float) -> Interval:
        """The same by how many of the loads each ninth is within."""
        within = self._ninths_within(loads, threshold_ms)
        numbers = np.arange(len(_NINTHS))
        counts = np.stack([np.count_nonzero(within > n, axis=1) for n in numbers], axis=-1)
        reached = np.concatenate([[loads[0] / 2.0], loads])[counts]
        return Interval(*_quantiles(reached, self._each.weight[:, None] / len(_NINTHS)))

    def usable_rps(self, threshold_ms: float, confidence: float) -> tuple[float, bool]:
        """(highest load that meets the SLO with a confidence, whether it is only the reach).

        Zero where even an idle instance is not sure to.
        """
        loads = self._loads()
        loads = loads[loads <= self.reach_rps * (1.0 + 1e-9)]
        (last,) = self._last_met(loads, threshold_ms, np.nextafter(confidence, 0.0))
        return (0.0, False) if last < 0 else (float(loads[last]), last == len(loads) - 1)

    def best_rps(self, threshold_ms: float) -> float:
        """The highest load that meets the SLO about as surely as an idle instance does."""
        loads = self._loads()
        idle = float(self.p_met(loads[:1], threshold_ms)[0])
        (last,) = self._last_met(loads, threshold_ms, np.nextafter(idle - 0.02, -1.0))
        return float(loads[last])

    def _last_met(self, loads: Floats, threshold_ms: float, above: float) -> Sequence[int]:
        def met(places: Places) -> Floats:
            return self.p_met(loads[places], threshold_ms)

        return last_above(met, (above,), len(loads))

    def _loads(self) -> Floats:
        """Loads from far below to far above those seen, with the reach among them."""
        return self.reach_rps * _LOADS


@dataclass(frozen=True, slots=True)
class _Each:
    """Curves one below the other: columns, and the weights as a row."""

    place: Floats
    limit_rps: Floats
    log_level: Floats
    weight: Floats

    def parts(self, loads: int) -> Iterator["_Each"]:
        """A few curves at a time: arrays that are larger are taken anew from the system each
        time, and cleared, which takes longer than the arithmetic."""
        at_once = max(1, AT_ONCE // loads)
        if at_once >= len(self.weight):
            yield self
            return
        for start in range(0, len(self.weight), at_once):
            some = slice(start, start + at_once)
            yield _Each(
                self.place[some], self.limit_rps[some], self.log_level[some], self.weight[some]
            )


def percentile_log_ms(log_level: Floats, use: Floats, risen: Floats) -> Floats:
    """Log of the percentile: idle, as it has risen, and what a backlog adds."""
    return np.asarray(np.log(np.exp(log_level + risen) + backlog_ms(use)))


def _quantiles(values: Floats, weights: Floats) -> Sequence[float]:
    """5 %, 50 % and 95 % of weighted values."""
    flat, mass = values.ravel(), np.broadcast_to(weights, values.shape).ravel()
    order = np.argsort(flat)
    share = np.cumsum(mass[order])
    places = np.searchsorted(share / share[-1], [0.05, 0.5, 0.95])
    return [float(flat[order[min(int(i), len(order) - 1)]]) for i in places]
