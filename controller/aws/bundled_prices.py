"""Lambda prices that come with the program, for a start without the Price List API.

Typed in by hand on the day below from public sources that agree with each other: the AWS
blog's announcement of duration tiers and recorded Price List answers in the tests of an open
cost estimator. On demand, us-east-1, without the account's free allowance (which is shared by
all its functions, so that no single one may be credited with it). The other regions are not
here, because no source for them was at hand: their prices are unknown until the API was asked.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from types import MappingProxyType

from controller.model.price import DurationTier, LambdaPrices

AS_OF = datetime(2026, 5, 20, tzinfo=UTC)

_USD_PER_REQUEST = 0.20 / 1e6


def _prices(architecture: str, *tiers: tuple[float | None, float]) -> LambdaPrices:
    return LambdaPrices(
        region="us-east-1",
        architecture=architecture,
        tiers=tuple(DurationTier(up_to_gb_s, usd_per_gb_s) for up_to_gb_s, usd_per_gb_s in tiers),
        usd_per_request=_USD_PER_REQUEST,
        as_of_s=AS_OF.timestamp(),
        source="bundled",
    )


BUNDLED: Mapping[tuple[str, str], LambdaPrices] = MappingProxyType(
    {
        ("us-east-1", "x86_64"): _prices(
            "x86_64", (6e9, 0.0000166667), (15e9, 0.000015), (None, 0.0000133334)
        ),
        ("us-east-1", "arm64"): _prices(
            "arm64", (7.5e9, 0.0000133334), (18.75e9, 0.0000120001), (None, 0.0000106667)
        ),
    }
)
"""By (region, architecture)."""
