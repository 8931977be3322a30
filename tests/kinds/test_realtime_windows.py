"""Series of a real-time variant, and the windows that follow from the answers."""

from dataclasses import replace

import pytest
from realtime_world import KEY, a_type_change

from controller.aws.batching import check, statistic
from controller.core.contract import Span
from controller.kinds.realtime_endpoint import windows
from controller.kinds.realtime_endpoint.kind import RealtimeRules
from controller.model.missing import Maybe, Missing
from controller.model.policy import Covers, Slo
from controller.model.window import Series, SeriesQuery

HOUR = Span(0.0, 3600.0, 3600)
FIVE = Span(0.0, 600.0, 300)
SLO = Slo(100.0)
TOTAL = replace(SLO, covers=Covers.TOTAL)
RULES = RealtimeRules()
VALUES = {
    ("Invocations", "Sum"): 600.0,
    ("InvocationsPerInstance", "Sum"): 200.0,
    ("ModelLatency", "Average"): 40_000.0,
    ("ModelLatency", "p50"): 35_000.0,
    ("ModelLatency", "p95"): 90_000.0,
    ("ModelLatency", "PR(:100000)"): 97.0,
    ("OverheadLatency", "p95"): 5_000.0,
    ("Invocation4XXErrors", "Sum"): 1.0,
    ("Invocation5XXErrors", "Sum"): 2.0,
    ("MemoryUtilization", "Maximum"): 41.0,
}


def answers(
    readings: windows.TrafficReadings | windows.TrialReadings, **more: dict[tuple[str, str], float]
) -> dict[SeriesQuery, Maybe[Series]]:
    """Every series with one value in each of its periods."""
    values = VALUES | more.get("values", {})
    found: dict[SeriesQuery, Maybe[Series]] = {}
    for query in readings.series():
        value = values.get((query.metric, statistic(query)))
        starts = range(int(query.start_s), int(query.end_s), query.period_s)
        points = () if value is None else tuple((float(s), value) for s in starts)
        found[query] = Series(points)
    return found


def test_latencies_are_read_in_microseconds_and_told_in_milliseconds() -> None:
    """Fact 9: ModelLatency and OverheadLatency are in microseconds."""
    readings = windows.traffic(KEY, FIVE, SLO)
    window = readings.windows(answers(readings))[0]
    assert (window.mean_ms, window.p50_ms, window.p95_ms) == (40.0, 35.0, 90.0)
    assert window.met_ratio == pytest.approx(0.97)
    assert "PR(:100000)" in {statistic(query) for query in readings.series()}


def test_invocations_over_those_per_instance_are_the_instances() -> None:
    """Fact 9: each request adds 1/instances."""
    readings = windows.traffic(KEY, FIVE, SLO)
    window = readings.windows(answers(readings))[0]
    assert window.instances == pytest.approx(3.0)
    assert window.load_rps == pytest.approx(600 / 300 / 3)
    assert window.peak_rps == pytest.approx(2.0)


def test_errors_of_both_kinds_are_added() -> None:
    readings = windows.traffic(KEY, FIVE, SLO)
    assert readings.windows(answers(readings))[0].errors == 3


def test_silence_has_no_instances_and_no_latency_but_a_count() -> None:
    """SageMaker publishes zeros while nothing happens."""
    readings = windows.traffic(KEY, FIVE, SLO)
    found = answers(readings)
    for query in found:
        zero = query.metric in {"Invocations", "InvocationsPerInstance"}
        found[query] = Series(((0.0, 0.0),)) if zero else Series(())
    window = readings.windows(found)[0]
    assert window.requests == 0
    assert isinstance(window.load_rps, Missing)
    assert isinstance(window.p95_ms, Missing)


