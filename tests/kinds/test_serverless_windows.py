"""From CloudWatch's series of a serverless endpoint to windows: units, sparseness, throttles."""

from collections.abc import Mapping

import pytest
from given import HOUR_S, NOW_S
from serverless_given import KEY

from controller.aws.batching import check, statistic
from controller.core.contract import Span
from controller.kinds.serverless_endpoint.windows import TrafficReadings, traffic, trial
from controller.model.missing import Missing
from controller.model.policy import Covers, Slo
from controller.model.window import Series, SeriesQuery, Window

SLO = Slo(200.0)
START_S = NOW_S - HOUR_S
SPAN = Span(START_S, NOW_S, 3600)
VALUES: Mapping[tuple[str, str], float] = {
    ("Invocations", "Sum"): 3600.0,
    ("ModelLatency", "Average"): 80_250.0,
    ("ModelLatency", "p50"): 70_500.0,
    ("ModelLatency", "p95"): 150_500.0,
    ("ModelLatency", "PR(:200000)"): 97.5,
    ("OverheadLatency", "p95"): 9_000.0,
    ("Invocation4XXErrors", "Sum"): 36.0,
    ("Invocation5XXErrors", "Sum"): 4.0,
    ("ServerlessConcurrentExecutionsUtilization", "Maximum"): 1.0,
    ("ModelSetupTime", "SampleCount"): 7.0,
    ("ModelSetupTime", "Average"): 2_400_000.0,
    ("MemoryUtilization", "Maximum"): 43.0,
    ("ServerlessProvisionedConcurrencyUtilization", "Maximum"): 0.75,
    ("ServerlessProvisionedConcurrencyExecutions", "Maximum"): 3.0,
}
Answers = dict[SeriesQuery, Series | Missing]


def answered(readings: TrafficReadings, **instead: float | None) -> Answers:
    """Every series with its value, by metric or as said; None where there is no point."""
    found: Answers = {}
    for query in readings.series():
        value = instead.get(query.metric, VALUES.get((query.metric, statistic(query))))
        starts = [START_S]
        if query.period_s < readings.invocations.period_s:
            # A busy five minutes, and eleven of which nothing was said or little happened.
            starts, value = [START_S + 600.0], 900.0
        found[query] = Series(() if value is None else tuple((t, value) for t in starts))
    return found


def hour(**instead: float | None) -> Window:
    """The one hour of these answers."""
    readings = traffic(KEY, SPAN, SLO)
    (window,) = readings.windows(answered(readings, **instead))
    return window


def test_series_that_aws_can_answer() -> None:
    readings = traffic(KEY, SPAN, SLO)
    asked = {(q.metric, statistic(q)) for q in readings.series()}
    assert asked == set(VALUES)
    for query in readings.series():
        check(query)
        assert query.dimensions == (("EndpointName", "ranker"), ("VariantName", "AllTraffic"))
        machine = query.metric == "MemoryUtilization"
        assert query.namespace == ("/aws/sagemaker/Endpoints" if machine else "AWS/SageMaker")


def test_short_windows_leave_out_what_only_hours_need() -> None:
    short = traffic(KEY, Span(NOW_S - 900.0, NOW_S, 300), SLO)
    assert {q.metric for q in short.series()} == {
        "Invocations",
        "ModelLatency",
        "Invocation4XXErrors",
        "Invocation5XXErrors",
        "ServerlessConcurrentExecutionsUtilization",
    }


def test_latencies_are_in_milliseconds_whatever_aws_publishes() -> None:
    window = hour()
    assert (window.mean_ms, window.p50_ms, window.p95_ms) == (80.25, 70.5, 150.5)
    assert window.met_ratio == 0.975
    assert window.overhead_p95_ms == 9.0
    assert window.setup_mean_ms == 2400.0
    assert window.memory_used_ratio == 0.43


