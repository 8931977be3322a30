"""One service, several protocols; one protocol, all its places."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.model import ServiceModel
from botocore.parsers import ResponseParserFactory
from botocore.serialize import create_serializer

from controller.sandbox.dispatch import dispatch
from controller.sandbox.wire import cbor
from controller.sandbox.wire.catalog import load_service
from controller.sandbox.wire.contract import AwsError
from controller.sandbox.wire.http import HttpRequest
from controller.sandbox.wire.malformed import MalformedError

SCOPE = "Credential=AKIA-111122223333/20260101/eu-west-1/{}/aws4_request, SignedHeaders=host"


def _results(world: Any, ctx: Any, params: Any) -> dict[str, Any]:
    if params["MetricDataQueries"][0]["Id"] == "missing":
        raise AwsError("ResourceNotFound", "No such thing.", 404)
    return {
        "MetricDataResults": [
            {
                "Id": query["Id"],
                "Timestamps": [params["StartTime"], params["EndTime"].timestamp()],
                "Values": [1, 2.5],
                "StatusCode": "Complete",
            }
            for query in params["MetricDataQueries"]
        ]
    }


TOY = {"cloudwatch": {"GetMetricData": _results}}


def _asked(protocol: str, query_id: str) -> tuple[Any, Any]:
    """Ask as a client of this protocol would; returns (parsed answer, shape)."""
    model = load_service("cloudwatch").model.operation_model("GetMetricData")
    params = {
        "MetricDataQueries": [{"Id": query_id, "Expression": "1", "ReturnData": True}],
        "StartTime": 1_800_000_000,
        "EndTime": 1_800_000_300,
    }
    sent = create_serializer(protocol).serialize_to_request(params, model)
    body = sent["body"]
    if isinstance(body, dict):
        from urllib.parse import urlencode

        body = urlencode(body).encode()
    headers = {name.lower(): value for name, value in sent["headers"].items()}
    headers["authorization"] = SCOPE.format("monitoring")
    return HttpRequest("POST", sent["url_path"], "", headers, body), model.output_shape


@pytest.mark.parametrize("protocol", ["json", "smithy-rpc-v2-cbor", "query"])
def test_cloudwatch_answers_alike_in_each_of_its_protocols(world, protocol):
    """AWS: CloudWatch speaks JSON 1.0, RPC v2 CBOR and query; which one is the SDK's choice."""
    request, shape = _asked(protocol, "a1")
    response = dispatch(world, request, TOY)
    raw = {"status_code": 200, "headers": response.headers, "body": response.body}
    parsed = ResponseParserFactory().create_parser(protocol).parse(raw, shape)
    (result,) = parsed["MetricDataResults"]
    assert result["Values"] == [1.0, 2.5]
    assert [stamp.timestamp() for stamp in result["Timestamps"]] == [1_800_000_000, 1_800_000_300]


@pytest.mark.parametrize("protocol", ["json", "smithy-rpc-v2-cbor", "query"])
def test_timestamps_keep_their_milliseconds(world, protocol):
    """AWS: timestamps of answers carry milliseconds where there are some."""
    instant = datetime(2026, 3, 1, 12, 0, 0, 250_000, UTC)
    late = {"MetricDataResults": [{"Id": "a1", "Timestamps": [instant], "Values": [0.5]}]}
    request, shape = _asked(protocol, "a1")
    response = dispatch(world, request, {"cloudwatch": {"GetMetricData": lambda *_: late}})
    raw = {"status_code": 200, "headers": response.headers, "body": response.body}
    parsed = ResponseParserFactory().create_parser(protocol).parse(raw, shape)
    assert parsed["MetricDataResults"][0]["Timestamps"] == [instant]


