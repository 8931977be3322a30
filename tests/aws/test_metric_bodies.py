"""GetMetricData's queries go out as botocore itself would have written them."""

from typing import Any

import boto3
from stub_aws import Answer, StillClock, StubAws

from controller.model.policy import Scope

ASKED: dict[str, Any] = {
    "MetricDataQueries": [
        {
            "Id": f"q{number}",
            "MetricStat": {
                "Metric": {
                    "Namespace": "AWS/Lambda",
                    "MetricName": "Duration",
                    "Dimensions": [{"Name": "FunctionName", "Value": f"café-{number}"}],
                },
                "Period": 300,
                "Stat": "PR(:250)",
            },
            "ReturnData": True,
        }
        for number in range(3)
    ],
    "StartTime": 1_790_000_000,
    "EndTime": 1_790_003_600,
    "ScanBy": "TimestampAscending",
}


def test_botocore_would_have_written_the_same(
    stub: StubAws, clock: StillClock, scope: Scope
) -> None:
    stub.on("GetMetricData", *[Answer({"MetricDataResults": [], "Messages": []})] * 3)
    asked = dict(ASKED)
    client = stub.sessions(clock).cloudwatch(scope)
    client.get_metric_data(**asked)
    client.get_metric_data(**asked)
    boto3.Session("AKID", "secret").client(
        "cloudwatch", region_name=scope.region, endpoint_url=stub.url
    ).get_metric_data(**asked)
    first, second, plain = stub.asked
    assert first.body == second.body == plain.body
    assert len(plain.body["MetricDataQueries"]) == 3
    assert asked == ASKED


def test_results_are_read_as_botocore_reads_them(
    stub: StubAws, clock: StillClock, scope: Scope
) -> None:
    result = {
        "Id": "q0",
        "Label": "Duration",
        "Timestamps": [1_790_000_000, 1_790_000_300.0],
        "Values": [1, 2.5],
        "StatusCode": "Complete",
        "Messages": [{"Code": "Some", "Value": "text"}],
    }
    more = {"Id": "q1", "StatusCode": "InternalError"}
    answer = Answer({"MetricDataResults": [result, more], "Messages": [], "NextToken": "on"})
    stub.on("GetMetricData", answer, answer)
    ours = stub.sessions(clock).cloudwatch(scope).get_metric_data(**ASKED)
    plain = (
        boto3.Session("AKID", "secret")
        .client("cloudwatch", region_name=scope.region, endpoint_url=stub.url)
        .get_metric_data(**ASKED)
    )
    theirs = plain["MetricDataResults"]
    theirs[0]["Timestamps"] = [at.timestamp() for at in theirs[0]["Timestamps"]]
    theirs[1]["Timestamps"] = []
    assert ours["MetricDataResults"] == theirs
    assert ours["NextToken"] == plain["NextToken"]
    assert ours["Messages"] == plain["Messages"]
