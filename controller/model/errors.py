"""The error contract of every adapter: these kinds and no others leave it.

Adapters translate what a service raises; the worker's boundary is where they end.
The message is one sentence for a person and never holds credentials or payloads.
"""

from collections.abc import Mapping


class AdapterError(Exception):
    """Base of all errors that an adapter may raise."""

    def __init__(
        self,
        message: str,
        *,
        operation: str = "",
        code: str = "",
        retry_after_s: float | None = None,
        learnt: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.operation = operation
        self.code = code
        self.retry_after_s = retry_after_s
        """How long to wait before trying again, where that is known; else None."""
        self.learnt: Mapping[str, str] = learnt or {}
        """What the refusal tells of the endpoint, for a change to remember."""


class Retryable(AdapterError):
    """A passing fault (5xx, dropped connection, time-out): try again later."""


class Throttled(Retryable):
    """The service, or our own call budget, says slow down."""


class Unreachable(Retryable):
    """No connection to the service could be made."""


class Conflict(AdapterError):
    """Somebody else changed the thing, or an update of it is under way: look again."""


class NotFound(AdapterError):
    """The thing does not exist (in this account and region)."""


class AccessDenied(AdapterError):
    """The caller may not do this."""


class Unauthenticated(AdapterError):
    """No credentials, or expired or invalid ones."""


class Terminal(AdapterError):
    """The request is wrong and will stay wrong: do not repeat it."""


class NoLease(AdapterError):
    """This replica may not act: another leads, or what is left of its lease is too short."""


class StoreError(AdapterError):
    """The journal cannot be used (corrupt, newer than this program, locked by another)."""
