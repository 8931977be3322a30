"""AWS JSON 1.0 and 1.1: POST /, the operation in `X-Amz-Target`, everything in the body.

A service that once spoke the query protocol (CloudWatch) sends its old error code in the
header `x-amzn-query-error`, and that is the code boto3 shows.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from botocore.model import OperationModel, ServiceModel

from controller.sandbox.wire.document_reader import DocumentReader
from controller.sandbox.wire.document_writer import json_writer
from controller.sandbox.wire.errors import ErrorAnswer
from controller.sandbox.wire.http import HttpRequest, HttpResponse
from controller.sandbox.wire.malformed import MalformedError
from controller.sandbox.wire.protocol import Labels, ReadParams, WriteAnswer


def load_json(body: bytes) -> Any:
    """A JSON body; an empty one is an empty object. Raises MalformedError."""
    if not body:
        return {}
    try:
        return json.loads(body)
    except (ValueError, RecursionError) as problem:
        raise MalformedError("the body is not valid JSON") from problem


def dump_json(value: Any) -> bytes:
    """Compact JSON in UTF-8."""
    return json.dumps(value, separators=(",", ":"), allow_nan=False).encode()


class JsonRpc:
    """AWS JSON for one service. model: None for a service the sandbox does not have."""

    def __init__(self, model: ServiceModel | None) -> None:
        version = "1.1" if model is None else model.metadata.get("jsonVersion", "1.1")
        self._content_type = f"application/x-amz-json-{version}"
        self._says_query_code = model is not None and model.is_query_compatible
        self._reader = DocumentReader()
        self._writer = json_writer()

    def reader(self, operation: OperationModel) -> ReadParams:
        """Parameters are the body."""
        if operation.input_shape is None:
            return lambda request, labels: {}
        read = self._reader.compiled(operation.input_shape)

        def read_params(request: HttpRequest, labels: Labels) -> dict[str, Any]:
            params: dict[str, Any] = read(load_json(request.body))
            return params

        return read_params

    def writer(self, operation: OperationModel) -> WriteAnswer:
        """The body is the answer; an operation without output answers an empty object."""
        shape = operation.output_shape
        write = None if shape is None else self._writer.compiled(shape)

        def write_answer(members: Mapping[str, Any], request_id: str) -> HttpResponse:
            if write is None:
                return HttpResponse(200, self._headers(request_id), b"")
            return HttpResponse(200, self._headers(request_id), dump_json(write(members)))

        return write_answer

    def error(self, answer: ErrorAnswer, request_id: str) -> HttpResponse:
        """`__type` names the error."""
        headers = self._headers(request_id)
        if self._says_query_code:
            headers["x-amzn-query-error"] = f"{answer.query_code};{answer.fault}"
        body = dump_json({"__type": answer.name, **answer.document})
        return HttpResponse(answer.status, headers, body)

    def _headers(self, request_id: str) -> dict[str, str]:
        return {"content-type": self._content_type, "x-amzn-requestid": request_id}
