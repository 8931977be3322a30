"""From CloudWatch's series to windows: what is absent is Missing, never 0."""

from dataclasses import MISSING, fields, replace

import pytest
from given import HOUR_S, KEY, NOW_S, PLAIN_KEY, a_change
from hypothesis import given
from hypothesis import strategies as st

from controller.core.contract import Span
from controller.kinds.lambda_function.kind import LambdaRules
from controller.kinds.lambda_function.windows import dimensions, traffic, trial
from controller.model.missing import Missing
from controller.model.policy import Slo
from controller.model.window import Series, SeriesQuery, Window

SLO = Slo(200.0)
SPAN = Span(NOW_S - 3 * HOUR_S, NOW_S, 3600)
STARTS = [NOW_S - 3 * HOUR_S, NOW_S - 2 * HOUR_S, NOW_S - HOUR_S]
VALUES = {
    ("Invocations", "Sum"): 120.0,
    ("Duration", "PR"): 97.5,
    ("Duration", "Average"): 80.25,
    ("Duration", "p50"): 70.5,
    ("Duration", "p95"): 150.5,
    ("Errors", "Sum"): 0.0,
    ("Throttles", "Sum"): 3.0,
    ("ConcurrentExecutions", "Maximum"): 7.0,
}
READ = traffic(KEY, SPAN, SLO)


def answered(starts: list[float] | None = None) -> dict[SeriesQuery, Series | Missing]:
    """Every series with a point at each of some periods."""
    times = STARTS if starts is None else starts
    return {q: Series(tuple((t, VALUES[q.metric, q.stat]) for t in times)) for q in READ.series()}


def query(metric: str, stat: str) -> SeriesQuery:
    return next(q for q in READ.series() if (q.metric, q.stat) == (metric, stat))


# --- what is asked ---


def test_eight_series_of_the_alias_on_the_span() -> None:
    series = READ.series()
    assert len(series) == 8
    assert {(q.metric, q.stat) for q in series} == set(VALUES)
    for q in series:
        assert q.namespace == "AWS/Lambda"
        assert q.dimensions == (("FunctionName", "ocr"), ("Resource", "ocr:live"))
        assert (q.start_s, q.end_s, q.period_s) == (SPAN.start_s, SPAN.end_s, 3600)
    assert query("Duration", "PR").threshold_ms == 200.0
    assert query("Duration", "p95").threshold_ms is None


def test_short_windows_leave_out_what_only_hours_need() -> None:
    short = traffic(KEY, Span(NOW_S - 900.0, NOW_S, 300), SLO)
    assert {q.metric for q in short.series()} == {"Invocations", "Duration", "Errors"}
    (window,) = short.windows({short.requests: Series(((NOW_S - 300.0, 5.0),))})
    assert (window.start_s, window.end_s, window.requests) == (NOW_S - 300.0, NOW_S, 5)
    assert isinstance(window.throttles, Missing)
    assert isinstance(window.concurrency_peak, Missing)


@pytest.mark.parametrize(
    ("percentile", "stat"), [(0.9, "p90"), (0.99, "p99"), (0.999, "p99.9"), (0.57, "p57")]
)
def test_the_slos_percentile_is_the_one_that_is_asked_for(percentile: float, stat: str) -> None:
    assert traffic(KEY, SPAN, Slo(200.0, percentile)).percentile.stat == stat


def test_dimensions_name_the_traffic_that_the_policy_speaks_of() -> None:
    # AWS Lambda, monitoring metrics: Resource is name:alias, ExecutedVersion what ran of it.
    assert dimensions(PLAIN_KEY) == (("FunctionName", "ocr"),)
    assert dimensions(PLAIN_KEY, "7") == (("FunctionName", "ocr"),)
    assert dimensions(KEY, "7")[-1] == ("ExecutedVersion", "7")


# --- what comes of the answers ---


def test_a_window_per_period() -> None:
    windows = READ.windows(answered())
    assert [w.start_s for w in windows] == STARTS
    assert windows[0] == Window(
        start_s=STARTS[0],
        end_s=STARTS[1],
        requests=120,
        threshold_ms=200.0,
        met_ratio=0.975,
        mean_ms=80.25,
        p50_ms=70.5,
        p95_ms=150.5,
        errors=0,
        throttles=3,
        concurrency_peak=7.0,
    )
    assert windows[0].slow == 3


def test_a_period_in_which_nothing_was_published_has_no_window() -> None:
    assert [w.start_s for w in READ.windows(answered([STARTS[0], STARTS[2]]))] == [
        STARTS[0],
        STARTS[2],
    ]
    assert READ.windows(answered([])) == ()


FIELDS = {
    ("Invocations", "Sum"): "requests",
    ("Duration", "PR"): "met_ratio",
    ("Duration", "Average"): "mean_ms",
    ("Duration", "p50"): "p50_ms",
    ("Duration", "p95"): "p95_ms",
    ("Errors", "Sum"): "errors",
    ("Throttles", "Sum"): "throttles",
    ("ConcurrentExecutions", "Maximum"): "concurrency_peak",
}


