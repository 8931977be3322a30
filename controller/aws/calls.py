"""Every call to AWS is seen here: budgeted before, counted after, retries included.

The watch hangs on botocore's own events, so no adapter can forget it and calls that botocore
makes by itself (AssumeRole for credentials) count too.
"""

from dataclasses import dataclass
from typing import Any, Protocol

from controller.aws.budgets import CallBudgets
from controller.aws.error_codes import error_fields, kind_of
from controller.model.errors import Throttled
from controller.ports import Clock

_CONTEXT_KEY = "rightsizer"
OK = "OK"


class CallListener(Protocol):
    """Who counts. Called from worker threads, several at a time; must not raise."""

    def on_call(
        self, service: str, operation: str, code: str, seconds: float, retries: int
    ) -> None:
        """A call ended. `code` is `OK`, AWS's error code, or the name of an exception."""

    def on_throttled(self, service: str, operation: str) -> None:
        """AWS throttled one attempt, whether or not a retry then succeeded."""

    def on_refused(self, service: str, operation: str) -> None:
        """Our own budget refused a call; AWS never saw it."""

    def on_metrics_requested(self, count: int) -> None:
        """CloudWatch will bill so many metrics for a GetMetricData call."""

    def on_bytes_scanned(self, count: float) -> None:
        """CloudWatch Logs will bill so many bytes for a query of Logs Insights."""


class NoListener:
    """Nobody counts."""

    def on_call(
        self, service: str, operation: str, code: str, seconds: float, retries: int
    ) -> None:
        """Ignored."""

    def on_throttled(self, service: str, operation: str) -> None:
        """Ignored."""

    def on_refused(self, service: str, operation: str) -> None:
        """Ignored."""

    def on_metrics_requested(self, count: int) -> None:
        """Ignored."""

    def on_bytes_scanned(self, count: float) -> None:
        """Ignored."""


@dataclass(slots=True)
class _UnderWay:
    service: str
    operation: str
    started_s: float
    attempts: int = 0


class CallWatch:
    """Budgets and counts the calls of the clients it is attached to."""

    def __init__(
        self, clock: Clock, listener: CallListener | None = None, budgets: CallBudgets | None = None
    ) -> None:
        """Without `budgets` nothing is limited: for virtual time, in which no token grows."""
        self._clock = clock
        self._budgets = budgets
        self.listener: CallListener = NoListener() if listener is None else listener

    def attach(self, client: Any, account: str) -> None:
        """Watch a client whose calls act on `account` (any name that is the same for all
        clients that share AWS's allowance).
        """
        watch = _ClientWatch(self.listener, self._clock, self._budgets, account, client)
        events = client.meta.events
        # First, so that a hook which answers instead of AWS cannot hide the call from us.
        events.register_first("before-call", watch.before_call)
        events.register("request-created", watch.request_created)
        events.register_first("needs-retry", watch.attempt_ended)
        events.register("after-call", watch.answered)
        events.register("after-call-error", watch.failed)


class _ClientWatch:
    """The event handlers of one client. Their keyword names are botocore's."""

    def __init__(
        self,
        listener: CallListener,
        clock: Clock,
        budgets: CallBudgets | None,
        account: str,
        client: Any,
    ) -> None:
        self._listener = listener
        self._clock = clock
        self._budgets = budgets
        self._account = account
        self._region: str = client.meta.region_name
        self._service: str = client.meta.service_model.service_name

    def before_call(self, model: Any, context: dict[str, Any], **_: Any) -> None:
        operation: str = model.name
        if self._budgets is not None:
            try:
                self._budgets.take(self._account, self._region, self._service, operation)
            except Throttled:
                self._listener.on_refused(self._service, operation)
                raise
        context[_CONTEXT_KEY] = _UnderWay(self._service, operation, self._clock.monotonic_s())

    def request_created(self, request: Any, **_: Any) -> None:
        call: _UnderWay | None = request.context.get(_CONTEXT_KEY)
        if call is None:
            return
        call.attempts += 1
        if call.attempts > 1 and self._budgets is not None:
            self._budgets.retried(self._account, self._region, call.service, call.operation)

    def attempt_ended(self, response: Any, operation: Any, **_: Any) -> None:
        if response is None:
            return
        http, parsed = response
        if http.status_code < 300:
            return
        code, message, status = error_fields(parsed)
        if kind_of(self._service, code, status, message) is Throttled:
            self._listener.on_throttled(self._service, operation.name)

    def answered(self, http_response: Any, parsed: Any, context: dict[str, Any], **_: Any) -> None:
        code = OK if http_response.status_code < 300 else error_fields(parsed)[0]
        self._ended(context, code)

    def failed(self, exception: Exception, context: dict[str, Any], **_: Any) -> None:
        self._ended(context, type(exception).__name__)

    def _ended(self, context: dict[str, Any], code: str) -> None:
        call: _UnderWay | None = context.pop(_CONTEXT_KEY, None)
        if call is None:
            return
        seconds = self._clock.monotonic_s() - call.started_s
        retries = max(0, call.attempts - 1)
        self._listener.on_call(call.service, call.operation, code, seconds, retries)
