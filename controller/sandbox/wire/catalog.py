"""From an HTTP request to the operation it means, by botocore's own service models.

Models are loaded when first asked for and kept for the life of the process: they are
constants of the installed botocore.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any

from botocore.loaders import Loader
from botocore.model import OperationModel, ServiceModel

from controller.sandbox.wire.cbor_rpc import CborRpc
from controller.sandbox.wire.constraints import Check, ConstraintChecker, violations
from controller.sandbox.wire.errors import ErrorBook, not_in_sandbox, validation_error
from controller.sandbox.wire.form_rpc import FormRpc, form_fields
from controller.sandbox.wire.http import HttpRequest
from controller.sandbox.wire.json_rpc import JsonRpc
from controller.sandbox.wire.protocol import Labels, ReadParams, WireProtocol, WriteAnswer
from controller.sandbox.wire.rest_json import RestJson
from controller.sandbox.wire.rest_xml import RestXml, path_style
from controller.sandbox.wire.routing import RestRoutes

_CODECS: Mapping[str, Callable[[ServiceModel | None], WireProtocol]] = {
    "json": JsonRpc,
    "rest-json": RestJson,
    "query": FormRpc,
    "rest-xml": RestXml,
    "smithy-rpc-v2-cbor": CborRpc,
}
# Signing names of services that are not here whose clients read XML errors.
_XML_ONLY = frozenset({"route53", "cloudfront"})
_REST_XML = frozenset({"s3"})


@dataclass(frozen=True, slots=True)
class Operation:
    """An operation in one protocol, compiled."""

    service: Service
    name: str
    model: OperationModel
    codec: WireProtocol
    read: ReadParams
    write: WriteAnswer
    check: Check | None

    def params(self, request: HttpRequest, labels: Labels) -> dict[str, Any]:
        """Parameters of a request, read and checked.

        Raises MalformedError where they cannot be read and AwsError, in the service's
        words, where they are not allowed.
        """
        params = self.read(request, labels)
        if self.check is not None and not self.check(params):
            shape = self.model.input_shape
            problems = [] if shape is None else list(violations(shape, params))
            raise validation_error(self.service.name, problems)
        return params


@dataclass(frozen=True, slots=True)
class Call:
    """What a request turned out to mean."""

    operation: Operation
    labels: Labels


class Service:
    """One service of botocore's, with its operations compiled on demand."""

    def __init__(self, name: str, model: ServiceModel) -> None:
        self.name = name
        self.model = model
        self.protocols = tuple(model.metadata.get("protocols") or [model.protocol])
        self._codecs: dict[str, WireProtocol] = {}
        self._operations: dict[tuple[str, str], Operation] = {}
        self._checker = ConstraintChecker()

    @cached_property
    def errors(self) -> ErrorBook:
        """The errors the model knows."""
        return ErrorBook(self.model)

    @cached_property
    def routes(self) -> RestRoutes:
        """The paths of a REST service."""
        return RestRoutes(self.model)

    def codec(self, protocol: str) -> WireProtocol:
        """The service's side of a protocol."""
        known = self._codecs.get(protocol)
        if known is None:
            known = self._codecs[protocol] = _CODECS[protocol](self.model)
        return known

    def operation(self, name: str, protocol: str) -> Operation:
        """An operation in a protocol. Raises AwsError if the service has none of that name."""
        known = self._operations.get((name, protocol))
        if known is None:
            if name not in self.model.operation_names:
                raise not_in_sandbox(f"the operation {self.name}.{name}")
            known = self._operations[name, protocol] = self._compile(name, protocol)
        return known

    def _compile(self, name: str, protocol: str) -> Operation:
        model, codec = self.model.operation_model(name), self.codec(protocol)
        shape = model.input_shape
        check = None if shape is None else self._checker.compiled_check(shape)
        return Operation(self, name, model, codec, codec.reader(model), codec.writer(model), check)

    def call(self, request: HttpRequest, protocol: str) -> Call:
        """The operation that a request in this protocol names.

        Raises AwsError for an operation, and MalformedError for a body, that makes no sense.
        """
        if protocol == "json":
            name = request.headers.get("x-amz-target", "").rpartition(".")[2]
        elif protocol == "smithy-rpc-v2-cbor":
            name = request.path.rpartition("/operation/")[2]
        elif protocol == "query":
            name = form_fields(request).get("Action", "")
        else:
            if protocol == "rest-xml":
                request = path_style(request)
            found = self.routes.find(request.method, request.path, request.query)
            if found is None:
                raise not_in_sandbox(f"{self.name} {request.method} {request.path}")
            return Call(self.operation(found[0], protocol), found[1])
        return Call(self.operation(name, protocol), {})


def protocol_of(request: HttpRequest, signing_name: str) -> str:
    """Which protocol a request is in, by its marks; REST has none."""
    if signing_name in _REST_XML:
        return "rest-xml"
    if request.headers.get("smithy-protocol") == "rpc-v2-cbor":
        return "smithy-rpc-v2-cbor"
    if "x-amz-target" in request.headers:
        return "json"
    kind = request.headers.get("content-type", "")
    if kind.startswith("application/x-www-form-urlencoded") or signing_name in _XML_ONLY:
        return "query"
    return "rest-json"


def described(request: HttpRequest, signing_name: str) -> str:
    """What a request for an unknown service asks for, as far as can be told."""
    target = request.headers.get("x-amz-target")
    if target is None and protocol_of(request, signing_name) == "query":
        target = form_fields(request).get("Action")
    return f"the service {signing_name} ({target or request.method + ' ' + request.path})"


def foreign_codec(protocol: str) -> WireProtocol:
    """For errors to clients of services that are not here."""
    return _CODECS[protocol](None)


@cache
def load_service(name: str) -> Service:
    """A service by its botocore name; costs some milliseconds once."""
    description = Loader().load_service_model(name, "service-2")
    return Service(name, ServiceModel(description, name))
