"""Invoke through real boto3; facts in the docstrings."""

import base64
import json
import re

import pytest

from controller.sandbox.seeding import seed_world

ACCOUNT = "111122223333"


def _seed(world, **more):
    function = {
        "name": "f",
        "memory_mb": 512,
        "timeout_s": 3,
        "versions": 1,
        "aliases": {"live": 1},
        "workload": {"curve": {"points": [[128, 100.0]]}, "cv": 0.1, "memory_mb": 200,
                     "init_ms": 300, **more.pop("workload", {})},
        **more,
    }  # fmt: skip
    seed_world(world, {"account": ACCOUNT, "functions": [function]})


def _tail(answer) -> str:
    return base64.b64decode(answer["LogResult"]).decode()


REPORT = re.compile(
    r"REPORT RequestId: (?P<id>[0-9a-f-]{36})\tDuration: (?P<ms>\d+\.\d\d) ms\t"
    r"Billed Duration: (?P<billed>\d+) ms\tMemory Size: (?P<size>\d+) MB\t"
    r"Max Memory Used: (?P<used>\d+) MB\t(?:Init Duration: (?P<init>\d+\.\d\d) ms\t)?"
)


def test_a_call_reports(world, connect):
    """LogType=Tail returns the log's tail with the REPORT line, base64; ExecutedVersion names
    what ran."""
    _seed(world)
    lam = connect("lambda")
    answer = lam.invoke(FunctionName="f", Qualifier="live", Payload=b"{}", LogType="Tail")
    assert (answer["StatusCode"], answer["ExecutedVersion"]) == (200, "1")
    assert "FunctionError" not in answer
    assert json.loads(answer["Payload"].read()) == {"statusCode": 200}
    report = REPORT.search(_tail(answer))
    assert report is not None
    assert report["size"] == "512"
    assert 150 < int(report["used"]) <= 200


def test_init_is_billed_and_happens_once(world, in_process):
    """INIT is billed (since August 2025) and shown only where an environment is fresh."""
    _seed(world)
    lam = in_process("lambda")
    reports = [REPORT.search(_tail(lam.invoke(FunctionName="f", LogType="Tail"))) for _ in range(3)]
    assert all(reports)
    first, *later = reports
    assert first["init"] is not None
    whole = float(first["ms"]) + float(first["init"])
    assert int(first["billed"]) == pytest.approx(whole, abs=1.0)
    assert int(first["billed"]) >= whole - 0.02
    assert [report["init"] for report in later] == [None, None]
    for report in later:
        assert int(report["billed"]) - 1 < float(report["ms"]) <= int(report["billed"])


def test_a_change_and_idleness_make_it_cold(world, in_process):
    """A settings change discards warm environments; so does a long idle time."""
    _seed(world)
    lam = in_process("lambda")

    def cold() -> bool:
        return "Init Duration" in _tail(lam.invoke(FunctionName="f", LogType="Tail"))

    assert [cold(), cold()] == [True, False]
    lam.update_function_configuration(FunctionName="f", MemorySize=1024)
    world.advance(30.0)
    assert [cold(), cold()] == [True, False]
    world.advance(3600.0)
    assert cold()


def test_a_handler_error_is_http_200(world, in_process):
    """A handler's error: HTTP 200 with FunctionError."""
    _seed(world, workload={"error_rate": 1.0})
    answer = in_process("lambda").invoke(FunctionName="f")
    assert (answer["StatusCode"], answer["FunctionError"]) == (200, "Unhandled")
    assert "errorMessage" in json.loads(answer["Payload"].read())


def test_out_of_memory(world, in_process):
    """Runtime.ExitError, "signal: killed"; Max Memory Used is the size."""
    _seed(world, memory_mb=128)
    answer = in_process("lambda").invoke(FunctionName="f", LogType="Tail")
    assert answer["FunctionError"] == "Unhandled"
    error = json.loads(answer["Payload"].read())
    assert error["errorType"] == "Runtime.ExitError"
    assert "signal: killed" in error["errorMessage"]
    assert REPORT.search(_tail(answer))["used"] == "128"


