"""Reads the points of many queries at one instant; those of one subject together.

Facts: StartTime is inclusive and rounded down to the period, EndTime exclusive; points older
than the retention of a period are silently absent; a Unit other than the metric's gives
nothing; every result carries a StatusCode that must be read.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from controller.sandbox.extensions import state_of
from controller.sandbox.metric_points import (
    Dimensions,
    Points,
    Span,
    Subject,
    Wanted,
    fault_name,
)
from controller.sandbox.metric_query import Query
from controller.sandbox.metric_source import SOURCES, PutMetrics
from controller.sandbox.wire.contract import RequestContext

if TYPE_CHECKING:
    from controller.sandbox.world import World

_DAY_S = 86_400.0
_RETENTION = ((15 * _DAY_S, 60), (63 * _DAY_S, 300), (455 * _DAY_S, 3600))
"""(age up to which, periods that are multiples of what) can be read."""


@dataclass(slots=True)
class Result:
    """What one id gives: points oldest first, and how complete they are."""

    id: str
    label: str
    points: Points
    status: str = "Complete"
    messages: list[dict[str, str]] = field(default_factory=list)


class Reader:
    """Reads many series at one instant; those of one subject together."""

    def __init__(self, world: World, ctx: RequestContext, now_s: float) -> None:
        self._world = world
        self._ctx = ctx
        self._now_s = now_s

    def metrics(
        self, queries: Sequence[Query], between_s: tuple[float, float]
    ) -> dict[str, Result]:
        """Results of queries by id, for [start, end) in seconds since the epoch."""
        points = self.points(queries, between_s)
        return {query.id: self._result(query, points[query.id]) for query in queries}

    def points(self, queries: Sequence[Query], between_s: tuple[float, float]) -> dict[str, Points]:
        """Points of queries by id, without what may befall an answer of the API."""
        groups: dict[tuple[str, Dimensions, int], list[Query]] = {}
        for query in queries:
            key = (query.namespace, query.dimensions, query.period_s)
            groups.setdefault(key, []).append(query)
        points: dict[str, Points] = {}
        for group in groups.values():
            points.update(self._group(group, between_s))
        return points

    def _group(
        self, group: Sequence[Query], between_s: tuple[float, float]
    ) -> Iterator[tuple[str, Points]]:
        """Points by id of queries that share namespace, dimensions and period."""
        namespace, dimensions, period_s = (
            group[0].namespace, group[0].dimensions, group[0].period_s,
        )  # fmt: skip
        start_s = int(between_s[0] // period_s) * period_s
        span = Span(period_s, start_s, int(-(-between_s[1] // 60)) * 60)
        kept = self._kept(between_s[0], period_s)
        ctx = self._ctx
        source = SOURCES.get(namespace)
        if source is not None:
            subject = Subject(ctx.account, ctx.region, dimensions)
            wanted: list[Wanted] = list(
                {(q.metric, q.statistic): None for q in group if q.metric in source.units}
            )
            found = source.read(self._world, subject, wanted, span, self._now_s)
            for query in group:
                fits = kept and query.unit in (None, source.units.get(query.metric))
                yield query.id, found.get((query.metric, query.statistic), []) if fits else []
            return
        put = state_of(self._world, PutMetrics)
        for query in group:
            name = (ctx.account, ctx.region, namespace, query.metric, dimensions)
            read = put.read(name, [query.statistic], span)
            yield query.id, read[query.statistic.name] if kept else []

    def _kept(self, start_s: float, period_s: int) -> bool:
        """Whether points of this period are still kept as far back as asked."""
        age_s = self._now_s - start_s
        finest = next((multiple for limit, multiple in _RETENTION if age_s <= limit), None)
        return finest is not None and period_s % finest == 0

    def _result(self, query: Query, points: Points) -> Result:
        if query.namespace not in SOURCES:
            return Result(query.id, query.label, points)
        owner = fault_name(query.dimensions)
        status = self._world.metric_faults.status(self._now_s, owner, query.metric)
        if status == "PartialData":
            points = points[: len(points) // 2]
        elif status != "Complete":
            points = []
        result = Result(query.id, query.label, points, status)
        if status in ("InternalError", "Forbidden"):
            result.messages.append({"Code": status, "Value": f"{query.metric} could not be read."})
        return result
