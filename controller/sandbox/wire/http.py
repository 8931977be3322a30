"""An HTTP request and its answer, as both doors see them."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from controller.sandbox.wire.malformed import MalformedError

_MAX_UNPACKED_BYTES = 64 * 1024 * 1024
_GZIP = 16 + zlib.MAX_WBITS


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


def unpacked(request: HttpRequest) -> HttpRequest:
    """The request with its body as it was before compression.

    botocore compresses large PutMetricData requests with gzip. Raises MalformedError for
    what is no gzip, or unpacks to more than any service takes.
    """
    if request.headers.get("content-encoding") != "gzip":
        return request
    unpacker = zlib.decompressobj(_GZIP)
    try:
        body = unpacker.decompress(request.body, _MAX_UNPACKED_BYTES)
    except zlib.error as problem:
        raise MalformedError("the body is not valid gzip") from problem
    if unpacker.unconsumed_tail or not unpacker.eof:
        raise MalformedError("the compressed body is cut short or too large")
    return replace(request, body=body)
