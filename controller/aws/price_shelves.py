"""Which products of the Price List each service's prices are read from, and how."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from controller.aws import price_list, price_list_sagemaker
from controller.aws.bundled_prices import BUNDLED, BUNDLED_HOSTING, BUNDLED_SERVERLESS
from controller.aws.price_memory import Prices
from controller.model.missing import Maybe
from controller.model.price import HostingPrices, LambdaPrices

HOSTING, SERVERLESS = "hosting", "serverless"

Key = tuple[str, str]
"""(what, region); what is an architecture of Lambda's, `hosting` or `serverless`."""

Read = Callable[[Sequence[str], str, float], Maybe[Prices]]
"""From products, region and the present instant."""


@dataclass(frozen=True, slots=True)
class Shelf:
    """One service of the Price List; its products are asked for together."""

    service_code: str
    readers: Mapping[str, Read]
    """By what they read."""
    usage_types: tuple[str, ...] = ()
    """Parts of usage types to ask for one after the other, where a region has thousands of
    products; none: all products of the region at once."""


def _architecture(architecture: str) -> Read:
    def read(products: Sequence[str], region: str, now_s: float) -> Maybe[Prices]:
        return price_list.lambda_prices(products, region, architecture, now_s)

    return read


LAMBDA = Shelf(
    price_list.SERVICE_CODE,
    MappingProxyType({name: _architecture(name) for name in price_list.ARCHITECTURES}),
)
SAGEMAKER = Shelf(
    price_list_sagemaker.SERVICE_CODE,
    MappingProxyType(
        {
            HOSTING: price_list_sagemaker.hosting_prices,
            SERVERLESS: price_list_sagemaker.serverless_prices,
        }
    ),
    usage_types=("Host", "ServerlessInf"),
)


def key_of(prices: Prices) -> Key:
    """Where prices belong."""
    if isinstance(prices, LambdaPrices):
        return prices.architecture, prices.region
    return (HOSTING if isinstance(prices, HostingPrices) else SERVERLESS), prices.region


def bundled(key: Key) -> Prices | None:
    """What came with the program."""
    what, region = key
    if what == HOSTING:
        return BUNDLED_HOSTING.get(region)
    if what == SERVERLESS:
        return BUNDLED_SERVERLESS.get(region)
    return BUNDLED.get((region, what))
