"""What goes wrong between a metric and who reads it: lateness, gaps, partial answers."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from controller.sandbox.workload import instant_of

MINUTE_S = 60


@dataclass(frozen=True, slots=True)
class MetricFault:
    """One fault of CloudWatch.

    kind:
      `gap`     minutes in [from_s, to_s) of the *data* never appear;
      `delay`   while the *clock* is in [from_s, to_s), data comes `delay_s` later still;
      `partial` while the clock is in it, answers stop half way, StatusCode PartialData;
      `error`   likewise, empty with StatusCode InternalError;
      `denied`  likewise, empty with StatusCode Forbidden.
    function: whose metrics, `endpoint/NAME` for an endpoint's; None for all. metric: which
    one; None for all.
    """

    kind: str
    from_s: float
    to_s: float | None = None
    function: str | None = None
    metric: str | None = None
    delay_s: float = 0.0

    def covers(self, instant_s: float) -> bool:
        """Whether an instant is inside."""
        return self.from_s <= instant_s and (self.to_s is None or instant_s < self.to_s)

    def fits(self, function: str | None, metric: str) -> bool:
        """Whether it is about a series; `function` is None for account-wide series."""
        return self.function in (None, function) and self.metric in (None, metric)


KINDS = frozenset({"gap", "delay", "partial", "error", "denied"})
STATUS = {"partial": "PartialData", "error": "InternalError", "denied": "Forbidden"}


@dataclass(slots=True)
class MetricFaults:
    """All faults of CloudWatch in a world, and its ordinary publication delay."""

    publication_delay_s: float
    faults: list[MetricFault] = field(default_factory=list)
    generation: int = 0
    """Counts changes, so that caches know."""

    def add(self, fault: MetricFault) -> None:
        """Switch a fault on. Raises ValueError for an unknown kind."""
        if fault.kind not in KINDS:
            raise ValueError(f"a metric fault is one of {sorted(KINDS)}, not {fault.kind!r}")
        self.faults.append(fault)
        self.generation += 1

    def clear(self) -> None:
        """Switch all off; gaps heal."""
        self.faults.clear()
        self.generation += 1

    def visible_until(self, now_s: float, function: str | None, metric: str) -> int:
        """Minutes that end at or before this instant can be read now."""
        delay_s = self.publication_delay_s + sum(
            fault.delay_s
            for fault in self.faults
            if fault.kind == "delay" and fault.covers(now_s) and fault.fits(function, metric)
        )
        return int((now_s - delay_s) // MINUTE_S) * MINUTE_S

    def status(self, now_s: float, function: str | None, metric: str) -> str:
        """StatusCode of an answer given now."""
        for fault in self.faults:
            if fault.kind in STATUS and fault.covers(now_s) and fault.fits(function, metric):
                return STATUS[fault.kind]
        return "Complete"

    def gaps(self, function: str | None, metric: str) -> list[MetricFault]:
        """Gaps in a series."""
        return [f for f in self.faults if f.kind == "gap" and f.fits(function, metric)]


def metric_fault_from(document: Mapping[str, Any], start_s: float) -> MetricFault:
    """A fault from JSON: `{kind, from_s | from_in_s, to_s | to_in_s, function | endpoint,
    metric, delay_s}`. Raises ValueError."""
    endpoint = document.get("endpoint")
    begin = instant_of(document, "from", start_s)
    return MetricFault(
        kind=document["kind"],
        from_s=start_s if begin is None else begin,
        to_s=instant_of(document, "to", start_s),
        function=document.get("function") if endpoint is None else f"endpoint/{endpoint}",
        metric=document.get("metric"),
        delay_s=float(document.get("delay_s", 0.0)),
    )
