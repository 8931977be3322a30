"""Several replicas on loopback: moto's DynamoDB, and proxies that tell who called what when."""

import logging
import re
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from urllib.parse import urlsplit

from moto.server import ThreadedMotoServer

from controller.store.dynamodb import connect
from controller.store.dynamodb.connect import Table

_CHANGING = re.compile(rb"^(PUT|POST|DELETE|PATCH) (/20\S*functions\S*) HTTP", re.MULTILINE)


class Proxy:
    """Hands bytes on to an address; can be cut, and remembers changing calls of Lambda."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        assert parts.hostname is not None
        assert parts.port is not None
        self._to = (parts.hostname, parts.port)
        self._server = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._server.getsockname()[1]}"
        self.changing: list[tuple[float, str]] = []
        """Monotonic instant, method and path of each."""
        self._cut = False
        self._open: set[socket.socket] = set()
        threading.Thread(target=self._serve, daemon=True).start()

    def cut(self) -> None:
        """Refuse what comes, and break what there is."""
        self._cut = True
        for one in list(self._open):
            _end(one)

    def mend(self) -> None:
        self._cut = False

    def close(self) -> None:
        self._server.close()
        self.cut()

    def _serve(self) -> None:
        while True:
            try:
                near, _ = self._server.accept()
            except OSError:
                return
            if self._cut:
                _end(near)
                continue
            far = socket.create_connection(self._to)
            self._open |= {near, far}
            threading.Thread(target=self._pass, args=(near, far, True), daemon=True).start()
            threading.Thread(target=self._pass, args=(far, near, False), daemon=True).start()

    def _pass(self, here: socket.socket, there: socket.socket, asking: bool) -> None:
        with suppress(OSError):
            while content := here.recv(65536):
                if asking:
                    for method, path in _CHANGING.findall(content):
                        self.changing.append((time.monotonic(), f"{method!r} {path!r}"))
                there.sendall(content)
        for one in (here, there):
            self._open.discard(one)
            _end(one)


def _end(one: socket.socket) -> None:
    with suppress(OSError):
        one.shutdown(socket.SHUT_RDWR)
    one.close()


@contextmanager
def dynamodb() -> Iterator[str]:
    """moto's server in this process; its address."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)  # a line for each request
    server = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    try:
        yield f"http://{host}:{port}"
    finally:
        server.stop()


def make_table(url: str, name: str) -> str:
    """An empty journal; its address as `--store` takes it."""
    table = Table(name, "eu-west-1", url)
    client = connect.client_of(table)
    connect.create(client, table)
    client.close()
    return f"dynamodb://{name}?region=eu-west-1&endpoint={url}"
