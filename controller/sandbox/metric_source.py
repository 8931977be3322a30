"""Where the points of any namespace come from: AWS's are computed, others were put there.

PutMetricData keeps what it is given, value by value; that is enough for the little that a
controller publishes about itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from controller.sandbox.metric_buckets import UNITS
from controller.sandbox.metric_points import Dimensions, Points, Span, Subject, Wanted
from controller.sandbox.sagemaker.counts import endpoint_counts
from controller.sandbox.sagemaker.metric_values import INVOCATIONS, MACHINES
from controller.sandbox.sagemaker.metrics import (
    COUNTED,
    DIMENSION_SETS,
    endpoint_metrics,
)
from controller.sandbox.statistic import Distribution, Moments, Statistic

if TYPE_CHECKING:
    from controller.sandbox.world import World

LAMBDA = "AWS/Lambda"
LAMBDA_SETS = frozenset(
    {(), ("FunctionName",), ("FunctionName", "Resource"),
     ("ExecutedVersion", "FunctionName", "Resource")}
)  # fmt: skip
"""The sets of dimensions that Lambda publishes under; any other has no data."""

SeriesName = tuple[str, str, str, str, Dimensions]
"""account, region, namespace, metric, dimensions."""


@dataclass(frozen=True, slots=True)
class PutValue:
    """One value that was put, `count` times; `exact` is False for a statistic set."""

    at_s: float
    value: float
    count: float
    unit: str
    exact: bool = True
    least: float = 0.0
    greatest: float = 0.0


@dataclass(slots=True)
class PutMetrics:
    """Everything that was put, by series; one per world."""

    series: dict[SeriesName, list[PutValue]] = field(default_factory=dict)

    def read(
        self, name: SeriesName, statistics: Iterable[Statistic], span: Span
    ) -> Mapping[str, Points]:
        """Points by statistic; percentiles have none where a statistic set was put."""
        answer: dict[str, Points] = {statistic.name: [] for statistic in statistics}
        periods: dict[int, list[PutValue]] = {}
        for put in self.series.get(name, ()):
            if span.start_s <= put.at_s < span.end_s:
                periods.setdefault(int(put.at_s // span.period_s) * span.period_s, []).append(put)
        for at_s in sorted(periods):
            for statistic in statistics:
                if (value := _value(statistic, periods[at_s])) is not None:
                    answer[statistic.name].append((at_s, value))
        return answer


def _value(statistic: Statistic, puts: Sequence[PutValue]) -> float | None:
    if statistic.simple is not None:
        count = sum(put.count for put in puts)
        total = sum(put.value * put.count for put in puts)
        least = min(put.value if put.exact else put.least for put in puts)
        greatest = max(put.value if put.exact else put.greatest for put in puts)
        if count == 0:
            return None
        return statistic.simple(Moments(int(count), total, (least, greatest)))
    if any(not put.exact or put.value < 0 for put in puts):
        return None
    return statistic.of(
        Distribution(
            np.array([put.value for put in puts], np.float32),
            np.array([put.count for put in puts], np.int64),
        )
    )


def read_lambda(
    world: World, subject: Subject, wanted: Sequence[Wanted], span: Span, now_s: float
) -> Mapping[Wanted, Points]:
    """Points of Lambda's metrics; none under dimensions that Lambda does not publish."""
    names = tuple(sorted(name for name, _ in subject.dimensions))
    if names not in LAMBDA_SETS:
        return {one: [] for one in wanted}
    if subject.dimensions:
        wanted = [one for one in wanted if one[0] != "UnreservedConcurrentExecutions"]
    return world.metrics.read(subject, wanted, span, now_s)


def read_endpoints(
    world: World, subject: Subject, wanted: Sequence[Wanted], span: Span, now_s: float
) -> Mapping[Wanted, Points]:
    """Points of SageMaker's metrics; none under dimensions that it does not publish."""
    names = tuple(sorted(name for name, _ in subject.dimensions))
    if names not in DIMENSION_SETS:
        return {one: [] for one in wanted}
    counted = all(metric in COUNTED for metric, _ in wanted)
    store = endpoint_counts(world) if counted else endpoint_metrics(world)
    return store.read(subject, wanted, span, now_s)


@dataclass(frozen=True, slots=True)
class Source:
    """A namespace whose points are computed. units: by metric, and so all its metrics."""

    units: Mapping[str, str]
    read: Callable[[World, Subject, Sequence[Wanted], Span, float], Mapping[Wanted, Points]]


SOURCES: Mapping[str, Source] = {
    LAMBDA: Source(UNITS, read_lambda),
    "AWS/SageMaker": Source(INVOCATIONS, read_endpoints),
    "/aws/sagemaker/Endpoints": Source(MACHINES, read_endpoints),
}
