"""Advice that costs nothing: idle endpoints, batch-like traffic, consolidation, leftovers. Pure.

Each of these is something a person may want to do; the controller never does it. It never
deletes an endpoint, for no traffic is no proof that nobody counts on it.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from controller.core.demand import HOURS_PER_MONTH
from controller.core.periods import DAY_S
from controller.model.advice import Advice
from controller.model.demand import Interval
from controller.model.endpoint import EndpointKey
from controller.model.missing import Maybe, Missing
from controller.model.reason import Reason
from controller.model.window import Window

WEEK_S = 7 * DAY_S
WEEK_HOURS = 168
IDLE_COVER = 0.95
"""Share of a week's hours that must have been read, all of them without a request."""
BATCH_SHARE = 0.10
"""Traffic is batch-like if the hours that hold nearly all requests are at most this share …"""
BATCH_HOLDS = 0.99
BATCH_LEAST = 1000
"""… of a week with at least so many requests."""
SMALL_SHARE = 0.25
"""An endpoint is small if its peak asks at most this share of what one instance takes."""
LEAST_USD = 5.0


def idle(hourly: Sequence[Window], now_s: float, usd_per_month: Maybe[float]) -> Advice | None:
    """A week in which CloudWatch says "none" of every hour, at a cost. Silence says nothing."""
    week = [w for w in hourly if w.start_s >= now_s - WEEK_S - 3600.0]
    known = [w.requests for w in week if not isinstance(w.requests, Missing)]
    if len(known) < WEEK_HOURS * IDLE_COVER or any(known):
        return None
    if isinstance(usd_per_month, Missing) or usd_per_month <= 0.0:
        return None
    usd = usd_per_month
    message = (
        f"not one request in a week, at {usd:.2f} USD/month: delete it if nobody needs it, or "
        "make it serverless, which costs nothing at rest"
    )
    return Advice(Reason.IDLE, message, Interval(0.0, usd, usd))


def batch_like(
    hourly: Sequence[Window], now_s: float, usd_per_month: Maybe[float]
) -> Advice | None:
    """A few busy hours a week, and nothing between them: a batch transform pays only for those."""
    week = [w for w in hourly if w.start_s >= now_s - 2 * WEEK_S]
    counts = [w.requests for w in week if not isinstance(w.requests, Missing)]
    total = sum(counts)
    if len(counts) < WEEK_HOURS or total < BATCH_LEAST * len(counts) / WEEK_HOURS:
        return None
    busy = _busiest(counts, total * BATCH_HOLDS)
    share = busy / len(counts)
    if share > BATCH_SHARE or isinstance(usd_per_month, Missing):
        return None
    # Starting instances for each of the runs takes minutes of its own: half as much again.
    would = usd_per_month * min(1.0, 1.5 * share)
    saves = usd_per_month - would
    if saves < LEAST_USD:
        return None
    message = (
        f"{BATCH_HOLDS:.0%} of the requests come in {100.0 * share:.2g} % of the hours: a batch "
        f"transform for those would cost about {would:.2f} USD/month instead of "
        f"{usd_per_month:.2f}, if the answers may wait"
    )
    return Advice(Reason.BATCH_LIKE, message, Interval(saves * 0.8, saves, usd_per_month))


def _busiest(counts: Sequence[int], enough: float) -> int:
    """How many of the fullest hours hold so many requests."""
    held = 0
    for number, count in enumerate(sorted(counts, reverse=True), start=1):
        held += count
        if held >= enough:
            return number
    return len(counts)


@dataclass(frozen=True, slots=True)
class Small:
    """A real-time endpoint that could share an instance."""

    key: EndpointKey
    instance_type: str
    instances: float
    """On average."""
    peak_share: float
    """Of what one instance takes within the SLO."""
    usd_per_hour: float
    """Of one instance."""
    least_instances: int = 1


def consolidation(one: Small, others: Mapping[EndpointKey, Small]) -> Advice | None:
    """Several small endpoints of one type and place in one multi-model endpoint."""
    group = [one, *(o for o in others.values() if o.key != one.key and _alike(one, o))]
    if len(group) < 2 or one.peak_share > SMALL_SHARE:
        return None
    floor = max(member.least_instances for member in group)
    # Peaks need not coincide, but models share the caches: they are added up all the same.
    needed = max(floor, math.ceil(sum(member.peak_share for member in group)))
    now = sum(member.instances for member in group)
    saves = (now - needed) * one.usd_per_hour * HOURS_PER_MONTH
    if saves < LEAST_USD:
        return None
    names = _named(sorted(member.key.name for member in group))
    message = (
        f"{names} ask {sum(m.peak_share for m in group):.0%} of one {one.instance_type} "
        f"together and run on {now:.3g}: one multi-model endpoint of {needed} would save "
        f"{saves:.2f} USD/month, if they share a framework and its memory holds the models "
        "in use; a model that is not loaded answers late"
    )
    return Advice(Reason.CONSOLIDATE, message, Interval(0.0, saves, saves))


def _named(names: Sequence[str]) -> str:
    """At most five of them."""
    more = f" and {len(names) - 5} more" if len(names) > 5 else ""
    return ", ".join(names[:5]) + more


def _alike(one: Small, other: Small) -> bool:
    same_place = (one.key.account, one.key.region) == (other.key.account, other.key.region)
    return (
        same_place and one.instance_type == other.instance_type and other.peak_share <= SMALL_SHARE
    )


def orphaned(names: Sequence[str]) -> Advice | None:
    """Endpoint configurations that we made, and that no endpoint uses or goes back to."""
    if not names:
        return None
    shown = ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
    one = len(names) == 1
    message = (
        f"{len(names)} endpoint configuration{'' if one else 's'} made by this controller "
        f"{'is' if one else 'are'} in no use any more: {shown}; they cost nothing and may be "
        "deleted"
    )
    return Advice(Reason.ORPHANED_CONFIGS, message, Interval(0.0, 0.0, 0.0))