def test_an_hour_is_read_by_five_minutes_and_put_together() -> None:
    readings = windows.traffic(KEY, HOUR, SLO)
    assert {query.period_s for query in readings.series()} == {300}
    hours = readings.windows(answers(readings))
    assert [(w.start_s, w.end_s) for w in hours] == [(0.0, 3600.0)]
    assert hours[0].requests == 7200
    assert len(hours[0].parts) == 12
    assert hours[0].memory_used_ratio == pytest.approx(0.41)
    assert hours[0].overhead_p95_ms == pytest.approx(5.0)
    assert hours[0].load_rps == pytest.approx(7200 / 3600 / 3)


def test_an_hours_ratio_and_mean_are_weighted_by_requests_and_its_peak_is_the_busiest() -> None:
    readings = windows.traffic(KEY, HOUR, SLO)
    found = answers(readings)
    for query, series in found.items():
        assert isinstance(series, Series)
        if query.metric == "Invocations":
            found[query] = Series(((0.0, 100.0), (300.0, 300.0)))
        elif query.stat == "Average":
            found[query] = Series(((0.0, 10_000.0), (300.0, 50_000.0)))
        elif query.stat == "PR":
            found[query] = Series(((0.0, 100.0), (300.0, 90.0)))
    hour = readings.windows(found)[0]
    assert hour.mean_ms == pytest.approx(40.0)
    assert hour.met_ratio == pytest.approx(0.925)
    assert hour.slow == 30
    assert hour.peak_rps == pytest.approx(1.0)


def test_parts_too_thin_to_say_anything_leave_the_hour_whole() -> None:
    readings = windows.traffic(KEY, HOUR, SLO)
    hour = readings.windows(answers(readings, values={("Invocations", "Sum"): 5.0}))[0]
    assert hour.requests == 60
    assert hour.parts == ()


def test_an_objective_on_the_total_is_never_judged_better_than_it_is() -> None:
    """What is slow in sum is slow in one of the parts, for every way to split the threshold."""
    readings = windows.traffic(KEY, FIVE, TOTAL)
    window = readings.windows(
        answers(
            readings,
            values={
                ("ModelLatency", "PR(:90000)"): 96.0,
                ("OverheadLatency", "PR(:10000)"): 99.0,
                ("ModelLatency", "PR(:75000)"): 90.0,
                ("OverheadLatency", "PR(:25000)"): 100.0,
                ("OverheadLatency", "Average"): 4_000.0,
            },
        )
    )[0]
    assert window.met_ratio == pytest.approx(0.95)
    assert window.p95_ms == pytest.approx(95.0)
    assert window.mean_ms == pytest.approx(44.0)


def test_every_query_is_one_that_cloudwatch_answers() -> None:
    for slo in (SLO, TOTAL):
        for span in (FIVE, HOUR):
            for query in windows.traffic(KEY, span, slo).series():
                check(query)


def test_a_trial_counts_the_new_fleet_while_the_old_one_serves_too() -> None:
    minutes = Span(0.0, 600.0, 60)
    change = a_type_change(config_target="new", config="old")
    trial, rival = RULES.trial(KEY, change, minutes, SLO)
    assert {dict(q.dimensions).get("EndpointConfigName") for q in trial.series()} == {"new"}
    assert rival is not None
    assert {dict(q.dimensions).get("EndpointConfigName") for q in rival.series()} == {"old"}
    counted = trial.windows(answers(trial))  # type: ignore[arg-type]
    assert counted[0].requests == 600
    assert counted[0].slow == 18


def test_a_trial_counts_all_traffic_once_it_has_moved_and_in_place() -> None:
    for progress in ({"config_target": "new", "config": "old", "full_since_s": "1"}, {}):
        trial, rival = RULES.trial(KEY, a_type_change(**progress), Span(0.0, 600.0, 60), SLO)
        assert rival is None
        assert all("EndpointConfigName" not in dict(q.dimensions) for q in trial.series())


def test_a_refused_series_of_requests_is_told() -> None:
    readings = windows.traffic(KEY, FIVE, SLO)
    assert readings.refused({readings.requests: Missing("Forbidden")}) == "Forbidden"
    assert readings.refused(answers(readings)) is None
