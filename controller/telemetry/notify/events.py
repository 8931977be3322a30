"""What is worth telling, from changes that moved on and conditions that turned."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from controller.model.change import Change, ChangePhase
from controller.model.condition import Condition, ConditionStatus, ConditionType
from controller.model.endpoint import EndpointKey
from controller.model.policy import Policy
from controller.model.reason import Reason


class Severity(StrEnum):
    """How much it matters, least first."""

    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"

    @property
    def rank(self) -> int:
        """For comparison."""
        return list(Severity).index(self)


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened, in words for a person."""

    type: str
    """CamelCase, e.g. `SloBreached`, `ChangeRolledBack`: what channels select by."""
    severity: Severity
    topic: str
    """What may be so or otherwise: events of one topic and subject take turns."""
    subject: str
    """What it is about."""
    text: str
    """One sentence."""
    at_s: float
    policy: str
    reason: str
    key: EndpointKey | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    """The policy's."""


_CHANGES: Mapping[ChangePhase, tuple[str, Severity]] = {
    ChangePhase.VERIFIED: ("ChangeVerified", Severity.INFO),
    ChangePhase.UNVERIFIED: ("ChangeUnverified", Severity.INFO),
    ChangePhase.ROLLED_BACK: ("ChangeRolledBack", Severity.WARNING),
    ChangePhase.FAILED: ("ChangeFailed", Severity.WARNING),
}
_TURNS: Mapping[ConditionType, tuple[ConditionStatus, str, str, Severity]] = {
    ConditionType.SLO_MET: (
        ConditionStatus.FALSE, "SloBreached", "SloRestored", Severity.CRITICAL,
    ),
    ConditionType.DEGRADED: (
        ConditionStatus.TRUE, "EndpointDegraded", "EndpointRecovered", Severity.WARNING,
    ),
    ConditionType.DRIFTED: (
        ConditionStatus.TRUE, "DriftDetected", "DriftResolved", Severity.WARNING,
    ),
    ConditionType.WITHIN_BUDGET: (
        ConditionStatus.FALSE, "BudgetExceeded", "BudgetRestored", Severity.WARNING,
    ),
    ConditionType.DATA_FRESH: (
        ConditionStatus.FALSE, "DataStale", "DataFresh", Severity.WARNING,
    ),
}  # fmt: skip
"""(status that is bad, event when it turns bad, event when it turns good, severity of bad)."""
TYPES = (
    *(name for name, _ in _CHANGES.values()),
    *(name for _, bad, good, _ in _TURNS.values() for name in (bad, good)),
)
"""All types of events."""


def of_change(change: Change, sentence: str, labels: Mapping[str, str]) -> Event | None:
    """A change that has ended; None while it goes on, and of a mirrored probe, which is none."""
    known = _CHANGES.get(change.phase)
    if known is None or change.reason is Reason.PROBING:
        return None
    reason = change.reason if change.verdict is None else change.verdict.reason
    return Event(
        type=known[0],
        severity=known[1],
        topic="change",
        subject=f"change {change.id} of {change.key}",
        text=sentence,
        at_s=change.updated_at_s,
        policy=change.policy,
        reason=reason.value,
        key=change.key,
        labels=labels,
    )


def of_conditions(
    key: EndpointKey,
    policy: Policy,
    before: Mapping[ConditionType, ConditionStatus],
    after: Mapping[ConditionType, Condition],
) -> Iterator[Event]:
    """Conditions that turned bad, or good again. Unknown is neither: it is waited out."""
    for kind, (bad, worse, better, severity) in _TURNS.items():
        was, now = before.get(kind), after.get(kind)
        if now is None or now.status is ConditionStatus.UNKNOWN or now.status == was:
            continue
        is_bad = now.status is bad
        if not is_bad and was is not bad:
            continue
        yield Event(
            type=worse if is_bad else better,
            severity=severity if is_bad else Severity.INFO,
            topic=kind.value,
            subject=str(key),
            text=f"{key.short}: {now.message}",
            at_s=now.last_transition_s,
            policy=policy.name,
            reason=now.reason.value,
            key=key,
            labels=policy.labels,
        )
