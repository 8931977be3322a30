"""A trial, judged: the canary beside the version of before, then all the requests.

A verdict of the canary goes on record before it is acted on, for it may be the only one that
thin traffic ever gives (docs/designs/0004-thin-traffic.md).
"""

from controller.core.contract import SETTLE_S
from controller.core.history import is_decrease
from controller.kinds.lambda_function.moves import back, wait
from controller.kinds.lambda_function.view import View
from controller.model.change import Advance, ChangePhase, PointAlias, Step, Verdict, VerdictKind
from controller.model.reason import Reason

JUDGE_S = 60.0
"""How soon to look again at a trial."""
PASSED, NOT_WORSE = "canary_passed", "canary_not_worse"
"""Under which a change remembers why its candidate got all requests."""
_LEFT_FOR_CAUSE = {
    Reason.SLO_BREACHED,
    Reason.MEMORY_FLOOR,
    Reason.OUTSIDE_BOUNDS,
    Reason.REQUESTED,
}
"""A climb for one of these left a size that was known to be wrong, or was asked for."""


def judge_canary(view: View, published: str) -> Step:
    """The next step while the candidate serves beside the version of before."""
    change, alias = view.change, view.live.alias
    if view.may_go_on is not None:
        return back(view, view.may_go_on, "stopped during the canary")
    if "canary_since_s" not in change.progress or alias is None:
        share = max(alias.weights.values()) if alias is not None else 0.0
        return _verifying(view, "canary_since_s", f"canary with {share:.0%} of requests")
    if view.verdict.kind is VerdictKind.FAIL:
        return back(view, view.verdict.reason, view.verdict.detail, view.verdict)
    if PASSED in change.progress or NOT_WORSE in change.progress:
        return PointAlias(alias.name, published, {}, alias.revision_id)
    if view.verdict.kind is VerdictKind.PASS:
        return _promoted(view, PASSED)
    if view.verdict.reason is Reason.NOT_WORSE and not is_decrease(change):
        return _promoted(view, NOT_WORSE)
    if _time_is_up(view, "canary_since_s"):
        return back(view, Reason.TOO_FEW_SAMPLES, view.verdict.detail, view.verdict)
    return wait(view, JUDGE_S, Reason.BAKING, view.verdict.detail)


def _promoted(view: View, how: str) -> Step:
    """Say why all requests go to the candidate, before they do: what is passed is on record."""
    verdict = view.verdict
    progress = {**view.change.progress, how: verdict.detail}
    message = f"canary: {verdict.detail}"
    return Advance(ChangePhase.VERIFYING, "promote", message, progress, verdict)


def judge_full(view: View) -> Step:
    """The next step while all requests use the target."""
    change, verdict = view.change, view.verdict
    if "full_since_s" not in change.progress:
        return _verifying(view, "full_since_s", "all requests use the new memory")
    if verdict.kind is VerdictKind.FAIL:
        return back(view, verdict.reason, verdict.detail, verdict)
    if verdict.kind is VerdictKind.PASS:
        return _closed(view, ChangePhase.VERIFIED, verdict)
    if _time_is_up(view, "full_since_s"):
        return _unmeasured(view)
    return wait(view, JUDGE_S, Reason.BAKING, verdict.detail)


def _unmeasured(view: View) -> Step:
    """Time is up, and all the traffic together was too thin for a verdict of its own.

    A canary that passed was measured, and that verdict stands. Without one, less is undone;
    more is kept where what it left is known to be bad, but never called verified.
    """
    change, verdict = view.change, view.verdict
    passed = change.progress.get(PASSED)
    if passed is not None:
        detail = f"the canary passed ({passed}); since then {verdict.detail}"
        judged = Verdict(VerdictKind.PASS, Reason.VERIFIED, detail)
        return _closed(view, ChangePhase.VERIFIED, judged)
    if is_decrease(change) or change.reason not in _LEFT_FOR_CAUSE:
        return back(view, Reason.TOO_FEW_SAMPLES, verdict.detail, verdict)
    cause = f"{change.before} was left as {change.reason}"
    detail = f"kept without proof, for {cause}: {verdict.detail}"
    judged = Verdict(VerdictKind.INCONCLUSIVE, Reason.UNVERIFIED, detail)
    return _closed(view, ChangePhase.UNVERIFIED, judged)


def _closed(view: View, phase: ChangePhase, verdict: Verdict) -> Step:
    return Advance(phase, "verdict", verdict.detail, view.change.progress, verdict)


def _verifying(view: View, key: str, message: str) -> Step:
    progress = {**view.change.progress, key: repr(view.now_s)}
    return Advance(ChangePhase.VERIFYING, "verify", message, progress)


def _time_is_up(view: View, key: str) -> bool:
    since_s = float(view.change.progress[key])
    return view.now_s - since_s >= view.rollout.max_bake_s + SETTLE_S
