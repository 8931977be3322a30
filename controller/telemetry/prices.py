"""The age of the prices in use, computed at each scrape."""

import threading
from collections.abc import Callable, Iterator

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from controller.model.price import LambdaPrices
from controller.telemetry.catalogue import CATALOGUE

SHORT_NAME = "price_age_seconds"


class PriceCollector(Collector):
    """Holds when each region's prices were read; safe from several threads."""

    def __init__(self, now_s: Callable[[], float]) -> None:
        self._now_s = now_s
        self._lock = threading.Lock()
        self._prices: dict[tuple[str, str], LambdaPrices] = {}

    def put(self, prices: LambdaPrices) -> None:
        """These are the ones in use from now on."""
        with self._lock:
            self._prices[prices.region, prices.architecture] = prices

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """One gauge per region and architecture."""
        metric = next(metric for metric in CATALOGUE if metric.short == SHORT_NAME)
        family = GaugeMetricFamily(metric.name, metric.help, labels=metric.label_names)
        now_s = self._now_s()
        with self._lock:
            in_use = sorted(self._prices.items())
        for (region, architecture), prices in in_use:
            age_s = max(0.0, now_s - prices.as_of_s)
            family.add_metric((region, architecture, prices.source), age_s)
        yield family
