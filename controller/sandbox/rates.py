"""What Lambda charges in a region, as numbers; the same table that the Price List API sells."""

from dataclasses import dataclass

from controller.sandbox.price_list import REGIONS


@dataclass(frozen=True, slots=True)
class LambdaRates:
    """USD: per GB-second (by tier, with where each begins), per request, provisioned."""

    tiers: tuple[tuple[float, float], ...]
    """(GB-seconds in a month from which it holds, USD per GB-second)."""
    usd_per_request: float
    provisioned_usd_per_gb_s: float
    provisioned_duration_usd_per_gb_s: float

    def duration_usd(self, gb_s: float) -> float:
        """Price of so many GB-seconds of one month."""
        usd = 0.0
        ends = [start for start, _ in self.tiers[1:]] + [float("inf")]
        for (start, rate), end in zip(self.tiers, ends, strict=True):
            usd += max(0.0, min(gb_s, end) - start) * rate
        return usd


def rates_of(region: str, architecture: str) -> LambdaRates | None:
    """Rates of a region and `x86_64` or `arm64`; None where the sandbox has no price."""
    priced = next((one for one in REGIONS if one.code == region), None)
    if priced is None:
        return None
    rates, arm = priced.rates, architecture == "arm64"
    starts = (0.0, 7.5e9, 18.75e9) if arm else (0.0, 6e9, 15e9)
    duration = rates.duration_arm if arm else rates.duration_x86
    return LambdaRates(
        tiers=tuple(zip(starts, map(float, duration), strict=True)),
        usd_per_request=float(rates.request),
        provisioned_usd_per_gb_s=float(rates.provisioned_arm if arm else rates.provisioned_x86),
        provisioned_duration_usd_per_gb_s=float(
            rates.provisioned_duration_arm if arm else rates.provisioned_duration_x86
        ),
    )
