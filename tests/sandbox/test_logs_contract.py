"""Logs Insights through real boto3; each test cites the fact it holds to."""

import pytest

from controller.sandbox.seeding import seed_world

ACCOUNT = "111122223333"
REPORTS = (
    'filter @type = "REPORT" | stats max(@maxMemoryUsed) as maxUsed, count(*) as n, '
    "count(@initDuration) as cold, avg(@initDuration) as initMean, "
    "pct(@initDuration, 95) as initP95 by @memorySize"
)
GROUP = "/aws/lambda/f"


@pytest.fixture
def logs(world, in_process):
    seed_world(
        world,
        {
            "account": ACCOUNT,
            "functions": [
                {
                    "name": "f",
                    "memory_mb": 1024,
                    "memory_history": [[20, 3008]],
                    "unchanged_days": 2,
                    "workload": {
                        "curve": {"a_ms": 50, "b": 10_000},
                        "memory_mb": 400,
                        "init_ms": 500,
                        "traffic": {"rps": 2},
                    },
                },
                {"name": "silent", "has_log_group": False},
                {"name": "idle"},
            ],
        },
    )
    return in_process("logs")


def _start(logs, world, text=REPORTS, hours=24.0, group=GROUP, **more):
    now = int(world.now_s())
    return logs.start_query(
        logGroupName=group,
        startTime=now - int(hours * 3600),
        endTime=now,
        queryString=text,
        **more,
    )["queryId"]


def _ask(logs, world, text=REPORTS, **more):
    query = _start(logs, world, text, **more)
    world.advance(10.0)
    answer = logs.get_query_results(queryId=query)
    assert answer["status"] == "Complete"
    return [{cell["field"]: cell["value"] for cell in row} for row in answer["results"]]


def test_report_fields_have_awss_units(logs, world):
    """@maxMemoryUsed and @memorySize are bytes of decimal megabytes (1024 MB is 1.024E9),
    durations milliseconds; every value is a string."""
    (row,) = _ask(logs, world)
    assert float(row["@memorySize"]) == 1024e6
    assert float(row["maxUsed"]) == pytest.approx(400e6, rel=0.01)
    assert float(row["initMean"]) == pytest.approx(500, rel=0.2)
    assert float(row["initP95"]) >= float(row["initMean"])
    assert 0 < int(row["cold"]) < int(row["n"])
    assert all(isinstance(value, str) for value in row.values())
    assert row["@memorySize"] == "1.024E9"


