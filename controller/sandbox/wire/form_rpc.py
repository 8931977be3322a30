"""The query protocol: parameters in a form body, answers in XML. STS speaks it.

Nested parameters are flattened into names: `Tags.member.1.Key=a`; maps into
`Attributes.entry.1.key` and `.value`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl
from xml.sax.saxutils import escape

from botocore.model import ListShape, MapShape, OperationModel, ServiceModel, Shape, StructureShape

from controller.sandbox.wire.document_reader import wire_name_of
from controller.sandbox.wire.errors import ErrorAnswer
from controller.sandbox.wire.http import HttpRequest, HttpResponse
from controller.sandbox.wire.malformed import MalformedError
from controller.sandbox.wire.protocol import Labels, ReadParams, WriteAnswer
from controller.sandbox.wire.scalars import read_scalar_text, scalar_to_text


def form_fields(request: HttpRequest) -> dict[str, str]:
    """The flat parameters, from the body and the query string. Raises MalformedError."""
    try:
        text = request.body.decode()
    except UnicodeDecodeError as problem:
        raise MalformedError("the body is not valid UTF-8") from problem
    fields = dict(parse_qsl(request.query, keep_blank_values=True))
    fields.update(parse_qsl(text, keep_blank_values=True))
    return fields


class FormRpc:
    """The query protocol for one service."""

    def __init__(self, model: ServiceModel | None) -> None:
        self._namespace = "" if model is None else str(model.metadata.get("xmlNamespace", ""))

    def reader(self, operation: OperationModel) -> ReadParams:
        """Unflatten the names, then read by the shape."""
        shape = operation.input_shape
        if shape is None:
            return lambda request, labels: {}

        def read_params(request: HttpRequest, labels: Labels) -> dict[str, Any]:
            params: dict[str, Any] = _read(shape, _tree(form_fields(request)))
            return params

        return read_params

    def writer(self, operation: OperationModel) -> WriteAnswer:
        """`<NameResponse><NameResult>members</NameResult><ResponseMetadata/></NameResponse>`."""
        shape, name = operation.output_shape, operation.name

        def write_answer(members: Mapping[str, Any], request_id: str) -> HttpResponse:
            result = ""
            if shape is not None:
                wrapper = str(shape.serialization.get("resultWrapper", f"{name}Result"))
                result = f"<{wrapper}>{xml_content(shape, members)}</{wrapper}>"
            body = (
                f'<{name}Response xmlns="{self._namespace}">{result}<ResponseMetadata>'
                f"<RequestId>{request_id}</RequestId></ResponseMetadata></{name}Response>"
            )
            return HttpResponse(200, _headers(request_id), body.encode())

        return write_answer

    def error(self, answer: ErrorAnswer, request_id: str) -> HttpResponse:
        """`<ErrorResponse><Error><Type/><Code/><Message/></Error></ErrorResponse>`."""
        body = (
            f'<ErrorResponse xmlns="{self._namespace}"><Error><Type>{answer.fault}</Type>'
            f"<Code>{escape(answer.query_code)}</Code>"
            f"<Message>{escape(answer.message)}</Message></Error>"
            f"<RequestId>{request_id}</RequestId></ErrorResponse>"
        )
        return HttpResponse(answer.status, _headers(request_id), body.encode())


def _headers(request_id: str) -> dict[str, str]:
    return {"content-type": "text/xml", "x-amzn-requestid": request_id}


def _tree(fields: Mapping[str, str]) -> dict[str, Any]:
    """`{"A.member.1": "x"}` becomes `{"A": {"member": {"1": "x"}}}`."""
    root: dict[str, Any] = {}
    for name, text in fields.items():
        node = root
        *parents, last = name.split(".")
        for part in parents:
            below = node.setdefault(part, {})
            if not isinstance(below, dict):
                below = node[part] = {}
            node = below
        node.setdefault(last, text)
    return root


def _read(shape: Shape, node: Any) -> Any:
    if isinstance(shape, StructureShape):
        return _read_structure(shape, _branch(node))
    if isinstance(shape, ListShape):
        return [_read(shape.member, item) for item in _list_items(shape, node)]
    if isinstance(shape, MapShape):
        return _read_map(shape, node)
    if not isinstance(node, str):
        raise MalformedError(f"a {shape.type_name} was expected")
    return read_scalar_text(shape, node)


def _read_structure(shape: StructureShape, node: Mapping[str, Any]) -> dict[str, Any]:
    out = {}
    for name, member in shape.members.items():
        item = node.get(_member_key(member, name))
        if item is not None:
            out[name] = _read(member, item)
    return out


def _member_key(member: Shape, name: str) -> str:
    """A flattened list goes by its items' name where that is given."""
    if isinstance(member, ListShape) and member.serialization.get("flattened"):
        return str(member.member.serialization.get("name", wire_name_of(member, name)))
    return wire_name_of(member, name)


