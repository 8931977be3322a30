"""Whether the generator measured the endpoint, or itself.

Four signs, each of which throws a run away: its processor was busy, requests left late, too
many arrivals found no free place, or the requests seen in flight contradict Little's law
(L = rate x latency). A generator under strain reports its own queue as the endpoint's latency.
"""

import math
import resource
from dataclasses import dataclass, field

from controller.model.missing import Maybe
from controller.model.probe import NOT_TOLD, TOO_FEW

BUSY_SHARE = 0.7
"""Of one core: beyond it the event loop's own queue shows in the latencies."""
_BUSY_SECONDS_ALLOWED = 0.05
_DROPPED_ALLOWED = 0.01
_LATE_S = 0.01
_LATE_SHARE = 0.1
"""Of the mean latency: what leaves later than that measures the generator."""
_LATE_ALLOWED = 0.05
_LITTLE_TOLERANCE = 0.25
_LITTLE_LEAST = 200
"""Requests: with fewer, chance alone moves the ratio too far."""


def processor_s() -> float:
    """Processor time of this process so far."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


@dataclass(slots=True)
class Health:
    """Told of what happens to the generator while it sends."""

    busiest: float = 0.0
    """Share of a core in the busiest second."""
    _seconds: int = 0
    _busy: int = 0
    _late_s: list[float] = field(default_factory=list)
    dropped: int = 0
    _in_flight: list[int] = field(default_factory=list)

    def second(self, processor_s: float, wall_s: float) -> None:
        """What one second of the run took of the processor."""
        share = processor_s / wall_s
        self.busiest = max(self.busiest, share)
        self._seconds += 1
        self._busy += share > BUSY_SHARE

    def left(self, late_s: float) -> None:
        """A request left, so much later than it was due."""
        self._late_s.append(late_s)

    def saw(self, in_flight: int) -> None:
        """So many requests were in flight just now."""
        self._in_flight.append(in_flight)

    @property
    def cpu_share(self) -> Maybe[float]:
        """Of one core, at its busiest second."""
        return self.busiest if self._seconds else NOT_TOLD

    def littles_law_ratio(
        self, total_latency_s: float, answers: int, span_s: float
    ) -> Maybe[float]:
        """Mean in flight, as seen now and then, over rate x mean latency, as measured."""
        if answers < _LITTLE_LEAST or span_s <= 0 or not self._in_flight or total_latency_s <= 0:
            return TOO_FEW
        return (sum(self._in_flight) / len(self._in_flight)) / (total_latency_s / span_s)

    def complaint(
        self, ratio: Maybe[float], answers: int, total_latency_s: float, dropped: int
    ) -> str | None:
        """Why nothing of the run may be believed; None where it may.

        `dropped`: arrivals without a place that count against the run. Where the endpoint was
        found too slow with those that had one, the others would not have made it quicker.
        """
        if self._seconds and self._busy > _BUSY_SECONDS_ALLOWED * self._seconds:
            return (
                f"its processor was busy ({self.busiest:.0%} of a core): "
                "lower the rate, or add workers"
            )
        sent = len(self._late_s)
        if answers:
            limit_s = max(_LATE_S, _LATE_SHARE * total_latency_s / answers)
            late = sum(late_s > limit_s for late_s in self._late_s)
            if late > _LATE_ALLOWED * sent:
                return (
                    f"{late} of {sent} requests left more than {limit_s * 1000:.0f} ms late: "
                    "the machine is too busy for this rate"
                )
        if dropped > _DROPPED_ALLOWED * (sent + dropped):
            return (
                f"{dropped} of {sent + dropped} requests found no free place: "
                "allow more in flight, or lower the rate"
            )
        if isinstance(ratio, float):
            # Counting noise of a queue's mean length, as far as n requests tell it.
            tolerance = max(_LITTLE_TOLERANCE, 5.0 * math.sqrt(2.0 / answers))
            if abs(ratio - 1.0) > tolerance:
                return (
                    f"the requests seen in flight are {ratio:.2f} times what rate and latency "
                    "make: it did not keep up"
                )
        return None
