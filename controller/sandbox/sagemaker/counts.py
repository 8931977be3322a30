"""How many requests an endpoint gets, for an autoscaler that asks every minute.

The same points of Invocations and InvocationsPerInstance as everybody reads, for much less:
nobody is served, and sums of minutes are taken from the tape as they stand.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from controller.sandbox.metric_points import Points, Span, Subject, Wanted
from controller.sandbox.sagemaker.endpoint_tape import EndpointTape
from controller.sandbox.sagemaker.metrics import HOUR_S, MINUTE_S, EndpointMetrics
from controller.sandbox.sagemaker_state import SageMakerPlace, sagemaker_of

if TYPE_CHECKING:
    from controller.sandbox.world import World

PLAIN = ("EndpointName", "VariantName")


class EndpointCounts(EndpointMetrics):
    """Reads points of `COUNTED`; one per world."""

    def __init__(self, world: World) -> None:
        super().__init__(world, counting=True)

    def read(
        self, subject: Subject, wanted: Sequence[Wanted], span: Span, now_s: float
    ) -> dict[Wanted, Points]:
        """As any store; sums of single minutes without the way over values."""
        region = self._world.region(subject.account, subject.region)
        place = sagemaker_of(self._world, region)
        named = dict(subject.dimensions)
        endpoint = named.get("EndpointName", "")
        simple = (
            span.period_s == MINUTE_S
            and tuple(sorted(named)) == PLAIN
            and all(statistic.name == "Sum" for _, statistic in wanted)
            and not self._world.metric_faults.faults
            and not place.calls.get(endpoint)
        )
        if not simple:
            return super().read(subject, wanted, span, now_s)
        until_s = self._world.metric_faults.visible_until(now_s, None, "Invocations")
        stop_s = min(span.end_s, until_s)
        answer: dict[Wanted, Points] = {one: [] for one in wanted}
        for tape, first, last in self._tapes_of(place, endpoint, span.start_s, stop_s):
            for one in wanted:
                answer[one] += _sums(tape, named["VariantName"], one[0], (first, last))
        return answer

    def _tapes_of(
        self, place: SageMakerPlace, endpoint: str, from_s: int, to_s: int
    ) -> list[tuple[EndpointTape, int, int]]:
        timeline = place.histories.get(endpoint)
        if timeline is None or not timeline.states:
            return []
        begin_s, found = timeline.states[0].start_s, []
        for hour_s in range(from_s // HOUR_S * HOUR_S, to_s, HOUR_S):
            if hour_s + HOUR_S > begin_s:
                last = min(60, (to_s - hour_s) // MINUTE_S)
                tape = self.tape(place, endpoint, hour_s)
                tape.play(last)
                found.append((tape, max(0, (from_s - hour_s) // MINUTE_S), last))
        return found


def _sums(tape: EndpointTape, variant: str, metric: str, minutes: tuple[int, int]) -> Points:
    """(start of the minute, sum) where anything was emitted."""
    window = slice(*minutes)
    total = np.zeros(minutes[1] - minutes[0])
    emitted = np.zeros(len(total), np.bool_)
    for cell in tape.cells.values():
        serverless = cell.fleet.serverless is not None
        if cell.fleet.variant != variant or (serverless and metric != "Invocations"):
            continue
        arrivals = cell.arrivals[window]
        emitted |= arrivals > 0
        if not serverless:
            emitted |= cell.instances[window] > 0
        if metric == "Invocations":
            total += arrivals
        else:
            held = cell.instances[window] / np.maximum(cell.there[window], 1e-9)
            total += arrivals * (1.0 / np.maximum(held, 1.0))
    begin_s = tape.hour_s + minutes[0] * MINUTE_S
    return [
        (begin_s + MINUTE_S * number, value)
        for number, (value, there) in enumerate(zip(total.tolist(), emitted.tolist(), strict=True))
        if there
    ]


def endpoint_counts(world: World) -> EndpointCounts:
    """The world's one store of what needs only to be counted."""
    found: EndpointCounts | None = world.extensions.get(EndpointCounts)
    if found is None:
        found = world.extensions[EndpointCounts] = EndpointCounts(world)
    return found
