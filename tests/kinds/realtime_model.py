"""A controller of a real-time endpoint, small enough to try everything with.

`Variant` does what SageMaker and Application Auto Scaling do with configs, deployments,
counts, targets, policies and actions, refusals included. `Run` is the controller's side: it
asks the rollout for the next step, journals the intent, calls, and journals the outcome, as
the actuator does. It can be killed between any two of these, be refused any call, meet
somebody else at work, be told to stop, or have AWS fail a deployment.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from given import NOW_S, a_change
from realtime_people import User
from realtime_variant import KEY, Refused, Variant

from controller.core.contract import Stage
from controller.core.refusals import SINCE_S, STEP, WORDS, without_refusal
from controller.core.step_words import describe
from controller.kinds.realtime_endpoint.rollout import begin, next_step, watching_since_s
from controller.model.change import Advance, Change, ChangePhase, Verdict, VerdictKind, Wait
from controller.model.endpoint import EndpointState
from controller.model.policy import Rollout, Slo
from controller.model.reason import Reason
from controller.model.sagemaker_steps import (
    SageMakerStep,
)
from controller.model.size import RealtimeSize

TICKS = 600
KILLS = ("before", "asked", "called")
NOT_YET = Verdict(VerdictKind.INCONCLUSIVE, Reason.BAKING, "not yet")
VERDICTS = {
    VerdictKind.PASS: Verdict(VerdictKind.PASS, Reason.VERIFIED, "0 of 100 slow"),
    VerdictKind.FAIL: Verdict(VerdictKind.FAIL, Reason.MADE_WORSE, "50 of 100 slow"),
    VerdictKind.INCONCLUSIVE: Verdict(VerdictKind.INCONCLUSIVE, Reason.BAKING, "3 of 100"),
}


class Killed(Exception):
    """The controller's process ends here."""


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
