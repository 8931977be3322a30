"""A serverless endpoint and a controller small enough to try everything with.

`Service` does what SageMaker does with configs, deployments and limits: asynchronous,
without an optimistic lock, and silent about failures but for a FailureReason. `Run` is the
controller's side, which can be killed before, while and after each call, meet somebody else
at work, be told to stop, or have AWS fail a deployment.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from given import NOW_S, a_change
from serverless_given import KEY, MODEL, a_config, a_state, an_endpoint

from controller.core.contract import Stage
from controller.core.refusals import SINCE_S, STEP, without_refusal
from controller.core.step_words import describe
from controller.kinds.serverless_endpoint.rollout import begin, next_step, watching_since_s
from controller.model.change import (
    Advance,
    Change,
    ChangePhase,
    Mutation,
    Verdict,
    VerdictKind,
    Wait,
)
from controller.model.endpoint import EndpointState, Phase
from controller.model.policy import Rollout
from controller.model.reason import Reason
from controller.model.sagemaker import EndpointConfig
from controller.model.sagemaker_steps import (
    CreateConfig,
    DeleteConfig,
    DeployConfig,
    SetConcurrency,
)
from controller.model.size import ServerlessSize

BEFORE = ServerlessSize(4096, 10)
SMALLER = ServerlessSize(2048, 15)
LARGER = ServerlessSize(6144, 10)
RAISED = ServerlessSize(4096, 20)
KEPT = ServerlessSize(4096, 10, 2)
"""Something kept warm, which needs a config …"""
MORE = ServerlessSize(4096, 10, 4)
"""… and more of it, which does not: only from KEPT."""
FIRST, SECOND = "rightsizer-ranker-first", "ranker-v1"
DEPLOY_S, IN_PLACE_S = 120.0, 40.0
ROLLOUT = Rollout(bake_s=60.0, max_bake_s=300.0, min_requests=10)
TICKS = 800
NOT_YET = Verdict(VerdictKind.INCONCLUSIVE, Reason.BAKING, "not yet")
VERDICTS = {
    VerdictKind.PASS: Verdict(VerdictKind.PASS, Reason.VERIFIED, "0 of 100 slow"),
    VerdictKind.FAIL: Verdict(VerdictKind.FAIL, Reason.MADE_WORSE, "50 of 100 slow"),
    VerdictKind.INCONCLUSIVE: Verdict(VerdictKind.INCONCLUSIVE, Reason.BAKING, "3 of 100"),
}


class Killed(Exception):
    """The controller's process ends here."""


class Refused(Exception):
    """AWS refuses: an update is under way, or the config is not there."""


@dataclass
class _UnderWay:
    ends_s: float
    config: str
    size: ServerlessSize
    outcome: str


