"""Prices as text, to outlive the process; a text that cannot be read is no text."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any, TypeAlias

from controller.model.missing import Maybe, Missing
from controller.model.price import DurationTier, HostingPrices, LambdaPrices, ServerlessPrices

Prices: TypeAlias = LambdaPrices | HostingPrices | ServerlessPrices

_VERSION = 1


def to_text(prices: Iterable[Prices]) -> str:
    """One JSON document."""
    rows: dict[str, list[dict[str, Any]]] = {"lambda": [], "hosting": [], "serverless": []}
    for price in prices:
        match price:
            case LambdaPrices():
                rows["lambda"].append(asdict(price))
            case HostingPrices():
                row = {"region": price.region, "as_of_s": price.as_of_s, "source": price.source}
                rows["hosting"].append({**row, "usd_per_hour": dict(price.usd_per_hour)})
            case ServerlessPrices():
                rows["serverless"].append(_serverless_row(price))
    return json.dumps({"version": _VERSION, **rows})


def from_text(text: str | None) -> list[Prices]:
    """What `to_text` wrote; nothing where there is none, or it is damaged or of another time."""
    try:
        document = json.loads(text or "")
        if document["version"] != _VERSION:
            return []
        return [
            *(_lambda(row) for row in document["lambda"]),
            # Texts of programs that read no SageMaker prices lack these.
            *(_hosting(row) for row in document.get("hosting", [])),
            *(_serverless(row) for row in document.get("serverless", [])),
        ]
    except (ValueError, KeyError, TypeError, AttributeError):
        return []


def _lambda(row: Mapping[str, Any]) -> LambdaPrices:
    return LambdaPrices(
        region=str(row["region"]),
        architecture=str(row["architecture"]),
        tiers=tuple(_tier(tier) for tier in row["tiers"]),
        usd_per_request=float(row["usd_per_request"]),
        as_of_s=float(row["as_of_s"]),
        source=str(row["source"]),
    )


def _tier(row: Mapping[str, Any]) -> DurationTier:
    up_to = row["up_to_gb_s"]
    return DurationTier(None if up_to is None else float(up_to), float(row["usd_per_gb_s"]))


def _hosting(row: Mapping[str, Any]) -> HostingPrices:
    usd = {str(name): float(value) for name, value in row["usd_per_hour"].items()}
    return HostingPrices(str(row["region"]), usd, float(row["as_of_s"]), str(row["source"]))


def _serverless_row(price: ServerlessPrices) -> dict[str, Any]:
    def amount(value: Maybe[float]) -> float | str:
        return value.reason if isinstance(value, Missing) else value

    return {
        "region": price.region,
        "usd_per_gb_s": price.usd_per_gb_s,
        "provisioned": amount(price.usd_per_gb_s_provisioned),
        "provisioned_use": amount(price.usd_per_gb_s_provisioned_use),
        "as_of_s": price.as_of_s,
        "source": price.source,
    }


def _serverless(row: Mapping[str, Any]) -> ServerlessPrices:
    def amount(value: Any) -> Maybe[float]:
        return Missing(value) if isinstance(value, str) else float(value)

    return ServerlessPrices(
        region=str(row["region"]),
        usd_per_gb_s=float(row["usd_per_gb_s"]),
        usd_per_gb_s_provisioned=amount(row["provisioned"]),
        usd_per_gb_s_provisioned_use=amount(row["provisioned_use"]),
        as_of_s=float(row["as_of_s"]),
        source=str(row["source"]),
    )
