"""Messages as each kind of channel takes them."""

import hashlib
import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from controller.telemetry.notify.events import Event, Severity

_MARKS = {Severity.INFO: "ℹ", Severity.WARNING: "⚠", Severity.CRITICAL: "🔥"}
_SNS_SUBJECT = 100
"""Longest subject that SNS takes (https://docs.aws.amazon.com/sns/latest/api/API_Publish.html)."""
_SOURCE = "rightsizer"
MOST_LINES = 40
"""More events than that are counted, not listed."""


def lines(events: Sequence[Event]) -> list[str]:
    """One line per event, newest last; what is too much is counted."""
    shown = [f"{_MARKS[e.severity]} {e.type}: {e.text} (policy {e.policy})" for e in events]
    if len(shown) > MOST_LINES:
        return [f"{len(shown) - MOST_LINES} earlier events", *shown[-MOST_LINES:]]
    return shown


def subject(events: Sequence[Event]) -> str:
    """What a list of messages shows."""
    if len(events) == 1:
        return f"{events[0].type}: {events[0].subject}"
    return f"{len(events)} events"


def slack(events: Sequence[Event]) -> bytes:
    """`{"text": …}`; the three characters that Slack gives a meaning to are escaped."""
    text = "\n".join(lines(events))
    for character, escaped in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;")):
        text = text.replace(character, escaped)
    return json.dumps({"text": text}).encode()


def cloud_events(events: Sequence[Event]) -> tuple[bytes, str]:
    """Body and content type: one CloudEvent, or a batch (CloudEvents 1.0, JSON format)."""
    documents = [_cloud_event(event) for event in events]
    if len(documents) == 1:
        return json.dumps(documents[0]).encode(), "application/cloudevents+json"
    return json.dumps(documents).encode(), "application/cloudevents-batch+json"


def sns(events: Sequence[Event]) -> tuple[str, str]:
    """Subject (ASCII, at most 100 characters) and message."""
    plain = f"Rightsizer: {subject(events)}".encode("ascii", "replace").decode()
    return plain[:_SNS_SUBJECT], "\n".join(lines(events))


def _cloud_event(event: Event) -> dict[str, Any]:
    at = datetime.fromtimestamp(event.at_s, UTC).isoformat(timespec="milliseconds")
    name = f"{event.type}|{event.subject}|{event.at_s!r}"
    return {
        "specversion": "1.0",
        "id": hashlib.sha256(name.encode()).hexdigest()[:32],
        "source": _SOURCE,
        "type": f"dev.rightsizer.{event.type}",
        "subject": event.subject,
        "time": at.replace("+00:00", "Z"),
        "datacontenttype": "application/json",
        "data": {
            "severity": event.severity.value,
            "policy": event.policy,
            "labels": dict(event.labels),
            "endpoint": None if event.key is None else str(event.key),
            "reason": event.reason,
            "text": event.text,
        },
    }
