"""What an hour of a serverless endpoint tells beside its latencies: its busiest part, cold starts,
and how many environments were kept warm.

Nothing is published while nobody calls, but of environments that are kept warm AWS tells all
the time how many are in use: none of them in use is a proof that nobody called.
"""

from dataclasses import dataclass

from controller.core.periods import HOUR_S, align_down
from controller.kinds.shared.latency import Values
from controller.model.missing import Maybe, Missing
from controller.model.window import Latencies, SeriesQuery

PART_S = 300


@dataclass(frozen=True, slots=True)
class HourlyReadings:
    """What is read by the hour besides: requests by five minutes, cold starts, memory, and
    what is kept warm."""

    parts: SeriesQuery
    setups: SeriesQuery
    setup: SeriesQuery
    memory: SeriesQuery
    warm_used: SeriesQuery
    """Share of what is kept warm that was in use."""
    warm_busy: SeriesQuery
    """How many of them were."""

    def series(self) -> tuple[SeriesQuery, ...]:
        """Every series."""
        mine = (self.parts, self.setups, self.setup, self.memory)
        return (*mine, self.warm_used, self.warm_busy)

    def provisioned(self, values: Values, start_s: float) -> Maybe[int]:
        """How many environments were kept warm: those in use, by the share that they were."""
        used, busy = values.at(self.warm_used, start_s), values.at(self.warm_busy, start_s)
        told = values.points[self.warm_used]
        if isinstance(told, Missing):
            return told
        if isinstance(used, Missing):
            return 0  # sparse: nothing is told of them where there are none
        if isinstance(busy, Missing) or used <= 0.0:
            return Missing("none of what is kept warm was in use")
        return round(busy / used)

    def idle(self, values: Values) -> list[float]:
        """Hours in which none of what is kept warm was in use."""
        points = values.points[self.warm_used]
        known = {} if isinstance(points, Missing) else points
        return [start_s for start_s, used in known.items() if used <= 0.0]

    def by_part(self, values: Values, start_s: float) -> tuple[int, ...]:
        """Requests by five minutes; nothing is published of those without any."""
        points = values.points[self.parts]
        if isinstance(points, Missing):
            return ()
        starts = (start_s + part * PART_S for part in range(int(HOUR_S // PART_S)))
        return tuple(round(points.get(part_s, 0.0)) for part_s in starts)

    def peaks(self, values: Values) -> dict[float, float]:
        """Requests per second in the busiest five minutes, by hour."""
        points = values.points[self.parts]
        found: dict[float, float] = {}
        if isinstance(points, Missing):
            return found
        for start_s, count in points.items():
            hour_s = align_down(start_s, HOUR_S)
            found[hour_s] = max(found.get(hour_s, 0.0), count / PART_S)
        return found


@dataclass(frozen=True, slots=True)
class WarmQueries:
    """The series of a warm request, for objectives on the total."""

    mean: SeriesQuery
    p50: SeriesQuery
    percentile: SeriesQuery
    overhead: SeriesQuery
    """Its median: of fewer than half of the requests being cold."""

    def series(self) -> tuple[SeriesQuery, ...]:
        """What is not read anyway."""
        return (self.overhead,)

    def at(self, values: Values, start_s: float) -> Latencies | None:
        """One period; None where any part of it is missing."""
        of_model = (values.ms(q, start_s) for q in (self.mean, self.p50, self.percentile))
        known = [ms for ms in of_model if not isinstance(ms, Missing)]
        added_ms = values.ms(self.overhead, start_s)
        if len(known) < 3 or isinstance(added_ms, Missing):
            return None
        return Latencies(*(ms + added_ms for ms in known))
