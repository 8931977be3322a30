"""REST JSON: operations are methods on paths; members live in the path, the query string,
headers, the status code and the body. Lambda speaks it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qs

from botocore.model import ListShape, OperationModel, ServiceModel, Shape, StructureShape

from controller.sandbox.wire.document_reader import Convert, DocumentReader, wire_name_of
from controller.sandbox.wire.document_writer import json_writer
from controller.sandbox.wire.errors import ErrorAnswer
from controller.sandbox.wire.http import HttpRequest, HttpResponse
from controller.sandbox.wire.json_rpc import dump_json, load_json
from controller.sandbox.wire.malformed import MalformedError
from controller.sandbox.wire.protocol import Labels, ReadParams, WriteAnswer
from controller.sandbox.wire.scalars import read_scalar_text, scalar_to_text

Take = Callable[[HttpRequest, Labels, Mapping[str, list[str]]], Any]


class RestJson:
    """REST JSON for one service."""

    def __init__(self, model: ServiceModel | None) -> None:
        self._reader = DocumentReader()
        self._writer = json_writer()

    def reader(self, operation: OperationModel) -> ReadParams:
        """Compile one taker per member outside the body, and a reader for the body."""
        shape = operation.input_shape
        if not isinstance(shape, StructureShape):
            return lambda request, labels: {}
        takers = [
            (name, _taker(member, wire_name_of(member, name)))
            for name, member in shape.members.items()
            if "location" in member.serialization
        ]
        read_body = self._body_reader(shape)

        def read_params(request: HttpRequest, labels: Labels) -> dict[str, Any]:
            params = read_body(request.body)
            query = parse_qs(request.query, keep_blank_values=True) if request.query else {}
            for name, take in takers:
                value = take(request, labels, query)
                if value is not None:
                    params[name] = value
            return params

        return read_params

    def _body_reader(self, shape: StructureShape) -> Callable[[bytes], dict[str, Any]]:
        payload = shape.serialization.get("payload")
        if payload is not None:
            member = shape.members[payload]
            if member.type_name in ("blob", "string"):
                decode: Convert = bytes if member.type_name == "blob" else _decoded
                return lambda body: {payload: decode(body)} if body else {}
            read_payload = self._reader.compiled(member)
            return lambda body: {payload: read_payload(load_json(body))} if body else {}
        in_body = [m for m in shape.members.values() if "location" not in m.serialization]
        if not in_body:
            return lambda body: {}
        read = self._reader.compiled(shape)
        elsewhere = {n for n, m in shape.members.items() if "location" in m.serialization}

        def read_body(body: bytes) -> dict[str, Any]:
            values: dict[str, Any] = read(load_json(body))
            return {n: v for n, v in values.items() if n not in elsewhere}

        return read_body

    def writer(self, operation: OperationModel) -> WriteAnswer:
        """Split the members by where the model puts them."""
        shape = operation.output_shape
        status = int(operation.http.get("responseCode", 200))
        if not isinstance(shape, StructureShape):
            return lambda members, request_id: HttpResponse(status, _headers(request_id), b"")
        split = _AnswerSplit(shape, status)
        payload = shape.serialization.get("payload")
        write = self._writer.compiled(shape if payload is None else shape.members[payload])
        raw_payload = payload is not None and shape.members[payload].type_name in ("blob", "string")

        def write_answer(members: Mapping[str, Any], request_id: str) -> HttpResponse:
            headers = _headers(request_id)
            final_status, rest = split.outside_body(members, headers)
            if raw_payload:
                value = rest.get(str(payload)) or b""
                return HttpResponse(
                    final_status, headers, value.encode() if isinstance(value, str) else value
                )
            headers["content-type"] = "application/json"
            value = rest if payload is None else rest.get(payload, {})
            body = b"" if final_status == 204 else dump_json(write(value))
            return HttpResponse(final_status, headers, body)

        return write_answer

    def error(self, answer: ErrorAnswer, request_id: str) -> HttpResponse:
        """The header `x-amzn-errortype` names the error."""
        headers = _headers(request_id)
        headers["content-type"] = "application/json"
        headers["x-amzn-errortype"] = answer.name
        return HttpResponse(answer.status, headers, dump_json(answer.document))


class _AnswerSplit:
    """Which members of an answer go into the status code and into headers."""

    def __init__(self, shape: StructureShape, status: int) -> None:
        self._status = status
        self._places = {
            name: (str(member.serialization["location"]), wire_name_of(member, name), member)
            for name, member in shape.members.items()
            if "location" in member.serialization
        }

    def outside_body(
        self, members: Mapping[str, Any], headers: dict[str, str]
    ) -> tuple[int, dict[str, Any]]:
        """Add headers; returns the status and the members that are left for the body."""
        status, rest = self._status, {}
        for name, value in members.items():
            place = self._places.get(name)
            if place is None:
                rest[name] = value
            elif value is None:
                continue
            elif place[0] == "statusCode":
                status = int(value)
            elif place[0] == "headers":
                headers.update({place[1] + key: str(item) for key, item in value.items()})
            else:
                headers[place[1]] = scalar_to_text(place[2], value, "rfc822")
        return status, rest


def _taker(member: Shape, wire_name: str) -> Take:
    """How to take one member out of a request's path, query string or headers."""
    location = member.serialization["location"]
    if location == "uri":
        return lambda request, labels, query: read_scalar_text(member, labels[wire_name])
    if location == "querystring":
        return _query_taker(member, wire_name)
    if location == "headers":
        prefix = wire_name.lower()
        return lambda request, labels, query: {
            name[len(prefix) :]: text
            for name, text in request.headers.items()
            if name.startswith(prefix)
        }
    header = wire_name.lower()

    def take_header(request: HttpRequest, labels: Labels, query: Any) -> Any:
        text = request.headers.get(header)
        return None if text is None else read_scalar_text(member, text)

    return take_header


def _query_taker(member: Shape, wire_name: str) -> Take:
    def take(request: HttpRequest, labels: Labels, query: Mapping[str, list[str]]) -> Any:
        if member.type_name == "map":
            return {key: texts[0] for key, texts in query.items()}
        texts = query.get(wire_name)
        if texts is None:
            return None
        if isinstance(member, ListShape):
            return [read_scalar_text(member.member, text) for text in texts]
        return read_scalar_text(member, texts[0])

    return take


def _decoded(body: Any) -> str:
    try:
        return bytes(body).decode()
    except UnicodeDecodeError as problem:
        raise MalformedError("the body is not valid UTF-8") from problem


def _headers(request_id: str) -> dict[str, str]:
    return {"x-amzn-requestid": request_id}
