"""GetMetricData over HTTP: what goes out, and what is made of every kind of answer."""

from typing import Any

import pytest
from stub_aws import Answer, Asked, StillClock, StubAws, refusal

from controller.aws.calls import NoListener
from controller.aws.cloudwatch import CloudWatchReader
from controller.core.periods import DAY_S, align_up, closed_end
from controller.model.errors import AccessDenied, Retryable, Throttled, Unreachable
from controller.model.missing import Missing
from controller.model.policy import Scope
from controller.model.window import Series, SeriesQuery


def query(
    clock: StillClock,
    stat: str = "p95",
    *,
    back_s: float = 3600,
    end_back_s: float = 0,
    **more: Any,
) -> SeriesQuery:
    end_s = closed_end(clock.now_s(), 300)
    fields = {
        "namespace": "AWS/Lambda",
        "metric": "Duration",
        "dimensions": (("FunctionName", "ocr"), ("Resource", "ocr:live")),
        "period_s": 300,
        **more,
    }
    return SeriesQuery(stat=stat, start_s=end_s - back_s, end_s=end_s - end_back_s, **fields)


def result(n: int, points: dict[float, float], status: str = "Complete", **more: Any) -> Any:
    return {
        "Id": f"q{n}",
        "Label": "x",
        "Timestamps": list(points),
        "Values": list(points.values()),
        "StatusCode": status,
        **more,
    }


def page(*results: Any, **more: Any) -> Answer:
    return Answer({"MetricDataResults": list(results), "Messages": [], **more})


@pytest.fixture
def reader(stub: StubAws, clock: StillClock) -> CloudWatchReader:
    return CloudWatchReader(stub.sessions(clock), clock)


def test_the_request_is_as_cloudwatch_wants_it(
    stub: StubAws, clock: StillClock, reader: CloudWatchReader, scope: Scope
) -> None:
    stub.on("GetMetricData", page(result(0, {})))
    asked = query(clock, "PR", threshold_ms=300.0)
    reader.read(scope, [asked])
    (sent,) = stub.asked
    assert sent.body == {
        "MetricDataQueries": [
            {
                "Id": "q0",
                "MetricStat": {
                    "Metric": {
                        "Namespace": "AWS/Lambda",
                        "MetricName": "Duration",
                        "Dimensions": [
                            {"Name": "FunctionName", "Value": "ocr"},
                            {"Name": "Resource", "Value": "ocr:live"},
                        ],
                    },
                    "Period": 300,
                    "Stat": "PR(:300)",
                },
                "ReturnData": True,
            }
        ],
        "StartTime": asked.start_s,
        "EndTime": asked.end_s,
        "ScanBy": "TimestampAscending",
    }


def test_points_come_oldest_first_and_only_of_the_range(
    stub: StubAws, clock: StillClock, reader: CloudWatchReader, scope: Scope
) -> None:
    wide = query(clock)
    narrow = query(clock, back_s=3300, end_back_s=300)
    every = {wide.start_s + 300 * n: float(n) for n in reversed(range(12))}

    def answer(asked: Asked) -> Answer:
        return page(*(result(n, every) for n, _ in enumerate(asked.body["MetricDataQueries"])))

    stub.on("GetMetricData", answer)
    found = reader.read(scope, [wide, narrow])
    assert len(stub.asked) == 1
    assert found[wide] == Series(tuple(sorted(every.items())))
    assert found[narrow] == Series(tuple(sorted(every.items())[1:11]))


def test_no_points_is_an_empty_series_not_a_missing_one(
    stub: StubAws, clock: StillClock, reader: CloudWatchReader, scope: Scope
) -> None:
    stub.on("GetMetricData", page(result(0, {})))
    asked = query(clock)
    assert reader.read(scope, [asked])[asked] == Series(())


def test_pages_are_put_together(
    stub: StubAws, clock: StillClock, reader: CloudWatchReader, scope: Scope
) -> None:
    asked = query(clock)
    first, second = asked.start_s, asked.start_s + 300
    stub.on(
        "GetMetricData",
        page(result(0, {first: 1.0}, "PartialData"), NextToken="more"),
        page(result(0, {second: 2.0}, "Complete")),
    )
    assert reader.read(scope, [asked])[asked] == Series(((first, 1.0), (second, 2.0)))
    assert [sent.body.get("NextToken") for sent in stub.asked] == [None, "more"]


