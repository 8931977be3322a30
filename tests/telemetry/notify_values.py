"""A channel and an event."""

from typing import Any

from controller.telemetry.notify.channel import Channel, ChannelType
from controller.telemetry.notify.events import Event, Severity

CHANNEL = Channel("on-call", ChannelType.SLACK, "http://127.0.0.1:9/none")


def an_event(**values: Any) -> Event:
    """A broken SLO, with fields of one's own."""
    plain: dict[str, Any] = {
        "type": "SloBreached",
        "severity": Severity.CRITICAL,
        "topic": "SloMet",
        "subject": "lambda_function/123456789012/eu-west-1/ocr:live",
        "text": "lambda eu-west-1/ocr:live: 40 of 100 requests were slower than 400 ms",
        "at_s": 1_800_000_000.0,
        "policy": "ocr",
        "reason": "SloBreached",
    }
    return Event(**{**plain, **values})
