"""Reading Lambda's prices out of the Price List API's products. Pure.

The API returns JSON documents as strings, more of them than were asked for, and no document
says "this is the one". So everything is filtered again, and a price counts only where exactly
one distinct amount remains for each tier; two candidates are a reason to say "unknown".
"""

import json
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from controller.model.missing import Maybe, Missing
from controller.model.price import DurationTier, LambdaPrices

SERVICE_CODE = "AWSLambda"
ARCHITECTURES = ("x86_64", "arm64")

_GROUP_SUFFIX = {"x86_64": "", "arm64": "-ARM"}

_Ranges = dict[tuple[float, float], set[float]]


def lambda_prices(
    products: Iterable[str], region: str, architecture: str, as_of_s: float
) -> Maybe[LambdaPrices]:
    """Prices of one region and architecture from GetProducts' `PriceList` strings."""
    suffix = _GROUP_SUFFIX[architecture]
    duration: _Ranges = {}
    requests: _Ranges = {}
    ranges = {
        f"AWS-Lambda-Duration{suffix}": duration,
        f"AWS-Lambda-Requests{suffix}": requests,
    }
    for product in products_of(products, region):
        group = ranges.get(str(product["product"]["attributes"].get("group")))
        if group is not None:
            for amount in amounts_of(product):
                group.setdefault((amount.begin, amount.end), set()).add(amount.usd)
    tiers = _tiers(duration, "GB-second")
    per_request = _tiers(requests, "request")
    if isinstance(tiers, Missing):
        return tiers
    if isinstance(per_request, Missing):
        return per_request
    if len(per_request) != 1:
        return Missing("the Price List has tiers for Lambda requests, which are not understood")
    return LambdaPrices(
        region=region,
        architecture=architecture,
        tiers=tuple(DurationTier(None if math.isinf(end) else end, usd) for end, usd in tiers),
        usd_per_request=per_request[0][1],
        as_of_s=as_of_s,
        source="price-list",
    )


def products_of(products: Iterable[str], region: str) -> Iterator[Mapping[str, Any]]:
    """The products of one region among GetProducts' strings."""
    for text in products:
        try:
            document = json.loads(text)
            attributes = document["product"]["attributes"]
        except (ValueError, KeyError, TypeError):
            continue  # not a product of any sort that we know
        if attributes.get("regionCode") == region:
            yield document


@dataclass(frozen=True, slots=True)
class Amount:
    """One on-demand price, and for which part of a month's usage it holds."""

    begin: float
    end: float
    usd: float
    unit: str


def amounts_of(product: Mapping[str, Any]) -> Iterator[Amount]:
    """On-demand prices of a product; those of nothing (free allowances) left out."""
    for term in product.get("terms", {}).get("OnDemand", {}).values():
        for dimension in term.get("priceDimensions", {}).values():
            try:
                usd = float(dimension["pricePerUnit"]["USD"])
                begin, end = float(dimension["beginRange"]), float(dimension["endRange"])
            except (KeyError, ValueError, TypeError):
                continue  # another currency, or no price at all
            if usd > 0.0 and math.isfinite(usd):
                yield Amount(begin, end, usd, str(dimension.get("unit", "")))


def _tiers(ranges: _Ranges, unit: str) -> Maybe[list[tuple[float, float]]]:
    """(end, USD) of each tier, from nothing to infinity without gaps."""
    if not ranges:
        return Missing(f"the Price List has no price of a Lambda {unit} there")
    tiers = []
    reached = 0.0
    for (begin, end), amounts in sorted(ranges.items()):
        if len(amounts) != 1:
            return Missing(f"the Price List has several prices of a Lambda {unit} there")
        if begin != reached:
            return Missing(f"the Price List's tiers of a Lambda {unit} leave gaps or overlap")
        reached = end
        tiers.append((end, min(amounts)))
    if not math.isinf(reached):
        return Missing(f"the Price List's tiers of a Lambda {unit} end at {reached:g}")
    return tiers
