"""The code of a function in a zip file: fetched from where Lambda keeps it, and checked.

GetFunction gives an address signed for ten minutes; whoever has it needs no credentials, so
it is never logged and none are sent.
"""

import base64
import hashlib
from collections.abc import Callable
from urllib.parse import urlsplit

import urllib3

from controller.model.errors import Retryable, Terminal

MOST_BYTES = 52_428_800
"""Of a zip file given to CreateFunction itself (Lambda Developer Guide, "Lambda quotas")."""
_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
_TIMEOUT = urllib3.Timeout(connect=5.0, read=30.0)

FetchCode = Callable[[str], bytes]
"""The bytes at an address, at most `MOST_BYTES` of them. Raises AdapterErrors."""


def fetch_code(url: str) -> bytes:
    """Download over HTTPS (over HTTP from this machine only, where the sandbox is)."""
    parts = urlsplit(url)
    if parts.scheme != "https" and parts.hostname not in _LOOPBACK:
        raise Terminal("The address that Lambda gave for a function's code is not HTTPS.")
    try:
        with urllib3.PoolManager(timeout=_TIMEOUT, retries=2) as pool:
            answer = pool.request("GET", url, preload_content=False, redirect=False)
            try:
                content = answer.read(MOST_BYTES + 1)
            finally:
                answer.release_conn()
    except urllib3.exceptions.HTTPError:
        raise Retryable(
            f"A function's code could not be fetched from {parts.hostname}: it is tried again "
            "later.",
            operation="GetFunction",
        ) from None
    if answer.status != 200:
        raise Retryable(
            f"A function's code could not be fetched from {parts.hostname} (HTTP "
            f"{answer.status}): it is tried again later.",
            operation="GetFunction",
        )
    return content


def checked(content: bytes, sha256: str, subject: str) -> bytes:
    """The content, if it is what Lambda runs. `sha256` is CodeSha256: base64. Raises Terminal."""
    if len(content) > MOST_BYTES:
        raise too_large(subject)
    if base64.b64encode(hashlib.sha256(content).digest()).decode() != sha256:
        raise Terminal(f"The code fetched of {subject} is not the code that Lambda runs.")
    return content


def too_large(subject: str) -> Terminal:
    """Why there is no copy of a function with much code."""
    return Terminal(
        f"The code of {subject} is over 50 MB, and a copy can be made of a zip file up to that "
        "size only: probe it live, or deploy it as a container image."
    )
