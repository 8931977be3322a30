"""The posterior over latency curves after the windows of one instance type.

A grid of servers and limits is weighed by how well it explains the windows seen, the level
following from the data. What was never seen is the prior's: the limit is about servers x 1000 /
service time, and the servers about the type's vCPUs, both loosely.
"""

import math

import numpy as np

from controller.core.stats import Floats
from controller.kinds.realtime_endpoint.capacity import (
    MISFIT,
    MISFIT_RISE,
    Curves,
    percentile_log_ms,
)
from controller.kinds.realtime_endpoint.loads import Loads
from controller.kinds.realtime_endpoint.queueing import FULL, SERVERS, rise

TIE_SD = 0.5
"""Log standard deviation of the limit around servers x 1000 / service time."""
BACKLOG_SD = 0.7
"""Log standard deviation of latencies where more comes than is served: queues have their own
limits, and what is left of one window burdens the next."""
SERVERS_SD = 1.0
"""Log standard deviation of the number of servers around the vCPUs."""
SINGLE_WEIGHT = 0.15
"""Prior weight of a container that does one request at a time whatever the machine."""
NEGLIGIBLE = 3e-4
"""Curves less likely than this are left out."""
_USES = np.geomspace(0.01, 4.0, 48)
"""Limits that are tried, as the share of them that the highest load seen takes."""


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
    off = loads.log_p95[None, :] - percentile_log_ms(level[:, None], use, shape)
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


def _log_prior(place: Floats, vcpus: int | None) -> Floats:
    """What is believed of the number of servers before anything was measured."""
    servers = np.asarray(SERVERS, dtype=np.float64)
    usual = math.log(4.0 if vcpus is None else vcpus)
    weights = np.exp(-0.5 * ((np.log(servers) - usual) / SERVERS_SD) ** 2)
    weights = weights / weights.sum() * (1.0 - SINGLE_WEIGHT)
    weights[0] += SINGLE_WEIGHT
    return np.asarray(np.log(weights)[place.astype(np.int64)])
