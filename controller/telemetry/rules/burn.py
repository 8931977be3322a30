"""Burn-rate alerts: which windows and factors, when they fire, and which never can.

The well-known factors 14.4, 6, 3 and 1 were made for objectives of 99.9 %. At 95 % the burn
rate cannot exceed 20, so 14.4 asks for 72 % slow requests and 43 minutes of total outage,
and at lower objectives it can never be reached. Here the factor follows from the objective:

    factor = 1 + k (1 / budget - 1) / 19      k = 9, 4, 1, 0.2; never above 14.4, 6, 3, 1.2

which at 95 % gives 10, 5, 2 and 1.2 (50, 25, 10 and 6 % slow requests). Windows, factors and
least numbers of requests were chosen by simulation: see docs/alerting.md, bench/alerting.py.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

STEP_S = 300.0
"""Counters of a policy with the default interval grow every five minutes."""
LAG_S = 150.0
"""CloudWatch publishes a period late, and the controller reads it so long after its end."""
EVALUATED_S = 60.0
"""A scrape and an evaluation, each every 30 s."""


DEVIATIONS = 4.0
"""An endpoint that uses its budget exactly may not reach a factor by chance: with the least
number of requests it is so many standard deviations away."""


class Severity(StrEnum):
    """The label `severity`: who is to be told, and how soon."""

    PAGE = "page"
    TICKET = "ticket"
    INFO = "info"


class NeverFires(ValueError):  # noqa: N818 - named for what it says
    """An alert that cannot fire whatever happens; the message is one sentence."""


@dataclass(frozen=True, slots=True)
class Burn:
    """One tier: the budget is used `factor` times too fast over both windows."""

    tier: str
    """Stable name, the label `burnrate_tier`: what inhibition rules match."""
    severity: Severity
    factor: float
    long_s: float
    short_s: float
    """Ends the alert soon after the cause has ended."""
    min_requests: int
    """Fewer requests in the long window say nothing."""

    def bad_ratio(self, objective: float) -> float:
        """The share of bad requests above which it fires, 0-1."""
        return self.factor * (1.0 - objective)


@dataclass(frozen=True, slots=True)
class _Shape:
    tier: str
    severity: Severity
    long_s: float
    short_s: float
    weight: float
    most: float
    """The factor at objectives so high that `weight` would ask for more."""
    least_bad: int
    """So many bad requests at least make an alert, whatever the objective."""


_SHAPES = (
    _Shape("fast", Severity.PAGE, 1200.0, 600.0, 9.0, 14.4, 25),
    _Shape("slow", Severity.PAGE, 5400.0, 900.0, 4.0, 6.0, 25),
    _Shape("steady", Severity.TICKET, 21_600.0, 3600.0, 1.0, 3.0, 50),
    _Shape("drip", Severity.TICKET, 259_200.0, 43_200.0, 0.2, 1.2, 120),
)


def preset(objective: float) -> tuple[Burn, ...]:
    """The four tiers for an objective (0-1, such as 0.95), the most urgent first."""
    return tuple(_burn(shape, objective) for shape in _SHAPES)


def _burn(shape: _Shape, objective: float) -> Burn:
    budget = 1.0 - objective
    factor = min(shape.most, 1.0 + shape.weight * (1.0 / budget - 1.0) / 19.0)
    bad = shape.least_bad / (factor * budget)
    certain = DEVIATIONS**2 * (1.0 - budget) / ((factor - 1.0) ** 2 * budget)
    return Burn(
        tier=shape.tier,
        severity=shape.severity,
        factor=factor,
        long_s=shape.long_s,
        short_s=shape.short_s,
        # rounded first: 0.95 is no binary fraction, and 500.0000001 is no reason for 501
        min_requests=math.ceil(round(max(bad, certain), 6)),
    )


def checked(tiers: Sequence[Burn], objective: float) -> tuple[Burn, ...]:
    """The tiers, where every one of them can fire. Raises NeverFires."""
    most = 1.0 / (1.0 - objective)
    for tier in tiers:
        if tier.factor >= most * (1.0 - 1e-9):
            raise NeverFires(
                f"the {tier.tier} alert could never fire: an objective of {100 * objective:g} %"
                f" burns at most {most:g} times too fast, and its factor is {tier.factor:g}"
            )
        if tier.short_s > tier.long_s:
            raise NeverFires(f"the {tier.tier} alert's short window is longer than its long one")
    return tuple(tiers)


def stretched(tier: Burn, interval_s: float) -> Burn:
    """The same for an endpoint that is read less often than every five minutes.

    A window must see at least two reads, else it is empty or all of one.
    """
    times = max(1.0, interval_s / STEP_S)
    return replace(tier, long_s=tier.long_s * times, short_s=tier.short_s * times)


def seconds_to_fire(
    tier: Burn, objective: float, bad_ratio: float, step_s: float = STEP_S
) -> float | None:
    """From the start of `bad_ratio` bad requests, none before, to the alert; None: never.

    The longest it may take: until the long window holds enough of them, the counters have
    grown (up to `step_s` later), and the data has come. At best it is `step_s` less.
    """
    needed = tier.bad_ratio(objective)
    if bad_ratio <= needed:
        return None
    return tier.long_s * needed / bad_ratio + step_s + LAG_S + EVALUATED_S
