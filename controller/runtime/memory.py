"""Memory in use, from REPORT lines: asked for now and then, answered a tick later.

Logs Insights bills by data scanned, so each endpoint is asked about four times a day, and
only about what is new. A refusal is remembered and said; it never fails a tick.
"""

from dataclasses import dataclass

from controller.core.periods import DAY_S, HOUR_S
from controller.model.endpoint import EndpointKey
from controller.model.errors import AdapterError, NotFound, Retryable
from controller.model.policy import Scope
from controller.model.window import MemoryUse
from controller.ports import ReportReader

ASK_EVERY_S = 6 * HOUR_S
FIRST_SPAN_S = 3 * DAY_S
PATIENCE_S = 900.0


@dataclass(slots=True)
class _Asked:
    query_id: str
    asked_at_s: float
    until_s: float


class MemoryReports:
    """Queries under way and when the next ones are due."""

    def __init__(self, reader: ReportReader) -> None:
        self._reader = reader
        self._asked: dict[EndpointKey, _Asked] = {}
        self._next_s: dict[EndpointKey, float] = {}
        self._covered_s: dict[EndpointKey, float] = {}
        self._refused: dict[EndpointKey, str] = {}

    def poll(
        self, scope: Scope, key: EndpointKey, log_group: str, now_s: float
    ) -> tuple[MemoryUse, ...]:
        """Take the answer that has come, or ask if it is time to; rows that are new."""
        try:
            if key in self._asked:
                return self._take(scope, key, now_s)
            if now_s >= self._next_s.get(key, 0.0):
                self._ask(scope, key, log_group, now_s)
        except Retryable as error:
            self._asked.pop(key, None)
            self._refused[key] = str(error)
            self._next_s[key] = now_s + PATIENCE_S
        except NotFound:
            self._asked.pop(key, None)
            self._refused[key] = f"log group {log_group} does not exist"
            self._next_s[key] = now_s + ASK_EVERY_S
        except AdapterError as error:
            self._asked.pop(key, None)
            self._refused[key] = str(error)
            self._next_s[key] = now_s + ASK_EVERY_S
        return ()

    def pending(self, key: EndpointKey) -> bool:
        """Whether the first answer is still to come; later ones have time until the next turn."""
        return key in self._asked and key not in self._covered_s

    def refusal(self, key: EndpointKey) -> str | None:
        """Why nothing is known, in words."""
        return self._refused.get(key)

    def forget(self, key: EndpointKey) -> None:
        """Drop an endpoint that no policy claims."""
        for table in (self._asked, self._next_s, self._covered_s, self._refused):
            table.pop(key, None)

    def _ask(self, scope: Scope, key: EndpointKey, log_group: str, now_s: float) -> None:
        start_s = self._covered_s.get(key, now_s - FIRST_SPAN_S)
        query_id = self._reader.start(scope, log_group, start_s, now_s)
        self._asked[key] = _Asked(query_id, now_s, now_s)

    def _take(self, scope: Scope, key: EndpointKey, now_s: float) -> tuple[MemoryUse, ...]:
        asked = self._asked[key]
        rows = self._reader.poll(scope, asked.query_id)
        if rows is None:
            if now_s - asked.asked_at_s > PATIENCE_S:
                raise Retryable("Logs Insights did not answer in a quarter of an hour")
            return ()
        del self._asked[key]
        self._refused.pop(key, None)
        self._covered_s[key] = asked.until_s
        self._next_s[key] = now_s + ASK_EVERY_S
        return rows
