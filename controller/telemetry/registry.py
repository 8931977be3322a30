"""The catalogue as prometheus-client objects in a registry of their own.

Not the library's global registry: two controllers in one process (a test, the demo) must
not share counters.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.core import Metric as Family
from prometheus_client.exposition import choose_encoder
from prometheus_client.gc_collector import GCCollector
from prometheus_client.process_collector import ProcessCollector
from prometheus_client.registry import Collector

from controller.telemetry.catalogue import CATALOGUE
from controller.telemetry.metric import Metric, MetricType

_END = b"# EOF\n"
_STARTS_AT_ZERO: Mapping[str, Sequence[tuple[str, ...]]] = {
    "reconcile_total": [("success",), ("requeue",), ("error",)],
    "config_reloads_total": [("success",), ("error",)],
    "changes_total": [
        (action, result)
        for action in ("increase", "decrease")
        for result in ("verified", "rolled_back", "failed")
    ],
    "probe_runs_total": [("succeeded",), ("aborted",), ("discarded",), ("failed",)],
    "self_cost_dollars_total": [("cloudwatch",), ("logs_insights",)],
    "log_messages_total": [("debug",), ("info",), ("warning",), ("error",), ("critical",)],
}
"""Label values that exist from the start, so that the first event is an increase, not a birth."""


@dataclass(frozen=True, slots=True)
class Instruments:
    """The metrics that are counted as things happen, by their name without the prefix."""

    counters: Mapping[str, Counter]
    gauges: Mapping[str, Gauge]
    histograms: Mapping[str, Histogram]


def instruments(registry: CollectorRegistry, left_out: Iterable[str]) -> Instruments:
    """Make and register every metric of the catalogue that a collector does not export.

    Args:
        registry: where to register them.
        left_out: short names of metrics exported by collectors of their own.
    """
    skipped = set(left_out)
    made = [metric for metric in CATALOGUE if metric.short not in skipped]
    built = Instruments(
        {m.short: _counter(m, registry) for m in made if m.type is MetricType.COUNTER},
        {m.short: _gauge(m, registry) for m in made if m.type is MetricType.GAUGE},
        {m.short: _histogram(m, registry) for m in made if m.type is MetricType.HISTOGRAM},
    )
    for short, values in _STARTS_AT_ZERO.items():
        for labels in values:
            built.counters[short].labels(*labels)
    return built


def register_process(registry: CollectorRegistry) -> None:
    """Add `process_*` (CPU, memory, descriptors) and `python_gc_*`."""
    ProcessCollector(registry=registry)
    GCCollector(registry=registry)


def exposition(
    registry: CollectorRegistry, accept: str, endpoints: Callable[[bool], str]
) -> tuple[bytes, str]:
    """Everything registered, and the endpoints, in the format that the `Accept` header asks for.

    Args:
        registry: all but what is known of endpoints.
        accept: the request's header.
        endpoints: writes their part; told whether it is for OpenMetrics.

    Returns:
        The body and its content type: OpenMetrics where asked for, else the Prometheus
        text format 0.0.4.
    """
    encode, content_type = choose_encoder(accept)
    body = encode(_WithoutBirthdays(registry))
    openmetrics = content_type.startswith("application/openmetrics-text")
    part = endpoints(openmetrics).encode()
    if not openmetrics:
        return body + part, content_type
    return body.removesuffix(_END) + part + _END, content_type


class _WithoutBirthdays(Collector):
    """Leaves out the `_created` samples, which would double the number of series."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._registry = registry

    def collect(self) -> Iterator[Family]:
        for family in self._registry.collect():
            kept = [sample for sample in family.samples if not sample.name.endswith("_created")]
            family.samples = kept
            yield family


def _counter(metric: Metric, registry: CollectorRegistry) -> Counter:
    return Counter(metric.name, metric.help, metric.label_names, registry=registry)


def _gauge(metric: Metric, registry: CollectorRegistry) -> Gauge:
    return Gauge(metric.name, metric.help, metric.label_names, registry=registry)


def _histogram(metric: Metric, registry: CollectorRegistry) -> Histogram:
    return Histogram(
        metric.name, metric.help, metric.label_names, buckets=metric.buckets, registry=registry
    )
