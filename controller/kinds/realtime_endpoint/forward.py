"""A type change up to the moment at which the new fleet serves.

What can fail without harm comes first: the config (AWS may refuse the type for an unrelated
field) and the alarms. Then the variant is taken out of autoscaling, and at once deployed.
"""

from controller.core.refusals import FOR_GOOD, WORDS
from controller.core.sentence import counted
from controller.kinds.realtime_endpoint import deployment, snapshot
from controller.kinds.realtime_endpoint.moves import (
    POLL_S,
    announce,
    announced,
    back,
    may_have_changed,
    refusal,
    remember,
    tries,
    wait,
)
from controller.kinds.realtime_endpoint.view import View
from controller.model.change import Step, Verdict, VerdictKind
from controller.model.reason import Reason
from controller.model.sagemaker_steps import CreateConfig, DeployConfig, DeregisterTarget, Shift

MOST_TRIES = 3
"""Deployments that AWS may refuse before the change is given up: meanwhile nothing scales."""
PAUSE_S = 60.0


def until_deployed(view: View) -> Step:
    """The next step while the old config is live and the endpoint is at rest."""
    over = ended(view)
    if over is not None:
        return over
    if view.may_go_on is not None:
        return back(view, view.may_go_on, "stopped before it was deployed")
    return _make_config(view) or _guard(view) or _detach(view) or _deploy(view)


def ended(view: View) -> Step | None:
    """A deployment that AWS accepted, and that is not there: it failed, or was undone."""
    reason = view.live.endpoint.failure_reason
    asked_s = view.told("try_since_s")
    failed = bool(asked_s) and view.live.endpoint.modified_at_s > float(asked_s)
    if reason is not None and failed:
        return _failed(view, reason)
    if "full_since_s" in view.change.progress:
        return back(view, Reason.FOREIGN_CHANGE, "somebody deployed the old config again")
    if not view.told("accepted"):
        return None
    if may_have_changed(view):
        return wait(view, POLL_S, Reason.UPDATING, "the deployment does not show yet")
    return back(view, Reason.UPDATE_FAILED, "AWS went back to the old config")


def _failed(view: View, reason: str) -> Step:
    """AWS went back by itself: for our alarms, which speak of the size, or for its own."""
    if any(name in reason for name in view.told("alarms").split()):
        verdict = Verdict(VerdictKind.FAIL, Reason.MADE_WORSE, f"AWS: {reason}")
        return back(view, verdict.reason, verdict.detail, verdict)
    return back(view, Reason.UPDATE_FAILED, f"AWS: {reason}")


def _make_config(view: View) -> Step | None:
    name = view.told("config_target")
    if view.told(f"made:{name}"):
        return None
    return CreateConfig(
        name=name,
        source=view.told("config"),
        variant=view.variant,
        instance_type=view.target.instance_type,
        instance_count=int(view.told("count")),
    )


def _guard(view: View) -> Step | None:
    slo = view.stage.slo
    for name in view.told("alarms").split():
        if slo is not None and not view.told(f"alarm:{name}"):
            config = view.told("config_target")
            return deployment.alarm(name, config, view.variant, view.change, slo)
    return None


def _detach(view: View) -> Step | None:
    """Out of autoscaling; what is live at this moment is what will be put back."""
    seen = view.live.autoscaling
    if seen.target is None:
        return None
    if view.removed:
        kept = snapshot.with_seen(view.kept, seen)
    else:
        kept = snapshot.with_tags(seen, view.kept)
    if kept != view.kept or not view.removed:
        news = {"kept": snapshot.to_text(kept), "detached": "1", "bounds": ""}
        return remember(view, "keep", _words(view, len(kept.policies), len(kept.actions)), news)
    return DeregisterTarget(view.variant)


def _words(view: View, policies: int, actions: int) -> str:
    return (
        f"kept {counted(policies, 'scaling policy', 'scaling policies')} and "
        f"{counted(actions, 'scheduled action')} of {view.variant}, to be put back"
    )


def _deploy(view: View) -> Step:
    name = view.told("config_target")
    if not announced(view, name):
        if view.told(FOR_GOOD):
            return back(view, Reason.UPDATE_FAILED, f"AWS refused it: {view.told(WORDS)}")
        if tries(view, name) >= MOST_TRIES:
            detail = f"AWS did not accept it in {MOST_TRIES} attempts: {refusal(view)}"
            return back(view, Reason.UPDATE_FAILED, detail)
        return announce(view, name, PAUSE_S)
    count = int(view.told("count"))
    alarms = tuple(view.told("alarms").split())
    guard = deployment.shift(view.rollout, view.target.instance_type, count, alarms)
    before, now = int(view.told("count_before")), view.live.desired_instances
    keep = deployment.keeps_count(count, before, now)
    return DeployConfig(name, keep, guard if alarms else Shift())
