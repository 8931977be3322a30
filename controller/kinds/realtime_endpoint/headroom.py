"""Headroom: a target and a lower bound that bear the demand of the last weeks for least.

A lower target, more instances that always stand, or a lower bound that is raised at the hours
of the rise: what bursts and rises ask for can be had in three ways, and which costs least is
found out by living the weeks through once more with each (`replay`). Where the weeks are not
known by five minutes, the lower bound comes from the quiet hours.
"""

from dataclasses import replace

from controller.kinds.realtime_endpoint.allowed import least_instances, scales
from controller.kinds.realtime_endpoint.bill import Fleet, needed
from controller.kinds.realtime_endpoint.question import (
    GROWTH,
    Best,
    Question,
    limits,
    rounded,
)
from controller.kinds.realtime_endpoint.replay import Bearable
from controller.kinds.realtime_endpoint.schedule import scheduled
from controller.kinds.realtime_endpoint.types import Belief
from controller.model.size import RealtimeSize

TIGHTER = (0.85, 0.7, 0.55, 0.4)
"""Shares of the highest target that are tried where demand comes in bursts."""
SAME_TARGET = 1.2
"""A target within this factor of the best one stays as it is …"""
SAME_USD = 1.1
"""… if that costs little more, and nothing else changes."""
SCHEDULE_USD = 1.05
"""Most that a size with scheduled actions may cost of one without: where demand repeats, that
instances are there before the rise is worth that much."""


def cheapest(ask: Question, name: str, bearable: Bearable) -> Best:
    """The size of one type that bears the weeks for least, with the policy's headroom at least."""
    utilization = ask.policy.autoscaling.utilization
    top = bearable.usable_rps * utilization
    plain = size_for(ask, name, top, bearable)
    if ask.shape.replay is None or plain.size.target_per_instance is None:
        return with_schedule(ask, plain)
    tried = [fitted(ask, name, top * share, bearable) for share in (1.0, *TIGHTER)]
    if ask.shape.shapeless:
        tried += _standing(ask, plain, bearable)
    good = [best for best in tried if bears(ask, best.size, bearable)]
    return min(good, key=lambda b: _mean(ask, b.size)) if good else plain


def _standing(ask: Question, plain: Best, bearable: Bearable) -> list[Best]:
    """The least number that bears the weeks without ever being more, if there is one.

    Headroom is for the minutes until another instance serves: where none is waited for, as
    much may be asked of those that stand as they bear for sure. Should demand grow, the target
    still starts more, at the policy's share of what an instance bears as likely as not.
    """
    high = plain.size.max_instances
    fixed = RealtimeSize(plain.size.instance_type, _least(ask, plain.size), high)
    low = _lowest(ask, fixed, bearable)
    target_rps = min(bearable.usable_rps, bearable.likely_rps * ask.policy.autoscaling.utilization)
    if low is None or low >= high or target_rps <= 0.0:
        return []
    target = max(rounded(target_rps * 60.0), plain.size.target_per_instance or 0.0)
    return [replace(plain, size=RealtimeSize(fixed.instance_type, low, high, target))]


def plainest(ask: Question, name: str, bearable: Bearable) -> Best:
    """The size of one type with the policy's headroom, whatever bursts would ask for."""
    top = bearable.usable_rps * ask.policy.autoscaling.utilization
    return with_schedule(ask, size_for(ask, name, top, bearable))


def more_of(ask: Question, now: RealtimeSize, bearable: Bearable) -> Best | None:
    """What bears the weeks for least of all that gives no less than a size; None if nothing."""
    high = size_for(ask, now.instance_type, bearable.usable_rps).size.max_instances
    high = max(high, now.max_instances)
    most = bearable.most
    if most is not None and high > most:
        high = max(most, now.max_instances)
    found = []
    actions = tuple(replace(action, max_instances=high) for action in now.schedule)
    targets = [now.target_per_instance]
    if now.target_per_instance is not None:
        targets += [rounded(now.target_per_instance * share) for share in TIGHTER]
    for target in targets:
        tried = replace(now, target_per_instance=target, max_instances=high, schedule=actions)
        low = _lowest(ask, tried, bearable)
        if low is not None:
            found.append(replace(tried, min_instances=low))
    best = min(found, key=lambda size: _mean(ask, size), default=None)
    return None if best is None else Best(best, "nothing less than now")


def fitted(ask: Question, name: str, target_rps: float, bearable: Bearable) -> Best:
    """The size for one type and target, with scheduled actions where demand repeats."""
    plain = size_for(ask, name, target_rps, bearable)
    size = replace(plain.size, min_instances=_least(ask, plain.size))
    if not ask.policy.autoscaling.schedule or size.min_instances >= size.max_instances:
        return plain
    low = _lowest(ask, size, bearable, with_actions=True)
    if low is None:
        return plain
    raised = replace(plain, size=_raised(ask, replace(size, min_instances=low)))
    if not raised.size.schedule:
        return plain
    worth = _mean(ask, raised.size) <= SCHEDULE_USD * _mean(ask, plain.size)
    return raised if worth or not bears(ask, plain.size, bearable) else plain


