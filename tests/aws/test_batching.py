"""Any set of queries is answered, each once, in calls that CloudWatch takes."""

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controller.aws.batching import (
    MAX_POINTS,
    MAX_QUERIES,
    OVERSHOOT,
    batches,
    statistic,
)
from controller.model.window import SeriesQuery

START = 1_789_999_200.0


def query(
    metric: str = "Duration",
    stat: str = "p95",
    *,
    function: str = "ocr",
    period_s: int = 300,
    start: int = 0,
    periods: int = 12,
    threshold_ms: float | None = None,
) -> SeriesQuery:
    base = START - START % period_s
    start_s = base + start * period_s
    return SeriesQuery(
        namespace="AWS/Lambda",
        metric=metric,
        dimensions=(("FunctionName", function),),
        stat=stat,
        period_s=period_s,
        start_s=start_s,
        end_s=start_s + periods * period_s,
        threshold_ms=threshold_ms,
    )


queries = st.builds(
    query,
    st.sampled_from(["Duration", "Invocations", "Errors"]),
    st.sampled_from(["p50", "p95", "Sum"]),
    function=st.sampled_from(["a", "b", "c"]),
    period_s=st.sampled_from([60, 300, 3600]),
    start=st.integers(-400, 400),
    periods=st.integers(1, 400),
)


@given(st.lists(queries, max_size=60))
def test_every_query_is_in_exactly_one_call_that_covers_it(asked: list[SeriesQuery]) -> None:
    calls = batches(asked)
    placed = Counter(q for call in calls for q in call.queries)
    assert placed == Counter(set(asked))
    for call in calls:
        for q in call.queries:
            assert call.start_s <= q.start_s
            assert q.end_s <= call.end_s
            assert (call.start_s % q.period_s, call.end_s % q.period_s) == (0, 0)


@given(st.lists(queries, max_size=60))
def test_sharing_a_range_fetches_little_more_than_was_asked(asked: list[SeriesQuery]) -> None:
    calls = batches(asked)
    fetched = sum((call.end_s - call.start_s) / q.period_s for call in calls for q in call.queries)
    wanted = sum((q.end_s - q.start_s) / q.period_s for q in set(asked))
    assert fetched <= OVERSHOOT * wanted + 1e-6


@given(st.lists(queries, max_size=30), st.randoms())
def test_order_and_repetition_do_not_matter(asked: list[SeriesQuery], random: object) -> None:
    shuffled = asked * 2
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert batches(shuffled) == batches(asked)


@settings(max_examples=20)
@given(st.integers(1, 1300), st.integers(1, 400))
def test_calls_stay_within_the_limits(functions: int, periods: int) -> None:
    asked = [query(function=f"f{n}", periods=periods) for n in range(functions)]
    calls = batches(asked)
    room = min(MAX_QUERIES, MAX_POINTS // periods)
    assert max(len(call.queries) for call in calls) <= room
    assert len(calls) == -(-functions // room)


def test_windows_of_many_functions_share_calls() -> None:
    stats = [("Duration", "p95"), ("Duration", "p50"), ("Invocations", "Sum"), ("Errors", "Sum")]
    asked = [query(m, s, function=f"f{n}") for n in range(125) for m, s in stats]
    assert len(batches(asked)) == 1


def test_nearly_equal_ranges_share_a_call_and_distant_ones_do_not() -> None:
    assert len(batches([query(periods=12), query(start=1, periods=12)])) == 1
    assert len(batches([query(periods=12), query(start=300, periods=12)])) == 2


def test_up_to_five_statistics_of_a_metric_are_billed_as_one() -> None:
    # CloudWatch pricing, through YACE#1806: one request for up to five statistics of one metric.
    stats = ["p50", "p90", "p95", "p99", "Average", "Maximum"]
    (five,) = batches([query(stat=stat) for stat in stats[:5]])
    (six,) = batches([query(stat=stat) for stat in stats])
    (two,) = batches([query(), query("Errors", "Sum")])
    assert (five.metrics_billed, six.metrics_billed, two.metrics_billed) == (1, 2, 2)


def test_statistics_of_a_metric_stay_in_one_call() -> None:
    stats = ["p50", "p95", "p99"]
    asked = [query(stat=stat, function=f"f{n}") for n in range(400) for stat in stats]
    for call in batches(asked):
        assert set(Counter(q.dimensions for q in call.queries).values()) == {3}


@pytest.mark.parametrize(
    ("threshold_ms", "name"),
    [(300.0, "PR(:300)"), (0.1 + 0.2, "PR(:0.3)"), (1e7, "PR(:10000000)"), (2.5, "PR(:2.5)")],
)
def test_thresholds_are_written_without_float_noise(threshold_ms: float, name: str) -> None:
    assert statistic(query(stat="PR", threshold_ms=threshold_ms)) == name


@pytest.mark.parametrize(
    "wrong",
    [
        SeriesQuery("N", "M", (), "Sum", 300, 100.0, 700.0),
        SeriesQuery("N", "M", (), "Sum", 300, 0.0, 700.0),
        SeriesQuery("N", "M", (), "Sum", 300, 600.0, 600.0),
        SeriesQuery("N", "M", (), "Sum", 7, 0.0, 700.0),
        SeriesQuery("N", "M", (), "Sum", 0, 0.0, 700.0),
        SeriesQuery("N", "M", (), "PR", 300, 0.0, 600.0),
        SeriesQuery("N", "M", (), "p95", 300, 0.0, 600.0, threshold_ms=300.0),
    ],
)
def test_mistakes_of_the_program_are_said_aloud(wrong: SeriesQuery) -> None:
    with pytest.raises(ValueError, match=r"period|range|threshold"):
        batches([wrong])
