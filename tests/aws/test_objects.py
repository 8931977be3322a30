"""Objects of S3 are read whole, or not at all."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from controller.aws.models import lean_models
from controller.aws.objects import S3Objects
from controller.aws.sessions import Connection, Keys, Sessions
from controller.clock import SystemClock
from controller.model.errors import AccessDenied, NotFound, Terminal
from controller.model.policy import Scope

HERE = Scope("eu-west-1")
KEPT = {"/samples/deep/a.json": b'{"a": 1}'}


class S3(BaseHTTPRequestHandler):
    """GetObject, by path."""

    def do_GET(self) -> None:
        content = KEPT.get(self.path)
        status = 200 if content is not None else 403 if "secret" in self.path else 404
        code = {403: "AccessDenied", 404: "NoSuchKey"}.get(status, "")
        content = content or f"<Error><Code>{code}</Code><Message>no</Message></Error>".encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Nothing."""


@pytest.fixture
def objects() -> Iterator[S3Objects]:
    with ThreadingHTTPServer(("127.0.0.1", 0), S3) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}"
        connection = Connection(keys=Keys("a", "b"), endpoint_url=url)
        sessions = Sessions(SystemClock(), connection, models=lean_models())
        yield S3Objects(sessions)
        sessions.close()
        server.shutdown()


def test_an_object_and_what_hinders(objects: S3Objects) -> None:
    assert objects.get(HERE, "samples", "deep/a.json", 100) == b'{"a": 1}'
    with pytest.raises(Terminal, match=r"s3://samples/deep/a\.json is larger than"):
        objects.get(HERE, "samples", "deep/a.json", 7)
    with pytest.raises(NotFound):
        objects.get(HERE, "samples", "b.json", 100)
    with pytest.raises(AccessDenied, match="GetObject"):
        objects.get(HERE, "samples", "secret", 100)
