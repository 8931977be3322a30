"""CloudWatch through real boto3; each test cites the fact it holds to."""

from datetime import UTC, datetime

import pytest

from controller.sandbox.seeding import seed_world

ACCOUNT = "111122223333"
HOUR = 3600.0


@pytest.fixture
def seeded(world):
    """Two weeks and more of a function with an alias, one without, and a quiet one."""
    seed_world(
        world,
        {
            "account": ACCOUNT,
            "functions": [
                {
                    "name": "ocr",
                    "memory_mb": 1024,
                    "age_days": 90,
                    "versions": 2,
                    "aliases": {"live": {"version": 2, "weights": {"1": 0.2}}},
                    "workload": {
                        "curve": {"a_ms": 20, "b": 100_000},
                        "cv": 0.2,
                        "slow_share": 0.02,
                        "error_rate": 0.02,
                        "streams": [
                            {"qualifier": "live", "traffic": {"rps": 4}},
                            {"qualifier": None, "traffic": {"rps": 0.5}},
                        ],
                    },
                },
                {"name": "plain", "workload": {"traffic": {"rps": 1}}},
                {"name": "quiet", "workload": {"traffic": {"requests_per_day": 4}}},
            ],
        },
    )
    return world


@pytest.fixture
def cloudwatch(seeded, in_process):
    return in_process("cloudwatch")


def _query(name, metric, stat, period=300, **dimensions):
    given = dimensions or {"FunctionName": "ocr"}
    return {
        "Id": name,
        "MetricStat": {
            "Metric": {
                "Namespace": "AWS/Lambda",
                "MetricName": metric,
                "Dimensions": [{"Name": n, "Value": v} for n, v in given.items()],
            },
            "Period": period,
            "Stat": stat,
        },
    }


def _read(client, *queries, start, end, **more):
    answer = client.get_metric_data(
        MetricDataQueries=list(queries),
        StartTime=datetime.fromtimestamp(start, UTC),
        EndTime=datetime.fromtimestamp(end, UTC),
        **more,
    )
    return {
        r["Id"]: dict(zip((t.timestamp() for t in r["Timestamps"]), r["Values"], strict=True))
        for r in answer["MetricDataResults"]
    }


