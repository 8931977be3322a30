"""How a change of a serverless endpoint is carried out: the next step, from what AWS shows now.

A concurrency limit moves in place, and is proven by the live value; so does the number of
environments kept warm, which is judged by the requests that follow. Another memory, and the
first environment kept warm or none any more, need a new config, copied forward in every other
field, and a deployment; then all requests use it, for serverless endpoints have no canary.
Status words prove nothing: a deployment that failed ends InService, under the old config's
name, with a FailureReason.

Every answer is derived from the live state and the journalled change, never from what an
earlier tick meant to do, so a kill between any two steps converges. AWS cannot be told to
stop a deployment: what is on its way is waited for, and undone afterwards. What somebody else
deploys meanwhile stands.
"""

from collections.abc import Mapping

from controller.core.contract import SETTLE_S, Stage
from controller.core.history import is_decrease
from controller.core.refusals import given_up, too_late
from controller.kinds.serverless_endpoint.moves import (
    back,
    busy,
    clean_up,
    config_name,
    deploy,
    fail,
    foreign,
    gave_up,
    modified,
    wait,
)
from controller.kinds.serverless_endpoint.rollback import roll_back
from controller.kinds.serverless_endpoint.view import View
from controller.model.change import (
    Advance,
    Change,
    ChangePhase,
    Step,
    Verdict,
    VerdictKind,
    Wait,
)
from controller.model.endpoint import EndpointState
from controller.model.reason import Reason
from controller.model.sagemaker_steps import CreateConfig, SetConcurrency

JUDGE_S = 60.0
"""How soon to look again at a trial."""
_LEFT_FOR_CAUSE = {
    Reason.SLO_BREACHED,
    Reason.MEMORY_FLOOR,
    Reason.OUTSIDE_BOUNDS,
    Reason.REQUESTED,
    Reason.DEMAND_CHANGED,
}
"""More for one of these left a size that was known to be wrong, or was asked for; what is kept
warm for nobody is less, and nobody is there to prove it."""


def begin(state: EndpointState) -> Mapping[str, str]:
    """What a new change must remember of the state that was decided on."""
    config = state.serverless.endpoint.config
    return {
        "config": config.name,
        "fingerprint": config.fingerprint,
        "source": config.source or "",
    }


def watching_since_s(change: Change) -> float | None:
    """When the target began to serve all requests, settling time included; None before."""
    text = change.progress.get("full_since_s")
    return None if text is None else float(text) + SETTLE_S


def next_step(stage: Stage) -> Step:
    """The one thing to do now. Total: every combination of journal and live state has one."""
    view = View(stage)
    if view.change.phase is ChangePhase.PLANNED:
        return _start(view)
    if view.change.phase is ChangePhase.ROLLING_BACK:
        return roll_back(view)
    step = _in_place(view) if view.in_place else _redeployed(view)
    forward = view.change.phase is ChangePhase.APPLYING and not isinstance(step, Advance | Wait)
    why = given_up(view.change, view.now_s) if forward else None
    return step if why is None else back(view, Reason.UPDATE_FAILED, why)


def _start(view: View) -> Step:
    if view.may_go_on is not None:
        return fail(view, view.may_go_on, "not started")
    if too_late(view.change, view.now_s):
        return fail(view, Reason.UPDATE_FAILED, "not started within an hour of the decision")
    if view.broken:
        return fail(view, Reason.ENDPOINT_FAILED, f"the endpoint is {view.endpoint.status}")
    if view.busy:
        return busy(view)
    config = view.endpoint.config
    same = (config.name, config.fingerprint) == (view.told("config"), view.told("fingerprint"))
    if view.size != view.before or not same:
        return fail(view, Reason.FOREIGN_CHANGE, "the endpoint changed since the decision")
    name = config_name(view.stage.state.key.name, config.name, config.fingerprint, view.target)
    progress = {
        **view.change.progress,
        "config_target": "" if view.in_place else name,
        "modified_before": repr(view.endpoint.modified_at_s),
    }
    return Advance(ChangePhase.APPLYING, "start", "applying", progress)


# --- another limit, in place