def test_a_timestamp_without_a_zone_is_a_handlers_mistake(world):
    """The sandbox: a naive datetime has no meaning on the wire."""
    naive = {"MetricDataResults": [{"Timestamps": [datetime(2026, 3, 1)]}]}  # noqa: DTZ001
    request, _ = _asked("json", "a1")
    with pytest.raises(TypeError, match="no time zone"):
        dispatch(world, request, {"cloudwatch": {"GetMetricData": lambda *_: naive}})


@pytest.mark.parametrize("protocol", ["json", "smithy-rpc-v2-cbor", "query"])
def test_cloudwatch_keeps_its_query_error_codes(world, protocol):
    """AWS: services that came from the query protocol send the old code in
    x-amzn-query-error, and the SDK shows that one."""
    request, shape = _asked(protocol, "missing")
    response = dispatch(world, request, TOY)
    assert response.status == 404
    raw = {"status_code": 404, "headers": response.headers, "body": response.body}
    parsed = ResponseParserFactory().create_parser(protocol).parse(raw, shape)
    assert parsed["Error"]["Code"] == "ResourceNotFound"
    assert parsed["Error"]["Message"] == "No such thing."


def test_the_sandbox_speaks_what_this_botocore_picks():
    """AWS's SDK picks a protocol by its own order of preference: each must be here."""
    for name in ("lambda", "cloudwatch", "logs", "sts", "pricing", "resourcegroupstaggingapi"):
        service = load_service(name)
        fresh = ServiceModel(service.model._service_description, name)
        service.codec(fresh.resolved_protocol)


def _invoke(world: Any, ctx: Any, params: Any) -> dict[str, Any]:
    return {
        "StatusCode": 200,
        "Payload": bytes(reversed(params["Payload"])),
        "FunctionError": "Unhandled",
        "LogResult": "TG9n",
        "ExecutedVersion": params.get("Qualifier", "$LATEST"),
        "ResponseMetadata": {"HTTPHeaders": {"x-amz-extra": params["FunctionName"]}},
    }


REST = {
    "lambda": {
        "Invoke": _invoke,
        "DeleteFunction": lambda world, ctx, params: {"StatusCode": 204},
        "PutFunctionConcurrency": lambda world, ctx, params: params,
        "ListTags": lambda world, ctx, params: {"Tags": {"resource": params["Resource"]}},
        "ListProvisionedConcurrencyConfigs": lambda *_: {"NextMarker": "list"},
        "GetProvisionedConcurrencyConfig": lambda *_: {"Status": "READY"},
        "ListVersionsByFunction": lambda world, ctx, params: {
            "NextMarker": f"{params.get('MaxItems')}"
        },
    }
}


def test_invoke_has_its_answer_in_headers_status_and_a_raw_body(connect):
    """AWS: Invoke's payload is the body as it is; FunctionError, LogResult and
    ExecutedVersion are headers; a handler's error is still HTTP 200."""
    client = connect("lambda", services=REST)
    payload = bytes(range(256))
    answer = client.invoke(FunctionName="f", Payload=payload, Qualifier="live")
    assert answer["StatusCode"] == 200
    assert answer["Payload"].read() == bytes(reversed(payload))
    assert answer["FunctionError"] == "Unhandled"
    assert answer["LogResult"] == "TG9n"
    assert answer["ExecutedVersion"] == "live"
    assert answer["ResponseMetadata"]["HTTPHeaders"]["x-amz-extra"] == "f"


def test_a_name_in_the_path_may_be_an_arn(connect):
    """AWS: FunctionName may be a whole ARN, whose colons the SDK escapes in the path."""
    arn = "arn:aws:lambda:eu-west-1:111122223333:function:f"
    client = connect("lambda", services=REST)
    assert client.list_tags(Resource=arn)["Tags"] == {"resource": arn}


def test_an_answer_without_a_body(connect):
    """AWS: DeleteFunction answers 204 with nothing in it."""
    answer = connect("lambda", services=REST).delete_function(FunctionName="f")
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 204


