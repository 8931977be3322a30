"""How a change of a real-time endpoint is carried out: the next step, from what AWS shows now.

Bounds, target and schedule move in place, one call a tick. Another instance type needs a new
config and a deployment, which AWS refuses while the variant is registered for autoscaling;
deregistering deletes the user's policies and actions. So: what is there is journalled first,
config and alarms are made, the variant is taken out of autoscaling at the last moment, and
everything is put back as soon as the new fleet serves, before anything is judged.

Every answer is derived from the live state and the journalled change, never from what an
earlier tick meant to do. `InService` proves nothing: a deployment that failed leaves the old
config's name behind, and that name is what counts.
"""

from collections.abc import Mapping
from dataclasses import replace

from controller.core.contract import SETTLE_S, Stage
from controller.core.refusals import given_up, too_late
from controller.kinds.realtime_endpoint import deployment, forward, mirror, snapshot
from controller.kinds.realtime_endpoint.arrival import arriving
from controller.kinds.realtime_endpoint.judging import LEFT_FOR_CAUSE, judge
from controller.kinds.realtime_endpoint.moves import (
    back,
    busy,
    clean_up,
    fail,
    remember,
)
from controller.kinds.realtime_endpoint.names import config_name
from controller.kinds.realtime_endpoint.rollback import roll_back
from controller.kinds.realtime_endpoint.view import View
from controller.model.change import (
    Advance,
    Change,
    ChangePhase,
    Step,
    VerdictKind,
    Wait,
)
from controller.model.endpoint import EndpointState
from controller.model.reason import Reason
from controller.model.sagemaker_steps import SetInstanceCount


def begin(state: EndpointState) -> Mapping[str, str]:
    """What a new change must remember of the state that was decided on."""
    config = state.realtime.endpoint.config
    return {"config": config.name, "fingerprint": config.fingerprint}


def watching_since_s(change: Change) -> float | None:
    """Since when requests tell of the target, settling time included; None before.

    Another type may fail in a way that no number of instances mends: it is watched as soon as
    it serves, but for a climb, whose backlog is not its own.
    """
    if mirror.is_mirrored(change):
        return mirror.watching_since_s(change)
    told = change.progress
    retyped = "config_target" in told and change.reason not in LEFT_FOR_CAUSE
    text = told.get("arrived_s", told.get("full_since_s") if retyped else None)
    return None if text is None else float(text) + SETTLE_S


def next_step(stage: Stage) -> Step:
    """The one thing to do now. Total: every combination of journal and live state has one."""
    view = View(stage)
    if mirror.is_mirrored(view.change):
        return mirror.next_step(view)
    if view.change.phase is ChangePhase.PLANNED:
        return _start(view)
    if view.change.phase is ChangePhase.ROLLING_BACK:
        return roll_back(view)
    step = _retype(view) if view.retyped else _in_place(view)
    forward = view.change.phase is ChangePhase.APPLYING and not isinstance(step, Advance | Wait)
    why = given_up(view.change, view.now_s) if forward else None
    return step if why is None else back(view, Reason.UPDATE_FAILED, why)


# --- the start


def _start(view: View) -> Step:
    if view.may_go_on is not None:
        return fail(view, view.may_go_on, "not started")
    if too_late(view.change, view.now_s):
        return fail(view, Reason.UPDATE_FAILED, "not started within an hour of the decision")
    if view.broken:
        return fail(view, Reason.ENDPOINT_FAILED, f"the endpoint is {view.live.endpoint.status}")
    if view.busy:
        return busy(view)
    config = view.live.endpoint.config
    if view.stage.state.size != view.before or config.fingerprint != view.told("fingerprint"):
        return fail(view, Reason.FOREIGN_CHANGE, "the endpoint changed since the decision")
    progress = {
        **view.change.progress,
        "config": config.name,
        "source": config.source or "",
        "kept": snapshot.to_text(view.live.autoscaling),
        "count_before": str(view.live.desired_instances),
        "count_of_config": str(config.initial_instance_count),
    }
    started = View(_with_progress(view.stage, progress))
    forbidden = _forbidden(started)
    if forbidden is not None:
        return fail(view, *forbidden)
    if view.retyped:
        progress |= _new_fleet(view)
    return Advance(ChangePhase.APPLYING, "start", "applying", progress)


def _with_progress(stage: Stage, progress: Mapping[str, str]) -> Stage:
    return replace(stage, change=replace(stage.change, progress=progress))


