"""From one state of a variant's autoscaling to another, a call at a time, and no call too many.

Three states meet: where we come from (`base`), where we go (`goal`), and what is live. What
is live as it was is moved; what is live as it shall be is done; what is neither is somebody
else's and stays. The way back is the same walk with base and goal exchanged, so that a kill
anywhere leaves nothing that the next look cannot tell.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import TypeVar

from controller.kinds.realtime_endpoint.names import OUR_POLICY, action_name, is_ours
from controller.kinds.realtime_endpoint.snapshot import (
    by_name,
    own_value,
    same_action,
    same_policy,
    same_value,
    spent,
)
from controller.model.sagemaker import Autoscaling, ScalableTarget, ScalingPolicy, ScheduledAction
from controller.model.sagemaker_steps import (
    DeleteScalingPolicy,
    DeleteScheduledAction,
    DeregisterTarget,
    PutScalingPolicy,
    PutScheduledAction,
    PutScheduledBounds,
    PutTargetTracking,
    RegisterTarget,
    SageMakerStep,
)
from controller.model.size import RealtimeSize, ScheduledBounds

Item = TypeVar("Item", ScalingPolicy, ScheduledAction)
_DIGITS = 3
"""A rescaled TargetValue is rounded to so many decimals."""


# --- where we go


def wanted(kept: Autoscaling, before: RealtimeSize, after: RealtimeSize) -> Autoscaling:
    """The autoscaling of the target size, made from what was there.

    Policies that track invocations per instance keep everything but the value, which moves
    by the ratio of the two sizes' targets: a value does not carry over from one instance
    type to another. Where there is none, ours is added. Foreign actions stay as they are.
    """
    return Autoscaling(
        _bounds(kept, before, after), _policies(kept, before, after), _actions(kept, after)
    )


def _bounds(kept: Autoscaling, before: RealtimeSize, after: RealtimeSize) -> ScalableTarget | None:
    moves = after.min_instances < after.max_instances
    scales = moves or after.target_per_instance is not None or bool(after.schedule)
    if kept.target is None and not scales:
        return None
    bounds = (after.min_instances, after.max_instances)
    if kept.target is not None and bounds == (before.min_instances, before.max_instances):
        return kept.target
    base = kept.target or ScalableTarget(*bounds)
    return replace(base, min_instances=bounds[0], max_instances=bounds[1])


def _policies(
    kept: Autoscaling, before: RealtimeSize, after: RealtimeSize
) -> tuple[ScalingPolicy, ...]:
    target = after.target_per_instance
    if target is None:
        return tuple(one for one in kept.policies if not is_ours(one.name))
    tracking = [p.target_per_instance for p in kept.policies if p.target_per_instance is not None]
    if not tracking:
        ours = ScalingPolicy(OUR_POLICY, "TargetTrackingScaling", "", target)
        return (*kept.policies, ours)
    ruling = before.target_per_instance or min(tracking)
    return tuple(_rescaled(one, ruling, target) for one in kept.policies)


def _rescaled(policy: ScalingPolicy, ruling: float, target: float) -> ScalingPolicy:
    """The ruling value becomes the target to the last digit; others move by the same ratio."""
    value = policy.target_per_instance
    if value is None or same_value(ruling, target):
        return policy
    if same_value(value, ruling):
        return replace(policy, target_per_instance=target)
    return replace(policy, target_per_instance=round(value * target / ruling, _DIGITS))


def _actions(kept: Autoscaling, after: RealtimeSize) -> tuple[ScheduledAction, ...]:
    theirs = tuple(one for one in kept.actions if not is_ours(one.name))
    return theirs + tuple(_action(bounds) for bounds in after.schedule)


def _action(bounds: ScheduledBounds) -> ScheduledAction:
    return ScheduledAction(
        name=action_name(bounds),
        schedule=bounds.cron,
        timezone=bounds.timezone,
        min_instances=bounds.min_instances,
        max_instances=bounds.max_instances,
        document="",
    )


# --- the way there


@dataclass(frozen=True, slots=True)
class Way:
    """From `base` to `goal`."""

    variant: str
    base: Autoscaling
    goal: Autoscaling
    removed: bool
    """Everything of `base` was taken away by us: what is missing is to be put there."""
    now_s: float = 0.0
    bounds_set: str = ""
    """The bounds that we registered last (`bounds_text`): actions may have moved them since."""

    def next_step(self, live: Autoscaling) -> SageMakerStep | None:
        """The next call; None where nothing is left to do."""
        registers = self._register(live)
        if registers is not None:
            return registers
        if live.target is None:
            return None
        return self._put(live) or self._take_away(live) or self._deregister(live)

    def _register(self, live: Autoscaling) -> SageMakerStep | None:
        base, goal, now = self.base.target, self.goal.target, live.target
        if goal is None or now == goal:
            return None
        if now is None:
            anew = self.removed or base is None
            return (
                replace(_registration(self.variant, goal), tags=goal.tags or ()) if anew else None
            )
        if self.bounds_set == bounds_text(goal):
            return None
        mine = now == base or self.scheduled(live)
        return _registration(self.variant, goal) if mine else None

    def scheduled(self, live: Autoscaling) -> bool:
        """Whether scheduled actions move the bounds by themselves."""
        return bool(self.base.actions or self.goal.actions or live.actions)

    def _put(self, live: Autoscaling) -> SageMakerStep | None:
        policy = self._first(self.base.policies, self.goal.policies, live.policies, same_policy)
        if policy is not None:
            return _policy_step(self.variant, policy)
        actions = [one for one in self.goal.actions if not spent(one, self.now_s)]
        action = self._first(self.base.actions, actions, live.actions, same_action)
        return None if action is None else _action_step(self.variant, action)

    def _first(
        self,
        base: Iterable[Item],
        goal: Iterable[Item],
        live: Iterable[Item],
        same: Callable[[Item, Item], bool],
    ) -> Item | None:
        """The first item that is not yet as it shall be, and that is ours to put."""
        before, now = by_name(base), by_name(live)
        for name, item in by_name(goal).items():
            if name not in now:
                if self.removed or name not in before:
                    return item
                continue
            old = before.get(name)
            if not same(item, now[name]) and _may_replace(name, old, now[name], same):
                return item
        return None

    def _take_away(self, live: Autoscaling) -> SageMakerStep | None:
        """What only we have added."""
        policies, actions = by_name(self.goal.policies), by_name(self.goal.actions)
        for policy in live.policies:
            if is_ours(policy.name) and policy.name not in policies:
                return DeleteScalingPolicy(self.variant, policy.name)
        for action in live.actions:
            if is_ours(action.name) and action.name not in actions:
                return DeleteScheduledAction(self.variant, action.name)
        return None

    def _deregister(self, live: Autoscaling) -> SageMakerStep | None:
        """Take our own registration back, unless somebody has begun to use it."""
        used = live.policies or live.actions
        if self.goal.target is None and live.target == self.base.target and not used:
            return DeregisterTarget(self.variant)
        return None

    def foreign(self, live: Autoscaling) -> str | None:
        """What of ours is neither as it was nor as it shall be, in words."""
        base, goal, now = self.base.target, self.goal.target, live.target
        if now is None and base is not None and goal is not None and not self.removed:
            return "somebody took the variant out of autoscaling"
        if now not in (base, goal) and now is not None and not self.scheduled(live):
            return f"somebody set autoscaling bounds {now.min_instances}-{now.max_instances}"
        before, after = by_name(self.base.policies), by_name(self.goal.policies)
        for policy in live.policies:
            known = [known[policy.name] for known in (before, after) if policy.name in known]
            if is_ours(policy.name) and not any(same_policy(one, policy) for one in known):
                return f"somebody changed policy {policy.name}"
        return None


def _may_replace(
    name: str, before: Item | None, now: Item, same: Callable[[Item, Item], bool]
) -> bool:
    """What is live may be replaced if it is what was there, or a rest of our own."""
    return is_ours(name) if before is None else same(before, now)


def bounds_text(target: ScalableTarget) -> str:
    """Bounds and suspensions, for the change's progress."""
    flags = (target.suspended_in, target.suspended_out, target.suspended_schedule)
    text = "".join("s" if flag else "-" for flag in flags)
    return f"{target.min_instances}..{target.max_instances} {text}"


def _registration(variant: str, target: ScalableTarget) -> RegisterTarget:
    return RegisterTarget(
        variant,
        target.min_instances,
        target.max_instances,
        target.suspended_in,
        target.suspended_out,
        target.suspended_schedule,
    )


def _policy_step(variant: str, policy: ScalingPolicy) -> SageMakerStep:
    value = policy.target_per_instance
    if not policy.document:
        assert value is not None, "our own policy tracks invocations"
        return PutTargetTracking(variant, policy.name, value)
    rescaled = None if same_value(own_value(policy), value) else value
    return PutScalingPolicy(variant, policy.name, policy.document, rescaled)


def _action_step(variant: str, action: ScheduledAction) -> SageMakerStep:
    if action.document:
        return PutScheduledAction(variant, action.name, action.document)
    assert action.min_instances is not None, "our own actions set both bounds"
    assert action.max_instances is not None, "our own actions set both bounds"
    bounds = ScheduledBounds(
        action.schedule, action.timezone, action.min_instances, action.max_instances
    )
    return PutScheduledBounds(variant, action.name, bounds)
