"""What Lambda's log tail says of a call: the REPORT line, as text or as JSON.

A function may log as JSON (record type `platform.report`), and more than 4 KB of its own
lines, or its log level, may leave no report in the tail at all: then nothing is told.
"""

import base64
import binascii
import json
import re
from dataclasses import dataclass

from controller.model.missing import Maybe
from controller.model.probe import NOT_TOLD

_FIELD = re.compile(r"(?:^|\t)([A-Z][A-Za-z ]+): ([0-9]+(?:\.[0-9]+)?) (?:ms|MB)")


@dataclass(frozen=True, slots=True)
class Report:
    """What one call took."""

    duration_ms: Maybe[float] = NOT_TOLD
    billed_ms: Maybe[float] = NOT_TOLD
    memory_used_mb: Maybe[int] = NOT_TOLD
    cold: bool = False
    """Whether an environment was started, or restored from a snapshot, for it."""


def read_report(tail_base64: str | None) -> Report:
    """The report in the header `X-Amz-Log-Result`; nothing told where there is none."""
    if not tail_base64:
        return Report()
    try:
        tail = base64.b64decode(tail_base64).decode("utf-8", errors="replace")
    except (binascii.Error, ValueError):
        return Report()
    for line in reversed(tail.splitlines()):
        if line.startswith("REPORT "):
            return _of_text(line)
        if '"platform.report"' in line:
            return _of_json(line)
    return Report()


def _of_text(line: str) -> Report:
    told = {name: float(value) for name, value in _FIELD.findall(line)}
    used = told.get("Max Memory Used")
    return Report(
        duration_ms=told.get("Duration", NOT_TOLD),
        billed_ms=told.get("Billed Duration", NOT_TOLD),
        memory_used_mb=NOT_TOLD if used is None else int(used),
        cold="Init Duration" in told or "Restore Duration" in told,
    )


def _of_json(line: str) -> Report:
    try:
        told = json.loads(line)["record"]["metrics"]
    except (ValueError, KeyError, TypeError):
        return Report()
    return Report(
        duration_ms=told.get("durationMs", NOT_TOLD),
        billed_ms=told.get("billedDurationMs", NOT_TOLD),
        memory_used_mb=told.get("maxMemoryUsedMB", NOT_TOLD),
        cold="initDurationMs" in told or "restoreDurationMs" in told,
    )
