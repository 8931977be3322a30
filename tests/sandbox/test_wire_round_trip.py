"""Whatever botocore writes we read, and whatever we write botocore reads, unchanged.

botocore is the reference: its serialisers and parsers are what AWS's own SDK and CLI use.
"""

from __future__ import annotations

import io
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.awsrequest import create_request_object, prepare_request_dict
from botocore.model import ListShape, MapShape, Shape, StructureShape
from botocore.parsers import ResponseParserFactory
from botocore.serialize import create_serializer
from botocore.validate import ParamValidator
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from controller.sandbox.inprocess_door import as_http_request
from controller.sandbox.wire.catalog import Operation, load_service
from controller.sandbox.wire.constraints import violations

PROTOCOLS = [
    ("lambda", "rest-json"),
    ("sagemaker-runtime", "rest-json"),
    ("cloudwatch", "json"),
    ("cloudwatch", "smithy-rpc-v2-cbor"),
    ("cloudwatch", "query"),
    ("logs", "json"),
    ("pricing", "json"),
    ("resourcegroupstaggingapi", "json"),
    ("resourcegroupstaggingapi", "smithy-rpc-v2-cbor"),
    ("sts", "query"),
]

# XML and headers cannot carry everything that JSON can.
_XML_TEXT = st.text(
    st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\ufffe\uffff")
)
_HEADER_TEXT = st.text("abcXYZ019-_./ =+", min_size=1).map(str.strip).filter(bool)
_ANY_TEXT = st.text(st.characters(exclude_categories=["Cs"]))


def _values(shape: Shape, text: st.SearchStrategy[str], depth: int = 0) -> st.SearchStrategy[Any]:
    """Values of a shape, also ones that no service would accept."""
    kind = shape.type_name
    if isinstance(shape, StructureShape):
        return _structures(shape, text, depth)
    if isinstance(shape, ListShape):
        return st.lists(_values(shape.member, text, depth + 1), max_size=2 if depth < 4 else 0)
    if isinstance(shape, MapShape):
        keys = _values(shape.key, text.filter(bool), depth + 1)
        size = 2 if depth < 4 else 0
        return st.dictionaries(keys, _values(shape.value, text, depth + 1), max_size=size)
    plain: dict[str, st.SearchStrategy[Any]] = {
        "integer": st.integers(-(2**31), 2**31 - 1),
        "long": st.integers(-(2**63), 2**63 - 1),
        "float": st.floats(allow_nan=False, allow_infinity=False, width=16),
        "double": st.floats(allow_nan=False, allow_infinity=False),
        "boolean": st.booleans(),
        "blob": st.binary(max_size=20),
        "timestamp": st.integers(0, 4_000_000_000).map(lambda s: datetime.fromtimestamp(s, UTC)),
    }
    return plain.get(kind, st.sampled_from(shape.enum) if getattr(shape, "enum", None) else text)


def _structures(
    shape: StructureShape, text: st.SearchStrategy[str], depth: int
) -> st.SearchStrategy[dict[str, Any]]:
    if shape.is_document_type or depth > 5:
        return st.just({})
    members = {n: _member(m, text, depth) for n, m in shape.members.items()}
    if shape.is_tagged_union:
        ones = [st.fixed_dictionaries({n: v}) for n, v in members.items()]
        return st.one_of(ones)
    always = [
        n for n, m in shape.members.items() if m.serialization.get("location") == "statusCode"
    ]
    required = {n: members[n] for n in [*shape.required_members, *always]}
    optional = {n: v for n, v in members.items() if n not in required}
    return st.fixed_dictionaries(required, optional=optional)


def _member(shape: Shape, text: st.SearchStrategy[str], depth: int) -> st.SearchStrategy[Any]:
    location = shape.serialization.get("location")
    if location in ("header", "headers", "uri"):
        return _values(shape, _HEADER_TEXT, depth + 1).filter(lambda value: value not in ([], {}))
    if location == "querystring":
        return _values(shape, text, depth + 1).filter(lambda value: value not in ([], {}))
    if location == "statusCode":
        return st.integers(200, 299)
    return _values(shape, text, depth + 1)


def _operations() -> list[Any]:
    found = []
    for service, protocol in PROTOCOLS:
        for name in load_service(service).model.operation_names:
            model = load_service(service).model.operation_model(name)
            if not (model.has_event_stream_input or model.has_event_stream_output):
                found.append(pytest.param(service, protocol, name, id=f"{protocol}-{name}"))
    return found


def _arrived(operation: Operation, protocol: str, params: dict[str, Any]) -> Any:
    serializer = create_serializer(protocol, include_validation=False)
    request = serializer.serialize_to_request(params, operation.model)
    prepare_request_dict(request, endpoint_url="http://127.0.0.1:1", context={})
    prepared = create_request_object(request).prepare()
    return as_http_request(prepared, str(prepared.url))