def _hours(world, back, length=1.0):
    """(start, end) on whole hours, `back` hours before now."""
    end = (world.now_s() // HOUR - back) * HOUR
    return {"start": end - length * HOUR, "end": end}


LIVE = {"FunctionName": "ocr", "Resource": "ocr:live"}


def test_dimension_sets_of_lambda(seeded, cloudwatch):
    """FunctionName; +Resource (`name:alias`, bare name); +ExecutedVersion; none at all. Traffic
    under an alias appears under the function and the alias, never under another resource."""
    sets = {
        "all": {"FunctionName": "ocr"},
        "live": LIVE,
        "bare": {"FunctionName": "ocr", "Resource": "ocr"},
        "one": {**LIVE, "ExecutedVersion": "1"},
        "two": {**LIVE, "ExecutedVersion": "2"},
        "latest": {"FunctionName": "ocr", "Resource": "ocr:$LATEST"},
        "number": {"FunctionName": "ocr", "Resource": "ocr:2"},
        "alone": {"Resource": "ocr:live"},
        "odd": {"FunctionName": "ocr", "Alias": "live"},
    }
    queries = [_query(n, "Invocations", "Sum", 3600, **d) for n, d in sets.items()]
    found = _read(cloudwatch, *queries, **_hours(seeded, 5))
    sums = {name: sum(points.values()) for name, points in found.items()}
    assert sums["all"] == sums["live"] + sums["bare"]
    assert sums["live"] == sums["one"] + sums["two"]
    assert sums["one"] / sums["live"] == pytest.approx(0.2, abs=0.02)
    assert sums["bare"] == pytest.approx(1800, rel=0.1)
    assert [sums[n] for n in ("latest", "number", "alone", "odd")] == [0, 0, 0, 0]


def test_dimensions_in_any_order(seeded, cloudwatch):
    """The order in which dimensions are given does not matter."""
    there = _query("a", "Invocations", "Sum", **LIVE)
    turned = _query("b", "Invocations", "Sum", **dict(reversed(LIVE.items())))
    found = _read(cloudwatch, there, turned, **_hours(seeded, 3))
    assert found["a"] == found["b"] != {}


def test_without_dimensions_it_is_the_account(seeded, cloudwatch):
    """No dimensions: all functions of the region together."""
    span = _hours(seeded, 3)
    names = ("ocr", "plain", "quiet")
    queries = [_query(n, "Invocations", "Sum", 3600, FunctionName=n) for n in names]
    whole = _query("whole", "Invocations", "Sum", 3600)
    whole["MetricStat"]["Metric"]["Dimensions"] = []
    found = _read(cloudwatch, *queries, whole, **span)
    assert sum(found["whole"].values()) == sum(sum(found[n].values()) for n in names)


def test_periods_agree(seeded, cloudwatch):
    """Counts of wide periods are sums of narrow ones, whatever was read first."""
    span = _hours(seeded, 30, 6)
    queries = [
        _query(f"{metric.lower()}{period}", metric, "Sum", period, **LIVE)
        for metric in ("Invocations", "Errors", "Throttles")
        for period in (60, 300, 900, 3600, 7200)
    ]
    found = _read(cloudwatch, *queries, **span)
    for metric in ("invocations", "errors", "throttles"):
        sums = {p: sum(found[f"{metric}{p}"].values()) for p in (60, 300, 900, 3600, 7200)}
        assert len(set(sums.values())) == 1
    counts = _read(
        cloudwatch,
        *(_query(f"n{p}", "Duration", "SampleCount", p, **LIVE) for p in (60, 3600)),
        *(_query(f"s{p}", "Duration", "Sum", p, **LIVE) for p in (60, 3600)),
        **span,
    )
    assert sum(counts["n60"].values()) == sum(counts["n3600"].values())
    assert sum(counts["n3600"].values()) == sum(found["invocations3600"].values())
    assert sum(counts["s60"].values()) == pytest.approx(sum(counts["s3600"].values()))
    assert all(value == int(value) for value in found["invocations60"].values())


def test_percentile_rank_aggregates_over_periods(seeded, cloudwatch):
    """PR(:T) of an hour is the count-weighted mean of its minutes: SLO attainment is exact
    however wide the period; pNN is not an average of pNN."""
    span = _hours(seeded, 50)
    found = _read(
        cloudwatch,
        *(_query(f"pr{p}", "Duration", "PR(:150)", p, **LIVE) for p in (60, 300, 3600)),
        *(_query(f"n{p}", "Duration", "SampleCount", p, **LIVE) for p in (60, 300, 3600)),
        **span,
    )
    (hour,) = found["pr3600"].values()
    for period in (60, 300):
        met = sum(found[f"pr{period}"][t] * found[f"n{period}"][t] for t in found[f"n{period}"])
        assert met / sum(found[f"n{period}"].values()) == pytest.approx(hour, abs=1e-6)
    total = sum(found["n3600"].values())
    assert hour / 100 * total == pytest.approx(round(hour / 100 * total), abs=1e-6)


def test_percentiles_are_those_of_the_truth(seeded, cloudwatch):
    """Two weeks of measurements agree with the workload's real distribution."""
    span = _hours(seeded, 1, 24 * 14)
    stats = {"p50": "p50", "p95": "p95", "p99": "p99", "mean": "Average", "pr": "PR(:140)"}
    found = _read(
        cloudwatch,
        *(_query(n, "Duration", s, 3600, **LIVE) for n, s in stats.items()),
        **span,
    )
    truth = seeded.truth("ocr", account=ACCOUNT, threshold_ms=140.0)
    mean = {name: sum(points.values()) / len(points) for name, points in found.items()}
    assert len(found["p95"]) == 24 * 14
    assert mean["mean"] == pytest.approx(truth.mean_ms, rel=0.01)
    assert mean["p50"] == pytest.approx(truth.p50_ms, rel=0.01)
    assert mean["p95"] == pytest.approx(truth.p95_ms, rel=0.01)
    assert mean["pr"] / 100 == pytest.approx(truth.met_ratio, abs=0.005)
    assert mean["p99"] > mean["p95"] * 1.1


def test_durations_are_milliseconds_and_units_are_not_converted(seeded, cloudwatch):
    """Duration is in Milliseconds; a Unit other than the metric's gives nothing."""
    right, wrong = _query("a", "Duration", "Average"), _query("b", "Duration", "Average")
    right["MetricStat"]["Unit"] = "Milliseconds"
    wrong["MetricStat"]["Unit"] = "Seconds"
    found = _read(cloudwatch, right, wrong, **_hours(seeded, 2))
    assert 80 < next(iter(found["a"].values())) < 200
    assert found["b"] == {}


def test_errors_are_zero_or_one_for_every_call(seeded, cloudwatch):
    """Average of Errors is the error rate; SampleCount is the number of calls."""
    span = _hours(seeded, 2)
    found = _read(
        cloudwatch,
        *(_query(s.lower(), "Errors", s, 3600) for s in ("Sum", "Average", "SampleCount")),
        _query("calls", "Invocations", "Sum", 3600),
        **span,
    )
    (calls,), (errors,) = found["calls"].values(), found["sum"].values()
    assert list(found["samplecount"].values()) == [calls]
    assert list(found["average"].values()) == [pytest.approx(errors / calls)]
    assert errors / calls == pytest.approx(0.02, rel=0.3)


def test_nothing_happened_is_no_point(seeded, cloudwatch):
    """Lambda's metrics are sparse: no call, no datapoint, and StatusCode is still Complete."""
    queries = [
        _query("n", "Invocations", "Sum", 3600, FunctionName="quiet"),
        _query("d", "Duration", "p95", 3600, FunctionName="quiet"),
        _query("e", "Errors", "Sum", 3600, FunctionName="quiet"),
        _query("ghost", "Invocations", "Sum", 3600, FunctionName="ghost"),
    ]
    span = _hours(seeded, 1, 240)
    found = _read(cloudwatch, *queries, **span)
    assert 15 < len(found["n"]) < 70
    assert found["n"].keys() == found["d"].keys() == found["e"].keys()
    assert min(found["n"].values()) >= 1
    assert set(found["e"].values()) == {0.0}
    assert found["ghost"] == {}


def test_start_is_rounded_down_and_end_is_exclusive(seeded, cloudwatch):
    """Points lie on multiples of the period; StartTime is rounded down, EndTime exclusive."""
    span = _hours(seeded, 4)
    inside = {"start": span["start"] + 130.0, "end": span["start"] + 900.0}
    found = _read(cloudwatch, _query("n", "Invocations", "Sum"), **inside)
    assert sorted(found["n"]) == [span["start"], span["start"] + 300, span["start"] + 600]
    exact = {"start": span["start"], "end": span["start"] + 300.0}
    assert list(_read(cloudwatch, _query("n", "Invocations", "Sum"), **exact)["n"]) == [
        span["start"]
    ]


def test_newest_first_unless_asked(seeded, cloudwatch):
    """ScanBy defaults to TimestampDescending."""
    span = _hours(seeded, 4)
    times = list(_read(cloudwatch, _query("n", "Invocations", "Sum"), **span)["n"])
    assert times == sorted(times, reverse=True)
    turned = _read(
        cloudwatch, _query("n", "Invocations", "Sum"), ScanBy="TimestampAscending", **span
    )
    assert list(turned["n"]) == times[::-1]


def test_points_come_late(seeded, cloudwatch):
    """Metrics are published a minute or two late; the newest period is partial until then."""
    now = seeded.now_s() // HOUR * HOUR + 600.0 - seeded.now_s()
    seeded.advance(now if now > 0 else now + HOUR)
    here = seeded.now_s()
    query = _query("n", "Invocations", "Sum", 60, FunctionName="plain")
    found = _read(cloudwatch, query, start=here - 600, end=here)["n"]
    assert max(found) == here - 180  # the minute that ended two minutes ago
    five = _query("n", "Invocations", "Sum", 300, FunctionName="plain")
    partial = _read(cloudwatch, five, start=here - 600, end=here)["n"]
    seeded.advance(300.0)
    whole = _read(cloudwatch, five, start=here - 600, end=here)["n"]
    assert partial[here - 600] == whole[here - 600]
    assert partial[here - 300] < whole[here - 300]


def test_old_points_need_wide_periods(seeded, cloudwatch):
    """1-minute points are kept 15 days, 5-minute points 63, 1-hour points 455; asking for
    narrower ones of older time gives nothing, silently."""
    day = 86_400.0
    for age, periods in ((14, (60, 300, 3600)), (16, (300, 3600)), (64, (3600,))):
        start = (seeded.now_s() - age * day) // HOUR * HOUR
        found = _read(
            cloudwatch,
            *(_query(f"p{p}", "Invocations", "Sum", p) for p in (60, 300, 3600)),
            start=start,
            end=start + HOUR,
        )
        assert [p for p in (60, 300, 3600) if found[f"p{p}"]] == list(periods)


def test_expressions(seeded, cloudwatch):
    """Metric math over the other queries; ReturnData=False hides a query."""
    calls, errors = _query("calls", "Invocations", "Sum"), _query("errors", "Errors", "Sum")
    calls["ReturnData"] = errors["ReturnData"] = False
    ratio = {"Id": "ratio", "Expression": "100 * errors / calls", "Label": "errors %"}
    twice = {"Id": "twice", "Expression": "ratio * 2"}
    found = _read(cloudwatch, twice, calls, errors, ratio, **_hours(seeded, 3))
    assert list(found) == ["twice", "ratio"]
    assert len(found["ratio"]) == 12
    assert found["twice"] == pytest.approx({t: 2 * v for t, v in found["ratio"].items()})


def _bad(queries, **more):
    return lambda c: c.get_metric_data(MetricDataQueries=queries, StartTime=0, EndTime=3600, **more)


@pytest.mark.parametrize(
    "call",
    [
        _bad([_query(f"q{n}", "Duration", "p95") for n in range(501)]),
        _bad([_query("q", "Duration", "p95"), _query("q", "Duration", "p50")]),
        _bad([_query("Q", "Duration", "p95")]),
        _bad([_query("1q", "Duration", "p95")]),
        _bad([_query("q", "Duration", "p95", period=7)]),
        _bad([_query("q", "Duration", "p95", period=90)]),
        _bad([_query("q", "Duration", "percentile")]),
        _bad([{"Id": "q", "Expression": "nope + 1"}]),
        _bad([{"Id": "q", "Expression": "q2"}, {"Id": "q2", "Expression": "q"}]),
        _bad([{"Id": "q"}]),
        _bad([_query("q", "Duration", "p95")], MaxDatapoints=200_000),
        lambda c: c.get_metric_data(
            MetricDataQueries=[_query("q", "Duration", "p95")], StartTime=10, EndTime=10
        ),
        lambda c: c.get_metric_statistics(
            Namespace="AWS/Lambda", MetricName="Duration", StartTime=0, EndTime=86_460,
            Period=60, Statistics=["Sum"],
        ),
        lambda c: c.get_metric_statistics(
            Namespace="AWS/Lambda", MetricName="Duration", StartTime=0, EndTime=600, Period=60
        ),
    ],
)  # fmt: skip
def test_wrong_calls_are_refused(cloudwatch, refusal, call):
    """500 queries, unique ids `^[a-z][a-zA-Z0-9_]*$`, periods of whole minutes, known
    statistics, EndTime after StartTime; GetMetricStatistics at most 1,440 points."""
    assert refusal(lambda: call(cloudwatch))[2] == 400


def test_five_hundred_queries_are_fine(seeded, cloudwatch):
    """The limit itself is allowed."""
    queries = [_query(f"q{n}", "Invocations", "Sum", FunctionName="plain") for n in range(500)]
    assert len(_read(cloudwatch, *queries, **_hours(seeded, 1))) == 500


def test_pages(seeded, cloudwatch):
    """MaxDatapoints cuts the answer; NextToken goes on until every point was given once."""
    queries = [
        _query("a", "Invocations", "Sum", 60, **LIVE),
        _query("none", "Invocations", "Sum", 60, FunctionName="ghost"),
        _query("b", "Duration", "p95", 300, **LIVE),
    ]
    span = _hours(seeded, 6, 3)
    whole = _read(cloudwatch, *queries, **span)
    parts: dict[str, dict[float, float]] = {name: {} for name in whole}
    statuses: dict[str, list[str]] = {name: [] for name in whole}
    pages = 0
    for answer in cloudwatch.get_paginator("get_metric_data").paginate(
        MetricDataQueries=queries,
        StartTime=span["start"],
        EndTime=span["end"],
        MaxDatapoints=50,
    ):
        pages += 1
        assert sum(len(r["Values"]) for r in answer["MetricDataResults"]) <= 50
        for result in answer["MetricDataResults"]:
            times = [t.timestamp() for t in result["Timestamps"]]
            assert not set(times) & set(parts[result["Id"]])
            parts[result["Id"]].update(zip(times, result["Values"], strict=True))
            statuses[result["Id"]].append(result["StatusCode"])
    assert parts == whole
    assert pages == 5
    assert statuses["a"] == ["PartialData"] * 3 + ["Complete"]


def test_a_foreign_token_is_refused(seeded, cloudwatch, refusal):
    """InvalidNextToken."""
    code, _, status = refusal(
        lambda: _read(
            cloudwatch, _query("a", "Errors", "Sum"), NextToken="abc", **_hours(seeded, 3)
        )
    )
    assert (code, status) == ("InvalidNextToken", 400)


def test_statistics_of_one_metric(seeded, cloudwatch):
    """GetMetricStatistics: simple or extended statistics, with the unit, in any order."""
    span = _hours(seeded, 3)
    common = {
        "Namespace": "AWS/Lambda",
        "MetricName": "Duration",
        "Dimensions": [{"Name": n, "Value": v} for n, v in LIVE.items()],
        "StartTime": span["start"],
        "EndTime": span["end"],
        "Period": 300,
    }
    simple = cloudwatch.get_metric_statistics(**common, Statistics=["Average", "Maximum"])
    extended = cloudwatch.get_metric_statistics(**common, ExtendedStatistics=["p95", "PR(:150)"])
    assert len(simple["Datapoints"]) == len(extended["Datapoints"]) == 12
    for point in simple["Datapoints"]:
        assert point["Unit"] == "Milliseconds"
        assert point["Average"] < point["Maximum"]
    by_math = _read(cloudwatch, _query("p", "Duration", "p95", **LIVE), **span)["p"]
    assert by_math == {
        p["Timestamp"].timestamp(): p["ExtendedStatistics"]["p95"] for p in extended["Datapoints"]
    }


def test_what_is_listed(seeded, cloudwatch):
    """ListMetrics: one row per metric and set of dimensions; filters match part of them."""
    rows = [
        (m["MetricName"], {d["Name"]: d["Value"] for d in m["Dimensions"]})
        for page in cloudwatch.get_paginator("list_metrics").paginate(
            Namespace="AWS/Lambda",
            MetricName="Duration",
            Dimensions=[{"Name": "FunctionName", "Value": "ocr"}],
        )
        for m in page["Metrics"]
    ]
    sets = [dimensions for _, dimensions in rows]
    assert {"FunctionName": "ocr"} in sets
    assert LIVE in sets
    assert {**LIVE, "ExecutedVersion": "1"} in sets
    assert len(sets) == 5


def test_own_metrics(seeded, cloudwatch, refusal):
    """PutMetricData: values with counts; percentiles need the values themselves."""
    now = seeded.now_s()
    datum = {"MetricName": "m", "Timestamp": now, "Dimensions": [{"Name": "d", "Value": "1"}]}
    cloudwatch.put_metric_data(
        Namespace="Own", MetricData=[{**datum, "Values": [1.0, 5.0], "Counts": [3.0, 1.0]}]
    )
    cloudwatch.put_metric_data(Namespace="Own", MetricData=[{**datum, "Value": 9.0}])
    found = cloudwatch.get_metric_statistics(
        Namespace="Own", MetricName="m", Dimensions=datum["Dimensions"], Period=300,
        StartTime=now - 600, EndTime=now + 600, Statistics=["Sum", "SampleCount", "Maximum"],
    )["Datapoints"]  # fmt: skip
    assert [(p["Sum"], p["SampleCount"], p["Maximum"]) for p in found] == [(17.0, 5.0, 9.0)]
    code, _, _ = refusal(
        lambda: cloudwatch.put_metric_data(
            Namespace="AWS/Lambda", MetricData=[{**datum, "Value": 1.0}]
        )
    )
    assert code == "InvalidParameterValue"


def test_concurrency_follows_little(seeded, cloudwatch):
    """ConcurrentExecutions: on average about rate x duration, at its peak more."""
    span = _hours(seeded, 2)
    found = _read(
        cloudwatch,
        _query("peak", "ConcurrentExecutions", "Maximum", 3600),
        _query("mean", "ConcurrentExecutions", "Average", 3600),
        **span,
    )
    (peak,), (mean,) = found["peak"].values(), found["mean"].values()
    assert 1 <= mean <= peak <= 10


@pytest.mark.parametrize(
    ("kind", "status"),
    [("partial", "PartialData"), ("error", "InternalError"), ("denied", "Forbidden")],
)
def test_status_codes_tell_of_faults(seeded, cloudwatch, kind, status):
    """Every result has a StatusCode; only Complete may be trusted."""
    seed_world(
        seeded,
        {"metric_faults": [{"kind": kind, "from_in_s": 0, "to_in_s": 600, "function": "ocr"}]},
    )
    span = _hours(seeded, 2)
    queries = [_query("a", "Errors", "Sum"), _query("b", "Errors", "Sum", FunctionName="plain")]

    def statuses():
        results = cloudwatch.get_metric_data(
            MetricDataQueries=queries, StartTime=span["start"], EndTime=span["end"]
        )["MetricDataResults"]
        return [(r["StatusCode"], len(r["Values"])) for r in results]

    assert statuses() == [(status, 6 if kind == "partial" else 0), ("Complete", 12)]
    seeded.advance(700.0)
    assert [code for code, _ in statuses()] == ["Complete", "Complete"]


def test_a_gap_never_heals(seeded, cloudwatch):
    """Minutes of a gap are absent under every period; wide periods count the rest."""
    span = _hours(seeded, 2)
    whole = _read(cloudwatch, _query("n", "Invocations", "Sum", 3600), **span)["n"]
    gap = {"kind": "gap", "from_s": span["start"] + 600, "to_s": span["start"] + 1800}
    seed_world(seeded, {"metric_faults": [gap]})
    found = _read(
        cloudwatch,
        _query("fine", "Invocations", "Sum", 300),
        _query("wide", "Invocations", "Sum", 3600),
        **span,
    )
    assert len(found["fine"]) == 8
    assert sum(found["wide"].values()) == sum(found["fine"].values()) < sum(whole.values())


def test_cloudwatch_may_be_very_late(seeded, cloudwatch):
    """Points can be late by far more than usual, and then appear."""
    seed_world(
        seeded,
        {"metric_faults": [{"kind": "delay", "from_in_s": 0, "to_in_s": 3600, "delay_s": 1800}]},
    )
    seeded.advance(1800.0)
    here = seeded.now_s() // 300 * 300
    query = _query("n", "Invocations", "Sum", 300, FunctionName="plain")
    assert max(_read(cloudwatch, query, start=here - 7200, end=here)["n"]) <= here - 1800
    seeded.advance(2000.0)
    later = _read(cloudwatch, query, start=here - 7200, end=here)["n"]
    assert max(later) == here - 300