@dataclass
class Service:
    """SageMaker's side: one endpoint, and the configs of the account."""

    configs: dict[str, tuple[ServerlessSize, EndpointConfig]]
    live: str
    size: ServerlessSize
    outcomes: list[str] = field(default_factory=list)
    """How our next updates end: `ok` (also when none is left), `fails`, `breaks`, `late`."""
    failure: str | None = None
    broken: bool = False
    modified_s: float = NOW_S - 864_000.0
    under_way: _UnderWay | None = None
    invisible_until_s: float = 0.0
    """DescribeEndpoint shows the state of before until then …"""
    before: tuple[float, str | None] = (0.0, None)
    """… which was modified then, with that FailureReason."""
    asked_twice: int = 0
    """Deployments of what is live already: AWS refuses them, and we should not ask."""

    def settle(self, now_s: float) -> None:
        """End an update whose time has come."""
        update = self.under_way
        if update is None or now_s < update.ends_s:
            return
        self.under_way, self.modified_s = None, now_s
        if update.outcome == "fails":
            self.failure = "Request to service failed."
        elif update.outcome == "breaks":
            self.failure, self.broken = "Request to service failed.", True
        else:
            self.live, self.size = update.config, update.size

    def update(self, now_s: float, config: str, size: ServerlessSize, outcome: str) -> None:
        """Anybody's update."""
        if self.under_way is not None or self.broken:
            raise Refused("Cannot update in-progress endpoint")
        seconds = IN_PLACE_S if config == self.live else DEPLOY_S
        self.under_way = _UnderWay(now_s + seconds, config, size, outcome)
        if outcome == "late":
            self.invisible_until_s, self.before = now_s + 30.0, (self.modified_s, self.failure)
        self.failure, self.modified_s = None, now_s

    def execute(self, now_s: float, step: Mutation) -> Mapping[str, str]:
        """One call of ours."""
        match step:
            case CreateConfig(name=name):
                return self._create(step, name)
            case DeployConfig(name=name):
                if name not in self.configs:
                    raise Refused("Could not find endpoint configuration")
                if name == self.live:
                    self.asked_twice += 1
                    raise Refused("already uses it")
                self.update(now_s, name, self.configs[name][0], self._outcome())
                return {"deployed_config": name}
            case SetConcurrency(max_concurrency=limit, provisioned_concurrency=warm):
                kept = self.size.provisioned_concurrency if warm is None else warm
                assert warm is None or warm > 0 < self.size.provisioned_concurrency
                wanted = ServerlessSize(self.size.memory_mb, limit, kept)
                self.update(now_s, self.live, wanted, self._outcome())
                return {}
            case DeleteConfig(name=name):
                return {**self._delete(name), f"gone:{name}": "1"}
        raise TypeError(step)

    def _outcome(self) -> str:
        return self.outcomes.pop(0) if self.outcomes else "ok"

    def _create(self, step: CreateConfig, name: str) -> Mapping[str, str]:
        if step.source not in self.configs:
            raise Refused("Could not find the source")
        source = self.configs[step.source][1]
        assert step.memory_mb is not None
        assert step.max_concurrency is not None
        made = a_config(name, fingerprint=source.fingerprint, ours=True, source=step.source)
        size = ServerlessSize(
            step.memory_mb, step.max_concurrency, step.provisioned_concurrency or 0
        )
        assert self.configs.setdefault(name, (size, made)) == (size, made)
        return {"created_config": name}

    def _delete(self, name: str) -> Mapping[str, str]:
        pending = None if self.under_way is None else self.under_way.config
        if name not in self.configs:
            return {"deleted_config": name}
        if not self.configs[name][1].ours or name in {self.live, pending}:
            return {"kept_config": name}
        del self.configs[name]
        return {"deleted_config": name}

    def state(self, now_s: float) -> EndpointState:
        """What an observer sees."""
        update = self.under_way if now_s >= self.invisible_until_s else None
        status, phase = "InService", Phase.STABLE
        if self.broken:
            status, phase = "UpdateRollbackFailed", Phase.FAILED
        elif update is not None:
            status, phase = "Updating", Phase.UPDATING
        modified_s, failure = self.modified_s, self.failure
        if now_s < self.invisible_until_s:
            modified_s, failure = self.before
        shown = an_endpoint(
            status=status,
            failure_reason=failure,
            config=self.configs[self.live][1],
            modified_at_s=modified_s,
            pending_config=None if update is None else update.config,
        )
        size = self.size
        return a_state(
            size.memory_mb,
            size.max_concurrency,
            size.provisioned_concurrency,
            endpoint=shown,
            phase=phase,
        )


def a_service(size: ServerlessSize = BEFORE) -> Service:
    """The user's first config, ours that came of it and is live, and its predecessor."""
    ours = a_config(SECOND, source=FIRST)
    configs = {
        FIRST: (ServerlessSize(6144, 10), a_config(FIRST, ours=True)),
        # Its own limit is another than the live one, which was raised in place.
        SECOND: (replace(size, max_concurrency=5), ours),
    }
    return Service(configs, SECOND, size)


FOREIGN = ("limit", "deploy", "release", "deploy before", "config deleted")


def meddle(service: Service, deed: str, now_s: float) -> bool:
    """Somebody else at work; False where there was nothing to do it to."""
    try:
        return _meddle(service, deed, now_s)
    except Refused:
        return False


def _meddle(service: Service, deed: str, now_s: float) -> bool:
    if deed == "limit":
        wanted = replace(service.size, max_concurrency=77)
        service.update(now_s, service.live, wanted, "ok")
        return True
    if deed == "deploy before":
        if service.live == SECOND or SECOND not in service.configs:
            return False
        service.update(now_s, SECOND, service.configs[SECOND][0], "ok")
        return True
    if deed == "config deleted":
        pending = None if service.under_way is None else service.under_way.config
        if SECOND in {service.live, pending}:
            return False
        return service.configs.pop(SECOND, None) is not None
    name, model = ("theirs", MODEL) if deed == "deploy" else ("released", "model-2")
    if service.live == name:
        return False
    service.configs[name] = (ServerlessSize(3072, 7), a_config(name, fingerprint=model))
    service.update(now_s, name, service.configs[name][0], "ok")
    return True


