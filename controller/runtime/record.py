"""What a tick leaves behind: conditions, the last assessment, metrics, and one plain sentence."""

from collections.abc import Callable, Mapping, Sequence

import structlog

from controller.core.conditions import conditions, current_candidate
from controller.model.change import Change
from controller.model.condition import Condition, ConditionStatus, ConditionType
from controller.model.decision import Assessment, Hold
from controller.model.endpoint import EndpointKey
from controller.model.missing import Maybe, Missing
from controller.model.policy import Policy
from controller.model.reason import Reason
from controller.ports import Store
from controller.runtime.documents import assessment_document
from controller.telemetry.metrics import Telemetry
from controller.telemetry.notify.events import of_change, of_conditions
from controller.telemetry.notify.notifier import Notifier

DOCUMENT_EVERY_S = 3600.0
"""An unchanged decision is written again this often, so that its figures do not grow old.
What they rest on grows by the hour; metrics are up to date with every tick."""

PROGRESS_EVERY_S = 60.0
"""While a change is open, how far its trial has got is of interest."""


class Recorder:
    """Writes what has changed, and says it once."""

    def __init__(
        self,
        store: Store,
        telemetry: Telemetry,
        notifier: Notifier | None = None,
        *,
        leads: Callable[[], bool] = lambda: True,
    ) -> None:
        """`leads`: whether what this process concludes is still to be believed."""
        self._store = store
        self._leads = leads
        self._notifier = notifier
        self._labels: dict[EndpointKey, Mapping[str, str]] = {}
        self._turns: dict[EndpointKey, dict[ConditionType, ConditionStatus]] = {}
        self._telemetry = telemetry
        self._log = structlog.get_logger("rightsizer")
        self._last: dict[EndpointKey, Assessment] = {}
        self._written: dict[EndpointKey, tuple[str, float]] = {}
        self._statuses: dict[EndpointKey, tuple[tuple[str, str, str], ...]] = {}
        self._advised: dict[EndpointKey, frozenset[Reason]] = {}

    def record(self, policy: Policy, assessment: Assessment) -> None:
        """Take up one tick's conclusion.

        One of a process that was stopped in the middle of it, and replaced, is older than what
        its successor has written.
        """
        key = assessment.key
        if not self._leads():
            return
        advised = self._advise(policy, assessment)
        self._last[key] = assessment
        made = conditions(assessment, policy)
        self._telemetry.endpoint_assessed(policy, assessment)
        self._telemetry.conditions_set(key, policy.name, made)
        self._tell_turns(policy, key, made)
        word = _word(assessment)
        written = self._written.get(key)
        fresh = written is None or written[0] != word
        every_s = PROGRESS_EVERY_S if _in_change(assessment) else DOCUMENT_EVERY_S
        old = written is not None and assessment.at_s - written[1] >= every_s
        self._keep_conditions(key, made, again=old)
        if fresh or advised or old:
            self._store.put_assessment(key, assessment.at_s, assessment_document(assessment))
            self._written[key] = (word, assessment.at_s)
        say = self._log.info if fresh else self._log.debug
        if fresh and assessment.state is None:
            say = self._log.warning
        say(
            assessment.sentence,
            endpoint=str(key),
            policy=policy.name,
            reason=word.partition(":")[0],
        )

    def _advise(self, policy: Policy, assessment: Assessment) -> bool:
        """Say advice that is new; whether any has come or gone. What could not be looked at
        takes none back."""
        if assessment.state is None:
            return False
        known = self._advised.get(assessment.key, frozenset())
        for advice in assessment.advice:
            if advice.reason not in known:
                self._log.info(
                    f"advice: {assessment.key.short}: {advice.message}",
                    endpoint=str(assessment.key),
                    policy=policy.name,
                    reason=advice.reason.value,
                )
        reasons = frozenset(advice.reason for advice in assessment.advice)
        self._advised[assessment.key] = reasons
        return known != reasons

    def moved(self, change: Change, message: str) -> None:
        """A change advanced by one journalled step."""
        self._telemetry.change_moved(change)
        self._log.info(
            message,
            endpoint=str(change.key),
            policy=change.policy,
            change=change.id,
            phase=change.phase.value,
        )
        if self._notifier is not None:
            event = of_change(change, message, self._labels.get(change.key, {}))
            if event is not None:
                self._notifier.tell(event)

    def last(self, key: EndpointKey) -> Assessment | None:
        """The newest assessment of an endpoint in this process."""
        return self._last.get(key)

    def forget(self, key: EndpointKey, *, journalled: bool = True) -> None:
        """An endpoint that no policy claims any more leaves no series and no conditions.

        Not `journalled`: only this process has no more to do with it.
        """
        self._advised.pop(key, None)
        for table in (self._last, self._written, self._statuses, self._labels, self._turns):
            table.pop(key, None)
        self._telemetry.forget(key)
        if journalled:
            self._store.forget_endpoint(key)

    def fleet_usd_per_month(self, keys: Sequence[EndpointKey]) -> Maybe[float]:
        """What all endpoints together cost a month, as far as every one of them is known."""
        total = 0.0
        for key in keys:
            assessment = self._last.get(key)
            current = None if assessment is None else current_candidate(assessment)
            usd = None if current is None else current.estimate.usd_per_month
            if usd is None or isinstance(usd, Missing):
                return Missing(f"the cost of {key.short} is not known")
            total += usd.mid
        return total

    def _tell_turns(self, policy: Policy, key: EndpointKey, made: tuple[Condition, ...]) -> None:
        """Tell of conditions that turned since they were last known, restarts included."""
        if self._notifier is None:
            return
        self._labels[key] = policy.labels
        known = self._turns.get(key)
        if known is None:
            stored = self._store.conditions(key).get(key, ())
            known = self._turns[key] = {c.type: c.status for c in stored}
        for event in of_conditions(key, policy, known, {c.type: c for c in made}):
            self._notifier.tell(event)
        # what is unknown for a while has not turned
        known |= {c.type: c.status for c in made if c.status is not ConditionStatus.UNKNOWN}

    def _keep_conditions(
        self, key: EndpointKey, made: tuple[Condition, ...], *, again: bool
    ) -> None:
        """Write what turned; `again`, whatever stands there: it may be another replica's."""
        statuses = tuple((c.type.value, c.status.value, c.reason.value) for c in made)
        if again or self._statuses.get(key) != statuses:
            self._store.put_conditions(key, made)
            self._statuses[key] = statuses


def _in_change(assessment: Assessment) -> bool:
    decision = assessment.decision
    return isinstance(decision, Hold) and decision.reason is Reason.CHANGE_IN_PROGRESS


def _word(assessment: Assessment) -> str:
    decision, state = assessment.decision, assessment.state
    if isinstance(decision, Hold):
        return decision.reason.value if state is None else f"{decision.reason.value}:{state.size}"
    return f"{decision.proposal.reason.value}:{decision.proposal.target}"