def test_throttled_requests_are_those_refused_while_all_environments_were_busy() -> None:
    window = hour()
    assert (window.requests, window.throttles, window.errors) == (3564, 36, 4)
    refused_by_the_model = hour(ServerlessConcurrentExecutionsUtilization=0.6)
    assert (refused_by_the_model.requests, refused_by_the_model.throttles) == (3600, 0)
    unread = hour(ServerlessConcurrentExecutionsUtilization=None)
    assert isinstance(unread.throttles, Missing)
    assert unread.requests == 3600


def test_the_busiest_five_minutes_and_littles_law() -> None:
    window = hour()
    assert window.peak_rps == 3.0
    assert window.concurrency_peak == pytest.approx(3.0 * 0.08025)


def test_how_many_were_kept_warm_follows_from_those_in_use() -> None:
    assert hour().provisioned == 4
    assert hour().by_part == (0, 0, 900, *[0] * 9)
    none = {"ServerlessProvisionedConcurrencyUtilization": None}
    assert hour(**none).provisioned == 0
    readings = traffic(KEY, SPAN, SLO)
    answers = answered(readings)
    assert readings.hourly is not None
    answers[readings.hourly.warm_used] = Missing("Forbidden")
    assert readings.windows(answers)[0].provisioned == Missing("Forbidden")


def test_only_what_is_kept_warm_and_not_used_proves_that_nobody_called() -> None:
    readings = traffic(KEY, SPAN, SLO)
    assert readings.hourly is not None
    answers: Answers = {query: Series(()) for query in readings.series()}
    answers[readings.hourly.warm_used] = Series(((START_S, 0.0),))
    (window,) = readings.windows(answers)
    assert (window.requests, window.throttles) == (0, 0)
    answers[readings.hourly.warm_used] = Series(((START_S, 0.25),))
    assert readings.windows(answers) == ()


def test_no_sample_of_set_up_time_is_no_cold_start() -> None:
    window = hour(ModelSetupTime=None)
    assert window.cold_starts == 0
    assert isinstance(window.setup_mean_ms, Missing)


def test_a_series_that_was_refused_is_missing() -> None:
    readings = traffic(KEY, SPAN, SLO)
    answers = answered(readings)
    assert readings.hourly is not None
    answers[readings.hourly.setups] = Missing("Forbidden")
    (window,) = readings.windows(answers)
    assert window.cold_starts == Missing("Forbidden")
    assert readings.refused(answers) is None
    answers[readings.invocations] = Missing("Forbidden")
    assert readings.refused(answers) == "Forbidden"


def test_nothing_published_is_no_window() -> None:
    readings = traffic(KEY, SPAN, SLO)
    assert readings.windows({q: Series(()) for q in readings.series()}) == ()


def test_an_objective_on_the_total_is_never_judged_better_than_it_is() -> None:
    readings = traffic(KEY, SPAN, Slo(200.0, covers=Covers.TOTAL))
    shares = {
        ("ModelLatency", "PR(:180000)"): 96.0,
        ("OverheadLatency", "PR(:20000)"): 93.0,
        ("ModelLatency", "PR(:150000)"): 95.0,
        ("OverheadLatency", "PR(:50000)"): 99.0,
        ("OverheadLatency", "p50"): 4_000.0,
    }
    answers: Answers = {}
    for query in readings.series():
        value = shares.get((query.metric, statistic(query)), VALUES.get((query.metric, "p95")))
        answers[query] = Series(((START_S, value or 10.0),))
    (window,) = readings.windows(answers)
    assert window.met_ratio == pytest.approx(0.94)
    assert window.p95_ms == pytest.approx(150.5 + 9.0)
    assert window.warm is not None
    assert window.warm.p95_ms == pytest.approx(150.5 + 4.0), "with the median overhead"


def test_a_trial_counts_requests_slow_ones_and_failures() -> None:
    readings = trial(KEY, Span(NOW_S - 120.0, NOW_S, 60), SLO)
    answers: Answers = {q: Series(((NOW_S - 60.0, 50.0),)) for q in readings.series()}
    (window,) = readings.windows(answers)
    assert (window.requests, window.met_ratio, window.errors) == (50, 0.5, 50)
    answers[readings.failures] = Missing("throttled")
    assert readings.windows(answers) == ()
