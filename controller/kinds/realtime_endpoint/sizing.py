"""Sizes of a real-time endpoint: one per instance type, as autoscaling would best run it.

The target is the capacity at the SLO with the policy's headroom. The lower bound comes from
the quiet hours and the availability floor; the upper one from the peak with room to grow, or
from the policy's bounds, its budget or the account's quota, whichever binds, and that is said.
Bounds that are as good as the best ones stay as they are.
"""

import math
from dataclasses import dataclass, replace

from controller.kinds.realtime_endpoint.allowed import least_instances, scales, types_of
from controller.kinds.realtime_endpoint.bill import Fleet, needed
from controller.kinds.realtime_endpoint.schedule import lower_bounds, scheduled
from controller.kinds.realtime_endpoint.shape import Hour, Shape
from controller.kinds.realtime_endpoint.types import Belief, Beliefs
from controller.model.policy import OnConflict, Policy
from controller.model.price import HostingPrices
from controller.model.sagemaker import RealtimeLive
from controller.model.size import RealtimeSize

GROWTH = 1.25
"""Peak to be prepared for, per peak seen."""
DIGITS = 2
"""Significant digits of a target: a finer one would move with every hour of data."""
SAME_TARGET = 1.2
"""A target within this factor of the best one stays as it is."""
AMPLE_MAX = 2.0
"""An upper bound of up to this many times the best one stays as it is: it costs nothing."""
URGENT = 1.5
"""How far an upper bound is raised at once where all instances that it allows are running."""


@dataclass(frozen=True, slots=True)
class Question:
    """What sizes are made for."""

    policy: Policy
    current: RealtimeSize
    live: RealtimeLive
    shape: Shape
    beliefs: Beliefs
    prices: HostingPrices


@dataclass(frozen=True, slots=True)
class Best:
    """The best size of one type, and what bound its upper bound."""

    size: RealtimeSize
    words: str = ""
    limited: bool = False
    """Whether it is something else than the peak."""


def candidates(ask: Question) -> list[Best]:
    """The current size exactly as it is, then the best of every type; each size once."""
    found = {ask.current: Best(ask.current)}
    for name in types_of(ask.policy.bounds, ask.current.instance_type, ask.prices.usd_per_hour):
        for best in _of_type(ask, name):
            found.setdefault(best.size, best)
    return list(found.values())


def _of_type(ask: Question, name: str) -> list[Best]:
    belief = ask.beliefs.about(name)
    if belief is None:
        return []
    own = name == ask.current.instance_type
    best = size_for(ask, name, belief.aim_rps * ask.policy.autoscaling.utilization)
    best = _with_schedule(ask, _kept(ask, best, belief) if own else best)
    found = [best]
    if ask.policy.budget_usd_per_month is not None:
        found.append(_within_budget(ask, best))
    if own:
        found = [replace(b, size=_same_schedule(ask.current, b.size)) for b in found]
        found += _urgent(ask)
    return found


def rounded(per_minute: float) -> float:
    """Two significant digits, rounded down; at least one request a minute."""
    if per_minute <= 1.0:
        return 1.0
    step = 10.0 ** (math.floor(math.log10(per_minute)) - DIGITS + 1)
    return math.floor(per_minute / step + 1e-9) * step


def size_for(ask: Question, name: str, target_rps: float) -> Best:
    """The size for one type without a look at the money."""
    target = rounded(target_rps * 60.0)
    rate = target / 60.0
    shape, bounds = ask.shape, ask.policy.bounds
    floor = least_instances(bounds)
    usable = rate / ask.policy.autoscaling.utilization
    quiet = max(needed(shape.trough_rps, rate), needed(shape.burst_rps, usable))
    peak = max(needed(shape.peak_rps * GROWTH, rate), floor)
    high, words = peak, f"max {peak} from the peak"
    for limit, why in _limits(ask, name):
        if limit < high:
            high, words = max(limit, 1), f"max {limit} from {why}, the peak asks for {peak}"
    limited = high < peak
    low = min(max(floor, quiet), high)
    # A policy that tracks invocations stays through a change of type: its value is the size's.
    tracked = ask.current.target_per_instance is not None
    if not scales(name) or (low == high and not tracked):
        return Best(RealtimeSize(name, high, high), words, limited)
    return Best(RealtimeSize(name, low, high, target), words, limited)


def _with_schedule(ask: Question, best: Best) -> Best:
    """The same with scheduled actions, where demand repeats."""
    size = best.size
    if not ask.policy.autoscaling.schedule or size.min_instances >= size.max_instances:
        return best
    rate = (size.target_per_instance or 1.0) / 60.0
    bounds = (size.min_instances, size.max_instances)
    actions = scheduled(ask.shape, lambda rps: needed(rps, rate), bounds)
    return replace(best, size=replace(size, schedule=actions))


