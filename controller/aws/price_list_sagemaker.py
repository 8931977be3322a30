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

_PROVISIONED = re.compile(
    r"(?:[A-Za-z0-9]+-)?ServerlessInf:(?P<words>[A-Za-z-]*Prov[A-Za-z-]*?)Mem-(?P<gb>[1-6])GB"
    r"(?P<more>[A-Za-z-]*)"
)
"""Environments that are kept warm, and requests that run in them: how AWS writes the two is not
documented. What names provisioned concurrency and a memory size counts; of the two, the one
that speaks of a duration is the requests'."""
_USED = re.compile(r"dur|req|inv", re.IGNORECASE)


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

    Those of provisioned concurrency are Missing where the list does not name them beyond doubt.
    """
    rates: dict[str, list[float]] = {"": [], "kept": [], "used": []}
    for product in products_of(products, region):
        sort, gb = _memory(_usage_type(product))
        if gb is not None:
            rates[sort] += [usd / gb for usd in _per(product, "s")]
    rate = _one(rates[""], "serverless inference")
    if isinstance(rate, Missing):
        return rate
    kept = _one(rates["kept"], "provisioned concurrency")
    used = _one(rates["used"], "requests with provisioned concurrency")
    return ServerlessPrices(region, rate, kept, used, as_of_s, "price-list")


def _memory(usage_type: str) -> tuple[str, int | None]:
    """(what is paid for, GB of memory); no memory where it is something else."""
    plain = _SERVERLESS.fullmatch(usage_type)
    if plain is not None:
        return "", int(plain.group(1))
    warm = _PROVISIONED.fullmatch(usage_type)
    if warm is None:
        return "", None
    words = warm["words"] + warm["more"]
    return "used" if _USED.search(words) else "kept", int(warm["gb"])


def _one(rates: list[float], what: str) -> Maybe[float]:
    """The price of a GB-second that all memory sizes agree on."""
    if not rates:
        return Missing(f"the Price List has no price of {what} there")
    if max(rates) > min(rates) * (1.0 + _SAME):
        return Missing(f"the Price List has several prices of a GB-second of {what}")
    return sorted(rates)[len(rates) // 2]


def _usage_type(product: Mapping[str, Any]) -> str:
    return str(product["product"]["attributes"].get("usagetype", ""))


def _per(product: Mapping[str, Any], unit: str) -> Iterator[float]:
    """Amounts per hour (`Hrs`, `Hours`) or second, by the unit's first letter."""
    for amount in amounts_of(product):
        if amount.unit.lower().startswith(unit):
            yield amount.usd
