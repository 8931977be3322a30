"""One connection of the listener: closed where a request does not become whole in time.

uvicorn waits for ever for the rest of a header, so whoever opens connections and says nothing
("slowloris") would keep everybody else out, probes included.
"""

import asyncio
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

WHOLE_REQUEST_S = 15.0


class Connection(H11Protocol):
    """uvicorn's, with a deadline for each request."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """A deadline runs from here, not from the first byte."""
        super().connection_made(transport)
        self._expect()

    def data_received(self, data: bytes) -> None:
        """A whole request ends the deadline; the first bytes of the next one begin another."""
        super().data_received(data)
        if self.conn.their_state in (h11.IDLE, h11.SEND_BODY):
            self._expect()
        else:
            self._forget()

    def connection_lost(self, exc: Exception | None) -> None:
        """Nothing is expected any more."""
        self._forget()
        super().connection_lost(exc)

    def _expect(self) -> None:
        if self._deadline is None:
            self._deadline = self.loop.call_later(WHOLE_REQUEST_S, self._too_slow)

    def _forget(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _too_slow(self) -> None:
        self._deadline = None
        self.transport.abort()
