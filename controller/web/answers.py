"""JSON answers: with an ETag, so that asking again costs little, and errors in one form."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

REVALIDATE = "private, no-cache"
"""A browser may keep it, and must ask whether it still holds."""


def answer(request: Request, document: Mapping[str, Any]) -> Response:
    """The document with 200, or 304 where the asker has it already."""
    text = json.dumps(document, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return tagged(request, text.encode(), "application/json")


def tagged(request: Request, body: bytes, content_type: str) -> Response:
    """A body whose ETag is its hash."""
    etag = f'"{hashlib.sha256(body).hexdigest()[:20]}"'
    # the type stands on a 304 as well: by it the fence knows the page, and a browser takes
    # the fence of a 304 for what it has kept
    headers = {"ETag": etag, "Cache-Control": REVALIDATE, "Content-Type": content_type}
    if _has(request, etag):
        return Response(status_code=304, headers=headers)
    return Response(body, headers=headers)


def error(sentence: str, status: int, headers: Mapping[str, str] | None = None) -> Response:
    """`{"error": sentence}`; never kept by anybody."""
    body = json.dumps({"error": sentence}, ensure_ascii=False).encode()
    kept = {"Cache-Control": "no-store", "Content-Type": "application/json"}
    return Response(body, status_code=status, headers={**kept, **(headers or {})})


def _has(request: Request, etag: str) -> bool:
    held = request.headers.get("if-none-match", "")
    return etag in {tag.strip().removeprefix("W/") for tag in held.split(",")}