@pytest.mark.parametrize("status", ["PartialData", "InternalError", "Forbidden"])
def test_less_than_the_whole_is_missing_with_the_reason(
    stub: StubAws, clock: StillClock, reader: CloudWatchReader, scope: Scope, status: str
) -> None:
    asked = query(clock)
    messages = [{"Code": "C", "Value": "because of the test"}]
    answer = result(0, {asked.start_s: 1.0}, status, Messages=messages)
    stub.on("GetMetricData", page(answer))
    found = reader.read(scope, [asked])[asked]
    assert isinstance(found, Missing)
    assert "Duration p95: because of the test" in found.reason


def test_an_error_on_one_page_is_not_healed_by_the_next(
    stub: StubAws, clock: StillClock, reader: CloudWatchReader, scope: Scope
) -> None:
    asked = query(clock)
    stub.on(
        "GetMetricData",
        page(result(0, {}, "InternalError"), NextToken="more"),
        page(result(0, {asked.start_s: 1.0})),
    )
    assert isinstance(reader.read(scope, [asked])[asked], Missing)


def test_a_series_left_out_is_missing_with_what_the_call_said(
    stub: StubAws, clock: StillClock, reader: CloudWatchReader, scope: Scope
) -> None:
    asked = query(clock)
    said = [{"Code": "MaxMetricsExceeded", "Value": "Maximum number of allowed metrics exceeded"}]
    stub.on("GetMetricData", page(result(7, {}), Messages=said))
    found = reader.read(scope, [asked])[asked]
    assert isinstance(found, Missing)
    assert "left the series out" in found.reason
    assert "Maximum number" in found.reason


@pytest.mark.parametrize(
    ("period_s", "age_days", "readable"),
    [(60, 14, True), (60, 15, False), (300, 62, True), (300, 63, False), (3600, 456, False)],
)
def test_values_that_cloudwatch_no_longer_has_are_not_taken_for_silence(
    stub: StubAws,
    clock: StillClock,
    reader: CloudWatchReader,
    scope: Scope,
    period_s: int,
    age_days: int,
    readable: bool,
) -> None:
    stub.on("GetMetricData", page(result(0, {})))
    # At exactly fifteen days it is CloudWatch's clock that decides, so it is not relied on.
    start_s = align_up(clock.now_s() - age_days * DAY_S, period_s)
    clock.instant_s = start_s + age_days * DAY_S
    asked = SeriesQuery("N", "M", (), "Sum", period_s, start_s, start_s + 86_400)
    assert isinstance(reader.read(scope, [asked])[asked], Series) is readable
    assert len(stub.asked) == (1 if readable else 0)


def test_nothing_to_read_asks_nothing(
    stub: StubAws, reader: CloudWatchReader, scope: Scope
) -> None:
    assert reader.read(scope, []) == {}
    assert stub.asked == []


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (refusal("Throttling"), Throttled),
        (refusal("InternalServiceFault", status=500), Retryable),
        (refusal("AccessDenied", status=403), AccessDenied),
        (Answer("<html>proxy</html>", 502), Retryable),
        (Answer("<html>captive portal</html>", 200), Unreachable),
        (Answer("<html>proxy says no</html>", 403), Unreachable),
    ],
)
def test_a_failed_call_is_an_error_not_an_empty_answer(
    stub: StubAws,
    clock: StillClock,
    reader: CloudWatchReader,
    scope: Scope,
    answer: Answer,
    kind: type[Exception],
) -> None:
    stub.on("GetMetricData", answer)
    with pytest.raises(kind, match="GetMetricData"):
        reader.read(scope, [query(clock)])


def test_a_page_that_names_itself_as_the_next_ends(
    stub: StubAws, clock: StillClock, reader: CloudWatchReader, scope: Scope
) -> None:
    stub.on("GetMetricData", page(result(0, {}), NextToken="same"))
    with pytest.raises(Retryable, match="same page"):
        reader.read(scope, [query(clock)])


def test_metrics_are_counted_as_they_are_billed(
    stub: StubAws, clock: StillClock, scope: Scope
) -> None:
    class Bill(NoListener):
        metrics = 0

        def on_metrics_requested(self, count: int) -> None:
            self.metrics += count

    bill = Bill()
    stub.on("GetMetricData", page(NextToken="more"), page())
    reader = CloudWatchReader(stub.sessions(clock), clock, bill)
    reader.read(scope, [query(clock, "p50"), query(clock, "p95"), query(clock, metric="Errors")])
    assert bill.metrics == 2 * 2
