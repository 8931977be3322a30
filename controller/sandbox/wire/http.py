"""An HTTP request and its answer, as both doors see them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """A request before anybody understood it.

    path: percent-encoded, as on the request line, without the query; query: the raw query
    string without `?`; headers: names in lower case.
    """

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class HttpResponse:
    """An answer. sleep_ms: how long a door with a real clock waits before it sends it."""

    status: int
    headers: dict[str, str]
    body: bytes
    sleep_ms: float = field(default=0.0)
