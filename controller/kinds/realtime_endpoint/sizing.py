"""Sizes of a real-time endpoint: one per instance type, as autoscaling would best run it.

The target is the capacity at the SLO with the policy's headroom. The lower bound comes from
the quiet hours and the availability floor; the upper one from the peak with room to grow, or
from the policy's bounds, its budget or the account's quota, whichever binds, and that is said.
Bounds that are as good as the best ones stay as they are.
"""

import math
from dataclasses import replace

from controller.kinds.realtime_endpoint.allowed import types_of
from controller.kinds.realtime_endpoint.bill import needed
from controller.kinds.realtime_endpoint.headroom import (
    cheapest,
    more_of,
    plainest,
    same_target,
    with_schedule,
)
from controller.kinds.realtime_endpoint.names import foreign_action
from controller.kinds.realtime_endpoint.question import (
    Best,
    Question,
    limits,
    usd_per_month,
)
from controller.kinds.realtime_endpoint.schedule import lower_bounds
from controller.kinds.realtime_endpoint.types import Belief
from controller.model.policy import OnConflict
from controller.model.size import RealtimeSize

AMPLE_MAX = 2.0
"""An upper bound of up to this many times the best one stays as it is: it costs nothing."""
URGENT = 1.5
"""How far an upper bound is raised at once where all instances that it allows are running."""


def candidates(ask: Question) -> list[Best]:
    """The current size exactly as it is, then the best of every type; each size once."""
    found = {ask.current: Best(ask.current)}
    owner = foreign_action(ask.live.autoscaling)
    for name in types_of(ask.policy.bounds, ask.current.instance_type, ask.prices.usd_per_hour):
        for best in _of_type(ask, name):
            made = best if owner is None else _between(ask, best, owner)
            found.setdefault(made.size, made)
    return list(found.values())


def _between(ask: Question, best: Best, owner: str) -> Best:
    """The same within the bounds that somebody's scheduled actions set."""
    now = ask.current
    size = replace(
        best.size,
        min_instances=now.min_instances,
        max_instances=now.max_instances,
        schedule=now.schedule,
    )
    return replace(best, size=size, words=f"scheduled action {owner} sets the bounds")


def _of_type(ask: Question, name: str) -> list[Best]:
    belief = ask.beliefs.about(name)
    if belief is None:
        return []
    own = name == ask.current.instance_type
    # What is only known from a catalogue is not worth the search: its load is a guess.
    search = cheapest if belief.requests else plainest
    best = search(ask, name, ask.bearable(belief))
    best = _kept(ask, best, belief) if own else best
    if best.size.schedule or ask.shape.replay is None:
        best = with_schedule(ask, best)
    found = [best]
    if ask.policy.budget_usd_per_month is not None:
        found.append(_within_budget(ask, best))
    if own:
        found = [replace(b, size=_same_schedule(ask.current, b.size)) for b in found]
        more = [*_no_less(ask, belief), *_urgent(ask)]
        found += [best for best in more if affordable(ask, best.size)]
    return found


def _within_budget(ask: Question, best: Best) -> Best:
    """The same size with the largest upper bound that the budget pays, were demand to grow."""
    budget, price = (
        ask.policy.budget_usd_per_month,
        ask.prices.usd_per_hour.get(best.size.instance_type),
    )
    if budget is None or price is None:
        return best
    size = best.size
    while size.max_instances > 1 and usd_per_month(size, ask.grown, price) > budget:
        size = at_most(size, size.max_instances - 1)
    if size == best.size:
        return best
    words = f"max {size.max_instances} from the budget, the peak asks for {best.size.max_instances}"
    return Best(size, words, limited=True)


def affordable(ask: Question, size: RealtimeSize) -> bool:
    """Whether a size is within the budget, where it is the budget that must hold: demand may
    grow as far as it does for the bounds that are made for the budget."""
    budget, price = ask.policy.budget_usd_per_month, ask.prices.usd_per_hour.get(size.instance_type)
    if budget is None or price is None or ask.policy.on_conflict is OnConflict.SLO:
        return True
    return usd_per_month(size, ask.grown, price) <= budget


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
    limit = min([limit for limit, _ in limits(ask, size.instance_type)], default=now.max_instances)
    if not ask.shape.whole and not best.limited:
        unseen = max(size.max_instances, min(now.max_instances, limit))
        size = replace(size, max_instances=unseen)
    if now.target_per_instance is None:
        return replace(best, size=size)
    best = same_target(ask, replace(best, size=size), belief)
    size = best.size
    rate_rps = size.rate_rps
    if rate_rps is None:
        return best
    least = needed(ask.shape.peak_rps, rate_rps)
    most = min(AMPLE_MAX * size.max_instances, limit)
    if not best.limited and max(least, size.min_instances) <= now.max_instances <= most:
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


def _no_less(ask: Question, belief: Belief) -> list[Best]:
    """The best with nothing of the current size taken away: for a breach, in which nothing is."""
    now = ask.current
    if ask.shape.replay is None or now.target_per_instance is None:
        return []
    best = more_of(ask, now, ask.bearable(belief))
    return [] if best is None or best.size == now else [best]


def _urgent(ask: Question) -> list[Best]:
    """A higher upper bound, for a breach with every allowed instance running."""
    now = ask.current
    if now.target_per_instance is None or ask.live.desired_instances < now.max_instances:
        return []
    high = math.ceil(now.max_instances * URGENT)
    for limit, _ in limits(ask, now.instance_type):
        high = min(high, limit)
    if high <= now.max_instances:
        return []
    schedule = tuple(replace(action, max_instances=high) for action in now.schedule)
    words = f"all {now.max_instances} allowed instances are running"
    return [Best(replace(now, max_instances=high, schedule=schedule), words, limited=True)]
