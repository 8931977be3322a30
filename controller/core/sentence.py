"""The one sentence of a decision: the same in log, journal, metric, `explain` and page."""

from controller.model.change import Change, ChangePhase
from controller.model.decision import Decision, Hold
from controller.model.endpoint import EndpointKey


def decision_sentence(key: EndpointKey, decision: Decision) -> str:
    """`hold: lambda eu-west-1/ocr RightSize: …` or `change: lambda eu-west-1/ocr 3008 -> …`."""
    if isinstance(decision, Hold):
        return f"hold: {key.short} {decision.reason}: {decision.detail}"
    return f"change: {key.short} {decision.proposal.detail}"


def underway(change: Change) -> str:
    """Where an open change is going: `going back to 3008 MB (RollingBack)`."""
    words = {ChangePhase.ROLLING_BACK: "going back to", ChangePhase.PLANNED: "about to go to"}
    towards = change.before if change.phase is ChangePhase.ROLLING_BACK else change.target
    return f"{words.get(change.phase, 'moving to')} {towards} ({change.phase})"


def change_sentence(change: Change, message: str) -> str:
    """`Verifying: lambda eu-west-1/ocr 3008 MB -> 2048 MB: canary with 10% of requests`."""
    arrow = f"{change.before} -> {change.target}"
    return f"{change.phase}: {change.key.short} {arrow}: {message}"
