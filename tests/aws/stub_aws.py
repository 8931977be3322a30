"""A loopback AWS that says what a test tells it to: for answers the sandbox never gives."""

import json
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from botocore.loaders import Loader

from controller.aws.calls import CallWatch
from controller.aws.sessions import Connection, Sessions


class StillClock:
    """Time stands until a test moves it."""

    def __init__(self, now_s: float = 1_790_000_000.0) -> None:
        self.instant_s = now_s

    def now_s(self) -> float:
        return self.instant_s

    def monotonic_s(self) -> float:
        return self.instant_s

    def forward(self, seconds: float) -> None:
        self.instant_s += seconds


@dataclass(frozen=True)
class Asked:
    """One request as it came in."""

    operation: str
    body: dict[str, Any]
    headers: Mapping[str, str]
    path: str
    query: dict[str, str]

    @property
    def access_key(self) -> str:
        return self.headers["Authorization"].partition("Credential=")[2].split("/")[0]


@dataclass(frozen=True)
class Answer:
    """What to say: JSON (or, from text, XML) and a status."""

    body: Any = field(default_factory=dict)
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


def refusal(code: str, message: str = "", status: int = 400, **headers: str) -> Answer:
    """An error as the JSON protocols write it."""
    body = {"__type": code, "message": message}
    return Answer(body, status, {"x-amzn-ErrorType": code, **headers})


def assumed(access_key: str, expires: str) -> Answer:
    """STS's answer to AssumeRole, in its XML."""
    return Answer(
        "<AssumeRoleResponse><AssumeRoleResult><Credentials>"
        f"<AccessKeyId>{access_key}</AccessKeyId><SecretAccessKey>s</SecretAccessKey>"
        f"<SessionToken>t-{access_key}</SessionToken><Expiration>{expires}</Expiration>"
        "</Credentials></AssumeRoleResult></AssumeRoleResponse>"
    )


def xml_refusal(code: str, message: str, status: int = 403) -> Answer:
    """An error as the query protocol writes it."""
    error = f"<Error><Code>{code}</Code><Message>{message}</Message></Error>"
    return Answer(f"<ErrorResponse>{error}</ErrorResponse>", status)


Script = Callable[[Asked], Answer]


class StubAws:
    """Answers by operation: a list is used up in order, its last answer for ever."""

    def __init__(self, url: str, models: Loader) -> None:
        self.url = url
        self.models = models
        self.asked: list[Asked] = []
        self._answers: dict[str, list[Answer | Script]] = defaultdict(list)

    def on(self, operation: str, *answers: Answer | Script) -> None:
        self._answers[operation] = list(answers)

    def of(self, operation: str) -> list[Asked]:
        return [asked for asked in self.asked if asked.operation == operation]

    def answer(self, asked: Asked) -> Answer:
        self.asked.append(asked)
        answers = self._answers[asked.operation]
        if not answers:
            return refusal("UnexpectedInTest", asked.operation)
        chosen = answers.pop(0) if len(answers) > 1 else answers[0]
        return chosen if isinstance(chosen, Answer) else chosen(asked)

    def sessions(
        self, clock: StillClock, watch: CallWatch | None = None, **connection: Any
    ) -> Sessions:
        """Sessions that talk to this stub, one attempt a call unless told otherwise."""
        settings = {"endpoint_url": self.url, "max_attempts": 1, **connection}
        return Sessions(clock, Connection(**settings), watch=watch, models=self.models)


_REST = {
    ("GET", "/2015-03-31/functions"): "ListFunctions",
    ("PUT", "/2015-03-31/functions/f/configuration"): "UpdateFunctionConfiguration",
}


def _operation(method: str, path: str, headers: Mapping[str, str], form: dict[str, str]) -> str:
    target = headers.get("X-Amz-Target")
    if target is not None:
        return target.rpartition(".")[2]
    if "Action" in form:
        return form["Action"]
    return _REST.get((method, path.rstrip("/")), f"{method} {path}")


def _form(text: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(text, keep_blank_values=True).items()}


@contextmanager
def serving(models: Loader) -> Iterator[StubAws]:
    """A stub on a free port of the loopback interface."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _serve(self) -> None:
            text = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
            parts = urlsplit(self.path)
            is_json = text.startswith("{")
            body = json.loads(text) if is_json else _form(text)
            operation = _operation(self.command, parts.path, self.headers, body)
            asked = Asked(operation, body, dict(self.headers), parts.path, _form(parts.query))
            answer = stub.answer(asked)
            is_text = isinstance(answer.body, str)
            content = (answer.body if is_text else json.dumps(answer.body)).encode()
            self.send_response(answer.status)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            kind = "text/xml" if is_text else "application/x-amz-json-1.1"
            kind = "text/html" if content.startswith(b"<html") else kind
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_PUT = _serve

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    stub = StubAws(f"http://127.0.0.1:{server.server_address[1]}", models)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield stub
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
