"""Reading SageMaker's prices out of the Price List API's products. Pure.

The same instance type is sold for hosting, training, notebooks, processing and in savings plans,
under attributes that differ between regions and years. What has always told them apart is the
usage type: `USE1-Host:ml.c5.xlarge` or `…Hosting:…`. A price counts only where exactly one
distinct amount above nothing remains; of a type with two the price is not known.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from controller.aws.price_list import amounts_of, products_of
from controller.model.missing import Maybe, Missing
from controller.model.price import HostingPrices, ServerlessPrices

SERVICE_CODE = "AmazonSageMaker"

_HOSTING = re.compile(r"(?:[A-Za-z0-9]+-)?Host(?:ing)?:(ml\.[a-z0-9-]+\.[a-z0-9-]+)")
_SERVERLESS = re.compile(r"(?:[A-Za-z0-9]+-)?ServerlessInf:Mem-([1-6])GB")
_SAME = 0.005
"""Amounts for six memory sizes are rounded each for itself; so far apart they are still one."""

_NOT_SOLD = Missing("the Price List is not known to have a price of provisioned concurrency")


def hosting_prices(products: Iterable[str], region: str, as_of_s: float) -> Maybe[HostingPrices]:
    """USD per hour of every instance type whose price is beyond doubt."""
    found: dict[str, set[float]] = defaultdict(set)
    for product in products_of(products, region):
        name = _HOSTING.fullmatch(_usage_type(product))
        if name is not None:
            found[name.group(1)].update(_per(product, "h"))
    usd = {name: min(amounts) for name, amounts in sorted(found.items()) if len(amounts) == 1}
    if not usd:
        return Missing("the Price List has no price of a hosting instance there")
    return HostingPrices(region, usd, as_of_s, "price-list")


def serverless_prices(
    products: Iterable[str], region: str, as_of_s: float
) -> Maybe[ServerlessPrices]:
    """USD per GB-second, if the prices of all memory sizes agree on one.

    How provisioned concurrency is written in the list is not known, so its prices are Missing.
    """
    rates: list[float] = []
    for product in products_of(products, region):
        memory = _SERVERLESS.fullmatch(_usage_type(product))
        if memory is not None:
            rates += [usd / int(memory.group(1)) for usd in _per(product, "s")]
    if not rates:
        return Missing("the Price List has no price of serverless inference there")
    if max(rates) > min(rates) * (1.0 + _SAME):
        return Missing("the Price List has several prices of a GB-second of serverless inference")
    rate = sorted(rates)[len(rates) // 2]
    return ServerlessPrices(region, rate, _NOT_SOLD, _NOT_SOLD, as_of_s, "price-list")


def _usage_type(product: Mapping[str, Any]) -> str:
    return str(product["product"]["attributes"].get("usagetype", ""))


def _per(product: Mapping[str, Any], unit: str) -> Iterator[float]:
    """Amounts per hour (`Hrs`, `Hours`) or second, by the unit's first letter."""
    for amount in amounts_of(product):
        if amount.unit.lower().startswith(unit):
            yield amount.usd