def _in_place(view: View) -> Step:
    if view.broken:
        return gave_up(view)
    if view.busy:
        return busy(view)
    if view.config != view.told("config"):
        return back(view, foreign(view), f"somebody deployed {view.config}")
    if view.size == view.target and view.judged:
        return _judged(view)
    if view.size == view.target:
        detail = f"AWS serves with {view.target}: the live limit proves it"
        verdict = Verdict(VerdictKind.PASS, Reason.VERIFIED, detail)
        return _closed(view, ChangePhase.VERIFIED, verdict)
    if view.size != view.before or "full_since_s" in view.change.progress:
        return back(view, Reason.FOREIGN_CHANGE, f"somebody set {view.size}")
    if modified(view) and view.endpoint.failure_reason is not None:
        return back(view, Reason.UPDATE_FAILED, f"AWS: {view.endpoint.failure_reason}")
    if view.may_go_on is not None:
        return back(view, view.may_go_on, "stopped before the limit was moved")
    warm = view.target.provisioned_concurrency
    kept = warm == view.before.provisioned_concurrency
    return SetConcurrency(
        view.endpoint.variant, view.target.max_concurrency, None if kept else warm
    )


# --- another memory, or something kept warm, through a config of its own


def _redeployed(view: View) -> Step:
    if view.broken:
        return gave_up(view)
    if view.busy:
        return busy(view)
    if view.config == view.told("config_target"):
        return _judged(view)
    if view.config != view.told("config"):
        return back(view, foreign(view), f"somebody deployed {view.config}")
    if view.told("deploying") and modified(view):
        reason = view.endpoint.failure_reason
        if reason is not None:
            return back(view, Reason.UPDATE_FAILED, f"AWS: {reason}")
        return back(view, Reason.FOREIGN_CHANGE, "somebody else updated the endpoint")
    if "full_since_s" in view.change.progress or view.size != view.before:
        return back(view, Reason.FOREIGN_CHANGE, f"somebody put {view.size} in its place")
    if view.endpoint.config.fingerprint != view.told("fingerprint"):
        return back(view, Reason.UNRELEASED_CODE, "another model was released in between")
    if view.may_go_on is not None:
        return back(view, view.may_go_on, "stopped before it was deployed")
    if view.told("created_config") != view.told("config_target"):
        return _create(view)
    return deploy(view, view.told("config_target"))


def _create(view: View) -> CreateConfig:
    target = view.target
    return CreateConfig(
        name=view.told("config_target"),
        source=view.told("config"),
        variant=view.endpoint.variant,
        memory_mb=target.memory_mb,
        max_concurrency=target.max_concurrency,
        provisioned_concurrency=target.provisioned_concurrency,
    )


def _judged(view: View) -> Step:
    change, verdict = view.change, view.verdict
    if "full_since_s" not in change.progress:
        progress = {**change.progress, "full_since_s": repr(view.now_s)}
        message = f"all requests use {view.target}"
        return Advance(ChangePhase.VERIFYING, "verify", message, progress)
    if verdict.kind is VerdictKind.FAIL:
        return back(view, verdict.reason, verdict.detail, verdict)
    if verdict.kind is VerdictKind.PASS:
        # The config before this one is kept for the way back; the one before that is not.
        unused = None if view.in_place else clean_up(view, view.told("source"))
        return unused or _closed(view, ChangePhase.VERIFIED, verdict)
    since_s = float(change.progress["full_since_s"])
    if view.now_s - since_s >= view.rollout.max_bake_s + SETTLE_S:
        return _unmeasured(view)
    return wait(view, JUDGE_S, Reason.BAKING, verdict.detail)


def _unmeasured(view: View) -> Step:
    """Time is up, and the traffic was too thin for a verdict: less is undone; more is kept
    where what it left is known to be bad, but never called verified."""
    change, verdict = view.change, view.verdict
    less = is_decrease(change) and change.reason is not Reason.DEMAND_CHANGED
    if less or change.reason not in _LEFT_FOR_CAUSE:
        return back(view, Reason.TOO_FEW_SAMPLES, verdict.detail, verdict)
    detail = f"kept without proof, for {change.before} was left as {change.reason}: "
    judged = Verdict(VerdictKind.INCONCLUSIVE, Reason.UNVERIFIED, detail + verdict.detail)
    return _closed(view, ChangePhase.UNVERIFIED, judged)


def _closed(view: View, phase: ChangePhase, verdict: Verdict) -> Step:
    return Advance(phase, "verdict", verdict.detail, view.change.progress, verdict)
