"""A real-time endpoint and a controller small enough to try everything with.

`Variant` does what SageMaker and Application Auto Scaling do with configs, deployments,
counts, targets, policies and actions, refusals included. `Run` is the controller's side: it
asks the rollout for the next step, journals the intent, calls, and journals the outcome, as
the actuator does. It can be killed between any two of these, be refused any call, meet
somebody else at work, be told to stop, or have AWS fail a deployment.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from given import NOW_S, a_change

from controller.core.contract import Stage
from controller.core.refusals import SINCE_S, STEP, WORDS, without_refusal
from controller.core.step_words import describe
from controller.kinds.realtime_endpoint.live import learnt, size_of
from controller.kinds.realtime_endpoint.rollout import begin, next_step, watching_since_s
from controller.model.change import Advance, Change, ChangePhase, Verdict, VerdictKind, Wait
from controller.model.endpoint import ALL_TRAFFIC, EndpointKey, EndpointState, Kind, Phase
from controller.model.policy import Rollout, Slo
from controller.model.reason import Reason
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
from controller.model.size import RealtimeSize

KEY = EndpointKey("1" * 12, "eu-west-1", Kind.REALTIME_ENDPOINT, "shop", ALL_TRAFFIC)
BEFORE, AFTER, OTHER = "ml.c5.large", "ml.c5.xlarge", "ml.m5.large"
OLDER, FIRST, FOREIGN = "rightsizer-shop-0", "rightsizer-shop-1", "shop-v2"
"""What is live was made by us from an older one of ours, which nobody needs any more."""
DEPLOY_S, SCALE_S = 400.0, 200.0
TICKS = 600
TRACKING = "TargetTrackingScalingPolicyConfiguration"
NOT_YET = Verdict(VerdictKind.INCONCLUSIVE, Reason.BAKING, "not yet")
VERDICTS = {
    VerdictKind.PASS: Verdict(VerdictKind.PASS, Reason.VERIFIED, "0 of 100 slow"),
    VerdictKind.FAIL: Verdict(VerdictKind.FAIL, Reason.MADE_WORSE, "50 of 100 slow"),
    VerdictKind.INCONCLUSIVE: Verdict(VerdictKind.INCONCLUSIVE, Reason.BAKING, "3 of 100"),
}


class Killed(Exception):
    """The controller's process ends here."""


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


DEEDS = (
    "deploy",
    "deploy before",
    "bounds",
    "value",
    "drop policy",
    "add policy",
    "add action",
    "drop action",
    "reapply",
    "register",
    "maintenance",
    "count",
    "deregister",
)


@dataclass
class User:
    """Whoever owns the endpoint, and what they believe to have registered."""

    policies: dict[str, ScalingPolicy]
    actions: dict[str, ScheduledAction]
    touched: set[str] = field(default_factory=set)
    done: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, scaling: Autoscaling) -> "User":
        """The owner of what is registered."""
        policies = {one.name: one for one in scaling.policies}
        return cls(policies, {one.name: one for one in scaling.actions})

    def act(self, variant: Variant, deed: str, now_s: float) -> None:
        """One deed, as far as AWS lets them."""
        try:
            self._act(variant, deed, now_s)
        except Refused:
            return
        self.done.append(deed)

    def _act(self, variant: Variant, deed: str, now_s: float) -> None:
        registered = variant.scaling.target is not None
        match deed:
            case "deploy":
                variant.configs.setdefault(FOREIGN, (variant.type, 3))
                variant.deploy(now_s, FOREIGN, True)
            case "deploy before":
                variant.deploy(now_s, FIRST, True)
            case "maintenance":
                variant.busy(now_s, 900.0, "SystemUpdating")
            case "count":
                variant.count(now_s, 5) if not registered else None
            case "deregister" if registered:
                variant.scaling = Autoscaling()
                self.policies, self.actions = {}, {}
            case "register" if not registered:
                variant.register(now_s, ScalableTarget(2, 6))
            case "reapply" if self.policies or self.actions:
                # Terraform finds everything missing, and makes it again.
                if not registered:
                    variant.register(now_s, ScalableTarget(2, 6))
                    for item in (*self.policies.values(), *self.actions.values()):
                        variant.put(item)
            case _ if registered:
                self._change(variant, deed, now_s)

    def _change(self, variant: Variant, deed: str, now_s: float) -> None:
        live = {one.name: one for one in variant.scaling.policies}
        if deed == "bounds":
            variant.register(now_s, ScalableTarget(1, 9))
        elif deed == "value" and "tt" in live:
            self._put(variant, tracking("tt", 555.0))
        elif deed == "add policy":
            self._put(variant, custom("cpu-2", 33.0))
        elif deed == "drop policy" and "tt" in live:
            variant.drop("tt")
            self.policies.pop("tt", None)
        elif deed == "add action":
            variant.put(action("evening", 1))
            self.actions["evening"] = action("evening", 1)
        elif deed == "drop action" and any(o.name == "morning" for o in variant.scaling.actions):
            variant.drop("morning")
            self.actions.pop("morning", None)

    def _put(self, variant: Variant, policy: ScalingPolicy) -> None:
        variant.put(policy)
        self.policies[policy.name] = policy
        self.touched.add(policy.name)


