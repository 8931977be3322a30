"""The user's autoscaling as text: what a change must remember before AWS forgets it.

A type change makes AWS delete every policy and scheduled action of the variant. They are
written to the journal before the first call, and brought up to date just before the last
moment: what somebody changed in between is what is put back.
"""

import json
import math
import re
from collections.abc import Callable, Iterable
from dataclasses import asdict, replace
from datetime import UTC, datetime, tzinfo
from typing import Any, Protocol, TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from controller.kinds.realtime_endpoint.names import is_ours
from controller.model.sagemaker import Autoscaling, ScalableTarget, ScalingPolicy, ScheduledAction

_AT = re.compile(r"^at\((\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)\)$")
TRACKING = "TargetTrackingScalingPolicyConfiguration"


class _Named(Protocol):
    @property
    def name(self) -> str: ...


Item = TypeVar("Item", bound=_Named)


def to_text(kept: Autoscaling) -> str:
    """As JSON text, for the change's progress."""
    return json.dumps(asdict(kept), sort_keys=True, separators=(",", ":"))


def from_text(text: str) -> Autoscaling:
    """The inverse of `to_text`."""
    fields = json.loads(text)
    target = fields["target"]
    return Autoscaling(
        None if target is None else _target(target),
        tuple(ScalingPolicy(**one) for one in fields["policies"]),
        tuple(ScheduledAction(**one) for one in fields["actions"]),
    )


def _target(fields: dict[str, Any]) -> ScalableTarget:
    tags = fields.pop("tags", ())
    kept = None if tags is None else tuple((key, value) for key, value in tags)
    return ScalableTarget(**fields, tags=kept)


def unread(kept: Autoscaling) -> str | None:
    """What would be lost of it because it cannot be read, if anything would."""
    if kept.target is None or kept.target.tags is not None:
        return None
    return (
        "another instance type would lose the tags of the scalable target, which may not be "
        "read: grant application-autoscaling:ListTagsForResource"
    )


def by_name(items: Iterable[Item]) -> dict[str, Item]:
    """Policies or actions by their names."""
    return {one.name: one for one in items}


def with_seen(kept: Autoscaling, seen: Autoscaling) -> Autoscaling:
    """What was kept, overlaid by what somebody has registered since all was taken away."""
    if seen.target is None:
        return kept
    return Autoscaling(
        with_tags(seen, kept).target,
        _sorted({**by_name(kept.policies), **by_name(seen.policies)}),
        _sorted({**by_name(kept.actions), **by_name(seen.actions)}),
    )


def with_tags(seen: Autoscaling, kept: Autoscaling) -> Autoscaling:
    """What is seen, with the tags of before where they may not be read any more."""
    if seen.target is None or seen.target.tags is not None or kept.target is None:
        return seen
    return replace(seen, target=replace(seen.target, tags=kept.target.tags))


def meanwhile(kept: Autoscaling, ours: Autoscaling, seen: Autoscaling, whole: bool) -> Autoscaling:
    """What to put back, if what we made of `kept` (`ours`) has been changed by its owner.

    `whole`: all of `ours` was there once, so that what is missing was taken away by somebody;
    otherwise it is missing because we did not get so far. What carries our own name is put
    back as it was before us in any case.
    """
    target, seen = kept.target, with_tags(seen, kept)
    if seen.target is not None and seen.target not in (kept.target, ours.target):
        scheduled = kept.actions or ours.actions
        target = target if scheduled or kept.target is None else seen.target
    if target is not None and seen.target is not None and seen.target.tags is not None:
        target = replace(target, tags=seen.target.tags)
    return replace(
        kept,
        target=target,
        policies=_meanwhile(kept.policies, ours.policies, seen.policies, whole, same_policy),
        actions=_meanwhile(kept.actions, ours.actions, seen.actions, whole, same_action),
    )


def _meanwhile(
    kept: Iterable[Item],
    ours: Iterable[Item],
    seen: Iterable[Item],
    whole: bool,
    same: Callable[[Item, Item], bool],
) -> tuple[Item, ...]:
    before, made, now = by_name(kept), by_name(ours), by_name(seen)
    out = {name: item for name, item in before.items() if is_ours(name)}
    for name in {**before, **now}:
        if is_ours(name):
            continue
        if name in now and not (name in made and same(made[name], now[name])):
            out[name] = now[name]
        elif name in before and (name in now or not whole):
            out[name] = before[name]
    return _sorted(out)


def same_policy(one: ScalingPolicy, other: ScalingPolicy) -> bool:
    """Whether two policies do the same: of ours the value counts, of others every word."""
    if one.kind != other.kind or not same_value(one.target_per_instance, other.target_per_instance):
        return False
    if not one.document or not other.document:
        return True
    return _but_for_the_value(one) == _but_for_the_value(other)


def same_action(one: ScheduledAction, other: ScheduledAction) -> bool:
    """Whether two actions do the same."""
    if one.document and other.document:
        return one.document == other.document
    return replace(one, document="") == replace(other, document="")


def same_value(one: float | None, other: float | None) -> bool:
    """Whether two target values are the same but for how they are written."""
    if one is None or other is None:
        return one is other
    return math.isclose(one, other, rel_tol=1e-6)


def spent(action: ScheduledAction, now_s: float) -> bool:
    """Whether an action's only time, or its last, is over: AWS takes none into the past."""
    end = json.loads(action.document).get("EndTime") if action.document else None
    ended = end is not None and datetime.fromisoformat(end).timestamp() <= now_s
    once = _AT.match(action.schedule)
    if ended or once is None:
        return ended
    try:
        zone: tzinfo = ZoneInfo(action.timezone)
    except (ZoneInfoNotFoundError, ValueError):
        zone = UTC
    return datetime.fromisoformat(once[1]).replace(tzinfo=zone).timestamp() <= now_s


def own_value(policy: ScalingPolicy) -> float | None:
    """The TargetValue in a policy's document, where it tracks invocations per instance."""
    if not policy.document or policy.target_per_instance is None:
        return None
    return float(json.loads(policy.document)[TRACKING]["TargetValue"])


def _but_for_the_value(policy: ScalingPolicy) -> dict[str, Any]:
    fields: dict[str, Any] = json.loads(policy.document)
    if policy.target_per_instance is not None:
        fields[TRACKING] = {**fields[TRACKING], "TargetValue": None}
    return fields


def _sorted(items: dict[str, Item]) -> tuple[Item, ...]:
    return tuple(items[name] for name in sorted(items))
