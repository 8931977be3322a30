"""The ASGI application behind the HTTP door: AWS's protocols, and the control door."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable
from typing import Any, cast

from controller.sandbox.code_store import ROOM, fetch
from controller.sandbox.control_door import PREFIX, ControlDoor
from controller.sandbox.dispatch import dispatch
from controller.sandbox.faults import FaultKind, TransportFault
from controller.sandbox.services import SERVICES, Services
from controller.sandbox.wire.catalog import foreign_codec, protocol_of
from controller.sandbox.wire.contract import AwsError
from controller.sandbox.wire.errors import ErrorBook
from controller.sandbox.wire.http import HttpRequest, HttpResponse

ABORT = "sandbox.abort"
"""Key in the scope: what cuts the connection without an answer."""

_LOG = logging.getLogger(__name__)
_MAX_BODY_BYTES = 64 * 1024 * 1024
_TIMEOUT_MS = 300_000.0

Scope = dict[str, Any]
Receive = Callable[[], Any]
Send = Callable[[Any], Any]
Pause = Callable[[float], Awaitable[None]]


class HttpDoor:
    """The ASGI application. pause: waits so many milliseconds of real time."""

    def __init__(self, control: ControlDoor, pause: Pause, services: Services = SERVICES) -> None:
        self._control = control
        self._pause = pause
        self._services = services

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one HTTP request."""
        if scope["type"] != "http":
            return
        body = await _body(receive)
        request = _understood(scope, body)
        if body is None:
            await _send_json(send, 413, {"error": "The body is too large."})
        elif request.path.startswith(PREFIX):
            await self._answer_control(request, send)
        else:
            await self._answer_aws(request, scope, receive, send)

    async def _answer_control(self, request: HttpRequest, send: Send) -> None:
        """A browser's page has no business here, so whatever has an Origin is refused."""
        if "origin" in request.headers:
            await _send_json(send, 403, {"error": "The control door is not for web pages."})
            return
        path = request.path.removeprefix(PREFIX)
        if path.startswith(ROOM):
            await _send(send, self._code(path))
            return
        status, answer = await asyncio.to_thread(
            self._control.answer, request.method, path, request.query, request.body
        )
        await _send_json(send, status, answer)

    def _code(self, path: str) -> HttpResponse:
        try:
            content = fetch(self._control.world, path)
        except KeyError:
            return HttpResponse(404, {}, b"")
        return HttpResponse(200, {"content-type": "application/zip"}, content)

    async def _answer_aws(
        self, request: HttpRequest, scope: Scope, receive: Receive, send: Send
    ) -> None:
        response, sleep_ms = self.answered(request)
        await self._pause(sleep_ms)
        if response is not None:
            await _send(send, response)
            return
        scope[ABORT]()
        await receive()

    def answered(self, request: HttpRequest) -> tuple[HttpResponse | None, float]:
        """The answer, and for how many milliseconds to wait before it; None: cut the line."""
        try:
            response = dispatch(self._control.world, request, self._services)
        except TransportFault as fault:
            forever = fault.kind is FaultKind.TIMEOUT and not fault.sleep_ms
            return None, _TIMEOUT_MS if forever else fault.sleep_ms
        except Exception as mistake:
            _LOG.exception("the sandbox failed to handle %s %s", request.method, request.path)
            response = _mistake(request, mistake)
        return response, response.sleep_ms


def _mistake(request: HttpRequest, mistake: Exception) -> HttpResponse:
    """A bug of the sandbox, as a client error: an SDK would retry a 5xx and hide it."""
    error = AwsError("SandboxError", f"{type(mistake).__name__}: {mistake}")
    codec = foreign_codec(protocol_of(request, ""))
    return codec.error(ErrorBook(None).answer(error), "-")


async def _body(receive: Receive) -> bytes | None:
    """The whole body; None if it is too large."""
    parts, size = [], 0
    while True:
        message = await receive()
        part = message.get("body", b"")
        size += len(part)
        if size <= _MAX_BODY_BYTES:
            parts.append(part)
        if not message.get("more_body"):
            return None if size > _MAX_BODY_BYTES else b"".join(parts)


def _understood(scope: Scope, body: bytes | None) -> HttpRequest:
    headers = {k.decode("latin-1").lower(): v.decode("latin-1") for k, v in scope["headers"]}
    path = cast(bytes, scope["raw_path"]).decode("latin-1")
    query = cast(bytes, scope["query_string"]).decode("latin-1")
    return HttpRequest(scope["method"], path, query, headers, body or b"")


async def _send(send: Send, response: HttpResponse) -> None:
    headers = [(k.encode("latin-1"), v.encode("latin-1")) for k, v in response.headers.items()]
    if response.status != 204:
        headers.append((b"content-length", str(len(response.body)).encode()))
    await send({"type": "http.response.start", "status": response.status, "headers": headers})
    await send({"type": "http.response.body", "body": response.body})


async def _send_json(send: Send, status: int, answer: Any) -> None:
    headers = {"content-type": "application/json"}
    await _send(send, HttpResponse(status, headers, json.dumps(answer).encode()))
