"""Carrying out a change: the journal first, AWS second, and never more than one step.

The record of an intent is on disk before the call that it is about; what came of the call is
recorded after. Killed in between, the next start looks at AWS and goes on from what is there.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace

from controller.core.contract import KindRules
from controller.core.refusals import (
    FOR_GOOD,
    SINCE_S,
    STEP,
    WORDS,
    retry_delay_s,
    without_refusal,
)
from controller.core.sentence import change_sentence
from controller.core.slo import count
from controller.core.step_words import describe
from controller.model.change import (
    Advance,
    Baseline,
    Change,
    ChangeEvent,
    ChangePhase,
    Mutation,
    Verdict,
    VerdictKind,
)
from controller.model.decision import Assessment, Propose
from controller.model.endpoint import EndpointKey, EndpointState
from controller.model.errors import AdapterError, Conflict, NoLease, NotFound, Terminal
from controller.model.missing import known
from controller.model.policy import Policy, Scope
from controller.model.reason import Reason
from controller.model.size import Size
from controller.model.window import Window
from controller.ports import Clock, KindAdapters, Lease, Store

Fence = Callable[[EndpointKey], tuple[int, int]]
"""An endpoint's shard, and the term under which its journal is written."""


class SoleProcess:
    """The lease of a process that holds the store's lock: held until it ends."""

    def __init__(self, term: int) -> None:
        self._term = term

    def term(self) -> int:
        """The term this process was started under."""
        return self._term

    def held(self) -> bool:
        """Always: nobody else can open the store for work."""
        return True

    def doubt(self) -> None:
        """There is nothing to find out."""


