"""A function and a controller small enough to try everything with.

`Function` does what Lambda does with an update, a version and an alias, revision guards
included. `Run` is the controller's side: it asks the rollout for the next step, journals
the intent, calls, and journals the outcome, as the actuator does; it can be killed between
any two of these, meet somebody else at work, be told to stop, or have AWS fail an update.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from given import KEY, NOW_S, PLAIN_KEY, a_change, a_config, a_state

from controller.core.contract import Stage
from controller.kinds.lambda_function.rollout import next_step, watching_since_s
from controller.model.change import (
    Advance,
    Change,
    ChangePhase,
    Mutation,
    PointAlias,
    UpdateMemory,
    Verdict,
    VerdictKind,
    Wait,
)
from controller.model.endpoint import AliasConfig, EndpointState, FunctionConfig, LambdaLive
from controller.model.policy import Rollout
from controller.model.reason import Reason
from controller.model.size import LambdaSize

BEFORE_MB, TARGET_MB, FOREIGN_MB = 1024, 512, 3008
CODE, NEW_CODE = "code-1", "code-2"
UPDATE_S = 20.0
ROLLOUT = Rollout(canary_share=0.1, bake_s=60.0, max_bake_s=300.0, min_requests=10)
TICKS = 120
NOT_YET = Verdict(VerdictKind.INCONCLUSIVE, Reason.BAKING, "not yet")
NOT_WORSE = Verdict(VerdictKind.INCONCLUSIVE, Reason.NOT_WORSE, "1 of 6 slow")
VERDICTS = {
    VerdictKind.PASS: Verdict(VerdictKind.PASS, Reason.VERIFIED, "0 of 100 slow"),
    VerdictKind.FAIL: Verdict(VerdictKind.FAIL, Reason.MADE_WORSE, "50 of 100 slow"),
    VerdictKind.INCONCLUSIVE: Verdict(VerdictKind.INCONCLUSIVE, Reason.BAKING, "3 of 100"),
}


class Killed(Exception):
    """The controller's process ends here."""


class Refused(Exception):
    """AWS refuses: another revision, or an update under way."""


@dataclass
class Function:
    """Lambda's side."""

    latest: FunctionConfig
    versions: dict[str, FunctionConfig]
    alias: AliasConfig | None
    aliased: bool
    """Whether traffic uses the alias, be it there or not."""
    outcomes: list[str] = field(default_factory=list)
    """How our next updates end: `ok` (also when none is left), `stays`, `reverts`."""
    revisions: int = 0
    published: list[str] = field(default_factory=list)
    """Versions that came of our calls."""
    _under_way: tuple[float, int, str] | None = None
    """When the present update ends, the memory before it, and how it ends."""
    _since_publish: str = "1"

    def _revision(self) -> str:
        self.revisions += 1
        return f"r{self.revisions}"

    def settle(self, now_s: float) -> None:
        """End an update whose time has come."""
        if self._under_way is None or now_s < self._under_way[0]:
            return
        _, before_mb, outcome = self._under_way
        self._under_way = None
        self.latest = replace(
            self.latest,
            update_status="Successful" if outcome == "ok" else "Failed",
            update_reason="" if outcome == "ok" else "the role cannot be assumed",
            memory_mb=before_mb if outcome == "reverts" else self.latest.memory_mb,
            revision_id=self._revision(),
        )

    def update(self, now_s: float, memory_mb: int, fingerprint: str, outcome: str = "ok") -> None:
        """Anybody's change of `$LATEST`."""
        if self._under_way is not None:
            raise Refused("an update is in progress")
        self._under_way = (now_s + UPDATE_S, self.latest.memory_mb, outcome)
        self._since_publish = ""
        self.latest = replace(
            self.latest,
            memory_mb=memory_mb,
            fingerprint=fingerprint,
            code_sha256=fingerprint,
            update_status="InProgress",
            revision_id=self._revision(),
        )

    def publish(self) -> str:
        """Anybody's version of `$LATEST`; the one there is where nothing changed since."""
        if self._under_way is not None:
            raise Refused("an update is in progress")
        if not self._since_publish:
            self._since_publish = str(len(self.versions) + 1)
            self.versions[self._since_publish] = replace(
                self.latest, version=self._since_publish, revision_id=self._revision()
            )
        return self._since_publish

    def point(self, version: str, weights: Mapping[str, float]) -> None:
        """Anybody's change of the alias."""
        assert self.alias is not None
        assert {version, *weights} <= set(self.versions)
        self.alias = AliasConfig(self.alias.name, version, self._revision(), dict(weights))

    def execute(self, now_s: float, step: Mutation) -> Mapping[str, str]:
        """One call of ours, with its guards."""
        if isinstance(step, PointAlias):
            if self.alias is None:
                raise Refused("there is no such alias")
            if step.revision_id != self.alias.revision_id:
                raise Refused("the alias was changed")
            self.point(step.version, step.weights)
            return {}
        if step.revision_id != self.latest.revision_id:
            raise Refused("the function was changed")
        if isinstance(step, UpdateMemory):
            outcome = self.outcomes.pop(0) if self.outcomes else "ok"
            self.update(now_s, step.memory_mb, self.latest.fingerprint, outcome)
            return {}
        if step.code_sha256 != self.latest.code_sha256:
            raise Refused("the code was changed")
        version = self.publish()
        self.published.append(version)
        return {"published_version": version}

    @property
    def serving(self) -> FunctionConfig:
        """What takes the main part of the traffic."""
        return self.latest if self.alias is None else self.versions[self.alias.version]

    def state(self, now_s: float) -> EndpointState:
        """What an observer sees."""
        named: dict[str, FunctionConfig] = {}
        if self.alias is not None:
            named = {v: self.versions[v] for v in (self.alias.version, *self.alias.weights)}
        live = LambdaLive(self.latest, self.alias, named)
        return a_state(
            live=live,
            key=KEY if self.aliased else PLAIN_KEY,
            size=LambdaSize(self.serving.memory_mb),
            observed_at_s=now_s,
        )


