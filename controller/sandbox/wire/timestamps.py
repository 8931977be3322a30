"""Timestamps on the wire: epoch seconds, ISO 8601 and RFC 822."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime
from typing import Any

from controller.sandbox.wire.malformed import MalformedError


def read_timestamp(value: Any) -> datetime:
    """A timestamp in whatever form a client wrote it; always aware, in UTC.

    Raises MalformedError for anything that is no time.
    """
    try:
        if isinstance(value, datetime):
            return value
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            return datetime.fromtimestamp(value, UTC)
        if isinstance(value, str):
            return _read_text(value)
    except (ValueError, OverflowError, OSError) as problem:
        raise MalformedError(f"{value!r} is not a timestamp") from problem
    raise MalformedError(f"{value!r} is not a timestamp")


def _read_text(text: str) -> datetime:
    if text[:1].isdigit() and "-" in text:
        instant = datetime.fromisoformat(text)
    elif text[:1].isalpha():
        instant = parsedate_to_datetime(text)
    else:
        instant = datetime.fromtimestamp(float(text), UTC)
    return instant.replace(tzinfo=UTC) if instant.tzinfo is None else instant.astimezone(UTC)


def epoch_s(value: Any) -> float:
    """Epoch seconds of a handler's timestamp; an int where no fraction is needed.

    Handlers may give epoch seconds instead of a datetime, which is cheaper in bulk.
    Raises TypeError for a datetime without a zone: that is a handler's mistake.
    """
    if value.__class__ is int:
        return value
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise TypeError(f"the timestamp {value!r} has no time zone")
        value = value.timestamp()
    whole = int(value)
    return whole if whole == value else round(value, 3)


def iso8601(value: Any) -> str:
    """`2026-03-01T12:00:00Z`, with milliseconds only where there are some."""
    instant = datetime.fromtimestamp(epoch_s(value), UTC)
    spec = "milliseconds" if instant.microsecond else "seconds"
    return instant.isoformat(timespec=spec).replace("+00:00", "Z")


def rfc822(value: Any) -> str:
    """`Sun, 01 Mar 2026 12:00:00 GMT`."""
    return format_datetime(datetime.fromtimestamp(int(epoch_s(value)), UTC), usegmt=True)


def timestamp_writer(style: str) -> Callable[[Any], str | float]:
    """What writes timestamps in a model's style: unixTimestamp (the default), iso8601, rfc822."""
    return {"iso8601": iso8601, "rfc822": rfc822}.get(style, epoch_s)
