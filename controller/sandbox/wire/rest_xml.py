"""REST XML: operations are methods on paths, answers are XML. S3 speaks it.

Of requests only what stands in path, query string and headers is read: no operation here has a
body. A bucket's name may stand in the path or before the host's (`NAME.s3.REGION…`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from xml.sax.saxutils import escape

from botocore.model import OperationModel, ServiceModel

from controller.sandbox.wire.errors import ErrorAnswer
from controller.sandbox.wire.form_rpc import xml_content
from controller.sandbox.wire.http import HttpRequest, HttpResponse
from controller.sandbox.wire.protocol import ReadParams, WriteAnswer
from controller.sandbox.wire.rest_json import RestJson


def path_style(request: HttpRequest) -> HttpRequest:
    """The same request with the bucket in its path."""
    bucket, dot, _ = request.headers.get("host", "").partition(".s3.")
    if not dot:
        return request
    return replace(request, path=f"/{bucket}/{request.path.lstrip('/')}")


class RestXml:
    """REST XML for one service."""

    def __init__(self, model: ServiceModel | None) -> None:
        self._namespace = "" if model is None else str(model.metadata.get("xmlNamespace", ""))
        self._places = RestJson(model)

    def reader(self, operation: OperationModel) -> ReadParams:
        """Members in path, query string and headers, as any REST protocol has them."""
        return self._places.reader(operation)

    def writer(self, operation: OperationModel) -> WriteAnswer:
        """`<NameResult>members</NameResult>`."""
        shape, name = operation.output_shape, operation.name

        def write_answer(members: Mapping[str, Any], request_id: str) -> HttpResponse:
            inner = "" if shape is None else xml_content(shape, members)
            body = f'<{name}Result xmlns="{self._namespace}">{inner}</{name}Result>'
            return HttpResponse(200, _headers(request_id), body.encode())

        return write_answer

    def error(self, answer: ErrorAnswer, request_id: str) -> HttpResponse:
        """`<Error><Code/><Message/></Error>`, without anything around it."""
        body = (
            f"<Error><Code>{escape(answer.query_code)}</Code>"
            f"<Message>{escape(answer.message)}</Message>"
            f"<RequestId>{request_id}</RequestId></Error>"
        )
        return HttpResponse(answer.status, _headers(request_id), body.encode())


def _headers(request_id: str) -> dict[str, str]:
    return {"content-type": "application/xml", "x-amz-request-id": request_id}