def test_a_fixed_query_parameter_tells_operations_on_one_path_apart(connect):
    """AWS: GET .../provisioned-concurrency lists with ?List=ALL and gets with ?Qualifier=."""
    client = connect("lambda", services=REST)
    listed = client.list_provisioned_concurrency_configs(FunctionName="f")
    assert listed["NextMarker"] == "list"
    one = client.get_provisioned_concurrency_config(FunctionName="f", Qualifier="live")
    assert one["Status"] == "READY"


def test_numbers_in_the_query_string(connect, refusal):
    """AWS: MaxItems in the query string is a number, with the model's range."""
    client = connect("lambda", services=REST)
    assert client.list_versions_by_function(FunctionName="f", MaxItems=7)["NextMarker"] == "7"
    call = refusal(lambda: client.list_versions_by_function(FunctionName="f", MaxItems=10_001))
    assert call[0] == "ValidationException"


def test_zero_is_a_value(connect):
    """AWS: ReservedConcurrentExecutions 0 means none at all, and comes back as 0."""
    client = connect("lambda", services={"lambda": {"PutFunctionConcurrency": _reserved}})
    answer = client.put_function_concurrency(FunctionName="f", ReservedConcurrentExecutions=0)
    assert answer["ReservedConcurrentExecutions"] == 0


def _reserved(world: Any, ctx: Any, params: Any) -> dict[str, Any]:
    return {"ReservedConcurrentExecutions": params["ReservedConcurrentExecutions"]}


def test_a_large_put_metric_data_comes_compressed(connect):
    """AWS's SDK compresses PutMetricData bodies over ten kilobytes with gzip."""
    seen = []

    def put(world: Any, ctx: Any, params: Any) -> dict[str, Any]:
        seen.extend(params["MetricData"])
        return {}

    client = connect("cloudwatch", services={"cloudwatch": {"PutMetricData": put}})
    data = [{"MetricName": f"metric-{number}", "Value": number / 7} for number in range(500)]
    client.put_metric_data(Namespace="N", MetricData=data)
    assert seen == data


@pytest.mark.parametrize("body", [b"no gzip", b"\x1f\x8b\x08\x00cut"])
def test_a_broken_compressed_body_is_a_client_error(world, body):
    """AWS: a body that its Content-Encoding does not fit is a SerializationException."""
    headers = {
        "authorization": SCOPE.format("monitoring"),
        "x-amz-target": "GraniteServiceVersion20100801.PutMetricData",
        "content-encoding": "gzip",
    }
    response = dispatch(world, HttpRequest("POST", "/", "", headers, body))
    assert (response.status, json.loads(response.body)["__type"]) == (400, "SerializationException")


_NUMBERS = [0, 23, 24, 255, 256, 65_536, 2**40, -1, -500, 1.5]
_OTHERS = [True, None, "é" * 300, b"\x00" * 70_000, {"a": [1, {"b": "c"}]}]


@pytest.mark.parametrize("value", [*_NUMBERS, *_OTHERS])
def test_cbor_reads_what_it_writes(value):
    """RFC 8949: definite lengths of every width."""
    assert cbor.decode(cbor.encode(value)) == value


def test_cbor_reads_indefinite_lengths_and_half_floats():
    """RFC 8949: strings, lists and maps may come in chunks; floats in 16, 32 or 64 bits."""
    assert cbor.decode(bytes.fromhex("9f0102ff")) == [1, 2]
    assert cbor.decode(bytes.fromhex("bf6161f5ff")) == {"a": True}
    assert cbor.decode(bytes.fromhex("7f61616162ff")) == "ab"
    assert cbor.decode(bytes.fromhex("f93e00")) == 1.5


@pytest.mark.parametrize(
    "text", ["", "1c", "1b00", "9f01", "61", "ff", "0000", "a101f5", "81" * 500]
)
def test_broken_cbor_is_malformed(text):
    """RFC 8949: what ends early, is nested without end or is not well formed is refused."""
    with pytest.raises(MalformedError):
        cbor.decode(bytes.fromhex(text))
