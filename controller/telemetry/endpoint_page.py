"""The endpoints' part of the metrics page.

Computed from snapshots rather than stored in gauges: an endpoint that is forgotten leaves no
series behind, a label that changes (a decision's reason) leaves no old value behind, and ages
grow between ticks. Written by ourselves rather than through the client library's families: a
thousand endpoints are thirty thousand lines, which the library takes a second for. The lines
of an endpoint are made once for each look at it, and put together at each scrape.
"""

import math
import threading
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from controller.model.endpoint import EndpointKey
from controller.telemetry.catalogue import CATALOGUE
from controller.telemetry.metric import ENDPOINT_LABELS, Metric, MetricType
from controller.telemetry.snapshot import Snapshot, newest_s, samples

_METRICS: Mapping[str, Metric] = {m.short: m for m in CATALOGUE if m.per_endpoint}
_AGE = _METRICS["slo_data_age_seconds"]


@dataclass(frozen=True, slots=True)
class _Written:
    """An endpoint's lines by metric, and what they were made from."""

    snapshot: Snapshot
    owner: str
    lines: Mapping[str, str]
    newest_s: float | None


class EndpointPage:
    """Holds a snapshot per endpoint and writes them; safe from several threads."""

    def __init__(self, now_s: Callable[[], float]) -> None:
        self._now_s = now_s
        self._lock = threading.Lock()
        self._snapshots: dict[EndpointKey, Snapshot] = {}
        self._written: dict[EndpointKey, _Written] = {}

    def update(self, key: EndpointKey, policy: str, **values: object) -> None:
        """Replace some of what is known of an endpoint (fields of `Snapshot`)."""
        with self._lock:
            before = self._snapshots.get(key, Snapshot(policy))
            self._snapshots[key] = replace(before, policy=policy, **values)  # type: ignore[arg-type]

    def forget(self, key: EndpointKey) -> None:
        """End all series of an endpoint."""
        with self._lock:
            self._snapshots.pop(key, None)
            self._written.pop(key, None)

    def text(self, *, openmetrics: bool) -> str:
        """Every endpoint metric of the catalogue with its help, type and samples."""
        with self._lock:
            snapshots = sorted(self._snapshots.items())
        endpoints = [self._lines(key, snapshot) for key, snapshot in snapshots]
        parts: list[str] = []
        for short, metric in _METRICS.items():
            parts.append(_head(metric, openmetrics))
            if metric is _AGE:
                parts += self._ages(endpoints)
            else:
                parts += [one.lines[short] for one in endpoints if short in one.lines]
        return "".join(parts)

    def _lines(self, key: EndpointKey, snapshot: Snapshot) -> _Written:
        kept = self._written.get(key)
        if kept is None or kept.snapshot is not snapshot:
            kept = _write(key, snapshot)
            with self._lock:
                # an endpoint forgotten meanwhile is shown this once, and not kept
                if self._snapshots.get(key) is snapshot:
                    self._written[key] = kept
        return kept

    def _ages(self, endpoints: list[_Written]) -> list[str]:
        now_s = self._now_s()
        return [
            f"{_AGE.name}{{{one.owner}}} {_number(max(0.0, now_s - one.newest_s))}\n"
            for one in endpoints
            if one.newest_s is not None
        ]


def _write(key: EndpointKey, snapshot: Snapshot) -> _Written:
    values = (snapshot.policy, key.kind, key.account, key.region, key.name, key.qualifier)
    owner = _labels(ENDPOINT_LABELS, values)
    lines: dict[str, str] = defaultdict(str)
    for short, own, value in samples(snapshot):
        metric = _METRICS[short]
        labels = f"{owner},{_labels(metric.labels, own)}" if own else owner
        lines[short] += f"{metric.name}{{{labels}}} {_number(value)}\n"
    return _Written(snapshot, owner, dict(lines), newest_s(snapshot))


def _labels(names: tuple[str, ...], values: tuple[str, ...]) -> str:
    pairs = zip(names, values, strict=True)
    return ",".join(f'{name}="{_escaped(value)}"' for name, value in pairs)


def _number(value: float) -> str:
    """As Go reads it, which knows all that Python writes but the names of no numbers."""
    if math.isfinite(value):
        return repr(value)
    return "NaN" if math.isnan(value) else ("+Inf" if value > 0.0 else "-Inf")


def _escaped(value: str) -> str:
    if "\\" in value or '"' in value or "\n" in value:
        return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return value


def _head(metric: Metric, openmetrics: bool) -> str:
    name = metric.name
    if openmetrics and metric.type is MetricType.COUNTER:
        name = name.removesuffix("_total")
    return f"# HELP {name} {metric.help}\n# TYPE {name} {metric.type.value}\n"
