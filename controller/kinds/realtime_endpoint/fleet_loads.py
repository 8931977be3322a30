"""Fleets that a probe may prove: loads to look at, what instances have of them, and the bill."""

from collections.abc import Sequence

import numpy as np

from controller.core.stats import Floats
from controller.kinds.realtime_endpoint.bill import Fleet
from controller.kinds.realtime_endpoint.headroom import size_for
from controller.kinds.realtime_endpoint.question import GROWTH, Question

MOST_INSTANCES = 60.0
"""Loads below the share of so many instances are not looked at."""


def loads_of(ask: Question, count: int, most_rps: float | None) -> Floats:
    """So many loads per instance, from that of very many instances to that of one; none above
    what can be made."""
    top = max(ask.shape.peak_rps, 1e-3) * GROWTH / ask.policy.autoscaling.utilization
    loads = np.geomspace(top / MOST_INSTANCES, top, count)
    return loads if most_rps is None else np.unique(np.minimum(loads, most_rps))


def fleets_of(
    ask: Question, names: Sequence[str], loads: Floats
) -> dict[str, tuple[Floats, Floats]]:
    """(dollars a month by type, were each of the loads what an instance bears; the loads that
    instances have then: more than that where there may not be as many as it takes)."""
    hourly = ask.prices.usd_per_hour
    fleets: dict[tuple[int, int, float | None], float] = {}
    found = {}
    for name in names:
        row, served = [], []
        for load in loads:
            size = size_for(ask, name, float(load) * ask.policy.autoscaling.utilization).size
            key = (size.min_instances, size.max_instances, size.target_per_instance)
            if key not in fleets:  # A fleet's hours do not depend on its type.
                fleets[key] = Fleet.of(size, ask.shape).usd_per_month(1.0).mid
            row.append(fleets[key] * hourly[name])
            served.append(max(float(load), ask.shape.peak_rps / size.max_instances))
        found[name] = (np.asarray(row), np.asarray(served))
    return found
