"""Smithy RPC v2 CBOR: POST /service/NAME/operation/OPERATION, bodies in CBOR."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from botocore.model import OperationModel, ServiceModel

from controller.sandbox.wire import cbor
from controller.sandbox.wire.document_reader import DocumentReader
from controller.sandbox.wire.document_writer import DocumentWriter
from controller.sandbox.wire.errors import ErrorAnswer
from controller.sandbox.wire.http import HttpRequest, HttpResponse
from controller.sandbox.wire.protocol import Labels, ReadParams, WriteAnswer
from controller.sandbox.wire.timestamps import epoch_s


class CborRpc:
    """Smithy RPC v2 CBOR for one service."""

    def __init__(self, model: ServiceModel | None) -> None:
        self._says_query_code = model is not None and model.is_query_compatible
        self._reader = DocumentReader()
        self._writer = DocumentWriter(
            lambda style: lambda value: cbor.Timestamp(epoch_s(value)), bytes, float
        )

    def reader(self, operation: OperationModel) -> ReadParams:
        """Parameters are the body; an operation without input has none."""
        if operation.input_shape is None:
            return lambda request, labels: {}
        read = self._reader.compiled(operation.input_shape)

        def read_params(request: HttpRequest, labels: Labels) -> dict[str, Any]:
            params: dict[str, Any] = read(cbor.decode(request.body) if request.body else {})
            return params

        return read_params

    def writer(self, operation: OperationModel) -> WriteAnswer:
        """The body is the answer; an operation without output has none."""
        shape = operation.output_shape
        write = None if shape is None else self._writer.compiled(shape)

        def write_answer(members: Mapping[str, Any], request_id: str) -> HttpResponse:
            body = b"" if write is None else cbor.encode(write(members))
            return HttpResponse(200, self._headers(request_id), body)

        return write_answer

    def error(self, answer: ErrorAnswer, request_id: str) -> HttpResponse:
        """`__type` names the error, as in JSON."""
        headers = self._headers(request_id)
        if self._says_query_code:
            headers["x-amzn-query-error"] = f"{answer.query_code};{answer.fault}"
        body = cbor.encode({"__type": answer.name, **answer.document})
        return HttpResponse(answer.status, headers, body)

    def _headers(self, request_id: str) -> dict[str, str]:
        return {
            "content-type": "application/cbor",
            "smithy-protocol": "rpc-v2-cbor",
            "x-amzn-requestid": request_id,
        }