class Actuator:
    """Moves changes on, one journalled step at a time."""

    def __init__(
        self,
        store: Store,
        adapters: KindAdapters,
        lease: Lease,
        clock: Clock,
        *,
        fence: Fence | None = None,
    ) -> None:
        """`fence`: under which shard's which term is written; None: the lease's, of shard 0."""
        self._store = store
        self._adapters = adapters
        self._lease = lease
        self._clock = clock
        self._fence = fence or (lambda _: (0, lease.term()))
        self._refusals: Counter[int] = Counter()

    @property
    def lease_held(self) -> bool:
        """Whether anything may be changed now."""
        return self._lease.held()

    def plan(
        self,
        assessment: Assessment,
        decision: Propose,
        *,
        policy: Policy,
        rules: KindRules,
        recent: tuple[Window, ...],
        actor: str = "controller",
        after: int | None = None,
    ) -> Change:
        """Journal a new change. Raises Conflict if one is open (or, with `after`, was planned
        since that one), NoLease where another leads, StoreError if it cannot."""
        state, proposal = assessment.state, decision.proposal
        if state is None:
            raise ValueError("an endpoint that was not seen cannot be changed")
        change = Change(
            id=0,
            key=assessment.key,
            policy=policy.name,
            phase=ChangePhase.PLANNED,
            before=proposal.before,
            target=proposal.target,
            reason=proposal.reason,
            detail=proposal.detail,
            proposal=proposal,
            etag=state.etag,
            baseline=baseline(recent, policy),
            actor=actor,
            term=0,
            planned_at_s=assessment.at_s,
            updated_at_s=assessment.at_s,
            progress=rules.begin(state),
        )
        return self.journal(change, assessment.sentence, after)

    def request(
        self,
        state: EndpointState,
        target: Size,
        detail: str,
        *,
        policy: Policy,
        rules: KindRules,
        recent: tuple[Window, ...],
        actor: str,
    ) -> Change:
        """Journal a change that a person wants, estimate or no. Raises as `plan` does."""
        now_s = self._clock.now_s()
        change = Change(
            id=0,
            key=state.key,
            policy=policy.name,
            phase=ChangePhase.PLANNED,
            before=state.size,
            target=target,
            reason=Reason.REQUESTED,
            detail=detail,
            proposal=None,
            etag=state.etag,
            baseline=baseline(recent, policy),
            actor=actor,
            term=0,
            planned_at_s=now_s,
            updated_at_s=now_s,
            progress=rules.begin(state),
        )
        return self.journal(change, change_sentence(change, f"{detail}, asked by {actor}"))

    def journal(self, change: Change, sentence: str, after: int | None = None) -> Change:
        """Journal a change that was made whole elsewhere. Raises as `plan` does."""
        event = self._event(change, change.planned_at_s, "planned", sentence)
        with self._doubting():
            return self._store.plan_change(replace(change, term=event.term), event, after)

    def advance(self, change: Change, step: Advance) -> Change:
        """Move the journal only."""
        now_s = self._clock.now_s()
        moved = replace(
            change,
            phase=step.phase,
            progress=without_refusal(step.progress),
            verdict=step.verdict or change.verdict,
            updated_at_s=now_s,
            finished_at_s=None if step.phase.open else now_s,
        )
        message = change_sentence(moved, step.message)
        return self._written(moved, now_s, step.what, message)

    def mutate(self, scope: Scope, change: Change, state: EndpointState, step: Mutation) -> bool:
        """Intent, call, outcome; whether AWS carried it out.

        Raises the call's AdapterError after noting it. A step that was refused before is on
        record as intended, and so is its refusal: only what differs is noted again.

        A refusal because somebody was faster is no error, nor is what is not there any more:
        the next tick looks again.
        """
        if not self._lease.held():
            return False
        name, again = type(step).__name__, change.progress.get(STEP) == describe(step)
        if not again:
            change = self._note(change, f"intent {name}", describe(step), {"asked": name})
        try:
            self._must_hold(change.key)
            learnt = self._adapters[change.key.kind].execute(scope, state.key, step)
        except NoLease as error:
            # Whoever leads now may have written already: then ours is not taken, nor needed.
            with suppress(NoLease, Conflict):
                self._note(change, f"kept {name}", str(error), {})
            return False
        except (Conflict, NotFound) as error:
            # What is gone may be a part only (an alias): the next look says what is to be undone.
            self._refused(change, f"refused {name}", step, error)
            return False
        except AdapterError as error:
            delay_s = self._refused(change, f"failed {name}", step, error)
            error.retry_after_s = max(delay_s, error.retry_after_s or 0.0)
            raise
        times = self._refusals.pop(change.id, 0)
        after = f", refused {times} times before" if times else ""
        carried = replace(change, progress=without_refusal(change.progress))
        self._note(carried, f"done {name}", describe(step) + after, learnt)
        return True

    def _refused(self, change: Change, what: str, step: Mutation, error: AdapterError) -> float:
        """Note a refusal, once for as long as it stays the same; returns when to ask again."""
        now_s = self._clock.now_s()
        self._refusals[change.id] += 1
        before = change.progress
        same = before.get(STEP) == describe(step)
        if not same or before.get(WORDS) != str(error):
            since = before.get(SINCE_S) if same else None
            refusal = {STEP: describe(step), WORDS: str(error), SINCE_S: since or repr(now_s)}
            if isinstance(error, Terminal):
                refusal[FOR_GOOD] = type(error).__name__
            self._note(change, what, str(error), {**refusal, **error.learnt})
        return retry_delay_s(change, now_s)

    def tidy(self, scope: Scope, change: Change, step: Mutation, learnt: Mapping[str, str]) -> None:
        """Carry out a step that belongs to a closed change, such as removing what it left.

        Noted before and after, like every other; a refusal is raised, and noted once.
        """
        name = type(step).__name__
        if change.progress.get("asked") != name:
            change = self._note(change, f"intent {name}", describe(step), {"asked": name})
        self._must_hold(change.key)
        self._adapters[change.key.kind].execute(scope, change.key, step)
        self._note(change, f"done {name}", describe(step), learnt)

    def _must_hold(self, key: EndpointKey) -> None:
        """Raises NoLease where the journal knows a newer term, or where too little of the lease
        remains for one call. The clock comes last: asking the journal takes time."""
        shard, term = self._fence(key)
        if self._store.newest_term(shard) > term:
            self._lease.doubt()
            raise NoLease("another replica has led since", operation="lease", code="fenced")
        if not self._lease.held():
            raise NoLease("the lease was lost, or ends too soon for a call", operation="lease")

    def lost(self, change: Change, why: str) -> Change:
        """Close a change whose endpoint is not there any more: nothing is left to undo."""
        verdict = Verdict(VerdictKind.INCONCLUSIVE, Reason.NOT_FOUND, why)
        step = Advance(ChangePhase.FAILED, "give up", why, change.progress, verdict)
        return self.advance(change, step)

    def _note(self, change: Change, what: str, message: str, learnt: Mapping[str, str]) -> Change:
        now_s = self._clock.now_s()
        moved = replace(change, progress={**change.progress, **learnt}, updated_at_s=now_s)
        return self._written(moved, now_s, what, message)

    def _written(self, moved: Change, now_s: float, what: str, message: str) -> Change:
        event = self._event(moved, now_s, what, message)
        with self._doubting():
            return self._store.advance_change(replace(moved, term=event.term), event)

    @contextmanager
    def _doubting(self) -> Iterator[None]:
        """A journal that refuses our term knows of a newer one: the lease is to find out."""
        try:
            yield
        except NoLease:
            self._lease.doubt()
            raise

    def _event(self, change: Change, at_s: float, what: str, message: str) -> ChangeEvent:
        shard, term = self._fence(change.key)
        return ChangeEvent(at_s, change.phase, what, message, term, shard)


def baseline(recent: tuple[Window, ...], policy: Policy) -> Baseline | None:
    """How the endpoint did over the SLO window before a change; None without requests."""
    if not recent:
        return None
    start_s = recent[-1].end_s - policy.slo.window_s
    inside = [w for w in recent if w.start_s >= start_s]
    counts = count(inside, policy.slo.threshold_ms)
    if counts.requests == 0 or counts.first_s is None or counts.last_s is None:
        return None
    p95s = [v for v in (known(w.p95_ms) for w in inside) if v is not None]
    return Baseline(
        start_s=counts.first_s,
        end_s=counts.last_s,
        requests=counts.requests,
        slow=counts.slow,
        errors=counts.errors,
        p95_ms=sorted(p95s)[len(p95s) // 2] if p95s else None,
    )
