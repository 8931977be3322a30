"""structlog, set up once: what it says, where it goes, and what never gets out.

All messages, ours and those of libraries that use the standard library's logging (boto,
APScheduler, uvicorn), end in one handler on stderr: JSON lines, or readable lines on a
terminal. stdout stays free for results. Fields that belong to the work at hand (endpoint,
policy, reconcile_id) are bound once with `bound` and stand on every line within.

    log = structlog.get_logger()
    with bound(endpoint=str(key), policy=policy.name):
        log.info("change: lambda eu-west-1/ocr 3008 -> 2048 MB, …")
"""

import logging
import sys
from collections.abc import Callable, MutableMapping
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, TextIO

import structlog
from structlog.contextvars import bound_contextvars, merge_contextvars
from structlog.dev import ConsoleRenderer, plain_traceback
from structlog.processors import ExceptionRenderer, JSONRenderer, add_log_level
from structlog.stdlib import BoundLogger, LoggerFactory, ProcessorFormatter, filter_by_level
from structlog.typing import Processor

from controller.telemetry.redaction import redacting

bound = bound_contextvars
"""Context manager (and decorator) that puts fields on every line within."""

_LIBRARIES = ("apscheduler", "asyncio", "boto3", "botocore", "s3transfer", "urllib3", "uvicorn")
_FIRST = ("ts", "level", "logger", "event")
_CONTROL = {code: f"\\x{code:02x}" for code in (*range(32), 127) if code not in (9, 10)}


class LogForm(StrEnum):
    """How lines look."""

    AUTO = "auto"
    """Readable on a terminal, JSON elsewhere."""
    JSON = "json"
    CONSOLE = "console"


class _Handler(logging.StreamHandler[TextIO]):
    """Ours, so that setting up again replaces it and leaves other handlers alone."""


def configure_logging(
    *,
    now_s: Callable[[], float],
    form: LogForm = LogForm.AUTO,
    color: bool = True,
    level: str = "info",
    stream: TextIO | None = None,
    on_message: Callable[[str], None] | None = None,
) -> None:
    """Send all log messages to one stream; a second call replaces the first.

    Args:
        now_s: the clock, for the `ts` field (RFC 3339, UTC).
        form: JSON or readable lines.
        color: colours in readable lines on a terminal; pass False where NO_COLOR is set.
        level: the lowest level that is written: debug, info, warning, error.
        stream: stderr unless given.
        on_message: called with each written message's level, for a counter.
    """
    out = sys.stderr if stream is None else stream
    terminal = out.isatty()
    as_json = form is LogForm.JSON or (form is LogForm.AUTO and not terminal)
    handler = _Handler(out)
    handler.setFormatter(
        ProcessorFormatter(
            processors=[
                _with_origin,
                merge_contextvars,
                add_log_level,
                _Stamp(now_s, on_message),
                ExceptionRenderer(),
                redacting,
                *(_json() if as_json else _console(color and terminal)),
            ]
        )
    )
    root = logging.getLogger()
    for old in [old for old in root.handlers if isinstance(old, _Handler)]:
        root.removeHandler(old)
    root.addHandler(handler)
    structlog.configure(
        processors=[filter_by_level, ProcessorFormatter.wrap_for_formatter],
        logger_factory=LoggerFactory(),
        wrapper_class=BoundLogger,
        cache_logger_on_first_use=False,
    )
    set_level(level)


def set_level(level: str) -> None:
    """Change the lowest level that is written, at any time. Raises ValueError for no level."""
    number = logging.getLevelNamesMapping().get(level.upper())
    if number is None:
        raise ValueError(f"{level!r} is no log level; use debug, info, warning or error")
    logging.getLogger().setLevel(number)
    for name in _LIBRARIES:
        # at debug, botocore writes whole requests: no pattern can promise to clean those
        least = logging.INFO if number <= logging.DEBUG else logging.WARNING
        logging.getLogger(name).setLevel(max(number, least))


class _Stamp:
    """Adds the time, and counts the message."""

    def __init__(
        self, now_s: Callable[[], float], on_message: Callable[[str], None] | None
    ) -> None:
        self._now_s = now_s
        self._on_message = on_message

    def __call__(
        self, _logger: Any, _method: str, event: MutableMapping[str, Any]
    ) -> MutableMapping[str, Any]:
        instant = datetime.fromtimestamp(self._now_s(), UTC)
        event["ts"] = instant.isoformat(timespec="milliseconds").replace("+00:00", "Z")
        if self._on_message is not None:
            self._on_message(str(event["level"]))
        return event


def _with_origin(
    _logger: Any, _method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """The logger's name instead of the two fields by which the formatter passes the record."""
    event["logger"] = event.pop("_record").name
    event.pop("_from_structlog")
    return event


def _json() -> tuple[Processor, ...]:
    return _in_order, JSONRenderer(sort_keys=False, ensure_ascii=False)


def _console(color: bool) -> tuple[Processor, ...]:
    renderer = ConsoleRenderer(
        colors=color, timestamp_key="ts", pad_event_to=0, exception_formatter=plain_traceback
    )
    return _printable, renderer


def _in_order(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> dict[str, Any]:
    first = {name: event[name] for name in _FIRST if name in event}
    return first | {name: event[name] for name in event if name not in first}


def _printable(
    _logger: Any, _method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """No control characters: a name from AWS must not move the reader's cursor."""
    for name, value in event.items():
        if isinstance(value, str):
            text = value.translate(_CONTROL)
            event[name] = text if name == "exception" else text.replace("\n", "\\n")
    return event
