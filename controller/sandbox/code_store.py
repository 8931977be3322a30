"""The code that functions were made of, and where GetFunction says it can be fetched.

AWS answers with an address at S3 that is signed for ten minutes. Over HTTP the address leads
back to the sandbox; the in-process door has no addresses, so `fetch` takes its place.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from controller.sandbox.extensions import state_of
from controller.sandbox.lambda_state import code_digest

if TYPE_CHECKING:
    from controller.sandbox.world import World

ROOM = "code/"
"""Under the control door's prefix; the rest of the path is the digest in hexadecimal digits."""
_LOOPBACK = ("127.0.0.1", "localhost", "[::1]")


@dataclass(slots=True)
class CodeStore:
    """One per world."""

    by_digest: dict[str, bytes] = field(default_factory=dict)


def keep_code(world: World, code: bytes) -> str:
    """Keep what a function is made of; returns its CodeSha256."""
    digest = code_digest(code)
    state_of(world, CodeStore).by_digest[_hexadecimal(digest)] = code
    return digest


def code_location(host: str, region: str, sha256: str) -> str:
    """The address of a function's code, for who asked `host` for it."""
    digits = _hexadecimal(sha256)
    if host.rpartition(":")[0] in _LOOPBACK:
        return f"http://{host}/_sandbox/{ROOM}{digits}"
    return f"https://awslambda-{region}-tasks.s3.{region}.amazonaws.com/{ROOM}{digits}"


def fetch(world: World, url: str) -> bytes:
    """The code at an address that GetFunction gave. Raises KeyError where there is none."""
    return state_of(world, CodeStore).by_digest[url.rpartition("/")[2]]


def _hexadecimal(sha256: str) -> str:
    return base64.b64decode(sha256).hex()