def a_function(alias: bool = True, latest_mb: int = BEFORE_MB) -> Function:
    """Version 1 serves at the old size; `$LATEST` has the same code."""
    latest = a_config(latest_mb, fingerprint=CODE, code_sha256=CODE, revision_id="r0")
    first = a_config(BEFORE_MB, "1", fingerprint=CODE, code_sha256=CODE)
    if not alias:
        return Function(latest, {}, None, aliased=False)
    function = Function(latest, {"1": first}, AliasConfig("live", "1", "ra"), aliased=True)
    if latest_mb != BEFORE_MB:
        function._since_publish = ""
    return function


FOREIGN = (
    "memory",
    "memory back",
    "code",
    "release",
    "alias moved",
    "weights",
    "weights gone",
    "alias deleted",
)


def meddle(function: Function, deed: str, now_s: float) -> bool:
    """Somebody else at work; False where there was nothing to do it to."""
    try:
        return _meddle(function, deed, now_s)
    except Refused:
        return False


def _meddle(function: Function, deed: str, now_s: float) -> bool:
    latest, alias = function.latest, function.alias
    if deed == "memory":
        function.update(now_s, FOREIGN_MB, latest.fingerprint)
        return True
    if deed == "memory back":
        function.update(now_s, BEFORE_MB, latest.fingerprint)
        return True
    if deed == "code":
        function.update(now_s, latest.memory_mb, NEW_CODE)
        return True
    if alias is None:
        return False
    if deed == "release":
        # Their pipeline changes the code, publishes what is there, and moves all traffic.
        function.update(now_s, latest.memory_mb, NEW_CODE)
        function.settle(now_s + UPDATE_S)
        function.point(function.publish(), {})
        return True
    if deed == "alias deleted":
        function.alias = None
        return True
    if deed == "weights gone":
        function.point(alias.version, {})
        return bool(alias.weights)
    other = str(len(function.versions) + 1)
    function.versions[other] = a_config(BEFORE_MB, other, fingerprint="other")
    if deed == "alias moved":
        function.point(other, {})
    else:
        function.point(alias.version, {other: 0.2})
    return True