def same_target(ask: Question, best: Best, belief: Belief) -> Best:
    """A target that is about as good as the best stays, with the lower bound that goes with it."""
    old, new = ask.current.target_per_instance, best.size.target_per_instance
    if old is None or new is None or max(old, new) > SAME_TARGET * min(old, new):
        return best
    if old / 60.0 > belief.usable[0]:
        return best
    if ask.shape.replay is None:
        return replace(best, size=replace(best.size, target_per_instance=old))
    bearable = ask.bearable(belief)
    kept = fitted(ask, best.size.instance_type, old / 60.0, bearable)
    same = replace(kept.size, target_per_instance=old, max_instances=best.size.max_instances)
    stands = new / 60.0 > bearable.usable_rps * ask.policy.autoscaling.utilization
    if stands and same.min_instances < best.size.min_instances:
        return best  # so high a target is for instances that always stand
    if same.min_instances > same.max_instances or not bears(ask, same, bearable):
        return best
    moves = same.min_instances != ask.current.min_instances
    dear = _mean(ask, same) > (1.0 if moves else SAME_USD) * _mean(ask, best.size)
    return best if dear else replace(best, size=same)


def bears(ask: Question, size: RealtimeSize, bearable: Bearable) -> bool:
    """Whether the bursts of the last weeks would have left enough of the SLO's budget."""
    return Fleet.of(size, ask.shape).bears(bearable)


def size_for(ask: Question, name: str, target_rps: float, bearable: Bearable | None = None) -> Best:
    """The size for one type and target without a look at the money.

    By default an instance bears what the policy's utilisation makes of the target.
    """
    target = rounded(target_rps * 60.0)
    rate = target / 60.0
    shape = ask.shape
    floor = least_instances(ask.policy.bounds)
    if bearable is None:
        usable = rate / ask.policy.autoscaling.utilization
        bearable = Bearable(usable, usable, 1.0 - ask.policy.slo.percentile)
    peak = max(needed(shape.peak_rps * GROWTH, rate), floor)
    high, words = peak, f"max {peak} from the peak"
    for limit, why in limits(ask, name):
        if limit < high:
            high, words = max(limit, 1), f"max {limit} from {why}, the peak asks for {peak}"
    limited = high < peak
    low = _lowest(ask, RealtimeSize(name, min(floor, high), high, target), bearable)
    quiet = _quiet(ask, rate, bearable) if low is None else low
    low = min(max(floor, quiet), high)
    # A policy that tracks invocations stays through a change of type: its value is the size's.
    tracked = ask.current.target_per_instance is not None
    if not scales(name) or (low == high and not tracked):
        return Best(RealtimeSize(name, high, high), words, limited)
    return Best(RealtimeSize(name, low, high, target), words, limited)


def _mean(ask: Question, size: RealtimeSize) -> float:
    return Fleet.of(size, ask.shape).mean_instances()


def _least(ask: Question, size: RealtimeSize) -> int:
    return min(least_instances(ask.policy.bounds), size.max_instances)


def _quiet(ask: Question, rate: float, bearable: Bearable) -> int:
    """Instances that the quiet hours ask for."""
    shape = ask.shape
    return max(needed(shape.trough_rps, rate), needed(shape.burst_rps, bearable.usable_rps))


def _lowest(
    ask: Question, size: RealtimeSize, bearable: Bearable, *, with_actions: bool = False
) -> int | None:
    """The least lower bound that bears the weeks, from the size's own on; None where they are
    not known, or no bound would."""
    if ask.shape.replay is None or not scales(size.instance_type):
        return None
    few, enough = size.min_instances - 1, size.max_instances + 1
    while enough - few > 1:
        middle = (few + enough) // 2
        tried = replace(size, min_instances=middle)
        if bears(ask, _raised(ask, tried) if with_actions else tried, bearable):
            enough = middle
        else:
            few = middle
    return enough if enough <= size.max_instances else None


def with_schedule(ask: Question, best: Best) -> Best:
    """The same with scheduled actions, where demand repeats."""
    size = best.size
    if not ask.policy.autoscaling.schedule or size.min_instances >= size.max_instances:
        return best
    return replace(best, size=_raised(ask, size))


def _raised(ask: Question, size: RealtimeSize) -> RealtimeSize:
    rate_rps = size.rate_rps
    if size.min_instances >= size.max_instances or rate_rps is None:
        return replace(size, schedule=())
    bounds = (size.min_instances, size.max_instances)
    return replace(size, schedule=scheduled(ask.shape, lambda rps: needed(rps, rate_rps), bounds))
