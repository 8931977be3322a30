"""The products the sandbox's Price List API sells: Lambda, in the shape AWS publishes them.

Rates are on-demand US dollars: per GB-second, per request. Regions not listed have no
products, which is what an unknown price looks like. Two traps of the real list are kept:
rows of the free tier (location "Any", price 0) and of Lambda@Edge.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from hashlib import blake2b
from typing import Any

PUBLISHED = "2026-01-15T00:00:00Z"
_ON_DEMAND = "JRTCKXETXF"
_RATE = "6YS6EN2CT7"
# GB-seconds in a month at which the next tier begins.
_TIER_STARTS = {
    "x86": (0, 6_000_000_000, 15_000_000_000),
    "arm": (0, 7_500_000_000, 18_750_000_000),
}


@dataclass(frozen=True, slots=True)
class Rates:
    """A region's prices; tiers as (x86, arm) of the three tiers."""

    duration_x86: tuple[str, str, str] = ("0.0000166667", "0.0000150000", "0.0000133334")
    duration_arm: tuple[str, str, str] = ("0.0000133334", "0.0000120001", "0.0000106667")
    request: str = "0.0000002000"
    storage: str = "0.0000000309"
    provisioned_x86: str = "0.0000041667"
    provisioned_arm: str = "0.0000033334"
    provisioned_duration_x86: str = "0.0000097222"
    provisioned_duration_arm: str = "0.0000077778"


@dataclass(frozen=True, slots=True)
class PricedRegion:
    """A region with its names in the list. prefix: of usage types; none in us-east-1."""

    code: str
    location: str
    prefix: str
    rates: Rates = Rates()


_MILAN = Rates(
    duration_x86=("0.0000195172", "0.0000175655", "0.0000156138"),
    duration_arm=("0.0000156138", "0.0000140524", "0.0000124910"),
    request="0.0000002300",
)
REGIONS = (
    PricedRegion("us-east-1", "US East (N. Virginia)", ""),
    PricedRegion("us-east-2", "US East (Ohio)", "USE2-"),
    PricedRegion("us-west-2", "US West (Oregon)", "USW2-"),
    PricedRegion("eu-west-1", "EU (Ireland)", "EU-"),
    PricedRegion("eu-central-1", "EU (Frankfurt)", "EUC1-"),
    PricedRegion("eu-south-1", "EU (Milan)", "EUS1-", _MILAN),
    PricedRegion("ap-south-1", "Asia Pacific (Mumbai)", "APS3-"),
    PricedRegion("ap-southeast-1", "Asia Pacific (Singapore)", "APS1-"),
    PricedRegion("ap-northeast-1", "Asia Pacific (Tokyo)", "APN1-"),
)


@dataclass(frozen=True, slots=True)
class Row:
    """One product. steps: (where the tier begins, USD) in rising order."""

    group: str
    usage: str
    unit: str
    text: str
    steps: tuple[tuple[int, str], ...]


def _rows(rates: Rates) -> Iterator[Row]:
    for suffix, key, tiers in (
        ("", "x86", rates.duration_x86),
        ("-ARM", "arm", rates.duration_arm),
    ):
        steps = tuple(zip(_TIER_STARTS[key], tiers, strict=True))
        gb_s = f"Lambda-GB-Second{suffix}"
        yield Row(f"AWS-Lambda-Duration{suffix}", gb_s, "Lambda-GB-Second", "Total Compute", steps)
        once = ((0, rates.request),)
        yield Row(f"AWS-Lambda-Requests{suffix}", f"Request{suffix}", "Requests", "Requests", once)
        disk = ((0, rates.storage),)
        usage = f"Lambda-Storage-GB-Second{suffix}"
        yield Row(f"AWS-Lambda-Storage-Duration{suffix}", usage, "GB-Seconds", "Storage", disk)
    yield from _provisioned("", rates.provisioned_x86, rates.provisioned_duration_x86)
    yield from _provisioned("-ARM", rates.provisioned_arm, rates.provisioned_duration_arm)


def _provisioned(suffix: str, idle: str, busy: str) -> Iterator[Row]:
    yield Row(
        f"AWS-Lambda-Provisioned-Concurrency{suffix}",
        f"Lambda-Provisioned-Concurrency{suffix}",
        "Lambda-GB-Second",
        "Provisioned Concurrency",
        ((0, idle),),
    )
    yield Row(
        f"AWS-Lambda-Duration-Provisioned{suffix}",
        f"Lambda-Provisioned-GB-Second{suffix}",
        "Lambda-GB-Second",
        "Duration-Provisioned",
        ((0, busy),),
    )


@cache
def lambda_products() -> tuple[Mapping[str, Any], ...]:
    """Every product of AWSLambda, as decoded JSON, in a fixed order."""
    products = [_product(region, row) for region in REGIONS for row in _rows(region.rates)]
    anywhere = PricedRegion("", "Any", "Global-")
    free = (
        Row("AWS-Lambda-Duration", "Lambda-GB-Second", "Lambda-GB-Second", "Free", ((0, "0.0"),)),
        Row("AWS-Lambda-Requests", "Request", "Requests", "Free", ((0, "0.0"),)),
    )
    products += [_product(anywhere, row) for row in free]
    edge = Row(
        "AWS-Lambda-Edge-Duration",
        "Lambda-Edge-GB-Second",
        "Lambda-GB-Second",
        "Lambda@Edge Compute",
        ((0, "0.0000500100"),),
    )
    products.append(_product(REGIONS[0], edge))
    return tuple(products)


def _product(region: PricedRegion, row: Row) -> Mapping[str, Any]:
    usage_type = region.prefix + row.usage
    sku = blake2b(f"{usage_type}/{row.text}".encode(), digest_size=8).hexdigest().upper()
    attributes = {
        "servicecode": "AWSLambda",
        "servicename": "AWS Lambda",
        "location": region.location,
        "locationType": "AWS Region",
        "group": row.group,
        "groupDescription": row.text,
        "usagetype": usage_type,
        "operation": "",
    }
    if region.code:
        attributes["regionCode"] = region.code
    return {
        "product": {"productFamily": "Serverless", "attributes": attributes, "sku": sku},
        "serviceCode": "AWSLambda",
        "terms": {"OnDemand": {f"{sku}.{_ON_DEMAND}": _term(sku, region, row)}},
        "version": PUBLISHED.replace("-", "").replace(":", "").removesuffix("Z"),
        "publicationDate": PUBLISHED,
    }


def _term(sku: str, region: PricedRegion, row: Row) -> Mapping[str, Any]:
    ends = [*(start for start, _ in row.steps[1:]), None]
    dimensions = {}
    for place, ((start, usd), end) in enumerate(zip(row.steps, ends, strict=True)):
        code = f"{sku}.{_ON_DEMAND}.{_RATE if place == 0 else f'{_RATE[:-1]}{place}'}"
        dimensions[code] = {
            "unit": row.unit,
            "beginRange": str(start),
            "endRange": "Inf" if end is None else str(end),
            "description": f"AWS Lambda - {row.text} - {region.location}",
            "appliesTo": [],
            "rateCode": code,
            "pricePerUnit": {"USD": usd},
        }
    return {
        "priceDimensions": dimensions,
        "sku": sku,
        "effectiveDate": PUBLISHED,
        "offerTermCode": _ON_DEMAND,
        "termAttributes": {},
    }