def _forbidden(view: View) -> tuple[Reason, str] | None:
    """What would take something from the user that could not be given back."""
    scaled = view.goal.target is not None
    if scaled and view.target.instance_type.startswith("ml.t2."):
        detail = f"{view.target.instance_type} cannot be autoscaled: not started"
        return Reason.FOREIGN_AUTOSCALING, detail
    stepped = [one.name for one in view.kept.policies if one.kind == "StepScaling"]
    if view.retyped and stepped:
        detail = (
            f"alarms point to step policy {stepped[0]} by an ARN that another instance type "
            "would change: not started"
        )
        return Reason.FOREIGN_AUTOSCALING, detail
    lost = snapshot.unread(view.live.autoscaling) if view.retyped else None
    if lost is not None:
        return Reason.ACCESS_DENIED, f"{lost}: not started"
    return None


def _new_fleet(view: View) -> dict[str, str]:
    count = deployment.new_count(
        view.before,
        view.target,
        view.live.desired_instances,
        breaching=view.change.reason is Reason.SLO_BREACHED,
    )
    key = view.stage.state.key
    source = (view.config, view.told("fingerprint"))
    name = config_name(key.name, source, view.target.instance_type, count)
    guarded = (
        view.stage.slo is not None
        and deployment.shift(view.rollout, view.target.instance_type, count, ()).canary_percent
    )
    alarms = deployment.alarm_names(name) if guarded else ()
    return {"config_target": name, "count": str(count), "alarms": " ".join(alarms)}


# --- another instance type


def _retype(view: View) -> Step:
    if view.broken:
        detail = view.live.endpoint.failure_reason or view.live.endpoint.status
        return back(view, Reason.UPDATE_FAILED, f"AWS: {detail}")
    if view.busy:
        pending = view.live.endpoint.pending_config
        if pending == view.told("config_target") != view.told("accepted"):
            return remember(view, "deploying", "AWS is deploying", {"accepted": pending})
        return busy(view)
    if view.config == view.told("config_target"):
        return _serving(view)
    if view.config != view.told("config"):
        return back(view, Reason.FOREIGN_CHANGE, f"somebody deployed {view.config}")
    return forward.until_deployed(view)


def _serving(view: View) -> Step:
    """The new fleet serves: its autoscaling first, then the verdict."""
    if "full_since_s" not in view.change.progress:
        return _verifying(view, f"all requests use {view.target.instance_type}")
    if view.verdict.kind is VerdictKind.FAIL:
        return back(view, view.verdict.reason, view.verdict.detail, view.verdict)
    if not view.told("restored"):
        step = view.way(back=False).next_step(view.live.autoscaling)
        done = {"restored": repr(view.now_s), "detached": ""}
        return step or remember(view, "restored", "autoscaling is back in place", done)
    return clean_up(view, view.told("alarms").split()) or arriving(view) or judge(view)


# --- in place


def _in_place(view: View) -> Step:
    if view.broken:
        return back(view, Reason.ENDPOINT_FAILED, f"the endpoint is {view.live.endpoint.status}")
    if view.config != view.told("config"):
        return back(view, Reason.FOREIGN_CHANGE, f"somebody deployed {view.config}")
    foreign = view.way(back=False).foreign(view.live.autoscaling)
    if foreign is not None:
        return back(view, Reason.FOREIGN_CHANGE, foreign)
    if "full_since_s" in view.change.progress:
        return _judge_in_place(view)
    if view.may_go_on is not None:
        return back(view, view.may_go_on, "stopped half way")
    step = view.way(back=False).next_step(view.live.autoscaling)
    if step is not None:
        return step
    return _count(view) or _verifying(view, f"the size is {view.target}")


def _count(view: View) -> Step | None:
    """A number of instances that nobody scales; None where it is the one wanted."""
    if view.goal.target is not None or view.live.autoscaling.target is not None:
        return None
    count, now = view.target.min_instances, view.live.desired_instances
    if now == count:
        return busy(view) if view.busy else None
    if view.busy:
        return busy(view)
    if now != int(view.told("count_before")):
        return back(view, Reason.FOREIGN_CHANGE, f"somebody set {now} instances")
    if view.told("counted") == str(count):
        detail = view.live.endpoint.failure_reason or "the number of instances went back"
        return back(view, Reason.UPDATE_FAILED, f"AWS: {detail}")
    return SetInstanceCount(view.variant, count)


def _judge_in_place(view: View) -> Step:
    goal, live = view.goal, view.live
    fixed = goal.target is None and live.autoscaling.target is None
    if fixed and live.desired_instances != view.target.min_instances:
        detail = f"somebody set {live.desired_instances} instances"
        return back(view, Reason.FOREIGN_CHANGE, detail)
    return arriving(view) or judge(view)


# --- both


def _verifying(view: View, message: str) -> Step:
    progress = {**view.change.progress, "full_since_s": repr(view.now_s)}
    return Advance(ChangePhase.VERIFYING, "verify", message, progress)