def _normal(value: Any, protocol: str, payload: str | None = None) -> Any:
    """Without what a protocol has no form for.

    An empty body and no body are one and the same in REST, and the query protocol writes
    nothing at all for a structure or map without content.
    """
    if isinstance(value, dict):
        inner = {n: _normal(v, protocol) for n, v in value.items()}
        return {
            n: v
            for n, v in inner.items()
            if not (n == payload and v in (b"", "", {}))
            and not (protocol == "query" and v in ({}, []))
        }
    if isinstance(value, list):
        items = [_normal(item, protocol) for item in value]
        return [item for item in items if not (protocol == "query" and item == {})]
    return value


@pytest.mark.slow
@pytest.mark.parametrize(("service", "protocol", "name"), _operations())
@settings(max_examples=6, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_a_request_of_botocore_is_read_back_to_its_parameters(
    service: str, protocol: str, name: str, data: st.DataObject
) -> None:
    """The AWS SDK serialises a request; the service sees the parameters it was made from."""
    operation = load_service(service).operation(name, protocol)
    shape = operation.model.input_shape
    params = {} if shape is None else data.draw(_values(shape, _ANY_TEXT))
    call = load_service(service).call(_arrived(operation, protocol, params), protocol)
    assert call.operation.name == name
    read = call.operation.read(_arrived(operation, protocol, params), call.labels)
    payload = None if shape is None else shape.serialization.get("payload")
    assert _normal(read, protocol, payload) == _normal(params, protocol, payload)


@pytest.mark.slow
@pytest.mark.parametrize(("service", "protocol", "name"), _operations())
@settings(max_examples=6, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_an_answer_of_ours_is_read_by_botocore_as_it_was_meant(
    service: str, protocol: str, name: str, data: st.DataObject
) -> None:
    """What a handler returns is what a boto3 user gets."""
    operation = load_service(service).operation(name, protocol)
    shape = operation.model.output_shape
    text = _XML_TEXT if protocol == "query" else _ANY_TEXT
    members = {} if shape is None else data.draw(_values(shape, text))
    response = operation.write(members, "request-1")
    parser = ResponseParserFactory().create_parser(protocol)
    streams = operation.model.has_streaming_output
    body = io.BytesIO(response.body) if streams else response.body
    parsed = parser.parse(
        {"status_code": response.status, "headers": response.headers, "body": body}, shape
    )
    metadata = parsed.pop("ResponseMetadata")
    if shape is not None:
        assert metadata["RequestId"] == "request-1"
    assert _filled(parsed) == _filled(members)


def _filled(members: dict[str, Any]) -> dict[str, Any]:
    """Members that hold something: an empty XML element and a missing one are the same."""
    read = {n: v.read() if isinstance(v, io.BytesIO) else v for n, v in members.items()}
    return {n: v for n, v in read.items() if v not in (b"", "", [], {})}


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_the_quick_check_says_no_exactly_where_a_violation_can_be_named(
    data: st.DataObject,
) -> None:
    """AWS answers a constraint violation with a sentence; none is refused without one."""
    name = data.draw(
        st.sampled_from(["UpdateFunctionConfiguration", "PutFunctionConcurrency", "TagResource"])
    )
    operation = load_service("lambda").operation(name, "rest-json")
    shape = operation.model.input_shape
    assert shape is not None
    assert operation.check is not None
    params = data.draw(_values(shape, _ANY_TEXT))
    assert operation.check(params) == (list(violations(shape, params)) == [])


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_what_botocore_refuses_we_refuse(data: st.DataObject) -> None:
    """AWS's SDK checks required members and minimums before it sends; the service checks at
    least as much, for clients that do not."""
    service, names = data.draw(st.sampled_from(sorted(_CHECKED.items())))
    operation = load_service(service).operation(data.draw(st.sampled_from(names)), "json")
    shape = operation.model.input_shape
    assert isinstance(shape, StructureShape)
    params = data.draw(_values(shape, _ANY_TEXT))
    for name in data.draw(st.sets(st.sampled_from(sorted(shape.members)), max_size=2)):
        params.pop(name, None)
    refused = ParamValidator().validate(params, shape).has_errors()
    assert operation.check is not None
    if refused:
        assert not operation.check(params)


_CHECKED = {
    "cloudwatch": ["GetMetricData", "PutMetricAlarm", "GetMetricStatistics", "ListMetrics"],
    "logs": ["StartQuery", "GetQueryResults"],
    "pricing": ["GetProducts"],
    "resourcegroupstaggingapi": ["GetResources"],
}