def test_counts_are_those_of_the_metrics(logs, world, in_process):
    """One REPORT per call that was not throttled: as many as Invocations counts."""
    world.advance(3600.0 - world.now_s() % 3600.0 + 300.0)
    end = int(world.now_s() // 3600 * 3600)
    query = logs.start_query(
        logGroupName=GROUP, startTime=end - 7200, endTime=end - 1, queryString=REPORTS
    )["queryId"]
    world.advance(10.0)
    cells = logs.get_query_results(queryId=query)["results"][0]
    logged = int(next(cell["value"] for cell in cells if cell["field"] == "n"))
    points = in_process("cloudwatch").get_metric_statistics(
        Namespace="AWS/Lambda", MetricName="Invocations", Period=3600, Statistics=["Sum"],
        Dimensions=[{"Name": "FunctionName", "Value": "f"}], StartTime=end - 7200, EndTime=end,
    )["Datapoints"]  # fmt: skip
    assert logged == sum(point["Sum"] for point in points)


def test_sizes_are_grouped(logs, world):
    """A fortnight that saw two sizes gives two rows."""
    rows = _ask(logs, world, hours=24 * 10)
    assert sorted(float(row["@memorySize"]) for row in rows) == [1024e6, 3008e6]


def test_a_query_takes_seconds(logs, world):
    """Scheduled, Running, Complete; no rows before."""
    query = _start(logs, world)
    seen = []
    for _ in range(60):
        answer = logs.get_query_results(queryId=query)
        if answer["status"] not in seen:
            seen.append(answer["status"])
        assert bool(answer["results"]) == (answer["status"] == "Complete")
        world.advance(0.1)
    assert seen == ["Scheduled", "Running", "Complete"]


def test_a_missing_log_group(logs, world, refusal):
    """ResourceNotFoundException for a log group that is not there."""
    for group in ("/aws/lambda/ghost", "/aws/lambda/silent"):
        assert refusal(lambda g=group: _start(logs, world, group=g))[0] == (
            "ResourceNotFoundException"
        )


@pytest.mark.parametrize(
    "text",
    [
        "filter @type = ",
        "stats count(*) by",
        "parse @message '*' as x",
        "select * from logs",
        "stats nonsense(@duration)",
        "filter nonsense(@duration) | stats count(*)",
        "stats count(*) | stats count(*)",
        'filter @type = "REPORT',
        "",
        "|",
    ],
)
def test_what_cannot_be_read_is_malformed(logs, world, refusal, text):
    """MalformedQueryException, never an empty answer."""
    code, _, status = refusal(lambda: _start(logs, world, text))
    assert (code, status) in (("MalformedQueryException", 400), ("InvalidParameterException", 400))


def test_nothing_logged_is_no_row(logs, world):
    """No lines, groups asked: no rows."""
    assert _ask(logs, world, group="/aws/lambda/idle") == []


def test_nothing_logged_without_groups(logs, world):
    """No lines, no groups: counting gives 0."""
    assert _ask(logs, world, "stats count(*) as n", group="/aws/lambda/idle") == [{"n": "0"}]


@pytest.mark.parametrize(
    ("text", "check"),
    [
        (
            'filter @type = "REPORT" | stats max(@memorySize / 1000 / 1000) as mb',
            lambda rows: rows == [{"mb": "1024"}],
        ),
        (
            "stats count(*) as n by @type | sort @type asc",
            lambda rows: (
                [r["@type"] for r in rows] == ["END", "REPORT", "START"]
                and len({r["n"] for r in rows}) == 1
            ),
        ),
        (
            'filter @type = "REPORT" and @duration > 1 | stats min(@duration) as d, '
            "max(@billedDuration) as b, avg(@duration) as a",
            lambda rows: float(rows[0]["d"]) < float(rows[0]["a"]) < float(rows[0]["b"]),
        ),
        (
            "filter ispresent(@initDuration) | stats count(*) as cold",
            lambda rows: int(rows[0]["cold"]) > 0,
        ),
        (
            "filter @type like /REP/ | stats count(*) as n by bin(1h) | sort n desc | limit 3",
            lambda rows: len(rows) == 3 and int(rows[0]["n"]) >= int(rows[2]["n"]),
        ),
        (
            "stats count(*) as n by @type | filter @type in ['START', 'END']",
            lambda rows: {r["@type"] for r in rows} == {"START", "END"},
        ),
        (
            'filter @type = "REPORT" | fields @duration, @maxMemoryUsed / 1000000 as mb | limit 4',
            lambda rows: len(rows) == 4 and all(300 < float(r["mb"]) <= 400 for r in rows),
        ),
        (
            'filter not (@type = "START" or @type = "END") | stats pct(@duration, 50) as p',
            lambda rows: float(rows[0]["p"]) == pytest.approx(59, rel=0.1),
        ),
    ],
)
def test_other_questions(logs, world, text, check):
    """The language's other words: arithmetic, and/or/not, like, in, ispresent, bin, sort."""
    assert check(_ask(logs, world, text))


def test_queries_can_be_stopped(logs, world, refusal):
    """StopQuery cancels what runs; what has ended cannot be stopped."""
    query = _start(logs, world)
    assert logs.stop_query(queryId=query)["success"]
    world.advance(10.0)
    assert logs.get_query_results(queryId=query)["status"] == "Cancelled"
    assert refusal(lambda: logs.stop_query(queryId=query))[0] == "InvalidParameterException"


def test_thirty_queries_at_once(logs, world, refusal):
    """LimitExceededException beyond 30 concurrent queries."""
    for _ in range(30):
        _start(logs, world, hours=0.1)
    assert refusal(lambda: _start(logs, world))[0] == "LimitExceededException"
    world.advance(10.0)
    _start(logs, world)


def test_queries_belong_to_an_account(logs, world, in_process, refusal):
    """A query of another account or region is not found."""
    query = _start(logs, world)
    other = in_process("logs", key="AKIA-999988887777")
    assert refusal(lambda: other.get_query_results(queryId=query))[0] == (
        "ResourceNotFoundException"
    )