def _list_items(shape: ListShape, node: Any) -> list[Any]:
    if node == "":
        return []
    if not shape.serialization.get("flattened"):
        node = _branch(node).get(wire_name_of(shape.member, "member"), {})
    return _numbered(_branch(node))


def _read_map(shape: MapShape, node: Any) -> dict[str, Any]:
    if node == "":
        return {}
    if not shape.serialization.get("flattened"):
        node = _branch(node).get("entry", {})
    key_name = wire_name_of(shape.key, "key")
    value_name = wire_name_of(shape.value, "value")
    out = {}
    for item in map(_branch, _numbered(_branch(node))):
        if key_name not in item or value_name not in item:
            raise MalformedError("a map entry lacks its key or its value")
        out[_read(shape.key, item[key_name])] = _read(shape.value, item[value_name])
    return out


def _branch(node: Any) -> dict[str, Any]:
    if isinstance(node, dict):
        return node
    if node == "":
        return {}
    raise MalformedError("a structure, list or map was expected")


def _numbered(node: Mapping[str, Any]) -> list[Any]:
    """Items under `1`, `2`, ... in that order."""
    if not all(place.isdigit() for place in node):
        raise MalformedError("a list was expected")
    return [node[place] for place in sorted(node, key=int)]


def xml_content(shape: Shape, value: Any) -> str:
    """XML inside an element. Raises TypeError for a member that the shape lacks."""
    if isinstance(shape, StructureShape):
        unknown = [n for n, item in value.items() if item is not None and n not in shape.members]
        if unknown:
            raise TypeError(f"{shape.name} has no member {unknown[0]!r}")
        return "".join(
            _element(shape.members[name], name, item)
            for name, item in value.items()
            if item is not None
        )
    if isinstance(shape, ListShape):
        tag = wire_name_of(shape.member, "member")
        return "".join(f"<{tag}>{xml_content(shape.member, item)}</{tag}>" for item in value)
    if isinstance(shape, MapShape):
        return "".join(f"<entry>{_pair(shape, key, item)}</entry>" for key, item in value.items())
    return escape(scalar_to_text(shape, value, "iso8601"))


def _element(shape: Shape, name: str, value: Any) -> str:
    """One member; a flattened list or map repeats its element."""
    tag = _member_key(shape, name)
    if shape.serialization.get("flattened"):
        if isinstance(shape, ListShape):
            return "".join(f"<{tag}>{xml_content(shape.member, item)}</{tag}>" for item in value)
        if isinstance(shape, MapShape):
            return "".join(f"<{tag}>{_pair(shape, k, item)}</{tag}>" for k, item in value.items())
    return f"<{tag}>{xml_content(shape, value)}</{tag}>"


def _pair(shape: MapShape, key: str, value: Any) -> str:
    key_tag, value_tag = wire_name_of(shape.key, "key"), wire_name_of(shape.value, "value")
    return (
        f"<{key_tag}>{escape(key)}</{key_tag}>"
        f"<{value_tag}>{xml_content(shape.value, value)}</{value_tag}>"
    )
