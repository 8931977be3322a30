"""Prices, with their age shown on the metrics page as they are used."""

from controller.model.missing import Maybe, Missing
from controller.model.price import HostingPrices, LambdaPrices, ServerlessPrices
from controller.ports import PriceSource
from controller.telemetry.metrics import Telemetry


class WatchedPrices:
    """A price source that says which prices were used; satisfies `ports.PriceSource`."""

    def __init__(self, source: PriceSource, telemetry: Telemetry) -> None:
        self._source = source
        self._telemetry = telemetry

    def lambda_prices(self, region: str, architecture: str) -> Maybe[LambdaPrices]:
        """What the source says."""
        prices = self._source.lambda_prices(region, architecture)
        if not isinstance(prices, Missing):
            self._telemetry.prices_used(prices)
        return prices

    def hosting_prices(self, region: str) -> Maybe[HostingPrices]:
        """What the source says."""
        prices = self._source.hosting_prices(region)
        if not isinstance(prices, Missing):
            self._telemetry.prices_used(prices)
        return prices

    def serverless_prices(self, region: str) -> Maybe[ServerlessPrices]:
        """What the source says."""
        prices = self._source.serverless_prices(region)
        if not isinstance(prices, Missing):
            self._telemetry.prices_used(prices)
        return prices
