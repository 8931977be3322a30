"""Malformed and hostile requests on real sockets: answered or dropped, never believed."""

import random
import socket
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from test_doors import Nothing

from controller.web import connection, listener
from controller.web.app import build_app
from controller.web.checks import Check
from controller.web.doors import Doors
from controller.web.listener import Listener

pytestmark = pytest.mark.slow

PATIENCE_S = 60.0
"""A busy machine answers late; what is never answered takes longer than this."""


@pytest.fixture(scope="module")
def served() -> Iterator[Listener]:
    app = build_app(
        metrics=lambda _: (b"up 1\n", "text/plain"),
        live=lambda: {"fine": Check(True, "fine")},
        ready=lambda: {"fine": Check(True, "fine")},
        site=Nothing(),
        doors=Doors(loopback=True),
    )
    running = Listener(app)
    running.start()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(connection, "WHOLE_REQUEST_S", 1.0)
        yield running
    running.stop()


def dialogue(port: int, said: bytes, patience_s: float = PATIENCE_S) -> bytes:
    """Everything that comes back until the other side closes, or says no more for a while."""
    with socket.create_connection(("127.0.0.1", port), timeout=patience_s) as client:
        heard = b""
        try:
            client.sendall(said)
            while part := client.recv(65_536):
                heard += part
                client.settimeout(0.3)
        except OSError:
            pass
        return heard


def status(heard: bytes) -> int | None:
    return int(heard.split(b" ", 2)[1]) if heard.startswith(b"HTTP/1.1 ") else None


def get(path: bytes, *headers: bytes, method: bytes = b"GET") -> bytes:
    lines = [
        method + b" " + path + b" HTTP/1.1",
        b"Host: localhost",
        b"Connection: close",
        *headers,
    ]
    return b"\r\n".join([*lines, b"", b""])


