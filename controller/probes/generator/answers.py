"""What an answer of Lambda or SageMaker tells: whether it succeeded, and what it took.

A handler's error is HTTP 200 with `X-Amz-Function-Error`, so the status alone proves nothing.
Status codes are those of the services' own references (Invoke, InvokeEndpoint).
"""

import json
from dataclasses import dataclass
from typing import Any

from controller.model.probe import Body, Failure
from controller.probes.generator.expectations import disappointment
from controller.probes.generator.report_line import Report, read_report
from controller.probes.order import LAMBDA

_OUT_OF_MEMORY = ("OutOfMemory", "signal: killed", "MemoryError", "heap out of memory")
_BY_STATUS = {
    403: Failure.DENIED,
    404: Failure.NOT_FOUND,
    408: Failure.TIMEOUT,
    424: Failure.MODEL,
    429: Failure.THROTTLED,
    504: Failure.TIMEOUT,
}


@dataclass(frozen=True, slots=True)
class Answer:
    """What came over the wire; `status` 0 where nothing did."""

    status: int
    body: bytes = b""
    function_error: str | None = None
    log_tail: str | None = None
    failure: Failure | None = None
    """Why nothing came."""
    trouble: str = ""
    """The same in words."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What an answer means."""

    error: Failure | None
    trouble: str
    """What went wrong, for a person; empty where nothing did."""
    report: Report


def read_answer(service: str, body: Body, answer: Answer) -> Reading:
    """Judge one answer to one payload."""
    report = read_report(answer.log_tail)
    if answer.failure is not None:
        return Reading(answer.failure, answer.trouble, report)
    if answer.function_error is not None:
        return Reading(*_function_error(answer), report)
    expected = body.expect.status if body.expect is not None else None
    if not 200 <= answer.status < 300 and answer.status != expected:
        return Reading(*_refused(service, answer), report)
    wrong = disappointment(body.expect, answer.status, answer.body)
    return Reading(None if wrong is None else Failure.UNEXPECTED, wrong or "", report)


def _function_error(answer: Answer) -> tuple[Failure, str]:
    """The error's type is named, its message is not: it may quote the payload."""
    told = _json(answer.body)
    kind, message = str(told.get("errorType", "")), str(told.get("errorMessage", ""))
    if any(sign in kind or sign in message for sign in _OUT_OF_MEMORY):
        return Failure.OUT_OF_MEMORY, "the function ran out of memory"
    if kind == "Sandbox.Timedout" or "Task timed out after" in message:
        return Failure.TIMEOUT, "the function reached its time-out"
    return Failure.FUNCTION, f"the function failed ({kind or answer.function_error})"


def _refused(service: str, answer: Answer) -> tuple[Failure, str]:
    told = _json(answer.body)
    message = str(told.get("message") or told.get("Message") or "")
    if service != LAMBDA and answer.status == 400 and "not found" in message:
        return Failure.NOT_FOUND, _words(answer.status, message)
    failure = _BY_STATUS.get(answer.status)
    if failure is None:
        failure = Failure.SERVICE if answer.status >= 500 else Failure.REFUSED
    if failure is Failure.MODEL:
        return failure, "the model's container failed"
    return failure, _words(answer.status, message)


def _words(status: int, message: str) -> str:
    line = " ".join(message.split())[:200]
    return f"status {status}: {line}" if line else f"status {status}"


def _json(body: bytes) -> dict[str, Any]:
    try:
        document = json.loads(body)
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}
