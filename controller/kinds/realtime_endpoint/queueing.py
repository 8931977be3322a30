"""How a percentile of latency rises with load: an instance as a queue with several servers.

`c` servers take requests of mean length S with lognormal scatter; at a utilisation r the share
of requests that waits is Erlang's C, and the wait of those is exponential with mean
S (1 + cv^2) / 2 / (c (1 - r)) (Allen and Cunneen's correction of M/M/c for other service
times). With one server the same curve is that of a machine that requests share.

A measured five minutes are short: a queue at its limit does not fill without end, so waits
stop growing near full use, and beyond it come from what cannot be served (`backlog_ms`).
"""

from functools import lru_cache

import numpy as np

from controller.core.stats import Floats

SERVERS = (1, 2, 3, 4, 6, 8, 12, 16, 24, 36, 48, 72, 96)
SCATTERS = (0.1, 0.2, 0.35, 0.5, 0.7, 1.0)
"""Log standard deviations of service times that are tabulated."""
FULL = 0.98
"""Utilisation from which waits are taken to grow with the backlog alone."""
WINDOW_MS = 300_000.0
"""Of a measurement."""
COARSE_TO, COARSE_STEPS, FINE_STEPS = 0.9, 45, 16
FINE_STEP = (FULL - COARSE_TO) / FINE_STEPS
USES = np.concatenate(
    [
        np.linspace(0.0, COARSE_TO, COARSE_STEPS + 1),
        np.linspace(COARSE_TO, FULL, FINE_STEPS + 1)[1:],
    ]
)
_MIDDLES = (np.arange(64, dtype=np.float64) + 0.5) / 64.0


def rise(use: Floats, place: Floats, percentile: float, scatter: float) -> Floats:
    """log(percentile at utilisation / percentile when idle), never falling with `use`.

    use: utilisations, any shape; place: index into SERVERS, of a shape that broadcasts.
    """
    table, steps = _table(percentile, nearest_scatter(scatter))
    at = np.minimum(use, FULL)
    at /= FINE_STEP
    lower = at.astype(np.intp)
    at -= lower
    lower += place.astype(np.intp) * table.shape[1]
    at *= steps.take(lower)
    at += table.take(lower)
    return at


def backlog_ms(use: Floats) -> Floats:
    """What requests wait at the end of five minutes for those that came too many."""
    return np.asarray(np.maximum(use - FULL, 0.0) * WINDOW_MS)


def nearest_scatter(scatter: float) -> float:
    """The tabulated scatter that is nearest."""
    return min(SCATTERS, key=lambda known: abs(known - scatter))


@lru_cache(maxsize=32)
def _table(percentile: float, scatter: float) -> tuple[Floats, Floats]:
    """One row per number of servers, one column per fine step of utilisation; and the steps
    between them."""
    service = _lognormal(scatter)
    idle = float(np.quantile(service, percentile))
    times = idle * np.geomspace(0.5, 400.0, 500)
    cv2 = float(np.mean(service**2) / np.mean(service) ** 2 - 1.0)
    rows = [_percentiles(c, cv2, service, times, percentile) for c in SERVERS]
    found = np.log(np.stack(rows))
    risen = np.maximum.accumulate(found - found[:, :1], axis=1)
    fine = np.linspace(0.0, FULL, round(FULL / FINE_STEP) + 1)
    table = np.stack([np.interp(fine, USES, row) for row in risen])
    return table, np.diff(table, axis=1, append=table[:, -1:])


def _lognormal(scatter: float) -> Floats:
    """Quantiles of a service time with mean 1."""
    ranks = np.linspace(-4.0, 4.0, 4001)
    density = np.exp(-0.5 * ranks**2)
    shares = np.cumsum(density) / density.sum()
    normal = np.interp(_MIDDLES, shares, ranks)
    values = np.exp(scatter * normal)
    return np.asarray(values / values.mean())


def _percentiles(
    servers: int, cv2: float, service: Floats, times: Floats, percentile: float
) -> Floats:
    """The percentile of service and wait at every utilisation, in mean service times."""
    waiting = _erlang_c(servers)
    mean_wait = (1.0 + cv2) / 2.0 / (servers * (1.0 - USES))
    alone = (service[None, :] > times[:, None]).mean(axis=1)
    left = np.maximum(times[:, None] - service[None, :], 0.0)
    found = np.empty(len(USES))
    for i, (share, wait) in enumerate(zip(waiting, mean_wait, strict=True)):
        after = np.exp(-left / wait).mean(axis=1)
        slower = (1.0 - share) * alone + share * after
        found[i] = np.interp(percentile - 1.0, -slower, times)
    return found


def _erlang_c(servers: int) -> Floats:
    """Share of requests that wait, by Erlang's recursion."""
    load = USES * servers
    blocked = np.ones(len(load))
    for number in range(1, servers + 1):
        offered = load * blocked
        blocked = offered / (number + offered)
    return np.asarray(blocked / (1.0 - USES * (1.0 - blocked)))
