"""Door 2: boto3 without a socket.

A botocore hook answers each prepared request by `dispatch`, so that serialisers, parsers,
credentials, retries and error mapping of the real boto3 are all in the path, and nothing waits:
the world's clock moves only when it is told to. Latencies are not acted out here, and requests
say who sends them without a signature (`unsigned.py`).
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.exceptions import (
    ConnectionClosedError,
    EndpointConnectionError,
    ReadTimeoutError,
)

from controller.sandbox import unsigned
from controller.sandbox.dispatch import dispatch
from controller.sandbox.faults import FaultKind, TransportFault
from controller.sandbox.services import SERVICES, Services
from controller.sandbox.wire.http import HttpRequest

if TYPE_CHECKING:
    from controller.sandbox.world import World

_HOOK_ID = "rightsizer-sandbox"


def attach(session: Any, world: World, services: Services = SERVICES) -> None:
    """Answer every client made from this session out of `world`.

    session: a botocore or a boto3 session. Attach before clients are made: they copy the
    session's hooks. Retries still wait on the real clock; configure `max_attempts` 1 where
    faults are injected.
    """
    emitter = getattr(session, "events", None)
    if emitter is None:
        emitter = session.get_component("event_emitter")
    unsigned.attach(emitter)
    emitter.register("before-send", Answering(world, services), unique_id=_HOOK_ID)


class Answering:
    """The hook: a prepared request in, botocore's response out."""

    def __init__(self, world: World, services: Services = SERVICES) -> None:
        self._world = world
        self._services = services

    def __call__(self, request: AWSPreparedRequest, **_: Any) -> AWSResponse:
        """Answer one request. Raises botocore's own connection errors for transport faults."""
        url = str(request.url)
        try:
            response = dispatch(self._world, as_http_request(request, url), self._services)
        except TransportFault as fault:
            raise _connection_error(fault.kind, url) from fault
        # botocore copies the headers into its own case-insensitive dictionary.
        headers: Any = response.headers
        return AWSResponse(url, response.status, headers, _RawBody(response.body))


def as_http_request(request: AWSPreparedRequest, url: str) -> HttpRequest:
    """What botocore prepared, as a request that has arrived."""
    parts = urlsplit(url)
    headers = {str(name).lower(): _text(value) for name, value in request.headers.items()}
    headers.setdefault("host", parts.netloc)  # as the socket's side of botocore does
    body = _body_bytes(request.body)
    return HttpRequest(str(request.method), parts.path, parts.query, headers, body)


def _text(value: Any) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)


def _body_bytes(body: Any) -> bytes:
    """botocore's body: nothing, text, bytes or something to read from."""
    if body is None:
        return b""
    if isinstance(body, str):
        return body.encode()
    if isinstance(body, (bytes, bytearray)):
        return bytes(body)
    return bytes(body.read())


class _RawBody(io.BytesIO):
    """What botocore reads a body from: like urllib3's response."""

    def stream(self, **_: Any) -> Iterator[bytes]:
        """The whole body in one piece."""
        data = self.read()
        if data:
            yield data


def _connection_error(kind: FaultKind, url: str) -> Exception:
    if kind is FaultKind.UNREACHABLE:
        return EndpointConnectionError(endpoint_url=url, error="connection refused")
    if kind is FaultKind.TIMEOUT:
        return ReadTimeoutError(endpoint_url=url, error="no answer")
    return ConnectionClosedError(endpoint_url=url, error="connection closed")
