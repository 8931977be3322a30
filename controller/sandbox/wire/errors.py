"""How each service words the errors that come before any of its own logic.

A handler raises `AwsError` with the code a boto3 user sees. What is decided before a handler
runs (a value out of range, too many calls, no permission) has another code in nearly every
service; the table below holds them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from botocore.model import ServiceModel, StructureShape

from controller.sandbox.wire.contract import AwsError
from controller.sandbox.wire.document_reader import wire_name_of
from controller.sandbox.wire.document_writer import json_writer

NOT_IN_SANDBOX = "NotImplementedInSandbox"


@dataclass(frozen=True, slots=True)
class Flavour:
    """A service's codes (and HTTP statuses) for errors of the front, not of the service."""

    validation: str = "ValidationException"
    throttled: tuple[str, int] = ("ThrottlingException", 400)
    denied: tuple[str, int] = ("AccessDeniedException", 400)
    expired: tuple[str, int] = ("ExpiredTokenException", 400)
    unknown_key: tuple[str, int] = ("UnrecognizedClientException", 400)
    unavailable: tuple[str, int] = ("ServiceUnavailableException", 503)
    broken: tuple[str, int] = ("InternalFailure", 500)


_QUERY_CODES: Mapping[str, Any] = {
    "validation": "ValidationError",
    "throttled": ("Throttling", 400),
    "denied": ("AccessDenied", 403),
    "expired": ("ExpiredToken", 403),
    "unknown_key": ("InvalidClientTokenId", 403),
    "unavailable": ("ServiceUnavailable", 503),
}
_FLAVOURS: Mapping[str, Flavour] = {
    "lambda": Flavour(
        throttled=("TooManyRequestsException", 429),
        denied=("AccessDeniedException", 403),
        expired=("ExpiredTokenException", 403),
        unknown_key=("UnrecognizedClientException", 403),
        broken=("ServiceException", 500),
    ),
    "cloudwatch": Flavour(**_QUERY_CODES, broken=("InternalServiceFault", 500)),
    "sts": Flavour(**_QUERY_CODES),
    "sagemaker-runtime": Flavour(
        validation="ValidationError", unavailable=("ServiceUnavailable", 503)
    ),
    "logs": Flavour(validation="InvalidParameterException"),
    "pricing": Flavour(
        validation="InvalidParameterException", broken=("InternalErrorException", 500)
    ),
    "s3": Flavour(
        validation="InvalidArgument",
        throttled=("SlowDown", 503),
        denied=("AccessDenied", 403),
        expired=("ExpiredToken", 400),
        unknown_key=("InvalidAccessKeyId", 403),
        unavailable=("ServiceUnavailable", 503),
        broken=("InternalError", 500),
    ),
    "resourcegroupstaggingapi": Flavour(
        validation="InvalidParameterException",
        throttled=("ThrottledException", 400),
        broken=("InternalServiceException", 500),
    ),
}
_DEFAULT = Flavour()


def flavour_of(service: str) -> Flavour:
    """The codes of a service by its botocore name."""
    return _FLAVOURS.get(service, _DEFAULT)


def validation_error(service: str, problems: Sequence[str]) -> AwsError:
    """All violations in one error, worded as AWS words them."""
    count = len(problems)
    plural = "" if count == 1 else "s"
    listed = "; ".join(problems)
    return AwsError(
        flavour_of(service).validation, f"{count} validation error{plural} detected: {listed}"
    )


def not_in_sandbox(what: str) -> AwsError:
    """The sandbox lacks an operation: a client error that no SDK retries."""
    return AwsError(NOT_IN_SANDBOX, f"The sandbox does not have {what}.", 400)


@dataclass(frozen=True, slots=True)
class ErrorAnswer:
    """An error ready for any protocol.

    name: the error shape's name; query_code: its code in the query protocol; document: the
    body's members by wire name, the message among them.
    """

    name: str
    query_code: str
    status: int
    document: Mapping[str, Any]
    message: str

    @property
    def fault(self) -> str:
        """Whose fault it is, in the query protocol's words."""
        return "Sender" if self.status < 500 else "Receiver"


class ErrorBook:
    """A service's modelled errors, by their names and by their codes."""

    def __init__(self, model: ServiceModel | None) -> None:
        self._shapes: dict[str, StructureShape] = {}
        for shape in [] if model is None else model.error_shapes:
            if isinstance(shape, StructureShape):
                self._shapes[shape.name] = shape
                self._shapes.setdefault(str(shape.error_code), shape)

    def answer(self, error: AwsError) -> ErrorAnswer:
        """Fill in what the model knows: status, name of the message member, extra members."""
        shape = self._shapes.get(error.code)
        if shape is None:
            document = {"message": error.message, **error.members}
            return ErrorAnswer(error.code, error.code, error.status, document, error.message)
        modelled = shape.metadata.get("error", {}).get("httpStatusCode")
        status = int(modelled) if modelled and error.status == 400 else error.status
        values = dict(error.members)
        for name, member in shape.members.items():
            if name.lower() == "message" and member.type_name == "string":
                values.setdefault(name, error.message)
            elif name == "Type" and member.type_name == "string":
                values.setdefault(name, "User" if status < 500 else "Service")
        document = json_writer().compiled(shape)(values)
        document.setdefault("message", error.message)
        return ErrorAnswer(shape.name, str(shape.error_code), status, document, error.message)


def header_names(shape: StructureShape) -> Mapping[str, str]:
    """Members of a shape that travel in headers: member name to header name."""
    return {
        name: wire_name_of(member, name)
        for name, member in shape.members.items()
        if member.serialization.get("location") == "header"
    }
