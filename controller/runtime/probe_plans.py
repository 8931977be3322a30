"""From what is wanted to what the generator is told."""

import zlib
from collections.abc import Sequence
from dataclasses import replace

from controller.model.errors import Terminal
from controller.model.policy import Slo
from controller.model.probe import Body, ProbeKind, ProbeOrder, ProbePlan, ProbeTarget
from controller.model.probing import Probing

START_S = 30.0
"""Time that the generator has to start and to end, beyond its phases."""


def plan_of(
    order: ProbeOrder,
    probing: Probing,
    target: ProbeTarget,
    bodies: Sequence[Body],
    *,
    era: str,
    slo: Slo,
) -> ProbePlan:
    """One run. Raises Terminal without payloads.

    A live probe ends itself where it meets latencies far over the objective: it must not add
    to what ails the endpoint. A copy may be as slow as it is: that is what is asked.
    """
    if not bodies:
        raise Terminal("The policy's `probe` has no payloads: nothing is sent without them.")
    stop = probing.stop
    if order.kind is ProbeKind.LIVE and stop.p95_ms is None:
        stop = replace(stop, p95_ms=3.0 * slo.threshold_ms)
    longest_s = min(probing.time_limit_s, 3.0 * order.duration_s + 4.0 * START_S)
    return ProbePlan(
        target=target,
        kind=order.kind,
        size=order.size,
        bodies=tuple(bodies),
        phases=order.phases,
        warm_up=order.warm_up,
        max_in_flight=probing.max_in_flight,
        stop=stop,
        time_limit_s=max(longest_s, order.duration_s + START_S),
        seed=zlib.crc32(f"{target.name}:{order.size}".encode()),
        era=era,
        locustfile=probing.locustfile,
    )
