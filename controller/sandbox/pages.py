"""Pages of a list behind an opaque token."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from typing import TypeVar

Item = TypeVar("Item")


class BadTokenError(ValueError):
    """The token was not made by this listing."""


def page_of(
    items: Sequence[Item], token: str | None, size: int, listing: str
) -> tuple[Sequence[Item], str | None]:
    """The page a token stands for, and the token of the next one, or None on the last.

    listing: names what is listed; a token of another listing is refused with BadTokenError.
    """
    start = 0 if token is None else _place(token, listing)
    end = start + size
    following = None if end >= len(items) else _token(end, listing)
    return items[start:end], following


def _token(place: int, listing: str) -> str:
    return base64.urlsafe_b64encode(f"{place}/{listing}".encode()).decode("ascii")


def _place(token: str, listing: str) -> int:
    try:
        place, _, name = base64.urlsafe_b64decode(token.encode()).decode().partition("/")
    except (binascii.Error, UnicodeError) as problem:
        raise BadTokenError(token) from problem
    if name != listing or not place.isdigit():
        raise BadTokenError(token)
    return int(place)
