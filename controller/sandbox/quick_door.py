"""The short way through the HTTP door, for requests that are as plain as SDKs send them.

A load generator that measures the sandbox would otherwise measure the door: h11 and ASGI take
three times as long for a request as everything that is done about it. So a whole HTTP/1.1
request of known length, on a connection that is at rest, is read here by one expression, and
answered in one piece at the instant at which it is due, counted from its arrival: what the
work took is part of the latency, and does not come on top of it. Whatever is not as plain (an
unusual head, a body in chunks or a large one, the control door's own paths) goes on to h11.
"""

from __future__ import annotations

import asyncio
import re
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from controller.sandbox.control_door import PREFIX
from controller.sandbox.wire.http import HttpRequest, HttpResponse

if TYPE_CHECKING:
    from controller.sandbox.asgi import HttpDoor

_HEAD = re.compile(
    rb"(GET|POST|PUT|DELETE|PATCH) (/[!-~]*) HTTP/1\.1\r\n"
    rb"((?:[-!#$%&'*+.^_`|~0-9A-Za-z]+:[ \t]*[^\x00-\x08\x0a-\x1f\x7f]*\r\n)+)\r\n"
)
_MOST_BYTES = 512 * 1024
"""Of a request: larger ones are read with a view to the memory that they take."""
_UNUSUAL = ("transfer-encoding", "expect", "upgrade")
_REASONS = {int(status): status.phrase for status in HTTPStatus}
_RESTING = {h11.CLIENT: h11.IDLE, h11.SERVER: h11.IDLE}


class QuickProtocol(H11Protocol):
    """One connection. Its requests are answered one after the other."""

    def __init__(self, door: HttpDoor, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._door = door
        self._pending: asyncio.TimerHandle | None = None
        self._held = b""

    def data_received(self, data: bytes) -> None:
        """Take what arrived: the short way where it is open, else h11's."""
        if self._pending is not None:
            self._held += data
            return
        arrived_s = self.loop.time()
        if not self._held and not self._resting():
            super().data_received(data)
            return
        self._unset_keepalive_if_required()
        data, self._held = self._held + data, b""
        taken = _taken(data)
        if taken is None:
            super().data_received(data)
        elif isinstance(taken, int):
            self._held = data
        else:
            self._held = data[taken[1] :]
            self._answer(taken[0], arrived_s)

    def connection_lost(self, exc: Exception | None) -> None:
        """Nobody waits for the answer any more."""
        if self._pending is not None:
            self._pending.cancel()
        super().connection_lost(exc)

    def _resting(self) -> bool:
        """Whether h11 is in the middle of nothing."""
        return self.conn.states == _RESTING and not self.conn.trailing_data[0]

    def _answer(self, request: HttpRequest, arrived_s: float) -> None:
        response, sleep_ms = self._door.answered(request)
        if sleep_ms <= 0.0:
            self._send(response)
            return
        due_s = arrived_s + sleep_ms / 1000.0
        self._pending = self.loop.call_at(due_s, self._send, response)

    def _send(self, response: HttpResponse | None) -> None:
        self._pending = None
        if self.transport.is_closing():
            return
        if response is None:
            self.transport.abort()
            return
        self.transport.write(_written(response))
        self.on_response_complete()
        if self._held:
            held, self._held = self._held, b""
            self.data_received(held)


def _taken(data: bytes) -> tuple[HttpRequest, int] | int | None:
    """A request and its length in bytes; a number where more of it is to come; None where it
    is not for this way."""
    head = _HEAD.match(data)
    if head is None:
        return None
    headers = {}
    lines = head[3].decode("latin-1").split("\r\n")[:-1]
    for line in lines:
        name, _, value = line.partition(":")
        headers[name.lower()] = value.strip(" \t")
    path, _, query = head[2].decode("latin-1").partition("?")
    length = headers.get("content-length", "0")
    plain = (
        len(headers) == len(lines)  # none is there twice
        and length.isascii()
        and length.isdigit()
        and "host" in headers
        and headers.get("connection", "keep-alive").lower() == "keep-alive"
        and not any(name in headers for name in _UNUSUAL)
        and not path.startswith(PREFIX)
    )
    if not plain or int(length) > _MOST_BYTES:
        return None
    end = head.end() + int(length)
    if len(data) < end:
        return end
    body = data[head.end() : end]
    return HttpRequest(head[1].decode("latin-1"), path, query, headers, body), end


def _written(response: HttpResponse) -> bytes:
    lines = [f"HTTP/1.1 {response.status} {_REASONS.get(response.status, '')}"]
    lines += [f"{name}: {value}" for name, value in response.headers.items()]
    if response.status != HTTPStatus.NO_CONTENT:
        lines.append(f"content-length: {len(response.body)}")
    return "\r\n".join([*lines, "\r\n"]).encode("latin-1") + response.body
