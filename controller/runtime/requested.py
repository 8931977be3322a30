"""Changes that a person asks for: a saved plan, and the way back.

They meet the same guards as the controller's own, but for the mode: a person may do what the
controller may only recommend. Limits of the fleet hold for all of a plan together, and a way
back knows no cooldown. What a plan rested on is compared with what
is there now; if anything has moved on, the plan is refused and the sentence says what moved.
"""

from dataclasses import dataclass, replace

from controller.core import windows
from controller.core.assess import Observed, assess, believe, owner_of
from controller.core.guard import Fleet, Situation, check, fleet_is_full
from controller.core.sentence import course, decision_sentence
from controller.model.change import Advance, Change, ChangePhase, Verdict, VerdictKind
from controller.model.decision import Assessment, Hold, Proposal, Propose
from controller.model.errors import Conflict
from controller.model.estimate import Rejection
from controller.model.missing import Maybe, Missing
from controller.model.policy import FleetLimits, Mode
from controller.model.reason import Reason
from controller.ports import Store
from controller.runtime.actuate import Actuator
from controller.runtime.documents import instant
from controller.runtime.observe import fleet_situation
from controller.runtime.plans import PlannedChange, reason_and_message
from controller.runtime.reconcile import Hands
from controller.runtime.roster import Entry

MOVE_ATTEMPTS = 5
"""How often to look again at a change that the daemon moves on at the same moment."""
_OUT_OF_THE_QUESTION = {
    Rejection.BELOW_BOUNDS,
    Rejection.ABOVE_BOUNDS,
    Rejection.BELOW_MEMORY_FLOOR,
    Rejection.INFEASIBLE_BEFORE,
    Rejection.QUARANTINED,
}


_UNSEEN = Missing("not all endpoints were looked at")


@dataclass(frozen=True, slots=True)
class Ready:
    """A request that may be carried out."""

    entry: Entry
    observed: Observed
    assessment: Assessment | None
    """What the core thinks of the endpoint now; None where nobody asked."""
    underway: Change | None = None
    """The same request, journalled before."""


class Requests:
    """Checks and journals requests. The foreground or the daemon carries them out."""

    def __init__(
        self,
        hands: Hands,
        store: Store,
        limits: FleetLimits,
        usd_per_month: Maybe[float] = _UNSEEN,
    ) -> None:
        """`usd_per_month` is what the whole fleet costs, where its budget is limited."""
        self._hands = hands
        self._store = store
        self._limits = limits
        self._usd_per_month = usd_per_month
        self._granted: list[Proposal] = []

    def check(self, entry: Entry, planned: PlannedChange) -> Ready:
        """Whether a planned change still fits. Raises Conflict, saying what has moved on.

        The endpoint must have been sampled. Raises the AdapterError of what cannot be read.
        """
        observed = self._observe(entry)
        same = next((change for change in observed.changes if _same(change, planned)), None)
        if same is not None:
            return Ready(entry, observed, None, same)
        _refuse(_moved(entry, observed, planned) or _busy(observed))
        _refuse(self._guarded(entry, observed, planned.proposal))
        assessment = self._assess(observed)
        _refuse(_doubt(entry, assessment, planned.proposal))
        self._granted.append(planned.proposal)
        return Ready(entry, observed, assessment)

    def still_room(self) -> None:
        """Whether all changes found ready fit in now. Raises Conflict where others came first."""
        now = fleet_situation(self._store, self._limits, _UNSEEN, self._hands.clock.now_s())
        if self._granted:
            refusal = fleet_is_full(_with(now, len(self._granted) - 1))
            _refuse(None if refusal is None else f"{refusal[0]}: {refusal[1]}")

    def apply(self, ready: Ready, planned: PlannedChange, actor: str) -> Change:
        """Journal a planned change (or find it journalled). Raises Conflict, StoreError."""
        if ready.underway is not None:
            return ready.underway
        assert ready.assessment is not None, "checked requests have been assessed"
        decision = Propose(planned.proposal)
        sentence = decision_sentence(planned.key, decision)
        return self._actuator.plan(
            replace(ready.assessment, decision=decision, sentence=sentence),
            decision,
            policy=ready.entry.policy,
            rules=self._hands.rules[planned.key.kind],
            recent=ready.observed.windows.recent,
            actor=actor,
        )

    def check_idle(self, entry: Entry) -> Ready:
        """Whether nothing stands in the way of deployments that change no size. Raises Conflict."""
        observed = self._observe(entry)
        _refuse(_busy(observed))
        _refuse(self._guarded(entry, observed, None))
        return Ready(entry, observed, None)

    def check_return(self, entry: Entry, last: Change) -> Ready:
        """Whether a verified change can be undone now. Raises Conflict where it cannot."""
        observed = self._observe(entry)
        live = observed.state.size
        if live != last.target:
            raise Conflict(
                f"change {last.id} left {last.target}, but the live size is {live}: "
                "there is nothing of ours to undo"
            )
        _refuse(_busy(observed))
        _refuse(self._guarded(entry, observed, None))
        return Ready(entry, observed, None)

    def go_back(self, ready: Ready, last: Change, why: str, actor: str) -> Change:
        """Journal a change that undoes `last`. Raises Conflict, StoreError."""
        detail = f"{last.target} -> {last.before}, undoing change {last.id}"
        return self._actuator.request(
            ready.observed.state,
            last.before,
            f"{detail}: {why}" if why else detail,
            policy=ready.entry.policy,
            rules=self._hands.rules[last.key.kind],
            recent=ready.observed.windows.recent,
            actor=actor,
        )

    @property
    def _actuator(self) -> Actuator:
        actuator = self._hands.actuator
        assert actuator is not None, "requests need a wiring that acts"
        return actuator

    def _observe(self, entry: Entry) -> Observed:
        now_s = self._hands.clock.now_s()
        return self._hands.observer.observe(
            entry, self._fleet(now_s), now_s, lease_held=True, fresh=True
        )

    def _fleet(self, now_s: float) -> Fleet:
        """The fleet as it would be with everything that was found ready before."""
        cost = self._usd_per_month
        if not isinstance(cost, Missing):
            cost -= sum(proposal.saves_usd_per_month.mid for proposal in self._granted)
        fleet = fleet_situation(self._store, self._limits, cost, now_s)
        return _with(fleet, len(self._granted))

    def _assess(self, observed: Observed) -> Assessment:
        sizing = self._hands.sizing(observed.state, observed.now_s)
        return assess(observed, sizing, believe(observed, sizing))

    def _guarded(self, entry: Entry, observed: Observed, proposal: Proposal | None) -> str | None:
        """The first guard that says no; of a way back, only of those that always stand."""
        rules = self._hands.rules[entry.key.kind]
        state = observed.state
        situation = Situation(
            now_s=observed.now_s,
            policy=replace(entry.policy, mode=Mode.ENFORCE),
            state=state,
            proposal=proposal,
            pauses=observed.pauses,
            changes=observed.changes,
            ownership=owner_of(observed),
            fleet=observed.fleet,
            stale=None,
            obstacles=rules.sizing(self._hands.prices, state).obstacles(state, False),
            conflict=entry.conflict,
        )
        asked = Hold(Reason.REQUESTED, "") if proposal is None else Propose(proposal)
        decision, verdicts = check(situation, asked)
        if all(verdict.allowed for verdict in verdicts):
            return None
        assert isinstance(decision, Hold)
        return f"{decision.reason}: {decision.detail}{_opens(entry, decision, observed.now_s)}"


