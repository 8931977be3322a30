"""The age of the prices in use, computed at each scrape."""

import threading
from collections.abc import Callable, Iterator
from typing import TypeAlias

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from controller.model.price import HostingPrices, LambdaPrices, ServerlessPrices
from controller.telemetry.catalogue import CATALOGUE

Prices: TypeAlias = LambdaPrices | HostingPrices | ServerlessPrices
SHORT_NAME = "price_age_seconds"


class PriceCollector(Collector):
    """Holds when each region's prices were read; safe from several threads."""

    def __init__(self, now_s: Callable[[], float]) -> None:
        self._now_s = now_s
        self._lock = threading.Lock()
        self._prices: dict[tuple[str, str, str], Prices] = {}

    def put(self, prices: Prices) -> None:
        """These are the ones in use from now on."""
        with self._lock:
            self._prices[_place(prices)] = prices

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """One gauge per service, region and architecture."""
        metric = next(metric for metric in CATALOGUE if metric.short == SHORT_NAME)
        family = GaugeMetricFamily(metric.name, metric.help, labels=metric.label_names)
        now_s = self._now_s()
        with self._lock:
            in_use = sorted(self._prices.items())
        for place, prices in in_use:
            age_s = max(0.0, now_s - prices.as_of_s)
            family.add_metric((*place, prices.source), age_s)
        yield family


def _place(prices: Prices) -> tuple[str, str, str]:
    """(service, region, architecture); SageMaker's prices depend on no architecture."""
    match prices:
        case LambdaPrices():
            return "lambda", prices.region, prices.architecture
        case HostingPrices():
            return "sagemaker_hosting", prices.region, ""
        case ServerlessPrices():
            return "sagemaker_serverless", prices.region, ""
