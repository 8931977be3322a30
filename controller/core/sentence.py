"""The one sentence of a decision: the same in log, journal, metric, `explain` and page."""

from dataclasses import replace

from controller.model.change import Change, ChangePhase
from controller.model.decision import Assessment, Decision, Hold
from controller.model.endpoint import EndpointKey
from controller.model.reason import Reason


def apart(value: float, limit: float, digits: int = 2) -> str:
    """A number with as many digits as it takes to read as another than its limit: a probability
    of 0.9497 that is below 0.95 is not told as `0.95, below 0.95`."""
    for more in range(digits, 6):
        text = f"{value:.{more}f}"
        if text != f"{limit:.{more}f}":
            return text
    return f"{value:.6f}"


def counted(count: int, one: str, many: str = "") -> str:
    """`1 change`, `2 changes`, `3 policies`."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def decision_sentence(key: EndpointKey, decision: Decision) -> str:
    """`hold: lambda eu-west-1/ocr RightSize: …` or `change: lambda eu-west-1/ocr 3008 -> …`."""
    if isinstance(decision, Hold):
        return f"hold: {key.short} {decision.reason}: {decision.detail}"
    return f"change: {key.short} {decision.proposal.detail}"


def with_progress(assessment: Assessment, told: str) -> Assessment:
    """The assessment of an open change, with what its next step waits for."""
    decision = assessment.decision
    if not isinstance(decision, Hold) or decision.reason is not Reason.CHANGE_IN_PROGRESS:
        return assessment
    further = replace(decision, detail=f"{decision.detail}: {told}")
    sentence = decision_sentence(assessment.key, further)
    return replace(assessment, decision=further, sentence=sentence)


def underway(change: Change) -> str:
    """Where an open change is going: `going back to 3008 MB (RollingBack)`."""
    if change.reason is Reason.PROBING:
        return f"{change.detail} ({change.phase})"
    words = {ChangePhase.ROLLING_BACK: "going back to", ChangePhase.PLANNED: "about to go to"}
    towards = change.before if change.phase is ChangePhase.ROLLING_BACK else change.target
    return f"{words.get(change.phase, 'moving to')} {towards} ({change.phase})"


def change_sentence(change: Change, message: str) -> str:
    """`Verifying: lambda eu-west-1/ocr 3008 MB -> 2048 MB: canary with 10% of requests`."""
    return f"{change.phase}: {change.key.short} {course(change)}: {message}"


def course(change: Change) -> str:
    """Where a change goes: `3008 MB -> 2048 MB`; of a mirrored probe, which goes nowhere, what
    it measures."""
    if change.reason is Reason.PROBING:
        return change.detail
    return f"{change.before} -> {change.target}"