def _limits(ask: Question, name: str) -> list[tuple[int, str]]:
    """Upper bounds of the policy and the account."""
    found = []
    if ask.policy.bounds.max_instances is not None:
        found.append((ask.policy.bounds.max_instances, "the policy's bounds"))
    left = ask.live.quota_left.get(name)
    if left is not None:
        running = ask.live.instances if name == ask.live.instance_type else 0
        found.append((left + running, "the account's quota"))
    return found


def _within_budget(ask: Question, best: Best) -> Best:
    """The same size with the largest upper bound that the budget pays, were demand to grow."""
    budget, price = (
        ask.policy.budget_usd_per_month,
        ask.prices.usd_per_hour.get(best.size.instance_type),
    )
    if budget is None or price is None:
        return best
    size, grown = best.size, grown_shape(ask.shape)
    while size.max_instances > 1 and _usd(size, grown, price) > budget:
        size = at_most(size, size.max_instances - 1)
    if size == best.size:
        return best
    words = f"max {size.max_instances} from the budget, the peak asks for {best.size.max_instances}"
    return Best(size, words, limited=True)


def affordable(ask: Question, size: RealtimeSize) -> bool:
    """Whether a size is within the budget, where it is the budget that must hold."""
    budget, price = ask.policy.budget_usd_per_month, ask.prices.usd_per_hour.get(size.instance_type)
    if budget is None or price is None or ask.policy.on_conflict is OnConflict.SLO:
        return True
    return _usd(size, ask.shape, price) <= budget


def _usd(size: RealtimeSize, shape: Shape, usd_per_hour: float) -> float:
    return Fleet.of(size, shape).usd_per_month(usd_per_hour).mid


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
    )


def at_most(size: RealtimeSize, high: int) -> RealtimeSize:
    """A size with no bound above `high`."""
    schedule = tuple(
        replace(
            action,
            min_instances=min(action.min_instances, high),
            max_instances=min(action.max_instances, high),
        )
        for action in size.schedule
    )
    low = min(size.min_instances, high)
    raised = any(action.min_instances > low for action in schedule)
    return replace(size, min_instances=low, max_instances=high, schedule=schedule if raised else ())


def _kept(ask: Question, best: Best, belief: Belief) -> Best:
    """What of the current size is as good as the best stays as it is.

    Before a whole week was seen the upper bound is not lowered: it costs nothing until Monday.
    """
    now, size = ask.current, best.size
    if size.target_per_instance is None:
        return best
    limit = min([limit for limit, _ in _limits(ask, size.instance_type)], default=now.max_instances)
    if not ask.shape.whole and not best.limited:
        unseen = max(size.max_instances, min(now.max_instances, limit))
        size = replace(size, max_instances=unseen)
    if now.target_per_instance is None:
        return replace(best, size=size)
    old, new = now.target_per_instance, size.target_per_instance
    near = new is not None and max(old, new) <= SAME_TARGET * min(old, new)
    if near and old / 60.0 <= belief.usable[0]:
        size = replace(size, target_per_instance=old)
    least = needed(ask.shape.peak_rps, (size.target_per_instance or 1.0) / 60.0)
    if not best.limited and least <= now.max_instances <= min(
        AMPLE_MAX * size.max_instances, limit
    ):
        size = replace(size, max_instances=now.max_instances)
    return replace(best, size=size)


def _same_schedule(now: RealtimeSize, size: RealtimeSize) -> RealtimeSize:
    """Actions that raise about as much at about the same hours are not written anew."""
    if now.schedule == size.schedule or (now.min_instances, now.max_instances) != (
        size.min_instances,
        size.max_instances,
    ):
        return size
    old = lower_bounds(now.schedule, now.min_instances)
    new = lower_bounds(size.schedule, size.min_instances)
    apart = sum(abs(a - b) for a, b in zip(old, new, strict=True))
    if apart <= 0.15 * sum(max(a, b) for a, b in zip(old, new, strict=True)):
        return replace(size, schedule=now.schedule)
    return size


def _urgent(ask: Question) -> list[Best]:
    """A higher upper bound, for a breach with every allowed instance running."""
    now = ask.current
    if now.target_per_instance is None or ask.live.desired_instances < now.max_instances:
        return []
    high = math.ceil(now.max_instances * URGENT)
    for limit, _ in _limits(ask, now.instance_type):
        high = min(high, limit)
    if high <= now.max_instances:
        return []
    schedule = tuple(replace(action, max_instances=high) for action in now.schedule)
    words = f"all {now.max_instances} allowed instances are running"
    return [Best(replace(now, max_instances=high, schedule=schedule), words, limited=True)]
