"""How much load an instance bears: a posterior over latency curves, and the knee in them.

A curve is an idle level, a number of servers and a limit in requests per second
(`queueing.rise` says how the percentile climbs between them). A grid of servers and limits is
weighed by how well it explains the windows seen, the level following from the data. What was
never seen is the prior's: the limit is about servers x 1000 / service time, and the servers
about the type's vCPUs, both loosely. So a curve that was only seen far below its knee stays
wide, and no capacity is claimed far beyond the highest load seen enough.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from controller.core.stats import Floats, normal_cdf_array
from controller.kinds.realtime_endpoint.loads import Loads
from controller.kinds.realtime_endpoint.queueing import FULL, SERVERS, backlog_ms, rise
from controller.model.demand import Interval

Indices: TypeAlias = npt.NDArray[np.int64]

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
TIE_SD = 0.5
"""Log standard deviation of the limit around servers x 1000 / service time."""
BACKLOG_SD = 0.7
"""Log standard deviation of latencies where more comes than is served: queues have their own
limits, and what is left of one window burdens the next."""
SERVERS_SD = 1.0
"""Log standard deviation of the number of servers around the vCPUs."""
SINGLE_WEIGHT = 0.15
"""Prior weight of a container that does one request at a time whatever the machine."""
AT_ONCE = 12_000
"""Numbers that are reckoned with at once."""
NEGLIGIBLE = 3e-4
"""Curves less likely than this are left out."""
_USES = np.geomspace(0.01, 4.0, 48)
"""Limits that are tried, as the share of them that the highest load seen takes."""
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


@dataclass(frozen=True, slots=True)
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

    def log_ms(self, load_rps: Floats) -> Floats:
        """Percentile by node of the limit, curve and load: an array of three dimensions."""
        limit = self.limit_rps[None, :] * np.exp(_NODES * self.shift.limit_sd)[:, None]
        use = load_rps[None, None, :] / limit[:, :, None]
        place = self.place[None, :, None]
        level = self.log_level[None, :, None]
        return _log_ms(level, use, rise(use, place, self.percentile, self.service_scatter))

    def _sd(self, load_rps: Floats, log_ms: Floats) -> Floats:
        """Standard deviation of the true level around each curve, shaped as `log_ms`."""
        beyond = np.maximum(0.0, np.log(np.maximum(load_rps, 1e-9) / self.top_rps))
        risen = log_ms - self.log_level[None, :, None]
        known = self.level_var + MISFIT**2 + self.shift.level_sd**2
        return np.asarray(
            np.sqrt(known + (MISFIT_BEYOND * beyond) ** 2 + (MISFIT_RISE * risen) ** 2)
        )

    def p_met(self, load_rps: Floats, threshold_ms: float) -> Floats:
        """Probability that an hour at each load meets the SLO; never rising with load."""
        limit = math.log(threshold_ms)

        def met(part: Curves) -> Floats:
            log_ms = part.log_ms(load_rps)
            room = limit - log_ms
            future = np.hypot(part._sd(load_rps, log_ms), part.hour_sd)
            # A curve that is over gains nothing from being poorly known.
            return normal_cdf_array(room / np.where(room < 0.0, part.hour_sd, future))

        return np.asarray(np.minimum.accumulate(self._mean(met, len(load_rps))))

    def p_bears(self, load_rps: Floats, threshold_ms: float) -> Floats:
        """Probability that the true percentile at each load is within; never rising with load.

        Unlike `p_met` it counts what a probe may yet find out, and no hour's own scatter.
        """
        limit = math.log(threshold_ms)

        def within(part: Curves) -> Floats:
            log_ms = part.log_ms(load_rps)
            return normal_cdf_array((limit - log_ms) / part._sd(load_rps, log_ms))

        return np.asarray(np.minimum.accumulate(self._mean(within, len(load_rps))))

    def _mean(self, values_of: Callable[["Curves"], Floats], loads: int) -> Floats:
        """By load, of values by node, curve and load."""
        found = np.zeros(loads)
        for part in self._parts(loads):
            found += np.einsum("n,k,nkl->l", _NODE_WEIGHTS, part.weight, values_of(part))
        return found

    def _parts(self, loads: int) -> Iterator["Curves"]:
        """A few curves at a time: arrays that are larger are taken anew from the system each
        time, and cleared, which takes longer than the arithmetic."""
        at_once = max(1, AT_ONCE // (len(_NODES) * loads))
        for start in range(0, len(self.weight), at_once):
            some = slice(start, start + at_once)
            yield replace(
                self,
                place=self.place[some],
                limit_rps=self.limit_rps[some],
                log_level=self.log_level[some],
                weight=self.weight[some],
            )

    def percentile_ms(self, load_rps: float) -> Interval:
        """The percentile at a load, with its 90 % interval."""
        low, mid, high = _quantiles(*self._spread(np.asarray([load_rps])))
        return Interval(math.exp(low), math.exp(mid), math.exp(high))

    def capacity_rps(self, threshold_ms: float) -> Interval:
        """The highest load whose true percentile is within the threshold: a 90 % interval."""
        loads = self._loads()
        each = [part._within(loads, threshold_ms) for part in self._parts(len(loads))]
        within = np.concatenate(each, axis=1)
        reached = np.concatenate([[loads[0] / 2.0], loads])[within]
        return Interval(*_quantiles(reached, self._weights()[:, :, None]))

    def _within(self, load_rps: Floats, threshold_ms: float) -> Indices:
        """At how many of the loads it is within: nodes of the limit, curves, nodes of the level."""
        log_ms, limit = self.log_ms(load_rps), math.log(threshold_ms)
        sd = self._sd(load_rps, log_ms)
        each = [np.count_nonzero(log_ms + sd * ninth <= limit, axis=2) for ninth in _NINTHS]
        return np.stack(each, axis=-1)

    def _spread(self, load_rps: Floats) -> tuple[Floats, Floats]:
        """(log percentiles, weights): nodes of the limit, curves, loads, nodes of the level."""
        log_ms = self.log_ms(load_rps)
        values = log_ms[..., None] + self._sd(load_rps, log_ms)[..., None] * _NINTHS
        return values, self._weights()[:, :, None, None]

    def _weights(self) -> Floats:
        """Of each node and curve, for each of the nine parts."""
        return _NODE_WEIGHTS[:, None] * self.weight[None, :] / len(_NINTHS)

    def usable_rps(self, threshold_ms: float, confidence: float) -> tuple[float, bool]:
        """(highest load that meets the SLO with a confidence, whether it is only the reach).

        Zero where even an idle instance is not sure to.
        """
        loads = self._loads()
        loads = loads[loads <= self.reach_rps * (1.0 + 1e-9)]
        met = self.p_met(loads, threshold_ms) >= confidence
        if not met.any():
            return 0.0, False
        last = int(np.flatnonzero(met)[-1])
        return float(loads[last]), last == len(loads) - 1

    def best_rps(self, threshold_ms: float) -> float:
        """The highest load that meets the SLO about as surely as an idle instance does."""
        loads = self._loads()
        met = self.p_met(loads, threshold_ms)
        return float(loads[np.flatnonzero(met >= met[0] - 0.02)[-1]])

    def _loads(self) -> Floats:
        """Loads from far below to far above those seen, with the reach among them."""
        inside = np.geomspace(1.0 / 1000.0, 1.0, 120)
        return self.reach_rps * np.concatenate([inside, np.geomspace(1.0, 100.0, 30)[1:]])


def fitted(loads: Loads, percentile: float, vcpus: int | None) -> Curves:
    """The posterior after the windows of one type."""
    numbers = np.arange(len(SERVERS), dtype=np.float64)
    place, use = (np.asarray(grid.ravel()) for grid in np.meshgrid(numbers, _USES))
    limit = loads.top_rps / use
    shape = rise(
        loads.load_rps[None, :] / limit[:, None],
        place[:, None],
        percentile,
        loads.service_scatter,
    )
    numbers = np.log(np.asarray(SERVERS, dtype=np.float64))[place.astype(np.int64)]
    tied = numbers + math.log(1000.0) - np.log(limit) + loads.log_tail
    served = loads.load_rps[None, :] <= FULL * limit[:, None]
    precision = served / (loads.variance + MISFIT**2 + (MISFIT_RISE * shape) ** 2)
    left = np.where(served, loads.log_p95[None, :] - shape, 0.0)
    total = precision.sum(axis=1) + 1.0 / TIE_SD**2
    level = ((precision * left).sum(axis=1) + tied / TIE_SD**2) / total
    use = loads.load_rps[None, :] / limit[:, None]
    off = loads.log_p95[None, :] - _log_ms(level[:, None], use, shape)
    variance = (
        loads.variance + MISFIT**2 + np.where(served, (MISFIT_RISE * shape) ** 2, BACKLOG_SD**2)
    )
    misfit = (off**2 / variance + np.log(variance)).sum(axis=1)
    apart = ((level - tied) / TIE_SD) ** 2
    log_weight = -0.5 * (misfit + apart) + _log_prior(place, vcpus)
    weight = np.exp(log_weight - log_weight.max())
    likely = weight > NEGLIGIBLE * weight.sum()
    weight = weight[likely]
    return Curves(
        place=place[likely],
        limit_rps=limit[likely],
        log_level=level[likely],
        weight=weight / weight.sum(),
        level_var=1.0 / float(weight @ total[likely] / weight.sum()),
        hour_sd=max(MISFIT, loads.scatter / 2.0),
        percentile=percentile,
        service_scatter=loads.service_scatter,
        top_rps=loads.top_rps,
        alone_rps=1000.0 / math.exp(float(loads.log_p95[0]) - loads.log_tail),
    )


def _log_ms(log_level: Floats, use: Floats, risen: Floats) -> Floats:
    """Log of the percentile: idle, as it has risen, and what a backlog adds."""
    return np.asarray(np.log(np.exp(log_level + risen) + backlog_ms(use)))


def _log_prior(place: Floats, vcpus: int | None) -> Floats:
    """What is believed of the number of servers before anything was measured."""
    servers = np.asarray(SERVERS, dtype=np.float64)
    usual = math.log(4.0 if vcpus is None else vcpus)
    weights = np.exp(-0.5 * ((np.log(servers) - usual) / SERVERS_SD) ** 2)
    weights = weights / weights.sum() * (1.0 - SINGLE_WEIGHT)
    weights[0] += SINGLE_WEIGHT
    return np.asarray(np.log(weights)[place.astype(np.int64)])


def _quantiles(values: Floats, weights: Floats) -> Sequence[float]:
    """5 %, 50 % and 95 % of weighted values."""
    flat, mass = values.ravel(), np.broadcast_to(weights, values.shape).ravel()
    order = np.argsort(flat, kind="stable")
    share = np.cumsum(mass[order])
    places = np.searchsorted(share / share[-1], [0.05, 0.5, 0.95])
    return [float(flat[order[min(int(i), len(order) - 1)]]) for i in places]