REQUESTS: list[tuple[bytes, set[int | None]]] = [
    (get(b"/api/v1/status"), {200}),
    (get(b"/../../etc/passwd"), {404}),
    (get(b"/static/../settings.py"), {404}),
    (get(b"/static/..%2f..%2fsettings.py"), {404}),
    (get(b"/static/%2e%2e/app.py"), {404}),
    (get(b"/static//etc/passwd"), {404}),
    (get(b"/static/main.js%00.css"), {404}),
    (get(b"/api/v1/endpoints/%00%ff%fe"), {404}),
    (get(b"/api/v1/endpoints/" + b"a/" * 1500), {404}),
    (get(b"/api/v1/endpoints/" + b"%41" * 1300), {404}),
    (get(b"/api/v1/changes/1%20OR%201=1"), {404}),
    (get(b"/api/v1/changes/" + b"9" * 3000), {404}),
    (get(b"/api/v1/endpoints?q=%3Cscript%3Ealert(1)%3C/script%3E"), {200}),
    (get(b"/api/v1/endpoints?q=%ff%00"), {400}),
    (get(b"/api/v1/endpoints?" + b"&".join(b"a%d=1" % n for n in range(400))), {400}),
    (get(b"/?" + b"x" * 5000), {414}),
    (get(b"/" + b"x" * 20_000), {400, 414}),
    (get(b"/" + b"x" * 500_000), {400, None}),
    (get(b"/", b"X: " + b"y" * 20_000), {400, 431}),
    (get(b"/", b"X: " + b"y" * 500_000), {400, None}),
    (get(b"/", *[b"X-%d: y" % n for n in range(3000)]), {400, 431}),
    (get(b"http://evil.example/api/v1/status"), {404}),
    (get(b"/api/v1/status").replace(b"localhost", b"evil.example"), {421}),
    (get(b"/api/v1/status").replace(b"Host: localhost\r\n", b""), {400}),
    (get(b"/api/v1/status", b"Host: evil.example"), {400}),
    (get(b"/", method=b"TRACE"), {405}),
    (get(b"/", method=b"CONNECT"), {405, 400}),
    (get(b"/", method=b"get"), {405}),
    (get(b"/", method=b"G" * 300), {405, 400}),
    (get(b"/-/reload", b"Content-Length: 0", method=b"POST"), {404}),
    (get(b"/", b"Content-Length: 5", b"Transfer-Encoding: chunked") + b"0\r\n\r\n", {200, 400}),
    (get(b"/", b"Content-Length: -1"), {400}),
    (get(b"/", b"Content-Length: 1", b"Content-Length: 2"), {400}),
    (get(b"/", b"Transfer-Encoding: gzip, chunked"), {400, 501}),
    (get(b"/", b"Upgrade: websocket", b"Connection: upgrade"), {200}),
    (get(b"/", b"Range: bytes=0-0,1-1,2-2"), {200}),
    (get(b"/", b"If-None-Match: " + b",".join([b'"x"'] * 2000)), {200}),
    (get(b"/", b"Header with blanks : x"), {400}),
    (get(b"/", b"Name: folded\r\n value"), {200, 400}),
    (b"GET / HTTP/0.9\r\n\r\n", {400, 421}),
    (b"GET / HTTP/9.9\r\n\r\n", {400, 421}),
    (b"GET /\r\n\r\n", {400}),
    (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", {400, None}),
    (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", {400, 421}),
    (b"\r\n" * 50, {400, None}),
    (b"\x00" * 100, {400, None}),
    (b"", {None}),
]


@pytest.mark.parametrize(("said", "wanted"), REQUESTS, ids=range(len(REQUESTS)))
def test_it_answers_as_it_should_and_lives(
    served: Listener, said: bytes, wanted: set[int | None]
) -> None:
    heard = dialogue(served.port, said)
    assert status(heard) in wanted, heard[:300]
    assert b"Traceback" not in heard
    assert b"<script>" not in heard
    assert status(dialogue(served.port, get(b"/healthz"))) == 200


def test_noise_does_not_end_it(served: Listener) -> None:
    chance = random.Random(7)
    sound = get(b"/api/v1/endpoints?q=x&sort=name")
    noises = []
    for _ in range(80):
        said = bytearray(sound)
        for _ in range(chance.randint(1, 6)):
            said[chance.randrange(len(said))] = chance.randrange(256)
        noises.append(bytes(said))
    with ThreadPoolExecutor(8) as crowd:
        answers = crowd.map(lambda noise: status(dialogue(served.port, noise)), noises)
        for noise, answer in zip(noises, answers, strict=True):
            assert answer in {200, 304, 400, 404, 405, 414, 421, None}, noise
    assert status(dialogue(served.port, get(b"/healthz"))) == 200


def test_every_refusal_is_fenced(served: Listener) -> None:
    for path in (b"/nope", b"/?" + b"x" * 5000, b"/api/v1/x"):
        heard = dialogue(served.port, get(path)).lower()
        assert b"content-security-policy: default-src 'none'; frame-ancestors 'none'" in heard
        assert b"x-content-type-options: nosniff" in heard
        assert b"\r\nserver:" not in heard


def test_who_does_not_come_to_an_end_is_dropped(served: Listener) -> None:
    """Silence, half a header, a body that does not come: each has the same time."""
    for begun in (b"", b"GET / HTTP/1.1\r\nHost: local", get(b"/", b"Content-Length: 9")):
        began_s = time.monotonic()
        dialogue(served.port, begun)
        assert time.monotonic() - began_s < PATIENCE_S
    assert _lives(lambda client: client.sendall(b"X"), served.port) < PATIENCE_S, "a drip of bytes"
    assert status(dialogue(served.port, get(b"/healthz"))) == 200


def _lives(say: Callable[[socket.socket], None], port: int) -> float:
    """How long the other side bears it."""
    began_s = time.monotonic()
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S) as client:
        try:
            while time.monotonic() - began_s < PATIENCE_S:
                say(client)
                time.sleep(0.05)
        except OSError:
            pass
    return time.monotonic() - began_s


def test_a_crowd_of_silent_ones_is_let_go_again(
    monkeypatch: pytest.MonkeyPatch, served: Listener
) -> None:
    monkeypatch.setattr(connection, "WHOLE_REQUEST_S", 5.0)
    crowd = [
        socket.create_connection(("127.0.0.1", served.port), timeout=PATIENCE_S)
        for _ in range(listener.MOST_CONNECTIONS)
    ]
    try:
        assert status(dialogue(served.port, get(b"/healthz"))) == 503
        deadline_s = time.monotonic() + PATIENCE_S
        while status(dialogue(served.port, get(b"/healthz"))) != 200:
            assert time.monotonic() < deadline_s, "the crowd is still there"
            time.sleep(0.05)
    finally:
        for client in crowd:
            client.close()