def abandon(store: Store, actuator: Actuator, change: Change, actor: str, why: str) -> Change:
    """Turn an open change round, whoever is at work on it. Raises Conflict where it ended first."""
    for _ in range(MOVE_ATTEMPTS):
        current = store.change(change.id)
        if current is None or not current.phase.open:
            raise Conflict(f"change {change.id} has ended in the meantime")
        if current.phase is ChangePhase.ROLLING_BACK:
            return current
        detail = f"rolled back by {actor}" + (f": {why}" if why else "")
        verdict = Verdict(VerdictKind.INCONCLUSIVE, Reason.REQUESTED, detail)
        progress = {**current.progress, "cause": Reason.REQUESTED.value}
        begun = current.phase is not ChangePhase.PLANNED
        phase = ChangePhase.ROLLING_BACK if begun else ChangePhase.FAILED
        what = "roll back" if begun else "give up"
        try:
            return actuator.advance(current, Advance(phase, what, detail, progress, verdict))
        except Conflict:
            continue
    raise Conflict(f"change {change.id} does not stand still: try again")


def _with(fleet: Fleet, more: int) -> Fleet:
    """The fleet with some more changes begun."""
    return replace(
        fleet,
        open_changes=fleet.open_changes + more,
        planned_last_hour=fleet.planned_last_hour + more,
        planned_last_day=fleet.planned_last_day + more,
    )


def _refuse(why: str | None) -> None:
    if why is not None:
        raise Conflict(why)


def _same(change: Change, planned: PlannedChange) -> bool:
    """Whether a change is this very request, made earlier and perhaps already through."""
    return (
        change.actor.startswith("cli:")
        and change.etag == planned.etag
        and change.before == planned.proposal.before
        and change.target == planned.proposal.target
    )


def _moved(entry: Entry, observed: Observed, planned: PlannedChange) -> str | None:
    """What is no longer as it was when the plan was made."""
    if entry.policy.name != planned.policy:
        return f"it is kept by policy {entry.policy.name} now, not by {planned.policy}"
    if entry.policy.generation != planned.generation:
        return f"policy {planned.policy} has been changed since"
    state = observed.state
    if observed.open_change is not None:
        return None
    if state.size != planned.proposal.before:
        return f"its size was {planned.proposal.before} and is {state.size} now"
    if state.etag != planned.etag:
        return "its live configuration has been changed since (another revision)"
    return None


def _busy(observed: Observed) -> str | None:
    change = observed.open_change
    if change is None:
        return None
    return f"change {change.id} ({course(change)}, {change.phase}) is under way"


def _opens(entry: Entry, decision: Hold, now_s: float) -> str:
    """When the policy's next change window opens, where that is what is waited for."""
    if decision.reason is not Reason.OUTSIDE_CHANGE_WINDOW:
        return ""
    opens_s = windows.next_opening_s(entry.policy.change_windows, now_s)
    return f"; the next one opens at {instant(opens_s)}" if opens_s is not None else ""


def _doubt(entry: Entry, assessment: Assessment, proposal: Proposal) -> str | None:
    """Why the evidence of now speaks against the target, if it does."""
    candidates = {candidate.estimate.size: candidate for candidate in assessment.candidates}
    candidate = candidates.get(proposal.target)
    if candidate is None:
        reason, detail = reason_and_message(assessment)
        known = f"{proposal.target} is no size to choose from"
        return known if candidates else f"it cannot be judged now: {reason}: {detail}"
    if candidate.rejection in _OUT_OF_THE_QUESTION:
        return f"{proposal.target} is out of the question now: {candidate.detail}"
    was_likely = proposal.p_slo >= entry.policy.confidence
    if was_likely and candidate.rejection is Rejection.SLO_UNLIKELY:
        return f"the evidence has moved on: {proposal.target} {candidate.detail}"
    return None
