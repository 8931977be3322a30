"""How a change of a real-time endpoint ends once its target serves: by the verdict, or by time."""

from controller.core.contract import SETTLE_S
from controller.core.history import is_decrease
from controller.kinds.realtime_endpoint.moves import JUDGE_S, back, clean_up, wait
from controller.kinds.realtime_endpoint.view import View
from controller.model.change import Advance, ChangePhase, Step, Verdict, VerdictKind
from controller.model.reason import Reason
from controller.model.size import at_least

LEFT_FOR_CAUSE = {
    Reason.SLO_BREACHED,
    Reason.MEMORY_FLOOR,
    Reason.OUTSIDE_BOUNDS,
    Reason.REQUESTED,
}
"""More for one of these left a size that was known to be wrong, or was asked for."""


def judge(view: View) -> Step:
    """Closed, undone, or looked at again later."""
    verdict = view.verdict
    if verdict.kind is VerdictKind.FAIL and harmless(view):
        return _kept(view)
    if verdict.kind is VerdictKind.FAIL:
        return back(view, verdict.reason, verdict.detail, verdict)
    if verdict.kind is VerdictKind.PASS:
        return _closed(view, ChangePhase.VERIFIED, verdict)
    since_s = float(view.change.progress["arrived_s"])
    if view.now_s - since_s >= view.rollout.max_bake_s + SETTLE_S:
        return _unmeasured(view)
    return wait(view, JUDGE_S, Reason.BAKING, verdict.detail)


def _unmeasured(view: View) -> Step:
    """Time is up, and the traffic was too thin for a verdict: less, and another type, is undone;
    more is kept where what it left is known to be bad, but never called verified."""
    change, verdict = view.change, view.verdict
    if harmless(view):
        return _kept(view)
    if is_decrease(change) or change.reason not in LEFT_FOR_CAUSE:
        return back(view, Reason.TOO_FEW_SAMPLES, verdict.detail, verdict)
    detail = f"kept without proof, for {change.before} was left as {change.reason}: "
    judged = Verdict(VerdictKind.INCONCLUSIVE, Reason.UNVERIFIED, detail + verdict.detail)
    return _closed(view, ChangePhase.UNVERIFIED, judged)


def harmless(view: View) -> bool:
    """Whether the change only gave more of the same instances: that makes no request slower,
    and to take it back in a breach would."""
    return not view.retyped and at_least(view.target, view.before)


def _kept(view: View) -> Step:
    detail = "kept, for more of the same instances make nothing slower: "
    judged = Verdict(VerdictKind.INCONCLUSIVE, Reason.UNVERIFIED, detail + view.verdict.detail)
    return _closed(view, ChangePhase.UNVERIFIED, judged)


def _closed(view: View, phase: ChangePhase, verdict: Verdict) -> Step:
    """The config before this one is kept for the way back; the one before that is not."""
    spare = [view.told("source")] if view.retyped else []
    end = Advance(phase, "verdict", verdict.detail, view.change.progress, verdict)
    return clean_up(view, spare) or end
