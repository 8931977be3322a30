"""Who may look: a token, the name that was asked for, and how long a request may be.

A token comes as `Authorization: Bearer TOKEN`, or as the password of HTTP Basic, which is
what a browser asks a person for; the name beside it is not looked at.

Without a token a listener on loopback answers only those who call it by an address or
`localhost`. Otherwise any web page could have its own name resolve to 127.0.0.1 and read,
through the browser of whoever visits it, what this machine shows to nobody else ("DNS
rebinding").

Without a token a listener that others can reach shows page and API only to this machine: to
those who come from loopback, as a port that is forwarded to a pod does, and call it by such a
name. Everybody else has metrics and health, which scrapers and probes need.
"""

import base64
import binascii
import hmac
import ipaddress
from collections.abc import Callable
from dataclasses import dataclass

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from controller.web.answers import error

MOST_ADDRESS = 4096
"""Bytes of path and query together."""
MOST_HEADER_BYTES = 16_384
"""Of a request's whole header; what comes in one piece is not limited by the parser."""
LEAST_TOKEN = 16
OPEN_PATHS = frozenset({"/healthz", "/livez", "/readyz"})
"""For probes, which have no secrets; they say nothing of endpoints."""
METRICS = "/metrics"
SHUT = (
    "page and API are shown to this machine alone until a token is set (--token-file), or"
    " --public-page says that everybody may look"
)
_CHALLENGE = {"WWW-Authenticate": 'Basic realm="rightsizer", charset="UTF-8"'}


@dataclass(frozen=True, slots=True)
class Doors:
    """Who may look."""

    token: str | Callable[[], str] | None = None
    """What is asked for, or what tells it; None: nothing is."""
    metrics_too: bool = False
    """Whether `/metrics` asks for the token as well."""
    loopback: bool = False
    """Whether only this machine can reach the listener."""
    public: bool = False
    """Whether, without a token, page and API are everybody's who reaches the listener."""

    def __post_init__(self) -> None:
        if isinstance(self.token, str) and len(self.token) < LEAST_TOKEN:
            raise ValueError(f"a token needs at least {LEAST_TOKEN} characters")

    def asks(self, path: str) -> bool:
        """Whether a path is behind the token."""
        if self.token is None or path in OPEN_PATHS:
            return False
        return self.metrics_too or path != METRICS

    def shut(self, path: str, peer: str, host: str) -> bool:
        """Whether a path is shown to nobody from elsewhere, and `peer` is from elsewhere."""
        if self.token is not None or self.public or self.loopback:
            return False
        if path in OPEN_PATHS or path == METRICS:
            return False
        return not (is_loopback(peer) and _own_name(host))

    def opens(self, authorization: str) -> bool:
        """Whether a header carries the token. Takes as long for any wrong one."""
        scheme, _, given = authorization.partition(" ")
        given = given.strip()
        if scheme.lower() == "basic":
            given = _password(given)
        elif scheme.lower() != "bearer":
            return False
        token = self.token() if callable(self.token) else self.token or ""
        return hmac.compare_digest(given.encode(), token.encode())

    def knows(self, host: str) -> bool:
        """Whether the name asked for can be this listener's own."""
        return self.token is not None or not self.loopback or _own_name(host)


class Guarded:
    """Lets requests through to an app, or answers them itself."""

    def __init__(self, app: ASGIApp, doors: Doors) -> None:
        self._app = app
        self._doors = doors

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        refusal = self._refusal(scope) if scope["type"] == "http" else None
        await (self._app if refusal is None else refusal)(scope, receive, send)

    def _refusal(self, scope: Scope) -> ASGIApp | None:
        headers, doors = Headers(scope=scope), self._doors
        length = len(scope.get("raw_path") or b"") + len(scope["query_string"])
        if length > MOST_ADDRESS:
            return error(f"the address is longer than {MOST_ADDRESS} bytes", 414)
        if sum(len(name) + len(value) for name, value in headers.raw) > MOST_HEADER_BYTES:
            return error(f"the header is longer than {MOST_HEADER_BYTES} bytes", 431)
        if not doors.knows(headers.get("host", "")):
            sentence = "ask for this listener as localhost or by its address, or give it a token"
            return error(sentence, 421)
        if doors.shut(scope["path"], (scope.get("client") or ("",))[0], headers.get("host", "")):
            return error(SHUT, 403)
        if doors.asks(scope["path"]) and not doors.opens(headers.get("authorization", "")):
            return error("a token is needed", 401, _CHALLENGE)
        return None


def _password(encoded: str) -> str:
    try:
        return base64.b64decode(encoded, validate=True).decode().partition(":")[2]
    except (binascii.Error, UnicodeError):
        return ""


def _own_name(host: str) -> bool:
    name = host.rpartition(":")[0] if _has_port(host) else host
    name = name.removeprefix("[").removesuffix("]").lower().removesuffix(".")
    return name == "localhost" or name.endswith(".localhost") or _is_address(name)


def is_loopback(host: str) -> bool:
    """Whether an address, or `localhost`, is this machine's own."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host == "localhost"
    mapped = getattr(address, "ipv4_mapped", None)
    return bool((mapped or address).is_loopback)


def _has_port(host: str) -> bool:
    tail = host.rpartition("]")[2] if host.startswith("[") else host
    return tail.count(":") == 1


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
