"""What is refused before a service thinks about it, and in which words."""

from __future__ import annotations

import json
from typing import Any

import pytest

from controller.sandbox.dispatch import dispatch
from controller.sandbox.extensions import state_of
from controller.sandbox.front import Front
from controller.sandbox.wire.http import HttpRequest


def _echo(world: Any, ctx: Any, params: Any) -> dict[str, Any]:
    return {"FunctionName": params["FunctionName"], "MemorySize": params.get("MemorySize", 128)}


TOY = {
    "lambda": {"UpdateFunctionConfiguration": _echo},
    "cloudwatch": {"GetMetricData": lambda world, ctx, params: {"MetricDataResults": []}},
    "logs": {"GetQueryResults": lambda world, ctx, params: {}},
    "resourcegroupstaggingapi": {"GetResources": lambda world, ctx, params: {}},
}


def test_a_maximum_is_enforced_by_the_service_not_by_botocore(connect, refusal):
    """AWS: Lambda's MemorySize goes up to the model's maximum; more is a ValidationException
    (400). botocore sends it: it checks minimums only."""
    client = connect("lambda", services=TOY)
    call = refusal(
        lambda: client.update_function_configuration(FunctionName="f", MemorySize=50_000)
    )
    assert call[::2] == ("ValidationException", 400)
    assert call[1].startswith(
        "1 validation error detected: Value '50000' at 'memorySize' failed to satisfy "
        "constraint: Member must have value less than or equal to "
    )


def test_a_minimum_is_enforced_too(connect, refusal):
    """AWS: MemorySize below 128 is a ValidationException for clients that do not check."""
    client = connect("lambda", services=TOY, parameter_validation=False)
    call = refusal(lambda: client.update_function_configuration(FunctionName="f", MemorySize=64))
    assert call[0] == "ValidationException"
    assert call[1].endswith("Member must have value greater than or equal to 128")


def test_an_enum_is_enforced(connect, refusal):
    """AWS: a value outside an enum is refused with the whole enum in the message."""
    client = connect("lambda", services=TOY)
    call = refusal(
        lambda: client.update_function_configuration(FunctionName="f", Runtime="cobol85")
    )
    assert call[0] == "ValidationException"
    assert "Value 'cobol85' at 'runtime' failed to satisfy constraint: " in call[1]
    assert "Member must satisfy enum value set: [" in call[1]


def test_all_violations_are_told_at_once(connect, refusal):
    """AWS: one answer counts and lists every violation."""
    client = connect("lambda", services=TOY)
    call = refusal(
        lambda: client.update_function_configuration(
            FunctionName="not a name", MemorySize=99_999, Timeout=9_999
        )
    )
    assert call[1].startswith("3 validation errors detected: ")
    for place in ("functionName", "memorySize", "timeout"):
        assert f"at '{place}' failed to satisfy constraint" in call[1]


def test_a_place_inside_a_list_is_named(connect, refusal):
    """AWS: violations in lists name the place, counted from 1, and `member`."""
    client = connect("cloudwatch", services=TOY, parameter_validation=False)
    good = {"Id": "a", "Expression": "1"}
    bad = {"Id": "", "Expression": "1"}
    call = refusal(
        lambda: client.get_metric_data(MetricDataQueries=[good, bad], StartTime=1, EndTime=2)
    )
    assert call[0] == "ValidationError"
    assert "at 'metricDataQueries.2.member.id' failed" in call[1]


_TOO_LONG = [{"Id": "a" * 300, "Expression": "1"}]


@pytest.mark.parametrize(
    ("service", "code", "operation", "params"),
    [
        (
            "lambda",
            "ValidationException",
            "update_function_configuration",
            {"FunctionName": "f", "Timeout": 9999},
        ),
        (
            "cloudwatch",
            "ValidationError",
            "get_metric_data",
            {"MetricDataQueries": _TOO_LONG, "StartTime": 1, "EndTime": 2},
        ),
        ("logs", "InvalidParameterException", "get_query_results", {"queryId": "x" * 300}),
        (
            "resourcegroupstaggingapi",
            "InvalidParameterException",
            "get_resources",
            {"TagFilters": [{"Key": "k" * 200}]},
        ),
    ],
)
def test_each_service_has_its_own_code(in_process, refusal, service, code, operation, params):
    """AWS: the same kind of mistake is ValidationException at Lambda, ValidationError at
    CloudWatch and STS, InvalidParameterException at Logs and Tagging."""
    client = in_process(service, services=TOY)
    assert refusal(lambda: getattr(client, operation)(**params))[0] == code


