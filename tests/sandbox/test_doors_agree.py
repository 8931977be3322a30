"""One world, whichever door one comes through: the same calls give the same answers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError
from botocore.response import StreamingBody

from controller.sandbox.extensions import state_of
from controller.sandbox.front import Front
from controller.sandbox.http_door import SandboxServer
from controller.sandbox.inprocess_door import attach
from controller.sandbox.seeding import seed_world
from controller.sandbox.world import World

ACCOUNT = "111122223333"
SEED = {
    "account": ACCOUNT,
    "functions": [
        {
            "name": "ocr",
            "memory_mb": 1024,
            "versions": 2,
            "aliases": {"live": 2},
            "tags": {"team": "search"},
            "workload": {"traffic": {"rps": 2.0}},
        }
    ],
}


def _story(clients: Callable[[str], Any], world: World) -> list[Any]:
    """A day with every service; errors are part of it."""
    told: list[Any] = []

    def tell(service: str, operation: str, **params: Any) -> Any:
        try:
            answer = getattr(clients(service), operation)(**params)
        except ClientError as error:
            answer = error.response
        answer = {n: v.read() if isinstance(v, StreamingBody) else v for n, v in answer.items()}
        metadata = answer.pop("ResponseMetadata")
        told.append((operation, metadata["RequestId"], metadata["HTTPStatusCode"], answer))
        return answer

    now_s = world.now_s()
    tell("sts", "get_caller_identity")
    tell("resourcegroupstaggingapi", "get_resources", TagFilters=[{"Key": "team"}])
    before = tell("lambda", "get_function_configuration", FunctionName="ocr")
    tell("lambda", "update_function_configuration", FunctionName="ocr", MemorySize=2048)
    tell("lambda", "update_function_configuration", FunctionName="ocr", MemorySize=512)
    world.advance(60)
    stale = {"FunctionName": "ocr", "MemorySize": 256, "RevisionId": before["RevisionId"]}
    tell("lambda", "update_function_configuration", **stale)
    tell("lambda", "publish_version", FunctionName="ocr")
    tell("lambda", "get_alias", FunctionName="ocr", Name="live")
    tell("lambda", "invoke", FunctionName="ocr", Payload=b"{}", LogType="Tail")
    tell("lambda", "get_function_configuration", FunctionName="nobody")
    tell("lambda", "list_functions", MaxItems=10)
    query = {
        "Id": "p95",
        "MetricStat": {
            "Metric": {
                "Namespace": "AWS/Lambda",
                "MetricName": "Duration",
                "Dimensions": [{"Name": "FunctionName", "Value": "ocr"}],
            },
            "Period": 300,
            "Stat": "p95",
        },
    }
    window = {"StartTime": now_s - 3600, "EndTime": now_s}
    results = tell("cloudwatch", "get_metric_data", MetricDataQueries=[query], **window)
    assert results["MetricDataResults"][0]["Values"]
    started = tell(
        "logs",
        "start_query",
        logGroupName="/aws/lambda/ocr",
        startTime=int(now_s - 3600),
        endTime=int(now_s),
        queryString='filter @type = "REPORT" | stats max(@maxMemoryUsed) by @memorySize',
    )
    world.advance(30)
    tell("logs", "get_query_results", queryId=started.get("queryId", "none"))
    tell("pricing", "get_products", ServiceCode="AWSLambda", MaxResults=3)
    return told


def _clients(session: boto3.Session, **more: Any) -> Callable[[str], Any]:
    made: dict[str, Any] = {}
    config = Config(retries={"total_max_attempts": 1})

    def client(service: str) -> Any:
        if service not in made:
            region = "us-east-1" if service == "pricing" else "eu-west-1"
            made[service] = session.client(service, region_name=region, config=config, **more)
        return made[service]

    return client


def _world() -> World:
    world = World(seed=7)
    seed_world(world, SEED)
    return world


def test_both_doors_tell_the_same_story() -> None:
    """The sandbox: the doors differ in transport only, down to the request ids."""
    world = _world()
    session = boto3.Session(f"AKIA-{ACCOUNT}", "s")
    attach(session, world)
    inside = _story(_clients(session), world)

    other = _world()
    with SandboxServer(other) as server:
        outside = _story(
            _clients(boto3.Session(f"AKIA-{ACCOUNT}", "s"), endpoint_url=server.url), other
        )
    assert inside == outside
    calls = [state_of(each, Front).recorder.calls() for each in (world, other)]
    assert calls[0] == calls[1]
    statuses = [status for _, _, status, _ in inside]
    assert {200, 201, 404, 409, 412} == set(statuses)
