"""Moves of the journal alone: wait, turn round, close."""

from controller.kinds.lambda_function.view import View
from controller.model.change import Advance, ChangePhase, Step, Verdict, VerdictKind, Wait
from controller.model.reason import Reason

POLL_S = 15.0
"""How soon to look again at an update that AWS is carrying out."""
POLL_MOST_S = 300.0


def back(view: View, reason: Reason, detail: str, verdict: Verdict | None = None) -> Step:
    """Turn round: from now on what is half done is undone."""
    progress = {**view.change.progress, "cause": reason.value}
    judged = verdict or Verdict(VerdictKind.INCONCLUSIVE, reason, detail)
    return Advance(ChangePhase.ROLLING_BACK, "roll back", detail, progress, judged)


def rolled_back(view: View, reason: Reason) -> Step:
    """Close as undone; the verdict that turned it round stands."""
    verdict = view.change.verdict or Verdict(
        VerdictKind.INCONCLUSIVE, reason, "undone before it took effect"
    )
    detail = f"back at {view.change.before}: {verdict.detail}"
    return Advance(ChangePhase.ROLLED_BACK, "rolled back", detail, view.change.progress, verdict)


def fail(view: View, reason: Reason, detail: str) -> Step:
    """Close where nothing is left to do, and neither size can be claimed."""
    verdict = Verdict(VerdictKind.INCONCLUSIVE, reason, detail)
    return Advance(ChangePhase.FAILED, "give up", detail, view.change.progress, verdict)


def poll(view: View, detail: str) -> Wait:
    """Look again soon at what AWS is carrying out, and less often the longer it takes."""
    lasted_s = view.now_s - view.change.updated_at_s
    return wait(view, min(POLL_MOST_S, max(POLL_S, lasted_s / 4.0)), Reason.UPDATING, detail)


def wait(view: View, seconds: float, why: Reason, detail: str) -> Wait:
    """Come back so many seconds later."""
    return Wait(view.now_s + seconds, why, detail)
