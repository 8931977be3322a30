"""Memory in use on an instance, as MemoryUtilization tells it."""

import math
from collections.abc import Sequence

from controller.kinds.realtime_endpoint.catalogue import TYPES
from controller.model.demand import Demand
from controller.model.missing import Maybe, Missing
from controller.model.window import MemoryUse, Window

HEADROOM = 1.15
"""Memory that must be there per memory seen in use."""


def memory_seen(instance_type: str, hours: Sequence[Window]) -> tuple[MemoryUse, ...]:
    """The hours' largest use as one row; none where the type or the metric is not known."""
    kind = TYPES.get(instance_type)
    seen = [w for w in hours if not isinstance(w.memory_used_ratio, Missing)]
    if kind is None or not seen:
        return ()
    ratios = [w.memory_used_ratio for w in seen]
    most = max(ratio for ratio in ratios if not isinstance(ratio, Missing))
    unread = Missing("instances have no cold starts")
    requests = (w.requests for w in seen)
    return (
        MemoryUse(
            start_s=min(w.start_s for w in seen),
            end_s=max(w.end_s for w in seen),
            memory_mb=kind.memory_mb,
            max_used_mb=math.ceil(most * kind.memory_mb),
            invocations=sum(n for n in requests if not isinstance(n, Missing)),
            cold_starts=0,
            init_p95_ms=unread,
            init_mean_ms=unread,
        ),
    )


def memory_floor_mb(demand: Demand) -> Maybe[int]:
    """Smallest memory that holds what was seen in use, with headroom."""
    if isinstance(demand.memory_used_mb, Missing):
        return demand.memory_used_mb
    return math.ceil(demand.memory_used_mb * HEADROOM)