@pytest.mark.parametrize(("asked", "field"), FIELDS.items())
@pytest.mark.parametrize("how", ["no point", "refused", "unanswered"])
def test_what_is_absent_is_missing_and_nothing_else_is(
    asked: tuple[str, str], field: str, how: str
) -> None:
    answers = answered()
    if how == "no point":
        answers[query(*asked)] = Series(answers[query(*asked)].points[1:])  # type: ignore[union-attr]
    elif how == "refused":
        answers[query(*asked)] = Missing("CloudWatch said PartialData")
    else:
        del answers[query(*asked)]
    first = READ.windows(answers)[0]
    value = getattr(first, field)
    assert isinstance(value, Missing)
    assert value.reason
    others = {f.name for f in fields(Window) if f.default is MISSING} - {field}
    assert not any(isinstance(getattr(first, name), Missing) for name in others)


def test_slow_requests_are_unknown_where_either_half_is() -> None:
    for asked in (("Invocations", "Sum"), ("Duration", "PR")):
        answers = answered()
        answers[query(*asked)] = Missing("CloudWatch said InternalError")
        assert READ.windows(answers)[0].slow == Missing("CloudWatch said InternalError")


@given(st.dictionaries(st.sampled_from(sorted(FIELDS)), st.sets(st.sampled_from(STARTS))))
def test_no_zero_is_ever_made_up(points: dict[tuple[str, str], set[float]]) -> None:
    answers = {
        q: Series(tuple((t, 5.0) for t in sorted(points.get((q.metric, q.stat), set()))))
        for q in READ.series()
    }
    windows = READ.windows(answers)
    assert {w.start_s for w in windows} == set().union(*points.values(), set())
    for window in windows:
        for asked, field in FIELDS.items():
            there = window.start_s in points.get(asked, set())
            value = getattr(window, field)
            assert isinstance(value, Missing) != there
            if there:
                assert value == (0.05 if field == "met_ratio" else 5.0)


def test_a_refusal_of_the_requests_is_told() -> None:
    assert READ.refused(answered()) is None
    answers = answered()
    answers[READ.requests] = Missing("CloudWatch said Forbidden")
    assert READ.refused(answers) == "CloudWatch said Forbidden"
    assert READ.refused({}) == "not answered"
    answers = answered()
    answers[READ.mean] = Missing("CloudWatch said Forbidden")
    assert READ.refused(answers) is None


# --- trials ---


def test_a_trial_counts_one_version() -> None:
    readings = trial(KEY, SPAN, SLO, "7")
    assert {q.dimensions[-1] for q in readings.series()} == {("ExecutedVersion", "7")}
    requests, met, errors = readings.series()
    answers = {
        requests: Series(tuple((t, 50.0) for t in STARTS)),
        met: Series(((STARTS[0], 90.0),)),
        errors: Series(((STARTS[1], 2.0),)),
    }
    first, second, third = readings.windows(answers)
    assert (first.requests, first.slow) == (50, 5)
    assert isinstance(first.errors, Missing)
    assert isinstance(second.slow, Missing)
    assert second.errors == 2
    assert isinstance(third.mean_ms, Missing)
    assert first.threshold_ms == 200.0


@pytest.mark.parametrize("refused", range(3))
def test_a_trial_with_a_refused_series_says_nothing(refused: int) -> None:
    readings = trial(KEY, SPAN, SLO, "7")
    answers: dict[SeriesQuery, Series | Missing] = {
        q: Series(((STARTS[0], 50.0),)) for q in readings.series()
    }
    answers[readings.series()[refused]] = Missing("CloudWatch said InternalError")
    assert readings.windows(answers) == ()
    assert (readings.refused(answers) is not None) == (refused == 0)


def test_a_canary_is_compared_with_its_rival_and_then_stands_alone() -> None:
    progress = {"published_version": "7", "before_version": "6", "canary_since_s": "1.0"}
    change = replace(a_change(), progress=progress)
    live, rival = LambdaRules().trial(KEY, change, SPAN, SLO)
    assert rival is not None
    assert live.series()[0].dimensions[-1] == ("ExecutedVersion", "7")
    assert rival.series()[0].dimensions[-1] == ("ExecutedVersion", "6")
    full = replace(change, progress={**progress, "full_since_s": "2.0"})
    live, rival = LambdaRules().trial(KEY, full, SPAN, SLO)
    assert rival is None
    assert live.series()[0].dimensions[-1] == ("Resource", "ocr:live")
    live, rival = LambdaRules().trial(PLAIN_KEY, full, SPAN, SLO)
    assert rival is None
    assert live.series()[0].dimensions == (("FunctionName", "ocr"),)