@dataclass
class Script:
    """What happens during a run. Ticks and calls are counted from 0."""

    target: ServerlessSize = SMALLER
    verdict: VerdictKind = VerdictKind.PASS
    outcomes: tuple[str, ...] = ()
    kills: Mapping[int, str] = field(default_factory=dict)
    """Calls at which the controller is killed: `before`, `asked` or `called`."""
    deeds: Mapping[int, str] = field(default_factory=dict)
    """What somebody else does just before a tick."""
    races: Mapping[int, str] = field(default_factory=dict)
    """What somebody else does between a look and the call it leads to."""
    stop_at: int | None = None
    """From this tick on no further step forward may be taken."""
    reason: Reason = Reason.CHEAPER_SIZE

    @property
    def before(self) -> ServerlessSize:
        """The size that is left."""
        return KEPT if self.target == MORE else BEFORE


@dataclass
class Run:
    """One change from its planning to its end."""

    service: Service
    script: Script
    now_s: float = NOW_S
    ticks: int = 0
    calls: int = 0
    meddled: list[str] = field(default_factory=list)
    done: list[tuple[int, Mutation]] = field(default_factory=list)
    """Calls that AWS accepted, with their tick."""
    change: Change = field(init=False)

    def __post_init__(self) -> None:
        self.service.outcomes = list(self.script.outcomes)
        self.change = replace(
            a_change(phase=ChangePhase.PLANNED, reason=self.script.reason),
            key=KEY,
            before=self.script.before,
            target=self.script.target,
            progress=begin(self.service.state(self.now_s)),
        )

    def to_the_end(self) -> "Run":
        """Tick until the change is closed, and what is under way has ended."""
        while self.change.phase.open:
            assert self.ticks < TICKS, f"does not end: {self.change}"
            self.tick()
        return self

    def tick(self) -> None:
        """One look, and what follows from it."""
        self.service.settle(self.now_s)
        self._somebody(self.script.deeds.get(self.ticks))
        state = self.service.state(self.now_s)
        try:
            self.now_s = self._steps(state)
        except Killed:
            self.now_s += 30.0
        self.ticks += 1

    def _somebody(self, deed: str | None) -> None:
        if deed is not None and meddle(self.service, deed, self.now_s):
            self.meddled.append(deed)

    def _steps(self, state: EndpointState) -> float:
        """As the reconciler does: journal moves follow each other, one call ends the tick."""
        for _ in range(6):
            step = next_step(self._stage(state))
            if isinstance(step, Wait):
                assert step.until_s > self.now_s
                return step.until_s
            if not isinstance(step, Advance):
                self._call(step)
                return self.now_s + 2.0
            self.change = replace(
                self.change,
                phase=step.phase,
                progress=dict(step.progress),
                verdict=step.verdict or self.change.verdict,
            )
            if not self.change.phase.open:
                break
        return self.now_s + 2.0

    def _stage(self, state: EndpointState) -> Stage:
        stopped = self.script.stop_at is not None and self.ticks >= self.script.stop_at
        return Stage(
            change=self.change,
            state=state,
            rollout=ROLLOUT,
            verdict=self._verdict(),
            may_go_on=Reason.PAUSED if stopped else None,
            now_s=self.now_s,
        )

    def _verdict(self) -> Verdict:
        since_s = watching_since_s(self.change)
        if since_s is None or self.now_s < since_s + ROLLOUT.bake_s:
            return NOT_YET
        return VERDICTS[self.script.verdict]

    def _call(self, step: Mutation) -> None:
        """Intent, call, outcome: killed before any of them where the script says so."""
        kill = self.script.kills.get(self.calls)
        self._somebody(self.script.races.get(self.calls))
        self.calls += 1
        if kill == "before":
            raise Killed
        if self.change.progress.get(STEP) != describe(step):
            self._note({"asked": type(step).__name__})
        if kill == "asked":
            raise Killed
        try:
            learnt = self.service.execute(self.now_s, step)
        except Refused:
            if self.change.progress.get(STEP) != describe(step):
                self._note({STEP: describe(step), SINCE_S: repr(self.now_s)})
            self.now_s += 60.0
            return
        self.done.append((self.ticks, step))
        if kill == "called":
            raise Killed
        self.change = replace(self.change, progress=without_refusal(self.change.progress))
        self._note(learnt)

    def _note(self, learnt: Mapping[str, str]) -> None:
        self.change = replace(self.change, progress={**self.change.progress, **learnt})


KILLS = ("before", "asked", "called")