def _post(target: str, body: bytes) -> HttpRequest:
    scope = "AKIA/20260101/eu-west-1/monitoring/aws4_request"
    headers = {
        "authorization": f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=0",
        "x-amz-target": target,
        "content-type": "application/x-amz-json-1.0",
    }
    return HttpRequest("POST", "/", "", headers, body)


@pytest.mark.parametrize(
    "body",
    [
        b"not json",
        b"\xff\xfe",
        b"[]",
        b'{"MetricDataQueries": {}}',
        b'{"MetricDataQueries": [1]}',
        b'{"MetricDataQueries": [{"Id": 5}]}',
        b'{"MetricDataQueries": [], "StartTime": "never"}',
        b'{"MetricDataQueries": [], "StartTime": 1e300}',
        b'{"MetricDataQueries": [], "StartTime": true}',
        b"[" * 100_000,
    ],
)
def test_what_cannot_be_read_is_a_client_error(world, body):
    """AWS: a body that is not what the model says is a SerializationException (400)."""
    response = dispatch(world, _post("GraniteServiceVersion20100801.GetMetricData", body), TOY)
    assert response.status == 400
    assert json.loads(response.body)["__type"] == "SerializationException"


def test_unknown_members_and_nulls_are_ignored(world):
    """AWS: JSON services ignore members they do not know and take null as absent."""
    body = b'{"MetricDataQueries": [], "StartTime": 1, "EndTime": 2, "New": [1], "NextToken": null}'
    response = dispatch(world, _post("GraniteServiceVersion20100801.GetMetricData", body), TOY)
    assert response.status == 200


def test_a_required_member_may_not_be_missing(world):
    """AWS: a missing required member is told as `Member must not be null`."""
    body = b'{"MetricDataQueries": []}'
    response = dispatch(world, _post("GraniteServiceVersion20100801.GetMetricData", body), TOY)
    assert response.headers["x-amzn-query-error"] == "ValidationError;Sender"
    assert "Value null at 'startTime' failed to satisfy" in json.loads(response.body)["message"]


def test_an_operation_that_is_not_here_is_a_client_error_naming_it(connect, world, refusal):
    """The sandbox: what it lacks is a 400 that boto3 does not retry, never a 500."""
    client = connect("cloudwatch", attempts=4)
    call = refusal(lambda: client.delete_dashboards(DashboardNames=["a"]))
    assert call[::2] == ("NotImplementedInSandbox", 400)
    assert "cloudwatch.DeleteDashboards" in call[1]
    assert len(state_of(world, Front).recorder.calls()) == 1


@pytest.mark.parametrize(
    ("service", "call", "words"),
    [
        ("dynamodb", lambda c: c.list_tables(), "DynamoDB_20120810.ListTables"),
        ("sns", lambda c: c.list_topics(), "ListTopics"),
        ("s3", lambda c: c.list_buckets(), "s3"),
        ("apigateway", lambda c: c.get_rest_apis(), "GET /restapis"),
        ("sqs", lambda c: c.list_queues(), "ListQueues"),
    ],
)
def test_a_service_that_is_not_here_is_a_client_error_naming_it(
    connect, world, refusal, service, call, words
):
    """The sandbox: clients of any protocol can read the refusal, and do not retry it."""
    client = connect(service, attempts=4)
    code, message, status = refusal(lambda: call(client))
    assert (code, status) == ("NotImplementedInSandbox", 400)
    assert words in message
    assert len(state_of(world, Front).recorder.calls()) == 1


def test_a_path_that_lambda_does_not_have(world):
    """The sandbox: a REST path of no operation is refused in the same way."""
    headers = {"authorization": "Credential=AKIA/20260101/eu-west-1/lambda/aws4_request,"}
    response = dispatch(world, HttpRequest("PUT", "/2015-03-31/nothing", "", headers, b""))
    assert response.status == 400
    assert response.headers["x-amzn-errortype"] == "NotImplementedInSandbox"
    assert b"PUT /2015-03-31/nothing" in response.body


@pytest.mark.parametrize("header", ["Basic abc", "AWS4-HMAC-SHA256 Credential=x", ""])
def test_a_signature_that_cannot_be_read(world, header):
    """AWS: an Authorization header without a whole credential scope is IncompleteSignature."""
    request = HttpRequest("POST", "/", "", {"authorization": header, "x-amz-target": "A.B"}, b"{}")
    response = dispatch(world, request)
    assert response.status == 400
    assert json.loads(response.body)["__type"] == "IncompleteSignature"
