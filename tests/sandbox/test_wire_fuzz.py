"""Whatever arrives, the front answers, and never as if it were its own fault."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from botocore.model import StructureShape
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from controller.sandbox.dispatch import dispatch
from controller.sandbox.services import SIGNING_NAMES
from controller.sandbox.wire import cbor
from controller.sandbox.wire.catalog import load_service
from controller.sandbox.wire.http import HttpRequest
from controller.sandbox.world import World

pytestmark = pytest.mark.slow

EVERYTHING: Any = {
    name: {op: lambda world, ctx, params: {} for op in load_service(name).model.operation_names}
    for name in SIGNING_NAMES.values()
}
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=10),
    lambda deeper: (
        st.lists(deeper, max_size=3) | st.dictionaries(st.text(max_size=8), deeper, max_size=3)
    ),
    max_leaves=8,
)
_FORMS = [
    "Action=AssumeRole&Tags.member.x=1",
    "Action=AssumeRole&Tags.member.1=1&Tags.member.1.Key=a",
    "Action=AssumeRole&RoleArn.member.1=a",
    "Action=AssumeRole&DurationSeconds=many",
    "Action=AssumeRole&RoleArn=%ff&RoleSessionName=\x00",
    "Action=GetMetricData&MetricDataQueries=1",
    "Action=GetMetricData&MetricDataQueries.member.1.MetricStat=&StartTime=now",
    "Action=GetCallerIdentity&.=&..=&a.b.c",
    "Action=&Version=1",
]
_SEGMENTS = st.sampled_from(
    ["functions", "f", "%2F", "%zz", "%ff", "é", "", "a b", "{}", "x" * 300]
)
_QUERIES = st.sampled_from(
    ["", "List=ALL", "MaxItems=x", "MaxItems=5", "Qualifier=%ff", "=&=", "a"]
)


def _scope(signing_name: str) -> str:
    return f"AWS4-HMAC-SHA256 Credential=AKIA/20260101/eu-west-1/{signing_name}/aws4_request"


def _members(service: str, operation: str) -> st.SearchStrategy[dict[str, Any]]:
    """Parameters with the right names and anything for values."""
    shape = load_service(service).model.operation_model(operation).input_shape
    names = list(shape.members) if isinstance(shape, StructureShape) else []
    return st.dictionaries(st.sampled_from([*names, "Other"]), _JSON, max_size=4)


@st.composite
def _rpc(draw: st.DrawFn) -> HttpRequest:
    """JSON or CBOR, of an operation that exists."""
    signing_name = draw(st.sampled_from(["monitoring", "logs", "pricing", "tagging"]))
    service = SIGNING_NAMES[signing_name]
    model = load_service(service).model
    operation = draw(st.sampled_from(model.operation_names))
    members = draw(_members(service, operation))
    target = model.metadata["targetPrefix"]
    headers = {"authorization": _scope(signing_name)}
    if draw(st.booleans()):
        headers["x-amz-target"] = f"{target}.{operation}"
        body = draw(st.just(json.dumps(members).encode()) | st.binary(max_size=40))
        return HttpRequest("POST", "/", "", headers, body)
    headers["smithy-protocol"] = "rpc-v2-cbor"
    body = draw(st.just(cbor.encode(_small(members))) | st.binary(max_size=40))
    return HttpRequest("POST", f"/service/{target}/operation/{operation}", "", headers, body)


def _small(value: Any) -> Any:
    """CBOR's integers have 64 bits."""
    if isinstance(value, dict):
        return {key: _small(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_small(item) for item in value]
    return value % 2**63 if isinstance(value, int) and not isinstance(value, bool) else value


@st.composite
def _rest(draw: st.DrawFn) -> HttpRequest:
    """Lambda: a path that exists, with anything in its labels."""
    operation = draw(st.sampled_from(load_service("lambda").model.operation_names))
    http = load_service("lambda").model.operation_model(operation).http
    path = re.sub(r"{[^}]*}", lambda _: draw(_SEGMENTS), str(http["requestUri"]).partition("?")[0])
    headers = {"authorization": _scope("lambda")}
    headers |= draw(st.dictionaries(st.sampled_from(["x-amz-log-type", "x-amz-y"]), st.text()))
    members = draw(_members("lambda", operation))
    body = draw(st.just(json.dumps(members).encode()) | st.binary(max_size=40))
    return HttpRequest(str(http["method"]), path, draw(_QUERIES), headers, body)


@st.composite
def _wild(draw: st.DrawFn) -> HttpRequest:
    """Marks of one protocol and the content of another."""
    headers = {"authorization": _scope(draw(st.sampled_from([*SIGNING_NAMES, "s3", "x"])))}
    marks = {
        "x-amz-target": st.text(max_size=20),
        "smithy-protocol": st.just("rpc-v2-cbor"),
        "content-type": st.just("application/x-www-form-urlencoded"),
        "content-encoding": st.just("gzip"),
    }
    for name in draw(st.sets(st.sampled_from(sorted(marks)), max_size=2)):
        headers[name] = draw(marks[name])
    path = "/" + "/".join(draw(st.lists(_SEGMENTS, max_size=5)))
    body = draw(st.sampled_from([form.encode() for form in _FORMS]) | st.binary(max_size=40))
    method = draw(st.sampled_from(["GET", "POST", "PUT", "BREW"]))
    return HttpRequest(method, path, draw(_QUERIES), headers, body)


@st.composite
def _form(draw: st.DrawFn) -> HttpRequest:
    """The query protocol."""
    headers = {
        "authorization": _scope(draw(st.sampled_from(["sts", "monitoring"]))),
        "content-type": "application/x-www-form-urlencoded; charset=utf-8",
    }
    text = draw(st.sampled_from(_FORMS)) + draw(st.sampled_from(["", "&RoleArn=x", "&%ff=%00"]))
    return HttpRequest("POST", "/", "", headers, text.encode())


@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.one_of(_rpc(), _rest(), _wild(), _form()))
def test_any_request_is_answered_and_none_as_our_own_fault(request_: HttpRequest) -> None:
    """AWS: what a client did wrong is a 4xx, and only that is not retried."""
    response = dispatch(_WORLD, request_, EVERYTHING)
    assert 200 <= response.status < 500
    assert "date" in response.headers


_WORLD = World()


@pytest.mark.parametrize("header", ["authorization", "x-amz-security-token"])
@pytest.mark.parametrize("text", ["", "\x00", "é" * 1000, "Credential=////"])
def test_odd_headers_are_answered(header: str, text: str) -> None:
    """AWS: odd credentials are a client error."""
    response = dispatch(_WORLD, HttpRequest("POST", "/", "", {header: text}, b"{}"), EVERYTHING)
    assert 400 <= response.status < 500
