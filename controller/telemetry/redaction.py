r"""Keeps credentials and payloads out of the logs, whatever was logged.

Two nets. By name: a field called `secret_access_key`, `Authorization` or `payload` loses
its value whole, at any depth. By shape, in every piece of text: access key ids, secret
keys, session tokens, authorization headers and presigned query parameters.

Shapes (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html): a key
id is `AKIA` or `ASIA` and at least 16 capitals or digits; a secret key is 40 characters of
base64, a session token some hundred. So any run of 40 or more base64 characters that mixes
cases goes, and with it now and then a harmless digest: better than the other way round.
"""

import math
import re
from collections.abc import Mapping, MutableMapping
from typing import Any

REDACTED = "[redacted]"
_MAX_DEPTH = 8
_MAX_TEXT = 16_384
"""Longer text is cut, after redaction, so that no log line grows without bound."""

_NAME_PARTS = (
    "apikey",
    "accesstoken",
    "authorization",
    "cookie",
    "credential",
    "passwd",
    "password",
    "secret",
    "securitytoken",
    "sessiontoken",
    "signature",
)
_NAME_ENDS = ("body", "payload", "token")

_NAMED = (
    r"secret[_-]?(?:access[_-]?)?key|session[_-]?token|security[_-]?token|api[_-]?key"
    r"|access[_-]?token|password|passwd|x-amz-signature|x-amz-credential"
)
_BETWEEN = r"[\\\"']*\s*(?:=|:|%3D|>)\s*[\\\"']*"
_SHAPES = (
    # a header takes the rest of its line, or of its quotes: schemes have commas and blanks
    (re.compile(rf"(\bauthorization{_BETWEEN})[^\r\n\"']+", re.IGNORECASE), rf"\1{REDACTED}"),
    (re.compile(r"\b(bearer|basic)\s+[A-Za-z0-9._~+/=-]{8,}", re.IGNORECASE), rf"\1 {REDACTED}"),
    (
        re.compile(rf"((?:{_NAMED}){_BETWEEN})[^\s\"'&,;<>\\}})]+", re.IGNORECASE),
        rf"\1{REDACTED}",
    ),
    (re.compile(r"(?:AKIA|ASIA)[A-Z0-9]{16,}"), REDACTED),
    (
        re.compile(
            r"(?<![A-Za-z0-9/+])(?=[a-z0-9/+]*[A-Z])(?=[A-Z0-9/+]*[a-z])[A-Za-z0-9/+]{40,}={0,2}"
        ),
        REDACTED,
    ),
)


def redact_text(text: str) -> str:
    """The text without what looks like a credential, cut to a bounded length."""
    for shape, replacement in _SHAPES:
        text = shape.sub(replacement, text)
    if len(text) > _MAX_TEXT:
        return f"{text[:_MAX_TEXT]}… ({len(text) - _MAX_TEXT} characters more)"
    return text


def redact(value: Any, depth: int = 0) -> Any:
    """The value as plain data (text, numbers, lists, objects) without credentials."""
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)  # JSON has no word for the others
    if isinstance(value, bytes | bytearray | memoryview):
        return f"[{len(value)} bytes]"
    if depth > _MAX_DEPTH:
        return "[too deep]"
    if isinstance(value, Mapping):
        return {_name(name): _field(name, item, depth) for name, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [redact(item, depth + 1) for item in value]
    return redact_text(_text(value))


def redacting(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> dict[str, Any]:
    """A structlog processor: every field of the event, redacted."""
    return {_name(name): _field(name, value, 0) for name, value in event.items()}


def _field(name: object, value: Any, depth: int) -> Any:
    # whether there is a token at all may be said
    if _is_secret(_text(name)) and not isinstance(value, bool | None):
        return REDACTED
    return redact(value, depth + 1)


def _is_secret(name: str) -> bool:
    squashed = name.lower().replace("_", "").replace("-", "")
    return squashed.endswith(_NAME_ENDS) or any(part in squashed for part in _NAME_PARTS)


def _name(name: object) -> str:
    return redact_text(_text(name))


def _text(value: object) -> str:
    try:
        return str(value)
    except Exception:  # a log line must not fail because of what is logged
        return f"[unprintable {type(value).__name__}]"
