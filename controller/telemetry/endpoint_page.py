"""The endpoints' part of the metrics page.

Computed from snapshots rather than stored in gauges: an endpoint that is forgotten leaves no
series behind, a label that changes (a decision's reason) leaves no old value behind, and ages
grow between ticks. Written by ourselves rather than through the client library's families: a
thousand endpoints are thirty thousand lines, which the library takes a second for. The lines
of an endpoint are made when something of it changes, by whoever says so and only those that
it touches; a scrape puts together what is there. `bench/metrics_page.py` measures both.
"""

import math
import threading
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace

from controller.model.endpoint import EndpointKey
from controller.telemetry.catalogue import CATALOGUE
from controller.telemetry.metric import ENDPOINT_LABELS, Metric, MetricType
from controller.telemetry.size_samples import Sample
from controller.telemetry.snapshot import PARTS, Snapshot, newest_s

_METRICS: Mapping[str, Metric] = {m.short: m for m in CATALOGUE if m.per_endpoint}
_AGE = _METRICS["slo_data_age_seconds"]


@dataclass(frozen=True, slots=True)
class _Written:
    """What is known of an endpoint, and its lines: by part, and in each by metric."""

    snapshot: Snapshot
    owner: str
    parts: tuple[Mapping[str, str], ...]
    lines: Mapping[str, str]
    newest_s: float | None


class EndpointPage:
    """Holds a snapshot per endpoint and writes them; safe from several threads."""

    def __init__(self, now_s: Callable[[], float]) -> None:
        self._now_s = now_s
        self._lock = threading.Lock()
        self._written: dict[EndpointKey, _Written] = {}

    def update(self, key: EndpointKey, policy: str, **values: object) -> None:
        """Replace some of what is known of an endpoint (fields of `Snapshot`)."""
        with self._lock:
            self._written[key] = _changed(self._written.get(key), key, policy, values)

    def forget(self, key: EndpointKey) -> None:
        """End all series of an endpoint."""
        with self._lock:
            self._written.pop(key, None)

    def clear(self) -> None:
        """End all series of all endpoints."""
        with self._lock:
            self._written.clear()

    def text(self, *, openmetrics: bool) -> str:
        """Every endpoint metric of the catalogue with its help, type and samples."""
        with self._lock:
            written = list(self._written.items())
        endpoints = [one for _, one in sorted(written, key=lambda item: item[0])]
        parts: list[str] = []
        for short, metric in _METRICS.items():
            parts.append(_head(metric, openmetrics))
            if metric is _AGE:
                parts += self._ages(endpoints)
            else:
                parts += [one.lines[short] for one in endpoints if short in one.lines]
        return "".join(parts)

    def _ages(self, endpoints: list[_Written]) -> list[str]:
        now_s = self._now_s()
        return [
            f"{_AGE.name}{{{one.owner}}} {_number(max(0.0, now_s - one.newest_s))}\n"
            for one in endpoints
            if one.newest_s is not None
        ]


def _changed(
    before: _Written | None, key: EndpointKey, policy: str, values: Mapping[str, object]
) -> _Written:
    known = Snapshot(policy) if before is None else before.snapshot
    snapshot = replace(known, policy=policy, **values)  # type: ignore[arg-type]
    if before is None or known.policy != policy:
        owner = _owner(key, policy)
        parts = [_lines(owner, samples(snapshot)) for _, samples in PARTS]
        lines = {short: text for part in parts for short, text in part.items()}
        return _Written(snapshot, owner, tuple(parts), lines, newest_s(snapshot))
    parts, lines = list(before.parts), dict(before.lines)
    new = {name for name, value in values.items() if getattr(known, name) != value}
    for index, (fields, samples) in enumerate(PARTS):
        if not fields.isdisjoint(new):
            for short in parts[index]:
                del lines[short]
            parts[index] = _lines(before.owner, samples(snapshot))
            lines.update(parts[index])
    return _Written(snapshot, before.owner, tuple(parts), lines, newest_s(snapshot))


def _owner(key: EndpointKey, policy: str) -> str:
    values = (policy, key.kind, key.account, key.region, key.name, key.qualifier)
    return _labels(ENDPOINT_LABELS, values)


def _lines(owner: str, samples: Iterable[Sample]) -> Mapping[str, str]:
    lines: dict[str, str] = defaultdict(str)
    for short, own, value in samples:
        metric = _METRICS[short]
        labels = f"{owner},{_labels(metric.labels, own)}" if own else owner
        lines[short] += f"{metric.name}{{{labels}}} {_number(value)}\n"
    return dict(lines)


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
