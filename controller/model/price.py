"""What AWS charges, as values; where a price comes from is the business of `aws`."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class DurationTier:
    """Price of a GB-second up to a month's running total."""

    up_to_gb_s: float | None
    """None on the last tier."""
    usd_per_gb_s: float


@dataclass(frozen=True, slots=True)
class LambdaPrices:
    """On-demand Lambda prices of one region and architecture."""

    region: str
    architecture: str
    tiers: tuple[DurationTier, ...]
    usd_per_request: float
    as_of_s: float
    """When these prices were read (or, for the bundled table, its date)."""
    source: str
    """`price-list` or `bundled`."""
