"""The products of AmazonSageMaker that the sandbox's Price List API sells.

Traps of the real list are kept: the same type is sold for training and notebooks at other
prices, hosting rows are told by their usage type and component, and serverless inference is
sold per second by memory size. What AWS asks for provisioned concurrency is not known: it is
sold only in a world that was given a price for it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from hashlib import blake2b
from typing import Any

from controller.sandbox.price_list import PUBLISHED
from controller.sandbox.sagemaker.catalogue import (
    DATA_USD_PER_GB,
    InstanceType,
    instance_types,
    priced_regions,
    serverless_usd_per_gb_s,
    usd_per_hour,
)

_ON_DEMAND = "JRTCKXETXF"
_RATE = "6YS6EN2CT7"
_REGIONS: Mapping[str, tuple[str, str]] = {
    "us-east-1": ("US East (N. Virginia)", "USE1"),
    "us-east-2": ("US East (Ohio)", "USE2"),
    "us-west-2": ("US West (Oregon)", "USW2"),
    "eu-west-1": ("EU (Ireland)", "EU"),
    "eu-central-1": ("EU (Frankfurt)", "EUC1"),
    "ap-southeast-1": ("Asia Pacific (Singapore)", "APS1"),
    "ap-northeast-1": ("Asia Pacific (Tokyo)", "APN1"),
    "af-south-1": ("Africa (Cape Town)", "AFS1"),
}
_SERVERLESS_GB = range(1, 7)


@dataclass
class WarmPrices:
    """What a world asks for a GB-second of provisioned concurrency; None: not for sale."""

    kept_usd: float | None = None
    """While it is there, used or not."""
    used_usd: float | None = None
    """Of processing in it."""


def sagemaker_products(warm: WarmPrices) -> tuple[Mapping[str, Any], ...]:
    """Every product of AmazonSageMaker, as decoded JSON, in a fixed order."""
    return (*_always(), *_provisioned(warm.kept_usd, warm.used_usd))


@cache
def _always() -> tuple[Mapping[str, Any], ...]:
    return tuple(
        product
        for region in priced_regions()
        for product in (*_instances(region), *_serverless(region))
    )


def _instances(region: str) -> Iterator[Mapping[str, Any]]:
    prefix = _REGIONS[region][1]
    for name, kind in instance_types().items():
        usd = usd_per_hour(region, name)
        assert usd is not None
        machine = _machine(kind)
        yield _product(
            region, f"{prefix}-Host:{name}", "ML Instance", (usd, "Hrs"),
            {**machine, "component": "Hosting", "instanceName": f"{name}-Hosting",
             "operation": "RunInstance"},
        )  # fmt: skip
        if kind.family in ("c5", "m5", "g4dn"):
            # Sold under other usage types, dearer where it happens so.
            yield _product(
                region, f"{prefix}-Train:{name}", "ML Instance", (usd * 1.05, "Hrs"),
                {**machine, "component": "Training", "instanceName": f"{name}-Training",
                 "operation": "RunInstance"},
            )  # fmt: skip
            yield _product(
                region, f"{prefix}-Notebk:{name}", "ML Instance", (usd, "Hrs"),
                {**machine, "component": "Notebook", "instanceName": f"{name}-Notebook",
                 "operation": "RunInstance"},
            )  # fmt: skip


def _machine(kind: InstanceType) -> dict[str, str]:
    found = {
        "instanceType": kind.name,
        "vCpu": str(kind.vcpus),
        "memory": f"{kind.memory_gib:g} GiB",
        "platoinstancename": kind.name.removeprefix("ml."),
        "platoinstancetype": kind.family,
        "computeType": "Accelerated" if kind.accelerator else "Standard Instances",
    }
    if kind.accelerator == "gpu":
        found["gpu"] = str(kind.accelerators)
    return found


def _serverless(region: str) -> Iterator[Mapping[str, Any]]:
    prefix, per_gb = _REGIONS[region][1], serverless_usd_per_gb_s(region)
    assert per_gb is not None
    for gb in _SERVERLESS_GB:
        yield _product(
            region, f"{prefix}-ServerlessInf:Mem-{gb}GB", "ML Serverless", (per_gb * gb, "seconds"),
            {"component": "Serverless Inference", "memory": f"{gb} GiB",
             "operation": "Inference"},
        )  # fmt: skip
    for direction in ("In", "Out"):
        yield _product(
            region, f"{prefix}-ServerlessInf:Data-Bytes-{direction}", "ML Serverless",
            (DATA_USD_PER_GB, "GB"),
            {"component": "Serverless Inference", "operation": "Inference"},
        )  # fmt: skip


@cache
def _provisioned(kept_usd: float | None, used_usd: float | None) -> tuple[Mapping[str, Any], ...]:
    words = {"ProvisionedConcurrency-": kept_usd, "ProvisionedDuration-": used_usd}
    return tuple(
        _product(
            region,
            f"{_REGIONS[region][1]}-ServerlessInf:{word}Mem-{gb}GB",
            "ML Serverless",
            (usd * gb, "seconds"),
            {"component": "Serverless Inference", "memory": f"{gb} GiB", "operation": "Inference"},
        )
        for region in priced_regions()
        for word, usd in words.items()
        if usd is not None
        for gb in _SERVERLESS_GB
    )


def _product(
    region: str, usage_type: str, family: str, price: tuple[float, str], own: dict[str, str]
) -> Mapping[str, Any]:
    """price: (US dollars, unit); own: attributes that not all products have."""
    usd, unit = price
    location = _REGIONS[region][0]
    sku = blake2b(usage_type.encode(), digest_size=8).hexdigest().upper()
    code = f"{sku}.{_ON_DEMAND}.{_RATE}"
    dimension = {
        "unit": unit,
        "beginRange": "0",
        "endRange": "Inf",
        "description": f"${usd:.10f} per {unit} for {usage_type} in {location}",
        "appliesTo": [],
        "rateCode": code,
        "pricePerUnit": {"USD": f"{usd:.10f}"},
    }
    term = {
        "priceDimensions": {code: dimension},
        "sku": sku,
        "effectiveDate": PUBLISHED,
        "offerTermCode": _ON_DEMAND,
        "termAttributes": {},
    }
    shared = {
        "servicecode": "AmazonSageMaker",
        "servicename": "Amazon SageMaker",
        "location": location,
        "locationType": "AWS Region",
        "regionCode": region,
        "usagetype": usage_type,
    }
    return {
        "product": {"productFamily": family, "attributes": {**shared, **own}, "sku": sku},
        "serviceCode": "AmazonSageMaker",
        "terms": {"OnDemand": {f"{sku}.{_ON_DEMAND}": term}},
        "version": PUBLISHED.replace("-", "").replace(":", "").removesuffix("Z"),
        "publicationDate": PUBLISHED,
    }