def test_a_timeout(world, in_process):
    """ "Task timed out after 3.00 seconds"; the duration is the timeout."""
    _seed(world, workload={"curve": {"points": [[128, 60_000.0]]}})
    answer = in_process("lambda").invoke(FunctionName="f", LogType="Tail")
    assert answer["FunctionError"] == "Unhandled"
    assert (
        "Task timed out after 3.00 seconds" in json.loads(answer["Payload"].read())["errorMessage"]
    )
    assert REPORT.search(_tail(answer))["ms"] == "3000.00"


def test_weights_choose_the_version(world, in_process):
    """An alias with weights sends that share of calls to the other version."""
    _seed(world)
    lam = in_process("lambda")
    lam.update_function_configuration(FunctionName="f", MemorySize=1024)
    world.advance(30.0)
    lam.publish_version(FunctionName="f")
    lam.update_alias(
        FunctionName="f", Name="live", RoutingConfig={"AdditionalVersionWeights": {"2": 0.25}}
    )
    versions = [
        lam.invoke(FunctionName="f", Qualifier="live")["ExecutedVersion"] for _ in range(400)
    ]
    assert versions.count("2") / 400 == pytest.approx(0.25, abs=0.07)


def test_other_ways_to_invoke(world, in_process):
    """DryRun is 204 and runs nothing; Event is 202 without an answer."""
    _seed(world)
    lam = in_process("lambda")
    assert lam.invoke(FunctionName="f", InvocationType="DryRun")["StatusCode"] == 204
    assert lam.invoke(FunctionName="f", InvocationType="Event")["StatusCode"] == 202
    assert len(world.region(ACCOUNT).invocations["f"]) == 1


def test_calls_in_progress_count_where_time_moves(world, in_process, refusal):
    """More calls at once than reserved: 429."""
    _seed(world, reserved_concurrency=2, workload={"curve": {"points": [[128, 2500.0]]}})
    lam = in_process("lambda")
    for _ in range(2):
        lam.invoke(FunctionName="f")
        world.advance(0.1)
    assert refusal(lambda: lam.invoke(FunctionName="f"))[::2] == ("TooManyRequestsException", 429)
    world.advance(10.0)
    assert lam.invoke(FunctionName="f")["StatusCode"] == 200


def test_the_same_image_behaves_the_same(world, in_process):
    """A second function with the same code is as fast as the first."""
    _seed(world, package_type="Image")
    lam = in_process("lambda")
    code = lam.get_function(FunctionName="f")["Code"]
    lam.create_function(
        FunctionName="shadow", PackageType="Image", Code={"ImageUri": code["ImageUri"]},
        Role=f"arn:aws:iam::{ACCOUNT}:role/f", MemorySize=1024,
    )  # fmt: skip
    world.advance(10.0)
    report = REPORT.search(_tail(lam.invoke(FunctionName="shadow", LogType="Tail")))
    assert float(report["ms"]) == pytest.approx(100.0, rel=0.5)
    assert int(report["used"]) > 150


def test_calls_show_in_metrics_and_logs(world, in_process):
    """Calls of the API are in the same metrics as all others, under the alias that was used."""
    _seed(world)
    lam, cloudwatch = in_process("lambda"), in_process("cloudwatch")
    for _ in range(7):
        lam.invoke(FunctionName="f", Qualifier="live")
    lam.invoke(FunctionName="f")
    world.advance(600.0)

    def count(**dimensions: str) -> float:
        answer = cloudwatch.get_metric_statistics(
            Namespace="AWS/Lambda",
            MetricName="Invocations",
            Dimensions=[{"Name": n, "Value": v} for n, v in dimensions.items()],
            StartTime=world.start_s,
            EndTime=world.now_s(),
            Period=3600,
            Statistics=["Sum"],
        )
        return sum(point["Sum"] for point in answer["Datapoints"])

    assert count(FunctionName="f") == 8
    assert count(FunctionName="f", Resource="f:live") == 7
    assert count(FunctionName="f", Resource="f") == 1
    assert count(FunctionName="f", Resource="f:live", ExecutedVersion="1") == 7
