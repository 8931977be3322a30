"""A real-time endpoint small enough to try everything with: what AWS does, refusals included."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from given import NOW_S

from controller.kinds.realtime_endpoint.live import learnt, size_of
from controller.model.endpoint import ALL_TRAFFIC, EndpointKey, EndpointState, Kind, Phase
from controller.model.sagemaker import (
    Autoscaling,
    Endpoint,
    EndpointConfig,
    RealtimeLive,
    ScalableTarget,
    ScalingPolicy,
    ScheduledAction,
)
from controller.model.sagemaker_steps import (
    CreateConfig,
    DeleteConfig,
    DeleteGuardAlarms,
    DeleteScalingPolicy,
    DeleteScheduledAction,
    DeployConfig,
    DeregisterTarget,
    PutGuardAlarm,
    PutScalingPolicy,
    PutScheduledAction,
    PutScheduledBounds,
    PutTargetTracking,
    RegisterTarget,
    SageMakerStep,
    SetInstanceCount,
)

KEY = EndpointKey("1" * 12, "eu-west-1", Kind.REALTIME_ENDPOINT, "shop", ALL_TRAFFIC)
BEFORE, AFTER, OTHER = "ml.c5.large", "ml.c5.xlarge", "ml.m5.large"
OLDER, FIRST, FOREIGN = "rightsizer-shop-0", "rightsizer-shop-1", "shop-v2"
"""What is live was made by us from an older one of ours, which nobody needs any more."""
DEPLOY_S, SCALE_S = 400.0, 200.0
TRACKING = "TargetTrackingScalingPolicyConfiguration"


class Refused(Exception):
    """AWS refuses the call."""


def tracking(name: str, value: float, cooldown: int = 300) -> ScalingPolicy:
    """A policy that tracks invocations per instance."""
    config = {"TargetValue": value, "ScaleInCooldown": cooldown}
    fields = {"PolicyName": name, "PolicyType": "TargetTrackingScaling", TRACKING: config}
    return ScalingPolicy(name, "TargetTrackingScaling", json.dumps(fields, sort_keys=True), value)


def custom(name: str, value: float) -> ScalingPolicy:
    """A policy that tracks something else."""
    return replace(tracking(name, value), target_per_instance=None)


def action(name: str, least: int, cron: str = "cron(0 7 * * ? *)") -> ScheduledAction:
    """Somebody's scheduled action."""
    text = json.dumps({"ScheduledActionName": name, "MinCapacity": least, "Schedule": cron})
    return ScheduledAction(name, cron, "UTC", least, None, text)


def users(scheduled: bool = True) -> Autoscaling:
    """What the user has set up."""
    actions = (action("morning", 3),) if scheduled else ()
    policies = (custom("cpu", 60.0), tracking("tt", 900.0))
    return Autoscaling(ScalableTarget(2, 6), policies, actions)


