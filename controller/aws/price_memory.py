"""Prices as text, to outlive the process; a text that cannot be read is no text."""

import json
from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

from controller.model.price import DurationTier, LambdaPrices

_VERSION = 1


def to_text(prices: Iterable[LambdaPrices]) -> str:
    """One JSON document."""
    return json.dumps({"version": _VERSION, "lambda": [asdict(p) for p in prices]})


def from_text(text: str | None) -> list[LambdaPrices]:
    """What `to_text` wrote; nothing where there is none, or it is damaged or of another time."""
    try:
        document = json.loads(text or "")
        if document["version"] != _VERSION:
            return []
        return [_prices(row) for row in document["lambda"]]
    except (ValueError, KeyError, TypeError):
        return []


def _prices(row: dict[str, Any]) -> LambdaPrices:
    return LambdaPrices(
        region=str(row["region"]),
        architecture=str(row["architecture"]),
        tiers=tuple(_tier(tier) for tier in row["tiers"]),
        usd_per_request=float(row["usd_per_request"]),
        as_of_s=float(row["as_of_s"]),
        source=str(row["source"]),
    )


def _tier(row: dict[str, Any]) -> DurationTier:
    up_to = row["up_to_gb_s"]
    return DurationTier(None if up_to is None else float(up_to), float(row["usd_per_gb_s"]))