@dataclass
class Script:
    """What happens during a run. Ticks and calls are counted from 0."""

    target: RealtimeSize
    verdict: VerdictKind = VerdictKind.PASS
    outcomes: tuple[str, ...] = ()
    kills: Mapping[int, str] = field(default_factory=dict)
    """Calls at which the controller is killed: `before`, `asked` or `called`."""
    dead_s: float = 30.0
    """How long the controller stays dead."""
    refusals: frozenset[int] = frozenset()
    """Calls that AWS refuses, for permissions or throttling."""
    deeds: Mapping[int, str] = field(default_factory=dict)
    """What somebody else does just before a tick."""
    stop_at: int | None = None
    """From this tick on no further step forward may be taken."""
    canary: float = 0.5


@dataclass
class Run:
    """One change from its planning to its end."""

    variant: Variant
    script: Script
    now_s: float = NOW_S
    ticks: int = 0
    calls: int = 0
    ended_s: float = 0.0
    change: Change = field(init=False)
    user: User = field(init=False)
    before: RealtimeSize = field(init=False)

    def __post_init__(self) -> None:
        self.variant.outcomes = list(self.script.outcomes)
        self.user = User.of(self.variant.scaling)
        state = self.variant.state(self.now_s)
        assert isinstance(state.size, RealtimeSize)
        self.before = state.size
        self.change = a_change(
            phase=ChangePhase.PLANNED,
            key=KEY,
            before=state.size,
            target=self.script.target,
            progress=begin(state),
        )

    def to_the_end(self) -> "Run":
        """Tick until the change is closed."""
        while self.change.phase.open:
            assert self.ticks < TICKS, f"does not end: {self.change}"
            self.tick()
        self.ended_s = self.now_s
        for _ in range(3):  # what AWS is still carrying out
            self.now_s += 1000.0
            self.variant.settle(self.now_s)
        return self

    def tick(self) -> None:
        """One look, and what follows from it."""
        self.variant.settle(self.now_s)
        deed = self.script.deeds.get(self.ticks)
        if deed is not None:
            self.user.act(self.variant, deed, self.now_s)
        state = self.variant.state(self.now_s)
        try:
            self.now_s = self._steps(state)
        except Killed:
            self.now_s += self.script.dead_s
        self.ticks += 1

    def _steps(self, state: EndpointState) -> float:
        """As the reconciler does: journal moves follow each other, one call ends the tick."""
        for _ in range(6):
            step = next_step(self._stage(state))
            if isinstance(step, Wait):
                assert step.until_s > self.now_s
                return step.until_s
            if not isinstance(step, Advance):
                self._call(step)  # type: ignore[arg-type]
                return self.now_s + 2.0
            self.change = replace(
                self.change,
                phase=step.phase,
                progress=without_refusal(step.progress),
                verdict=step.verdict or self.change.verdict,
                updated_at_s=self.now_s,
            )
            if not self.change.phase.open:
                break
        return self.now_s + 2.0

    def _stage(self, state: EndpointState) -> Stage:
        stopped = self.script.stop_at is not None and self.ticks >= self.script.stop_at
        return Stage(
            change=self.change,
            state=state,
            rollout=Rollout(
                canary_share=self.script.canary, bake_s=60.0, max_bake_s=300.0, min_requests=10
            ),
            verdict=self._verdict(),
            may_go_on=Reason.PAUSED if stopped else None,
            now_s=self.now_s,
            slo=Slo(150.0),
        )

    def _verdict(self) -> Verdict:
        since_s = watching_since_s(self.change)
        if since_s is None or self.now_s < since_s + 60.0:
            return NOT_YET
        return VERDICTS[self.script.verdict]

    def _call(self, step: SageMakerStep) -> None:
        """Intent, call, outcome: killed before any of them where the script says so."""
        kill, number = self.script.kills.get(self.calls), self.calls
        self.calls += 1
        if kill == "before":
            raise Killed
        self._note({"asked": type(step).__name__})
        if kill == "asked":
            raise Killed
        if number in self.script.refusals:
            self.now_s += 30.0
            since = self.change.progress.get(SINCE_S, repr(self.now_s))
            self._note({STEP: describe(step), WORDS: "denied", SINCE_S: since})
            return
        try:
            news = self.variant.execute(self.now_s, step)
        except Refused:
            return
        if kill == "called":
            raise Killed
        self.change = replace(self.change, progress=without_refusal(self.change.progress))
        self._note(news)

    def _note(self, news: Mapping[str, str]) -> None:
        progress = {**self.change.progress, **news}
        self.change = replace(self.change, progress=progress, updated_at_s=self.now_s)


KILLS = ("before", "asked", "called")
