"""From what is wanted to what the generator is told."""

import zlib
from collections.abc import Sequence
from dataclasses import replace

from controller.core.evidence import MIN_REQUESTS_PER_HOUR
from controller.core.probing import places_for
from controller.model.errors import Terminal
from controller.model.policy import Slo
from controller.model.probe import Body, ProbeKind, ProbeOrder, ProbePlan, ProbeTarget
from controller.model.probing import Phase, Probing, StopRules
from controller.model.size import RealtimeSize, Size

START_S = 30.0
"""Time that the generator has to start and to end, beyond its phases."""
TOO_SLOW = 3.0
"""A p95 of so many times the objective ends a probe, where the policy names no other."""
FEW_PLACES = 8
"""In flight, of live endpoints and of copies that take requests as they come."""
MOST_PLACES = 1_000
"""One process has so many connections to give."""


def plan_of(
    order: ProbeOrder,
    probing: Probing,
    target: ProbeTarget,
    bodies: Sequence[Body],
    *,
    era: str,
    slo: Slo,
) -> ProbePlan:
    """One run. Raises Terminal without payloads."""
    if not bodies:
        raise Terminal("The policy's `probe` has no payloads: nothing is sent without them.")
    stop = stop_of(order.kind, order.size, probing, slo)
    longest_s = min(probing.time_limit_s, 3.0 * order.duration_s + 4.0 * START_S)
    return ProbePlan(
        target=target,
        kind=order.kind,
        size=order.size,
        bodies=tuple(bodies),
        phases=order.phases,
        warm_up=order.warm_up,
        max_in_flight=places(order.kind, order.size, order.phases, probing, slo),
        stop=stop,
        time_limit_s=max(longest_s, order.duration_s + START_S),
        seed=zlib.crc32(f"{target.name}:{order.size}".encode()),
        era=era,
        locustfile=probing.locustfile,
    )


def stop_of(kind: ProbeKind, size: Size, probing: Probing, slo: Slo) -> StopRules:
    """When a run ends itself.

    A live probe must not add to what ails the endpoint, so it ends where latencies are far over
    the objective. So does that of a copied instance, which at too high a load grows slower for
    as long as it is asked: that it does not bear the load is known then, and the requests that
    were slow are enough to be evidence. Copies of functions may be as slow as they are.
    """
    stop = probing.stop
    if _queues(kind, size):
        # of a light phase and the load that follows, one then has enough
        stop = replace(stop, slow_allowed=2 * MIN_REQUESTS_PER_HOUR - 1)
    ends = kind is ProbeKind.LIVE or _queues(kind, size)
    if ends and stop.p95_ms is None:
        stop = replace(stop, p95_ms=TOO_SLOW * slo.threshold_ms)
    return stop


def places(kind: ProbeKind, size: Size, phases: Sequence[Phase], probing: Probing, slo: Slo) -> int:
    """Most requests in flight: the policy's, or what is needed.

    A copied instance needs as many as arrive until it is so slow that the run ends, or an
    arrival without a place would end it first, and say nothing of the size. Users of a
    locustfile of the user's wait for their answers, so there the number is the load itself.
    """
    if probing.max_in_flight is not None:
        return probing.max_in_flight
    stop = stop_of(kind, size, probing, slo)
    if not _queues(kind, size) or stop.p95_ms is None or probing.locustfile is not None:
        return FEW_PLACES
    busiest_rps = max((max(phase.from_rps, phase.to_rps) for phase in phases), default=0.0)
    needed = places_for(busiest_rps * stop.p95_ms / 1000.0) + stop.slow_allowed + 1
    return min(MOST_PLACES, needed)


def _queues(kind: ProbeKind, size: Size) -> bool:
    """Whether requests wait for each other at what is measured, and nobody else's do."""
    return kind is ProbeKind.SHADOW and isinstance(size, RealtimeSize)
