"""Door 1: the AWS wire protocols over HTTP on loopback, with real latencies.

Point any SDK at it with `AWS_ENDPOINT_URL=http://127.0.0.1:PORT`. The same port carries the
control door under `/_sandbox/`. The world's clock stands still until it is moved through
that door, or runs by itself at `pace` world seconds a second.
"""

from __future__ import annotations

import asyncio
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from types import TracebackType
from typing import TYPE_CHECKING, Any, cast

import uvicorn

from controller.sandbox.asgi import ABORT, HttpDoor
from controller.sandbox.control_door import ControlDoor
from controller.sandbox.quick_door import QuickProtocol
from controller.sandbox.services import SERVICES, Services

if TYPE_CHECKING:
    from controller.sandbox.world import World

_PACE_STEP_S = 0.25
_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class _AbortableProtocol(QuickProtocol):
    """Gives the application a way to cut the connection without an answer."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        inner = self.app

        async def app(scope: Any, receive: Any, send: Any) -> None:
            scope[ABORT] = self.transport.abort
            await inner(scope, receive, send)

        self.app = cast(Any, app)


async def _pause(sleep_ms: float) -> None:
    if sleep_ms > 0:
        await asyncio.sleep(sleep_ms / 1000)


def _config(door: HttpDoor) -> uvicorn.Config:
    return uvicorn.Config(
        door,
        http=cast(Any, partial(_AbortableProtocol, door)),
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        log_level="warning",
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
        # asyncio does this only for sockets made with an explicit protocol number; without it
        # the body of each answer waits 40 ms for the acknowledgement of its head
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.host = host
        self.port = int(self._socket.getsockname()[1])
        self._server = _Server(_config(HttpDoor(self.control, _pause, services)))
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

    def stop(self, patience_s: float | None = None) -> None:
        """Stop serving; returns when the socket is closed. May be called twice.

        With `patience_s`, a thread that is in the middle of a long answer is left behind
        after so many seconds; it is a daemon, and ends with the process at the latest.
        """
        self._server.should_exit = True
        if self._thread is not None:
            self._thread.join(patience_s)
            if self._thread.is_alive():
                return
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