@dataclass
class Script:
    """What happens during a run. Ticks and calls are counted from 0."""

    canary: VerdictKind = VerdictKind.PASS
    full: VerdictKind = VerdictKind.PASS
    outcomes: tuple[str, ...] = ()
    kills: Mapping[int, str] = field(default_factory=dict)
    """Calls at which the controller is killed: `before`, `asked` or `called`."""
    deeds: Mapping[int, str] = field(default_factory=dict)
    """What somebody else does just before a tick."""
    races: Mapping[int, str] = field(default_factory=dict)
    """What somebody else does between a look and the call it leads to."""
    stop_at: int | None = None
    """From this tick on no further step forward may be taken."""
    target_mb: int = TARGET_MB
    share: float = 0.1
    reason: Reason = Reason.CHEAPER_SIZE
    """Why the change was decided on."""
    thin: bool = False
    """Whether an inconclusive canary is called not worse."""


@dataclass
class Run:
    """One change from its planning to its end."""

    function: Function
    script: Script
    now_s: float = NOW_S
    ticks: int = 0
    calls: int = 0
    meddled: list[str] = field(default_factory=list)
    done: list[tuple[int, Mutation]] = field(default_factory=list)
    """Calls that AWS accepted, with their tick."""
    verdicts: list[tuple[str, VerdictKind]] = field(default_factory=list)
    change: Change = field(init=False)

    def __post_init__(self) -> None:
        self.function.outcomes = list(self.script.outcomes)
        self.change = a_change(
            BEFORE_MB,
            self.script.target_mb,
            ChangePhase.PLANNED,
            progress={"fingerprint": CODE},
            reason=self.script.reason,
        )

    def to_the_end(self) -> "Run":
        """Tick until the change is closed."""
        while self.change.phase.open:
            assert self.ticks < TICKS, f"does not end: {self.change}"
            self.tick()
        return self

    def tick(self) -> None:
        """One look, and what follows from it."""
        self.function.settle(self.now_s)
        self._somebody(self.script.deeds.get(self.ticks))
        state = self.function.state(self.now_s)
        try:
            self.now_s = self._steps(state)
        except Killed:
            self.now_s += 30.0
        self.ticks += 1

    def _somebody(self, deed: str | None) -> None:
        if deed is not None and meddle(self.function, deed, self.now_s):
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
            rollout=replace(ROLLOUT, canary_share=self.script.share),
            verdict=self._verdict(),
            may_go_on=Reason.PAUSED if stopped else None,
            now_s=self.now_s,
        )

    def _verdict(self) -> Verdict:
        since_s = watching_since_s(self.change)
        if since_s is None or self.now_s < since_s + ROLLOUT.bake_s:
            return NOT_YET
        stage = "full" if "full_since_s" in self.change.progress else "canary"
        kind = self.script.full if stage == "full" else self.script.canary
        self.verdicts.append((stage, kind))
        if stage == "canary" and kind is VerdictKind.INCONCLUSIVE and self.script.thin:
            return NOT_WORSE
        return VERDICTS[kind]

    def _call(self, step: Mutation) -> None:
        """Intent, call, outcome: killed before any of them where the script says so."""
        kill = self.script.kills.get(self.calls)
        self._somebody(self.script.races.get(self.calls))
        self.calls += 1
        if kill == "before":
            raise Killed
        self._note({"asked": type(step).__name__})
        if kill == "asked":
            raise Killed
        try:
            learnt = self.function.execute(self.now_s, step)
        except Refused:
            return
        self.done.append((self.ticks, step))
        if kill == "called":
            raise Killed
        self._note(learnt)

    def _note(self, learnt: Mapping[str, str]) -> None:
        self.change = replace(self.change, progress={**self.change.progress, **learnt})


KILLS = ("before", "asked", "called")


def verdict_pairs(alias: bool) -> Iterator[tuple[VerdictKind, VerdictKind]]:
    """Every pair of canary and full verdicts; without an alias there is no canary."""
    for canary in VerdictKind if alias else [VerdictKind.PASS]:
        for full in VerdictKind:
            yield canary, full
