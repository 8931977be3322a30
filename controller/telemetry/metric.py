"""What a metric is: the row type of the catalogue."""

from dataclasses import dataclass
from enum import StrEnum

PREFIX = "rightsizer_"
ENDPOINT_LABELS = ("policy", "kind", "account", "region", "name", "qualifier")
"""Labels of every per-endpoint metric; its series end when no policy claims the endpoint."""


class MetricType(StrEnum):
    """Prometheus' types, as far as we use them."""

    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


class Group(StrEnum):
    """Headings of the reference, in its order."""

    BUILD = "Build"
    RECONCILE = "Reconciling"
    QUEUE = "Queue and scheduler"
    LEASE = "Lease"
    CONFIG = "Policies"
    AWS = "Calls to AWS"
    SLO = "Service level, per endpoint"
    COST = "Cost, per endpoint"
    SIZE = "Sizes and decisions, per endpoint"
    CHANGES = "Changes"
    PROBES = "Probes"
    PLUMBING = "Plumbing"


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric family."""

    group: Group
    type: MetricType
    short: str
    """Its name without the prefix."""
    help: str
    labels: tuple[str, ...] = ()
    per_endpoint: bool = False
    buckets: tuple[float, ...] = ()

    @property
    def name(self) -> str:
        """As exposed."""
        return PREFIX + self.short

    @property
    def label_names(self) -> tuple[str, ...]:
        """All labels, the endpoint's first."""
        return (ENDPOINT_LABELS if self.per_endpoint else ()) + self.labels

    @property
    def unit(self) -> str:
        """The base unit that the name ends in; empty for a plain number."""
        stem = self.short.removesuffix("_total")
        units = ("seconds", "bytes", "dollars", "ratio")
        return next((unit for unit in units if stem.endswith("_" + unit)), "")


SECONDS = (0.005, 0.025, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0)


def counter(group: Group, short: str, help_: str, *labels: str) -> Metric:
    """A row for something that is counted."""
    return Metric(group, MetricType.COUNTER, short, help_, labels)


def gauge(group: Group, short: str, help_: str, *labels: str) -> Metric:
    """A row for something that goes up and down."""
    return Metric(group, MetricType.GAUGE, short, help_, labels)


def histogram(group: Group, short: str, help_: str, *labels: str) -> Metric:
    """A row for times, in seconds."""
    return Metric(group, MetricType.HISTOGRAM, short, help_, labels, buckets=SECONDS)
