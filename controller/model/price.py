"""What AWS charges, as values; where a price comes from is the business of `aws`."""

from collections.abc import Mapping
from dataclasses import dataclass

from controller.model.missing import Maybe


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


@dataclass(frozen=True, slots=True)
class HostingPrices:
    """On-demand prices of SageMaker real-time instances of one region."""

    region: str
    usd_per_hour: Mapping[str, float]
    """By instance type; a type that is not there has no known price."""
    as_of_s: float
    source: str
    """`price-list` or `bundled`."""


@dataclass(frozen=True, slots=True)
class ServerlessPrices:
    """Prices of SageMaker serverless inference of one region."""

    region: str
    usd_per_gb_s: float
    """Billed per millisecond of processing, linear in memory."""
    usd_per_gb_s_provisioned: Maybe[float]
    """Of an environment kept warm, whether used or not."""
    usd_per_gb_s_provisioned_use: Maybe[float]
    """Of a request that runs in one."""
    as_of_s: float
    source: str
