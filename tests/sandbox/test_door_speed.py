"""The doors cost little beside boto3 itself: generous bounds, to catch a thousandfold."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from typing import Any

import boto3

from controller.sandbox.dispatch import dispatch
from controller.sandbox.inprocess_door import as_http_request
from controller.sandbox.wire.http import HttpRequest

TOY = {
    "lambda": {
        "GetFunctionConfiguration": lambda world, ctx, params: {
            "FunctionName": params["FunctionName"],
            "MemorySize": 512,
        }
    },
    "cloudwatch": {
        "GetMetricData": lambda world, ctx, params: {
            "MetricDataResults": [
                {
                    "Id": query["Id"],
                    "Timestamps": [1_800_000_000 + 60 * minute for minute in range(10)],
                    "Values": [minute / 7 for minute in range(10)],
                    "StatusCode": "Complete",
                }
                for query in params["MetricDataQueries"]
            ]
        }
    },
}


def _prepared(service: str, call: Callable[[Any], Any]) -> HttpRequest:
    """The request that boto3 makes of a call; it is answered by nobody."""
    caught: list[HttpRequest] = []

    class Caught(Exception):
        pass

    def catch(request: Any, **_: Any) -> None:
        caught.append(as_http_request(request, request.url))
        raise Caught

    session = boto3.Session("AKIA-111122223333", "s", region_name="eu-west-1")
    session.events.register("before-send", catch)
    client = session.client(service, config=boto3.session.Config(retries={"total_max_attempts": 1}))
    with contextlib.suppress(Caught):
        call(client)
    return caught[0]


def _best_ms(world: Any, request: HttpRequest, calls: int) -> float:
    """CPU time per call, of the best of five rounds: what others do does not count."""
    rounds = []
    for _ in range(5):
        started_s = time.process_time()
        for _ in range(calls):
            assert dispatch(world, request, TOY).status == 200
        rounds.append((time.process_time() - started_s) / calls * 1000)
    return min(rounds)


def test_a_small_call_costs_less_than_boto3_does(world):
    """boto3 takes half a millisecond for a small call; the sandbox a fraction of that."""
    request = _prepared("lambda", lambda c: c.get_function_configuration(FunctionName="f"))
    assert _best_ms(world, request, 200) < 0.25


def test_a_batch_of_500_queries_costs_less_than_boto3_does(world):
    """boto3 takes fifty milliseconds for GetMetricData of 500 queries of 10 points."""
    queries = [
        {
            "Id": f"q{number}",
            "MetricStat": {
                "Metric": {
                    "Namespace": "AWS/Lambda",
                    "MetricName": "Duration",
                    "Dimensions": [
                        {"Name": "FunctionName", "Value": f"f{number}"},
                        {"Name": "Resource", "Value": f"f{number}:live"},
                    ],
                },
                "Period": 300,
                "Stat": "p95",
            },
        }
        for number in range(500)
    ]
    request = _prepared(
        "cloudwatch",
        lambda c: c.get_metric_data(MetricDataQueries=queries, StartTime=0, EndTime=600),
    )
    assert _best_ms(world, request, 3) < 50.0
