"""CloudWatch series, read in batches: the port `MetricsReader`.

What GetMetricData does not say aloud is said here: data too old for its period is silently
absent, an internal error hides in a per-result status, a page may hold only a part of a
series. Whatever is not the whole answer becomes `Missing`, with the reason in words.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, cast

from controller.aws.batching import Batch, batches, statistic
from controller.aws.calls import CallListener, NoListener
from controller.aws.errors import translated
from controller.aws.sessions import Sessions
from controller.core.periods import finest_period_s
from controller.model.errors import Retryable
from controller.model.missing import Maybe, Missing
from controller.model.policy import Scope
from controller.model.window import Series, SeriesQuery
from controller.ports import Clock

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch.type_defs import (
        GetMetricDataOutputTypeDef,
        MetricDataQueryTypeDef,
        MetricDataResultTypeDef,
    )

_CLOCKS_DIFFER_S = 300.0
"""CloudWatch judges the age of a range by its own clock, and a moment later than we do."""

_NO_ANSWER = "CloudWatch left the series out of its answer"
_IN_WORDS = {
    "PartialData": "CloudWatch returned only a part of the series",
    "InternalError": "CloudWatch had an internal error with the series",
    "Forbidden": "CloudWatch does not permit reading the series",
}


class CloudWatchReader:
    """Reads metric series over boto3."""

    def __init__(
        self, sessions: Sessions, clock: Clock, listener: CallListener | None = None
    ) -> None:
        """`listener` hears how many metrics CloudWatch bills."""
        self._sessions = sessions
        self._clock = clock
        self._listener: CallListener = NoListener() if listener is None else listener

    def read(
        self, scope: Scope, queries: Sequence[SeriesQuery]
    ) -> Mapping[SeriesQuery, Maybe[Series]]:
        """Answer every query; what is not there whole is `Missing`.

        Raises ValueError for a query off its period's grid, and an AdapterError where a
        call as a whole failed: half an answer to a whole question helps nobody.
        """
        now_s = self._clock.now_s()
        answers: dict[SeriesQuery, Maybe[Series]] = {}
        readable = []
        for query in queries:
            gone = _too_old(query, now_s)
            if gone is None:
                readable.append(query)
            else:
                answers[query] = gone
        for batch in batches(readable):
            answers.update(self._read_batch(scope, batch))
        return answers

    def _read_batch(
        self, scope: Scope, batch: Batch
    ) -> Iterator[tuple[SeriesQuery, Maybe[Series]]]:
        collected = {f"q{n}": _Collected() for n in range(len(batch.queries))}
        remarks: list[str] = []
        for page in self._pages(scope, batch):
            remarks += [m.get("Value") or m.get("Code", "") for m in page.get("Messages", [])]
            for result in page.get("MetricDataResults", []):
                if result["Id"] in collected:
                    collected[result["Id"]].add(result)
        for query, series in zip(batch.queries, collected.values(), strict=True):
            yield query, series.answer(query, remarks)

    def _pages(self, scope: Scope, batch: Batch) -> "Iterator[GetMetricDataOutputTypeDef]":
        asked = [_request(f"q{n}", query) for n, query in enumerate(batch.queries)]
        token: str | None = None
        while True:
            more = {} if token is None else {"NextToken": token}
            self._listener.on_metrics_requested(batch.metrics_billed)
            with translated("cloudwatch", "GetMetricData", scope):
                page = self._sessions.cloudwatch(scope).get_metric_data(
                    MetricDataQueries=asked,
                    StartTime=datetime.fromtimestamp(batch.start_s, UTC),
                    EndTime=datetime.fromtimestamp(batch.end_s, UTC),
                    ScanBy="TimestampAscending",
                    **more,  # type: ignore[arg-type]
                )
            yield page
            previous, token = token, page.get("NextToken")
            if not token:
                return
            if token == previous:
                raise Retryable(
                    "CloudWatch GetMetricData repeats the same page for ever: it is tried again.",
                    operation="GetMetricData",
                )


@dataclass(slots=True)
class _Collected:
    """One series as it arrives over pages; the last status counts, an error sticks."""

    points: dict[float, float] = field(default_factory=dict)
    status: str | None = None
    remarks: list[str] = field(default_factory=list)

    def add(self, result: "MetricDataResultTypeDef") -> None:
        # The client of `Sessions.cloudwatch` gives timestamps as epoch seconds.
        times = cast("Sequence[float]", result.get("Timestamps", ()))
        self.points.update(zip(times, result.get("Values", ()), strict=False))
        self.remarks += [m.get("Value") or m.get("Code", "") for m in result.get("Messages", [])]
        if self.status in {None, "Complete", "PartialData"}:
            self.status = result.get("StatusCode")

    def answer(self, query: SeriesQuery, remarks: Sequence[str]) -> Maybe[Series]:
        if self.status == "Complete":
            inside = (p for p in self.points.items() if query.start_s <= p[0] < query.end_s)
            return Series(tuple(sorted(inside)))
        reason = _NO_ANSWER if self.status is None else _IN_WORDS.get(self.status, self.status)
        said = "; ".join(filter(None, dict.fromkeys([*self.remarks, *remarks])))
        metric = f"{query.metric} {statistic(query)}"
        return Missing(f"{reason} {metric}: {said}" if said else f"{reason} {metric}")


def _request(identifier: str, query: SeriesQuery) -> "MetricDataQueryTypeDef":
    return {
        "Id": identifier,
        "MetricStat": {
            "Metric": {
                "Namespace": query.namespace,
                "MetricName": query.metric,
                "Dimensions": [{"Name": name, "Value": value} for name, value in query.dimensions],
            },
            "Period": query.period_s,
            "Stat": statistic(query),
            # Never a Unit: one that does not match gives silence instead of a conversion.
        },
        "ReturnData": True,
    }


def _too_old(query: SeriesQuery, now_s: float) -> Missing | None:
    finest_s = finest_period_s(query.start_s, now_s + _CLOCKS_DIFFER_S)
    if finest_s is None:
        return Missing("CloudWatch keeps metrics for 455 days, and the range starts before")
    if query.period_s % finest_s:
        return Missing(
            f"CloudWatch no longer has {query.metric} in periods of {query.period_s} s at the "
            f"start of the range, only in multiples of {finest_s} s"
        )
    return None
