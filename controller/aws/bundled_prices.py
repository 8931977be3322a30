"""Prices that come with the program, for a start without the Price List API.

Typed in by hand on the day below from public sources that agree with each other. Lambda: the
AWS blog's announcement of duration tiers and recorded Price List answers in the tests of an open
cost estimator. SageMaker hosting: a public cost-policy table made from the Price List, against
the constants in AWS's own samples. Serverless inference: the constants in AWS's sample of a
serverless benchmark (2023). On demand, us-east-1, without free allowances (which are shared by
the whole account, so that no single endpoint may be credited with them). The other regions are
not here, because no source for them was at hand: their prices are unknown until the API was asked.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from types import MappingProxyType

from controller.model.missing import Missing
from controller.model.price import DurationTier, HostingPrices, LambdaPrices, ServerlessPrices

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


_HOURLY: Mapping[str, str] = MappingProxyType(
    {
        "t2": "medium .056 large .111 xlarge .223 2xlarge .445",
        "m5": "large .115 xlarge .23 2xlarge .461 4xlarge .922 12xlarge 2.765 24xlarge 5.53",
        "m7i": "large .121 xlarge .242 2xlarge .484 4xlarge .968 8xlarge 1.935",
        "c5": "large .102 xlarge .204 2xlarge .408 4xlarge .816 9xlarge 1.836 18xlarge 3.672",
        "c5d": "large .115 xlarge .23 2xlarge .461 4xlarge .922 9xlarge 2.074 18xlarge 4.147",
        "c6i": "large .102 xlarge .204 2xlarge .408 4xlarge .816 8xlarge 1.632 12xlarge 2.448"
        " 16xlarge 3.264 24xlarge 4.896 32xlarge 6.528",
        "c7i": "large .107 xlarge .214 2xlarge .428 4xlarge .857 8xlarge 1.714 12xlarge 2.57"
        " 16xlarge 3.427 24xlarge 5.141 48xlarge 10.282",
        "c6g": "large .0816 xlarge .1632 2xlarge .3264",
        "c7g": "large .087 xlarge .174 2xlarge .348",
        "r5": "large .151 xlarge .302 2xlarge .605",
        "g4dn": "xlarge .736 2xlarge .94 4xlarge 1.505 8xlarge 2.72 12xlarge 4.89 16xlarge 5.44",
        "g5": "xlarge 1.408 2xlarge 1.515 4xlarge 2.03 8xlarge 3.06 12xlarge 7.09 16xlarge 5.12"
        " 24xlarge 10.18 48xlarge 20.36",
        "g6": "xlarge 1.1267 2xlarge 1.222 4xlarge 1.654",
        "inf1": "xlarge .297 2xlarge .434 6xlarge 1.416 24xlarge 5.666",
        "inf2": "xlarge .99 8xlarge 2.36 24xlarge 7.79 48xlarge 15.58",
        "p3": "2xlarge 3.825",
    }
)
"""USD per hour by family: sizes and prices in turn. A larger number is not always dearer."""


def _hourly() -> Mapping[str, float]:
    words = {family: text.split() for family, text in _HOURLY.items()}
    return MappingProxyType(
        {
            f"ml.{family}.{size}": float(usd)
            for family, row in words.items()
            for size, usd in zip(row[::2], row[1::2], strict=True)
        }
    )


BUNDLED_HOSTING: Mapping[str, HostingPrices] = MappingProxyType(
    {"us-east-1": HostingPrices("us-east-1", _hourly(), AS_OF.timestamp(), "bundled")}
)
"""By region."""

_UNKNOWN = Missing("no source for the price of provisioned concurrency is at hand")

BUNDLED_SERVERLESS: Mapping[str, ServerlessPrices] = MappingProxyType(
    {
        "us-east-1": ServerlessPrices(
            "us-east-1", 0.00002, _UNKNOWN, _UNKNOWN, AS_OF.timestamp(), "bundled"
        )
    }
)
"""By region. In the month's first GB-second as in its last: there are no tiers."""
