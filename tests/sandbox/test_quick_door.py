"""The HTTP door's short way: the same answers as the long one, however a request arrives."""

from __future__ import annotations

import http.client
import socket
from collections.abc import Iterator
from typing import Any

import pytest

from controller.sandbox.http_door import SandboxServer
from controller.sandbox.world import World

SIGNED = (
    b"Host: sandbox\r\nContent-Type: application/json\r\nX-Amz-Log-Type: Tail\r\n"
    b"Authorization: AWS4-HMAC-SHA256 Credential=AKIA-111122223333/20270115/eu-west-1/lambda/"
    b"aws4_request, SignedHeaders=host, Signature=0\r\n"
)
LINE = b"POST /2015-03-31/functions/f/invocations HTTP/1.1\r\n"
BODY = b'{"page": 1}'
PLAIN = LINE + SIGNED + b"Content-Length: 11\r\n\r\n" + BODY
CHUNKED = LINE + SIGNED + b"Transfer-Encoding: chunked\r\n\r\nb\r\n" + BODY + b"\r\n0\r\n\r\n"

Told = tuple[int, dict[str, str], bytes]


def _invoke(_world: Any, _ctx: Any, params: Any) -> Any:
    payload = bytes(params["Payload"])
    return {"StatusCode": 200, "Payload": payload, "_sleep_ms": 30.0 if b"slow" in payload else 0.0}


@pytest.fixture
def line(world: World) -> Iterator[socket.socket]:
    """A connection to a sandbox whose functions answer what they are asked."""
    services = {"lambda": {"Invoke": _invoke}}
    with (
        SandboxServer(world, services=services) as server,
        socket.create_connection((server.host, server.port), timeout=30.0) as connection,
    ):
        yield connection


def _told(line: socket.socket) -> Told:
    """The next answer; of its headers those that are not of one request alone."""
    answer = http.client.HTTPResponse(line)
    answer.begin()
    headers = {name.lower(): value for name, value in answer.getheaders()}
    del headers["x-amzn-requestid"]
    return answer.status, headers, answer.read()


def test_both_ways_answer_alike_and_take_turns(line: socket.socket) -> None:
    answers = []
    for request in (PLAIN, CHUNKED, PLAIN, CHUNKED, PLAIN):
        line.sendall(request)
        answers.append(_told(line))
    assert answers[0][0] == 200
    assert answers[0][2] == BODY
    assert all(answer == answers[0] for answer in answers)


def test_a_request_may_come_in_pieces_and_several_at_once(line: socket.socket) -> None:
    line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    head, _, body = PLAIN.partition(b"\r\n\r\n")
    for part in (head + b"\r\n\r\n", body[:4], body[4:]):  # as SDKs send it, and worse
        line.sendall(part)
    assert _told(line)[2] == BODY
    for part in (head[:30], head[30:] + b"\r\n\r\n" + body):
        line.sendall(part)
    assert _told(line)[2] == BODY
    bodies = [b'{"slow": 0}', b'{"fast": 1}', b'{"slow": 2}']
    with line.makefile("rb") as answers:
        line.sendall(b"".join(PLAIN.replace(BODY, body) for body in bodies))
        seen = answers.read1(1 << 16)
        while seen.count(b"HTTP/1.1 200") < 3 or not seen.endswith(b"}"):
            seen += answers.read1(1 << 16)
    assert [seen.find(body) for body in bodies] == sorted(seen.find(body) for body in bodies)
    assert seen.find(bodies[0]) > 0


@pytest.mark.parametrize(
    "length",
    [
        b"Content-Length: 1e1\r\n",
        b"Content-Length: -1\r\n",
        b"Content-Length: 11\r\nContent-Length: 12\r\n",
        b"Content Length: 11\r\n",
        b"Content-Length: 11\r\n X-Folded: no\x00\r\n",
    ],
)
def test_what_is_no_request_is_refused(line: socket.socket, length: bytes) -> None:
    line.sendall(LINE + SIGNED + length + b"\r\n" + BODY)
    assert line.recv(1 << 16).startswith(b"HTTP/1.1 400 ")


def test_who_does_not_wait_for_the_answer_harms_nobody(line: socket.socket) -> None:
    with socket.create_connection(line.getpeername()) as impatient:
        impatient.sendall(PLAIN.replace(BODY, b'{"slow": 9}'))
    line.sendall(PLAIN)
    assert _told(line)[2] == BODY


def test_a_client_that_wants_to_be_asked_first_is(line: socket.socket) -> None:
    line.sendall(LINE + SIGNED + b"Expect: 100-continue\r\nContent-Length: 11\r\n\r\n")
    assert line.recv(1 << 16).startswith(b"HTTP/1.1 100 ")
    line.sendall(BODY)
    assert _told(line)[2] == BODY
