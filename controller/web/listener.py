"""The one listener: uvicorn in a thread of its own, on a socket that we open ourselves.

We open the socket so that a taken port is an error on the spot, in one sentence, and so
that port 0 (any free one) can be asked for its number. How much one who asks may take of us
is limited: header, connections, and time until a request is whole (`connection.py`).
"""

import errno
import socket
import ssl
import threading

import uvicorn
from starlette.types import ASGIApp

from controller.model.errors import Terminal
from controller.web.connection import Connection
from controller.web.doors import MOST_HEADER_BYTES
from controller.web.rotating import Certificates, Tls

DEFAULT_HOST = "127.0.0.1"
_START_TIMEOUT_S = 30.0
_STOP_TIMEOUT_S = 5
MOST_CONNECTIONS = 128
"""Beyond it a request is answered with 503."""
KEEP_ALIVE_S = 20
"""More than the page waits between two looks."""


class Listener:
    """Serves an app until `stop`.

    Args:
        app: what to serve.
        host: address to listen on; loopback unless told otherwise.
        port: 0 takes any free one; see `port` once started.
        tls: serve HTTPS; None: plain HTTP.
    """

    def __init__(
        self, app: ASGIApp, host: str = DEFAULT_HOST, port: int = 0, *, tls: Tls | None = None
    ) -> None:
        self._tls = tls
        self._certificates: Certificates | None = None
        self._host = host
        self._asked_port = port
        self._socket: socket.socket | None = None
        self._thread: threading.Thread | None = None
        self._server = _Server(
            uvicorn.Config(
                app,
                loop="asyncio",
                http=Connection,
                ws="none",
                lifespan="off",
                access_log=False,
                log_config=None,
                server_header=False,
                timeout_graceful_shutdown=_STOP_TIMEOUT_S,
                timeout_keep_alive=KEEP_ALIVE_S,
                limit_concurrency=MOST_CONNECTIONS,
                h11_max_incomplete_event_size=MOST_HEADER_BYTES,
                # whoever forwards for others from this machine says for whom; nobody else is asked
                forwarded_allow_ips=["127.0.0.1", "::1"],
                ssl_context_factory=None if tls is None else self._context,
            )
        )

    def start(self) -> None:
        """Listen, and return once requests are answered.

        Raises Terminal where the address cannot be had.
        """
        if self._tls is not None:
            self._certificates = Certificates(self._tls)
        self._socket = _opened(self._host, self._asked_port)
        sockets = [self._socket]
        self._thread = threading.Thread(
            target=self._server.run, kwargs={"sockets": sockets}, name="listener", daemon=True
        )
        self._thread.start()
        if not self._server.up.wait(_START_TIMEOUT_S) or not self._server.started:
            self.stop()
            raise Terminal(f"the listener on {self._host} did not start")

    def _context(self, *_: object) -> ssl.SSLContext:
        assert self._certificates is not None
        return self._certificates.context

    @property
    def port(self) -> int:
        """The port listened on; once started."""
        if self._socket is None:
            return self._asked_port
        return int(self._socket.getsockname()[1])

    @property
    def url(self) -> str:
        """`http://127.0.0.1:9090`, once started."""
        host = f"[{self._host}]" if ":" in self._host else self._host
        return f"{'http' if self._tls is None else 'https'}://{host}:{self.port}"

    def stop(self) -> None:
        """Answer what is under way, then close; does nothing when not started."""
        self._server.should_exit = True
        if self._thread is not None:
            self._thread.join(2 * _STOP_TIMEOUT_S)
            self._thread = None
        if self._socket is not None:
            self._socket.close()
            self._socket = None


class _Server(uvicorn.Server):
    """Says when it is up, so that nobody has to ask again and again."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.up = threading.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        try:
            await super().startup(sockets=sockets)
        finally:
            self.up.set()


def _opened(host: str, port: int) -> socket.socket:
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        opened = socket.create_server((host, port), family=family, backlog=128)
        # asyncio leaves it off on sockets made elsewhere: a body would wait 40 ms for an
        # acknowledgement of its header. What is accepted inherits it.
        opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return opened
    except (OSError, OverflowError) as error:
        raise Terminal(_why(host, port, error), operation="listen") from error


def _why(host: str, port: int, error: Exception) -> str:
    number = getattr(error, "errno", None)
    if number == errno.EADDRINUSE:
        return f"port {port} on {host} is taken by another program; choose another one"
    if number in (errno.EACCES, errno.EPERM):
        return f"port {port} on {host} may not be used; ports below 1024 need special rights"
    if number == errno.EADDRNOTAVAIL:
        return f"{host} is not an address of this machine"
    return f"cannot listen on {host} port {port}: {error}"
