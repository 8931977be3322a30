"""How CloudWatch words why an alarm is in its state, and how its history reads."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from controller.sandbox.alarms_state import Alarm
from controller.sandbox.alarms_verdict import COMPARED_IN_WORDS


def threshold_crossed(alarm: Alarm, state: str, now_s: float) -> tuple[str, str]:
    """(reason, reason data) of a state that data points decided."""
    rule = alarm.rule
    points = alarm.recent
    breaching = sum(slot is True for slot in alarm.slots[-rule.periods :])
    counted = breaching if state == "ALARM" else len(points) - min(breaching, len(points))
    verb = "was" if counted == 1 else "were"
    negation = "" if state == "ALARM" else "not "
    listed = ", ".join(f"{value} ({_short(at_s)})" for at_s, value in reversed(points))
    noun = "datapoint" if counted == 1 else "datapoints"
    text = (
        f"Threshold Crossed: {counted} out of the last {len(points)} {noun} [{listed}] {verb} "
        f"{negation}{COMPARED_IN_WORDS[rule.comparison]} the threshold ({rule.threshold})"
    )
    if alarm.state in ("OK", "ALARM") or state == "ALARM":
        least = rule.datapoints if state == "ALARM" else rule.periods - rule.datapoints + 1
        plural = "" if least == 1 else "s"
        text += f" (minimum {least} datapoint{plural} for {alarm.state} -> {state} transition)"
    return f"{text}."[:1023], json.dumps(_data(alarm, now_s))


def insufficient(alarm: Alarm, state: str, now_s: float) -> tuple[str, str]:
    """(reason, reason data) of a state that the lack of data points decided."""
    count = alarm.rule.periods - len(alarm.recent)
    verb = "datapoint was" if count == 1 else "datapoints were"
    if state == "INSUFFICIENT_DATA":
        text = f"Insufficient Data: {count} {verb} unknown."
    else:
        kind = "Breaching" if alarm.rule.missing == "breaching" else "NonBreaching"
        text = (
            f"Threshold Crossed: no datapoints were received for {alarm.rule.periods} periods "
            f"and {count} missing {verb} treated as [{kind}]."
        )
    return text, json.dumps(_data(alarm, now_s))


def _data(alarm: Alarm, now_s: float) -> dict[str, Any]:
    source = alarm.rule.source
    data: dict[str, Any] = {"version": "1.0", "queryDate": _iso(now_s)}
    if alarm.recent:
        data["startDate"] = _iso(alarm.recent[0][0])
    if not source.formulas:
        data["statistic"] = source.queries[0].statistic.name
    return {
        **data,
        "period": source.period_s,
        "recentDatapoints": [value for _, value in alarm.recent],
        "threshold": alarm.rule.threshold,
    }


def state_change(before: tuple[str, str], alarm: Alarm) -> tuple[str, str]:
    """(summary, data) of a line of history for a change from (state, reason)."""
    new: dict[str, Any] = {"stateValue": alarm.state, "stateReason": alarm.reason}
    if alarm.reason_data is not None:
        try:
            new["stateReasonData"] = json.loads(alarm.reason_data)
        except ValueError:
            new["stateReasonData"] = alarm.reason_data
    document = {
        "version": "1.0",
        "oldState": {"stateValue": before[0], "stateReason": before[1]},
        "newState": new,
    }
    return f"Alarm updated from {before[0]} to {alarm.state}", json.dumps(document)[:4095]


def _short(at_s: float) -> str:
    return datetime.fromtimestamp(at_s, UTC).strftime("%d/%m/%y %H:%M:%S")


def _iso(at_s: float) -> str:
    stamp = datetime.fromtimestamp(at_s, UTC).isoformat(timespec="milliseconds")
    return stamp.replace("+00:00", "+0000")
