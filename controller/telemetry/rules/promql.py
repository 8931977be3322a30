"""Words of PromQL: durations, numbers and selectors, written the same way every time."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

_UNITS = ((86_400_000, "d"), (3_600_000, "h"), (60_000, "m"), (1000, "s"), (1, "ms"))


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule of a group: a recording, or an alert."""

    expr: str
    record: str | None = None
    alert: str | None = None
    for_s: float = 0.0
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)

    def document(self) -> dict[str, Any]:
        """As Prometheus reads it; what is empty is left out."""
        if self.record is not None:
            head = {"record": self.record, "expr": self.expr}
        else:
            head = {"alert": self.alert or "", "expr": self.expr}
            if self.for_s > 0:
                head["for"] = duration(self.for_s)
        rest = {"labels": dict(self.labels), "annotations": dict(self.annotations)}
        return {**head, **{name: value for name, value in rest.items() if value}}


@dataclass(frozen=True, slots=True)
class RuleGroup:
    """Rules that are evaluated one after the other."""

    name: str
    rules: tuple[Rule, ...]
    interval_s: float | None = None

    def document(self) -> dict[str, Any]:
        """As Prometheus reads it."""
        timing = {} if self.interval_s is None else {"interval": duration(self.interval_s)}
        rules = [rule.document() for rule in self.rules]
        return {"name": self.name, **timing, "rules": rules}


def duration(seconds: float) -> str:
    """`90m`: the largest unit that divides it; at least a millisecond."""
    millis = max(1, round(seconds * 1000))
    size, unit = next((size, unit) for size, unit in _UNITS if millis % size == 0)
    return f"{millis // size}{unit}"


def number(value: float) -> str:
    """Without the dust of binary fractions: 0.05, never 0.050000000000000044."""
    return f"{value:.10g}"


def selector(labels: Mapping[str, str]) -> str:
    """`{policy="ocr"}`; nothing where there are none."""
    pairs = ",".join(f"{name}={quoted(value)}" for name, value in labels.items())
    return f"{{{pairs}}}" if pairs else ""


def quoted(text: str) -> str:
    """A string literal."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


def spoken(seconds: float) -> str:
    """`1 d 12 h`, `90 min`: for sentences; two units at most."""
    minutes = max(1, math.ceil(seconds / 60))
    if minutes < 120:
        return f"{minutes} min"
    hours = round(minutes / 60)
    if hours < 48 and minutes % 60 == 0:
        return f"{hours} h"
    days, left = divmod(hours, 24)
    if days == 0:
        return f"{hours} h"
    return f"{days} d {left} h" if left else f"{days} d"