@dataclass
class Variant:
    """AWS's side."""

    scaling: Autoscaling = field(default_factory=users)
    configs: dict[str, tuple[str, int]] = field(
        default_factory=lambda: {OLDER: (BEFORE, 1), FIRST: (BEFORE, 2)}
    )
    """(instance type, initial count) by name."""
    config: str = FIRST
    desired: int = 2
    status: str = "InService"
    failure: str | None = None
    modified_s: float = NOW_S - 86_400.0
    pending: str | None = None
    alarms: set[str] = field(default_factory=set)
    outcomes: list[str] = field(default_factory=list)
    """How our next deployments end: `ok` (also when none is left), `silent`, `alarm`, `broken`."""
    deployed: list[str] = field(default_factory=list)
    _until_s: float = 0.0
    _ends: str = "ok"
    _count: int = 2

    def settle(self, now_s: float) -> None:
        """End what is under way and whose time has come."""
        if self.status == "InService" or now_s < self._until_s or self.status[-6:] == "Failed":
            return
        self.status, self.modified_s = "InService", self._until_s
        name, self.pending = self.pending, None
        if name is None:
            return
        if self._ends == "ok":
            self.config, self.desired = name, self._count
        elif self._ends == "broken":
            self.status, self.failure = "UpdateRollbackFailed", "both failed"
        else:
            alarm = min(self.alarms, default="none")
            self.failure = f"went off: {alarm}" if self._ends == "alarm" else "no capacity"

    def busy(self, now_s: float, seconds: float, status: str = "Updating") -> None:
        """Be at work for a while."""
        if self.status != "InService":
            raise Refused("in progress")
        self.status, self.failure, self._until_s = status, None, now_s + seconds
        self.modified_s = now_s

    def deploy(self, now_s: float, name: str, keep_count: bool, ends: str = "ok") -> None:
        """UpdateEndpoint, by anybody."""
        if name not in self.configs or name == self.config:
            raise Refused("no such config, or the same")
        if self.scaling.target is not None and self.configs[name][0] != self.type:
            raise Refused("the variant is registered")
        self.busy(now_s, DEPLOY_S)
        self.pending, self._ends = name, ends
        self._count = self.desired if keep_count else self.configs[name][1]

    def register(self, now_s: float, target: ScalableTarget) -> None:
        """RegisterScalableTarget, by anybody: clamps at once."""
        self.scaling = replace(self.scaling, target=target)
        self.count(now_s, min(max(self.desired, target.min_instances), target.max_instances))

    def count(self, now_s: float, instances: int) -> None:
        """Clamp, where the endpoint can be changed."""
        if instances != self.desired and self.status == "InService":
            self.busy(now_s, SCALE_S)
            self.desired = instances

    def put(self, item: ScalingPolicy | ScheduledAction) -> None:
        """PutScalingPolicy or PutScheduledAction, by anybody."""
        if self.scaling.target is None:
            raise Refused("not registered")
        if isinstance(item, ScalingPolicy):
            named = {one.name: one for one in self.scaling.policies} | {item.name: item}
            kept = tuple(named[name] for name in sorted(named))
            self.scaling = replace(self.scaling, policies=kept)
        else:
            acts = {one.name: one for one in self.scaling.actions} | {item.name: item}
            self.scaling = replace(self.scaling, actions=tuple(acts[n] for n in sorted(acts)))

    def drop(self, name: str) -> None:
        """DeleteScalingPolicy or DeleteScheduledAction, by anybody."""
        self.scaling = replace(
            self.scaling,
            policies=tuple(one for one in self.scaling.policies if one.name != name),
            actions=tuple(one for one in self.scaling.actions if one.name != name),
        )

    @property
    def type(self) -> str:
        """The live instance type."""
        return self.configs[self.config][0]

    def execute(self, now_s: float, step: SageMakerStep) -> Mapping[str, str]:
        """One call of ours."""
        match step:
            case CreateConfig():
                assert step.instance_type is not None
                assert step.instance_count is not None
                self.configs[step.name] = (step.instance_type, step.instance_count)
            case DeployConfig():
                ends = self.outcomes.pop(0) if self.outcomes else "ok"
                if ends == "quota":
                    raise Refused("quota")
                self.deploy(now_s, step.name, step.keep_count, ends)
                self.deployed.append(step.name)
            case DeleteConfig(name=name):
                assert name.startswith("rightsizer-"), f"{name} is not ours"
                assert name not in {self.config, self.pending, FIRST}, f"{name} is needed"
                self.configs.pop(name, None)
            case SetInstanceCount(instances=instances):
                if self.status != "InService":
                    raise Refused("in progress")
                self.count(now_s, instances)
            case PutGuardAlarm(name=name):
                self.alarms.add(name)
            case DeleteGuardAlarms(names=names):
                self.alarms -= set(names)
            case _:
                self._scale(now_s, step)
        return learnt(step)

    def _scale(self, now_s: float, step: SageMakerStep) -> None:
        match step:
            case RegisterTarget():
                self.register(now_s, ScalableTarget(step.min_instances, step.max_instances))
            case DeregisterTarget():
                self.scaling = Autoscaling()
            case PutTargetTracking(name=name, target_per_instance=value):
                self.put(tracking(name, value))
            case PutScalingPolicy(document=document, target_per_instance=value):
                self.put(self._policy(document, value))
            case PutScheduledAction(document=document):
                fields = json.loads(document)
                name = fields["ScheduledActionName"]
                self.put(action(name, fields["MinCapacity"], fields["Schedule"]))
            case PutScheduledBounds(name=name, bounds=bounds):
                made = action(name, bounds.min_instances, bounds.cron)
                self.put(replace(made, max_instances=bounds.max_instances))
            case DeleteScalingPolicy(name=name) | DeleteScheduledAction(name=name):
                assert name.startswith("rightsizer-"), f"{name} is not ours"
                self.drop(name)
            case _:
                raise AssertionError(step)

    def _policy(self, document: str, value: float | None) -> ScalingPolicy:
        fields = json.loads(document)
        name, was = fields["PolicyName"], fields[TRACKING]["TargetValue"]
        cooldown = fields[TRACKING]["ScaleInCooldown"]
        if name.startswith("cpu"):
            assert value is None, "another metric's value does not move with the size"
            return custom(name, was)
        return tracking(name, was if value is None else value, cooldown)

    def state(self, now_s: float) -> EndpointState:
        """What an observer sees."""
        config = EndpointConfig(
            name=self.config,
            arn="",
            fingerprint="model-1",
            created_at_s=0.0,
            ours=self.config.startswith("rightsizer-"),
            source=OLDER if self.config == FIRST else None,
            initial_instance_count=self.configs[self.config][1],
        )
        seen = Endpoint(
            "", self.status, self.failure, config, ALL_TRAFFIC, self.modified_s, self.pending
        )
        live = RealtimeLive(seen, self.type, self.desired, self.desired, self.scaling)
        phase = Phase.STABLE if self.status == "InService" else Phase.UPDATING
        return EndpointState(
            key=KEY,
            size=size_of(live),
            phase=Phase.FAILED if self.status.endswith("Failed") else phase,
            etag="e",
            tags={},
            observed_at_s=now_s,
            live=live,
        )
