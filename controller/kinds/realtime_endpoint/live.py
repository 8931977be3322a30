"""A live real-time endpoint: see it with its autoscaling, and carry out one step of a change.

The size is read from what is live, never from the config, whose Initial values stop being
true with the first scaling. Where scheduled actions of ours move the bounds by themselves, the
size's bounds are the outermost that they set: it does not change with the time of day.
"""

import hashlib
from collections.abc import Mapping

from controller.aws.autoscaling import ScalingStep, VariantScaling
from controller.aws.endpoint_calls import EndpointCalls
from controller.aws.endpoint_discovery import EndpointFinder
from controller.aws.endpoints import Endpoints, Seen
from controller.aws.sessions import Sessions
from controller.kinds.realtime_endpoint import snapshot
from controller.kinds.realtime_endpoint.names import is_ours
from controller.kinds.realtime_endpoint.restore import bounds_text
from controller.model.change import LambdaStep, Mutation
from controller.model.endpoint import EndpointKey, EndpointState, Kind
from controller.model.policy import Scope, Selector
from controller.model.sagemaker import (
    Autoscaling,
    RealtimeLive,
    ScalableTarget,
    ScheduledAction,
)
from controller.model.sagemaker_steps import (
    CreateConfig,
    DeleteConfig,
    DeleteGuardAlarms,
    DeployConfig,
    PutGuardAlarm,
    RegisterTarget,
    SageMakerStep,
    SetInstanceCount,
)
from controller.model.size import RealtimeSize, ScheduledBounds
from controller.ports import Clock


class RealtimeAdapter:
    """Satisfies `controller.ports.KindAdapter` for real-time endpoints; shared by threads."""

    def __init__(self, sessions: Sessions, clock: Clock) -> None:
        self._clock = clock
        self._endpoints = Endpoints(sessions)
        self._finder = EndpointFinder(sessions)
        self._calls = EndpointCalls(sessions)
        self._scaling = VariantScaling(sessions)

    def discover(self, scope: Scope, selector: Selector) -> Mapping[str, Mapping[str, str]]:
        """Names of matching real-time endpoints and their tags."""
        return self._finder.find(scope, selector, Kind.REALTIME_ENDPOINT)

    def observe(self, scope: Scope, key: EndpointKey, *, thorough: bool = True) -> EndpointState:
        """The endpoint, its live config, and everything registered for the variant.

        Raises NotFound where there is no such endpoint, variant, or it is serverless.
        """
        seen = self._endpoints.look(scope, key, thorough=thorough)
        live = realtime_live(seen, self._scaling.look(scope, key))
        size = size_of(live)
        return EndpointState(
            key=key,
            size=size,
            phase=seen.phase,
            etag=_etag(live, size),
            tags={},
            observed_at_s=self._clock.now_s(),
            live=live,
        )

    def execute(self, scope: Scope, key: EndpointKey, step: Mutation) -> Mapping[str, str]:
        """One mutating call. Returns what the change must remember of it."""
        if isinstance(step, LambdaStep):
            raise TypeError(f"{type(step).__name__} is no step of an endpoint")
        room = self._scaling if isinstance(step, ScalingStep) else self._calls
        return {**room.execute(scope, key, step), **learnt(step)}


def learnt(step: SageMakerStep) -> Mapping[str, str]:
    """What a change remembers of a step that AWS has carried out."""
    match step:
        case CreateConfig(name=name):
            return {f"made:{name}": "1"}
        case PutGuardAlarm(name=name):
            return {f"alarm:{name}": "1"}
        case DeployConfig(name=name):
            return {"accepted": name}
        case SetInstanceCount(instances=count):
            return {"counted": str(count)}
        case RegisterTarget():
            return {"bounds": bounds_text(_registered(step))}
        case DeleteConfig(name=name):
            return {f"gone:{name}": "1"}
        case DeleteGuardAlarms(names=names):
            return {f"gone:{name}": "1" for name in names}
        case _:
            return {}


def _registered(step: RegisterTarget) -> ScalableTarget:
    return ScalableTarget(
        step.min_instances,
        step.max_instances,
        step.suspended_in,
        step.suspended_out,
        step.suspended_schedule,
    )


def realtime_live(seen: Seen, scaling: Autoscaling) -> RealtimeLive:
    """The variant's values; of one that is being created, what is asked for."""
    asked = seen.configured.get("InitialInstanceCount", 0)
    return RealtimeLive(
        endpoint=seen.endpoint,
        instance_type=seen.configured.get("InstanceType", ""),
        instances=seen.live.get("CurrentInstanceCount", 0),
        desired_instances=seen.live.get("DesiredInstanceCount", asked),
        autoscaling=scaling,
    )


def size_of(live: RealtimeLive) -> RealtimeSize:
    """The size as it is live. Where several policies track invocations the lowest value rules."""
    scaling = live.autoscaling
    if scaling.target is None:
        return RealtimeSize(live.instance_type, live.desired_instances, live.desired_instances)
    values = [p.target_per_instance for p in scaling.policies if p.target_per_instance is not None]
    least, most = _outermost(scaling.target, scaling.actions)
    return RealtimeSize(
        instance_type=live.instance_type,
        min_instances=least,
        max_instances=most,
        target_per_instance=min(values, default=None),
        schedule=_schedule(scaling.actions),
    )


def _outermost(target: ScalableTarget, actions: tuple[ScheduledAction, ...]) -> tuple[int, int]:
    """The bounds, or what scheduled actions move them between. Those of others may not have
    set them yet."""
    lows = [one.min_instances for one in actions if one.min_instances is not None]
    highs = [one.max_instances for one in actions if one.max_instances is not None]
    if any(not is_ours(one.name) for one in actions):
        lows, highs = [*lows, target.min_instances], [*highs, target.max_instances]
    return min(lows, default=target.min_instances), max(highs, default=target.max_instances)


def _schedule(actions: tuple[ScheduledAction, ...]) -> tuple[ScheduledBounds, ...]:
    """Our own actions. One that somebody has left without a bound is none of ours any more."""
    found = [
        ScheduledBounds(one.schedule, one.timezone, one.min_instances, one.max_instances)
        for one in actions
        if is_ours(one.name) and one.min_instances is not None and one.max_instances is not None
    ]
    return tuple(sorted(found, key=lambda bounds: (bounds.cron, bounds.timezone)))


def _etag(live: RealtimeLive, size: RealtimeSize) -> str:
    """Changes with the config, the size, and every policy and action."""
    parts = snapshot.to_text(Autoscaling(None, live.autoscaling.policies, live.autoscaling.actions))
    digest = hashlib.sha256(f"{size!r}\n{parts}".encode()).hexdigest()[:12]
    return f"{live.endpoint.config.name}/{digest}"
