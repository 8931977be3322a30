"""How many requests an endpoint must be able to serve at once.

Requests beyond MaxConcurrency are throttled, not queued: a system with as many servers as
environments and no waiting room. Erlang's loss formula B(c, a) gives the share that is lost of
Poisson arrivals that keep `a` servers busy on average:

    B(0, a) = 1,  B(c, a) = a B(c-1, a) / (c + a B(c-1, a))

Real traffic is burstier, which is what the headroom is for; and where requests are throttled
all the same, evidence beats the formula and the limit is raised by half.
"""

import math
from dataclasses import dataclass

from controller.model.demand import Demand, SloStatus
from controller.model.missing import Missing
from controller.model.policy import Bounds

MOST = 200
"""AWS's limit for one endpoint (SageMaker Developer Guide, serverless endpoints)."""
STEPS = (1, 2, 3, 5, 8, 10, 15, 20, 25, 30, 40, 50, 60, 80, 100, 125, 150, 175, MOST)
"""Limits that are chosen from: rounded up, so that small changes of demand change nothing."""
TOLERATED_LOSS = 0.01
"""Expected share of throttled requests from which a limit that did throttle is too low."""
PLANNED_LOSS = 0.001
HEADROOM = 1.3
"""On the busiest five minutes of two weeks, when a limit is chosen."""
THROTTLED = 0.001
"""Share of requests whose throttling is worth an answer, which costs nothing."""
ESCALATION = 1.5


def loss(servers: int, busy: float) -> float:
    """Erlang's B: share of requests that find all servers busy; `busy` are so on average."""
    blocked = 1.0
    for count in range(1, servers + 1):
        blocked = busy * blocked / (count + busy * blocked)
    return blocked


def least_servers(busy: float, most_loss: float) -> int:
    """The smallest number of servers that loses no more than this share; at most 2 * MOST."""
    blocked = 1.0
    for count in range(1, 2 * MOST):
        blocked = busy * blocked / (count + busy * blocked)
        if blocked <= most_loss:
            return count
    return 2 * MOST


def planned(busy: float) -> int:
    """The limit to choose for so many requests in progress at the peak."""
    return rounded_up(least_servers(busy * HEADROOM, PLANNED_LOSS))


def rounded_up(limit: float) -> int:
    """The next step at or above a limit."""
    return next((step for step in STEPS if step >= limit), MOST)


@dataclass(frozen=True, slots=True)
class Limits:
    """Between which a concurrency limit may be chosen."""

    least: int
    most: int
    why_most: str
    """Who sets the upper limit, in words."""

    @classmethod
    def of(cls, bounds: Bounds, pool_left: int | None) -> "Limits":
        """From the policy's bounds, AWS's limit, and what the account's pool leaves."""
        most, why = MOST, "AWS allows no more"
        if bounds.max_concurrency is not None and bounds.max_concurrency < most:
            most, why = bounds.max_concurrency, "the policy allows no more"
        if pool_left is not None and pool_left < most:
            most, why = max(1, pool_left), "the account's pool holds no more"
        least = 1 if bounds.min_concurrency is None else bounds.min_concurrency
        return cls(min(least, most), most, why)

    def clamp(self, limit: int) -> int:
        """The nearest allowed limit."""
        return min(max(limit, self.least), self.most)


def busy_peak(demand: Demand) -> float:
    """Requests in progress in the busiest five minutes; 0 where that is not known."""
    peak = demand.concurrency_peak
    return 0.0 if isinstance(peak, Missing) else peak


def needed(current: int, demand: Demand, slo: SloStatus) -> int:
    """The least limit for what is asked now; `current` where there is no need to raise it.

    Nothing is raised that never throttled: the formula only says how far to go.
    """
    if not isinstance(slo.throttle_ratio, Missing) and slo.throttle_ratio > THROTTLED:
        return max(math.ceil(current * ESCALATION), planned(busy_peak(demand)))
    before = demand.throttle_ratio
    if isinstance(before, Missing) or before <= THROTTLED:
        return current
    return max(current, least_servers(busy_peak(demand), TOLERATED_LOSS))
