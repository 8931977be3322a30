"""What sizes of a real-time endpoint are made for, and what limits them."""

import math
from dataclasses import dataclass, replace
from functools import cached_property

from controller.kinds.realtime_endpoint.bill import Fleet
from controller.kinds.realtime_endpoint.replay import Bearable
from controller.kinds.realtime_endpoint.shape import Hour, Shape
from controller.kinds.realtime_endpoint.types import Belief, Beliefs
from controller.model.policy import Policy
from controller.model.price import HostingPrices
from controller.model.sagemaker import RealtimeLive
from controller.model.size import RealtimeSize

GROWTH = 1.25
"""Peak to be prepared for, per peak seen."""
DIGITS = 2
"""Significant digits of a target: a finer one would move with every hour of data."""


@dataclass(frozen=True)
class Question:
    """What sizes are made for."""

    policy: Policy
    current: RealtimeSize
    live: RealtimeLive
    shape: Shape
    beliefs: Beliefs
    prices: HostingPrices

    @cached_property
    def grown(self) -> Shape:
        """The week with room to grow: what budgets are kept for."""
        return grown_shape(self.shape)

    def bearable(self, belief: Belief) -> Bearable:
        """What an instance of a type bears, and how many there may be."""
        most = min((limit for limit, _ in limits(self, belief.name)), default=None)
        most = None if most is None else max(most, 1)
        return replace(belief.bearable, most=most, windows=self.policy.autoscaling.windows)


@dataclass(frozen=True, slots=True)
class Best:
    """The best size of one type, and what bound its upper bound."""

    size: RealtimeSize
    words: str = ""
    limited: bool = False
    """Whether it is something else than the peak."""


def grown_shape(shape: Shape) -> Shape:
    """The week with room to grow."""
    hours = tuple(
        Hour(h.hour, h.rps_mean * GROWTH, h.rps_peak * GROWTH, h.rps_jump * GROWTH)
        for h in shape.hours
    )
    return replace(
        shape,
        hours=hours,
        trough_rps=shape.trough_rps * GROWTH,
        burst_rps=shape.burst_rps * GROWTH,
        peak_rps=shape.peak_rps * GROWTH,
        replay=None if shape.replay is None else shape.replay.scaled(GROWTH),
        usual={},
    )


def rounded(per_minute: float) -> float:
    """Two significant digits, rounded down; at least one request a minute."""
    if per_minute <= 1.0:
        return 1.0
    step = 10.0 ** (math.floor(math.log10(per_minute)) - DIGITS + 1)
    return math.floor(per_minute / step + 1e-9) * step


def limits(ask: Question, name: str) -> list[tuple[int, str]]:
    """Upper bounds of the policy and the account, with words."""
    found = []
    if ask.policy.bounds.max_instances is not None:
        found.append((ask.policy.bounds.max_instances, "the policy's bounds"))
    left = ask.live.quota_left.get(name)
    if left is not None:
        running = ask.live.instances if name == ask.live.instance_type else 0
        found.append((left + running, "the account's quota"))
    return found


def usd_per_month(size: RealtimeSize, shape: Shape, usd_per_hour: float) -> float:
    """Of a size in these weeks, at so much for an instance's hour."""
    return Fleet.of(size, shape).usd_per_month(usd_per_hour).mid
