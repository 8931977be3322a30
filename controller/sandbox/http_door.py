"""Door 1: the AWS wire protocols over HTTP on loopback, with real latencies.

Point any SDK at it with `AWS_ENDPOINT_URL=http://127.0.0.1:PORT`. The same port carries the
control door under `/_sandbox/`. The world's clock stands still until it is moved through
that door, or runs by itself at `pace` world seconds a second.
"""

from __future__ import annotations

import asyncio
import json
import logging
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import TYPE_CHECKING, Any, cast

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from controller.sandbox.control_door import PREFIX, ControlDoor
from controller.sandbox.dispatch import dispatch
from controller.sandbox.faults import FaultKind, TransportFault
from controller.sandbox.services import SERVICES, Services
from controller.sandbox.wire.catalog import foreign_codec, protocol_of
from controller.sandbox.wire.contract import AwsError
from controller.sandbox.wire.errors import ErrorBook
from controller.sandbox.wire.http import HttpRequest, HttpResponse

if TYPE_CHECKING:
    from controller.sandbox.world import World

_LOG = logging.getLogger(__name__)
_MAX_BODY_BYTES = 64 * 1024 * 1024
_PACE_STEP_S = 0.25
_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_ABORT = "sandbox.abort"
_TIMEOUT_MS = 300_000.0

Scope = dict[str, Any]
Receive = Callable[[], Any]
Send = Callable[[Any], Any]


class HttpDoor:
    """The ASGI application."""

    def __init__(self, control: ControlDoor, services: Services = SERVICES) -> None:
        self._control = control
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
        status, answer = await asyncio.to_thread(
            self._control.answer, request.method, path, request.query, request.body
        )
        await _send_json(send, status, answer)

    async def _answer_aws(
        self, request: HttpRequest, scope: Scope, receive: Receive, send: Send
    ) -> None:
        try:
            response = dispatch(self._control.world, request, self._services)
        except TransportFault as fault:
            sleep_ms = fault.sleep_ms
            if fault.kind is FaultKind.TIMEOUT and not sleep_ms:
                sleep_ms = _TIMEOUT_MS
            await _pause(sleep_ms)
            scope[_ABORT]()
            await receive()
            return
        except Exception as mistake:
            _LOG.exception("the sandbox failed to handle %s %s", request.method, request.path)
            response = _mistake(request, mistake)
        await _pause(response.sleep_ms)
        await _send(send, response)


async def _pause(sleep_ms: float) -> None:
    if sleep_ms > 0:
        await asyncio.sleep(sleep_ms / 1000)


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


class _AbortableProtocol(H11Protocol):
    """Gives the application a way to cut the connection without an answer."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        inner = self.app

        async def app(scope: Any, receive: Any, send: Any) -> None:
            scope[_ABORT] = self.transport.abort
            await inner(scope, receive, send)

        self.app = cast(Any, app)


def _config(door: HttpDoor) -> uvicorn.Config:
    return uvicorn.Config(
        door,
        http=_AbortableProtocol,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        date_header=False,
        timeout_keep_alive=75,
        timeout_graceful_shutdown=1,
    )


class _Server(uvicorn.Server):
    """uvicorn's server, which returns after SIGINT or SIGTERM instead of raising them again."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Stop on a signal while serving in the main thread; elsewhere signals are not ours."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {number: signal.signal(number, self.handle_exit) for number in _SIGNALS}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


class SandboxServer:
    """The HTTP door on a socket: in a thread (`with`, or start and stop), or in front.

    pace: how many of the world's seconds pass in a real one; 0: only when told.
    Raises OSError where the address cannot be had.
    """

    def __init__(
        self,
        world: World,
        host: str = "127.0.0.1",
        port: int = 0,
        *,
        pace: float = 0.0,
        make_world: Callable[[], World] | None = None,
        services: Services = SERVICES,
    ) -> None:
        self.control = ControlDoor(world, make_world)
        self._pace = pace
        self._socket = socket.create_server((host, port), backlog=1024)
        self.host = host
        self.port = int(self._socket.getsockname()[1])
        self._server = _Server(_config(HttpDoor(self.control, services)))
        self._thread: threading.Thread | None = None

    @property
    def url(self) -> str:
        """What AWS_ENDPOINT_URL is to be."""
        return f"http://{self.host}:{self.port}"

    def serve_forever(self) -> None:
        """Serve in this thread until `stop`, SIGINT or SIGTERM, then return."""
        asyncio.run(self._serve())

    def start(self) -> None:
        """Serve in a thread of its own. Connections are accepted from now on."""
        self._thread = threading.Thread(target=self.serve_forever, name="sandbox", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop serving; returns when the socket is closed. May be called twice."""
        self._server.should_exit = True
        if self._thread is not None:
            self._thread.join()
            self._thread = None
        self._socket.close()

    def __enter__(self) -> SandboxServer:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    async def _serve(self) -> None:
        pacing = asyncio.create_task(self._keep_pace()) if self._pace > 0 else None
        try:
            await self._server.serve(sockets=[self._socket])
        finally:
            if pacing is not None:
                pacing.cancel()

    async def _keep_pace(self) -> None:
        """Let the world live at its pace, in small steps."""
        clock = asyncio.get_running_loop().time
        last_s = clock()
        while True:
            await asyncio.sleep(_PACE_STEP_S)
            now_s = clock()
            world = self.control.world
            await asyncio.to_thread(world.advance, (now_s - last_s) * self._pace)
            last_s = now_s


def serve(
    world: World,
    host: str = "127.0.0.1",
    port: int = 0,
    *,
    pace: float = 0.0,
    make_world: Callable[[], World] | None = None,
) -> SandboxServer:
    """Serve a world in a thread; stop it with the server's `stop`."""
    server = SandboxServer(world, host, port, pace=pace, make_world=make_world)
    server.start()
    return server
