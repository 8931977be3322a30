"""A mirrored probe: AWS copies users' requests to a shadow variant of another type for a while.

That is two deployments of the live endpoint, so it is journalled and fenced as a change is, with
the same size before and after (`Reason.PROBING` tells it from the others), and no other change
may be open beside it. The variant keeps its name, type and count (RetainAllVariantProperties),
so it stays registered: bounds, policies and scheduled actions are never touched, and scaling
goes on. Whatever happens, the way leads back to the config of before, by its own name.

Progress of such a change, beside what `view` tells:

    config_target              the config with the shadow variant
    type, count, share         of the shadow variant
    lasts_s, expires_s         how long it is fed, and when anybody may remove it
    paid_since_s               since when its instances may cost money
    fed_since_s, ended_s       since when it serves, and when the way back began
    back_config                another way back, where the config of before is gone
    sweep                      found without a journal: there is nothing to do but to go back
"""

from collections.abc import Mapping
from dataclasses import replace

from controller.core.contract import SETTLE_S
from controller.core.refusals import FOR_GOOD, WORDS, given_up, too_late
from controller.core.shadows import mirror_name
from controller.kinds.realtime_endpoint import forward, snapshot
from controller.kinds.realtime_endpoint.moves import (
    JUDGE_S,
    POLL_S,
    announce,
    announced,
    busy,
    clean_up,
    fail,
    may_have_changed,
    refusal,
    remember,
    tries,
    wait,
)
from controller.kinds.realtime_endpoint.names import config_name, is_ours
from controller.kinds.realtime_endpoint.view import View
from controller.model.change import Advance, Change, ChangePhase, Step, Verdict, VerdictKind, Wait
from controller.model.endpoint import EndpointKey, Phase
from controller.model.probe import Mirroring
from controller.model.reason import Reason
from controller.model.sagemaker import RealtimeLive
from controller.model.sagemaker_steps import CreateConfig, DeployConfig, ShadowVariant
from controller.model.size import RealtimeSize

GRACE_S = 2 * 3600.0
"""Time for both deployments, after which whoever finds the shadow variant may remove it."""
PAUSE_S = 60.0
BACK_PAUSE_S = 300.0
MOST_TRIES = 3
"""Deployments forward that AWS may refuse, and back by the old name before a copy is made."""
_NOT_BESIDE = ("ml.inf1.",)
"""Types that cannot have a shadow variant, nor be one [DG:shadow-tests-exclusions]."""


def is_mirrored(change: Change) -> bool:
    """Whether a change is a look at a type, which leaves everything as it was."""
    return change.reason is Reason.PROBING


def refusal_to_mirror(live: RealtimeLive, phase: Phase, instance_type: str) -> str | None:
    """Why no shadow variant can be put beside the live one, in words for people."""
    special = live.endpoint.config.specialities
    if special:
        return "; ".join(special[kind] for kind in sorted(special))
    if phase is not Phase.STABLE:
        return f"the endpoint is {live.endpoint.status}, not InService"
    guards = [name for name in live.endpoint.guards if not is_ours(name)]
    if guards:
        return (
            f"alarm {guards[0]} guards its deployments, and a mirrored probe would be deployed "
            "without it"
        )
    for name in (live.instance_type, instance_type):
        if name.startswith(_NOT_BESIDE):
            return f"AWS mirrors no requests to or from {name}"
    return None


def begin(
    key: EndpointKey, size: RealtimeSize, mirroring: Mirroring, now_s: float
) -> Mapping[str, str]:
    """What a new change must remember of the probe that it is."""
    return {
        "config_target": mirror_name(key, size, now_s),
        "type": size.instance_type,
        "count": str(mirroring.instances),
        "share": f"{mirroring.share:.4f}",
        "lasts_s": repr(mirroring.lasts_s),
        "expires_s": repr(now_s + mirroring.lasts_s + GRACE_S),
    }


def sweeping(live: RealtimeLive) -> Mapping[str, str]:
    """The same, for a shadow variant of ours that no journal knows of."""
    config = live.endpoint.config
    return {"config": config.source or "", "config_target": config.name, "sweep": "1"}


def watching_since_s(change: Change) -> float | None:
    """Since when the live variant's requests tell whether they suffer; None before."""
    text = change.progress.get("fed_since_s")
    return None if text is None else float(text) + SETTLE_S


def next_step(view: View) -> Step:
    """The one thing to do now. Total: every combination of journal and live state has one."""
    if view.change.phase is ChangePhase.PLANNED:
        return _start(view)
    if view.change.phase is ChangePhase.ROLLING_BACK:
        return _return(view)
    step = _forward(view)
    forward = view.change.phase is ChangePhase.APPLYING and not isinstance(step, Advance | Wait)
    why = given_up(view.change, view.now_s) if forward else None
    return step if why is None else _back(view, Reason.UPDATE_FAILED, why)


# --- there


def _start(view: View) -> Step:
    if view.told("sweep"):
        return _back(view, Reason.PROBING, "its shadow variant is no longer wanted")
    if view.may_go_on is not None:
        return fail(view, view.may_go_on, "not started")
    if too_late(view.change, view.now_s):
        return fail(view, Reason.UPDATE_FAILED, "not started within an hour of the decision")
    if view.busy:
        return busy(view)
    why = refusal_to_mirror(view.live, view.stage.state.phase, view.told("type"))
    if why is not None:
        return fail(view, Reason.SPECIAL_ENDPOINT, why)
    config = view.live.endpoint.config
    if view.stage.state.size != view.before or config.fingerprint != view.told("fingerprint"):
        return fail(view, Reason.FOREIGN_CHANGE, "the endpoint changed since the decision")
    progress = {
        **view.change.progress,
        "config": config.name,
        "kept": snapshot.to_text(view.live.autoscaling),
        "count_before": str(view.live.desired_instances),
    }
    return Advance(ChangePhase.APPLYING, "start", "applying", progress)


def _forward(view: View) -> Step:
    target = view.told("config_target")
    if view.broken:
        detail = view.live.endpoint.failure_reason or view.live.endpoint.status
        return _back(view, Reason.UPDATE_FAILED, f"AWS: {detail}")
    if view.busy:
        if view.live.endpoint.pending_config == target != view.told("accepted"):
            return remember(view, "deploying", "AWS is deploying", {"accepted": target})
        return busy(view)
    if view.config == target:
        return _fed(view)
    if view.config != view.told("config"):
        return _back(view, Reason.FOREIGN_CHANGE, f"somebody deployed {view.config}")
    if view.told("fed_since_s"):
        return _back(view, Reason.FOREIGN_CHANGE, "somebody deployed the old config again")
    return _until_deployed(view, target)


def _until_deployed(view: View, target: str) -> Step:
    ended = forward.ended(view)
    if ended is not None:
        return ended
    if view.may_go_on is not None:
        return _back(view, view.may_go_on, "stopped before it was deployed")
    foreign = _foreign(view)
    if foreign is not None:
        return _back(view, Reason.FOREIGN_CHANGE, foreign)
    if not view.told(f"made:{target}"):
        shadow = ShadowVariant(
            view.told("type"),
            int(view.told("count")),
            float(view.told("share")),
            float(view.told("expires_s")),
        )
        return CreateConfig(target, view.told("config"), view.variant, shadow=shadow)
    if announced(view, target):
        return DeployConfig(target)
    if view.told(FOR_GOOD):
        return _back(view, Reason.UPDATE_FAILED, f"AWS refused it: {view.told(WORDS)}")
    if tries(view, target) >= MOST_TRIES:
        detail = f"AWS did not accept it in {MOST_TRIES} attempts: {refusal(view)}"
        return _back(view, Reason.UPDATE_FAILED, detail)
    step = announce(view, target, PAUSE_S)
    if not isinstance(step, Advance):
        return step
    return replace(step, progress={**step.progress, "paid_since_s": repr(view.now_s)})


def _fed(view: View) -> Step:
    """The shadow variant serves: until its time is over, or something is not as it was."""
    copied = f"{float(view.told('share')):.0%} of the requests are copied to"
    words = f"{copied} {view.told('count')} x {view.told('type')}"
    if not view.told("fed_since_s"):
        progress = {**view.change.progress, "fed_since_s": repr(view.now_s)}
        return Advance(ChangePhase.VERIFYING, "mirroring", words, progress)
    if view.verdict.kind is VerdictKind.FAIL:
        return _back(view, view.verdict.reason, view.verdict.detail, view.verdict)
    if view.may_go_on is not None:
        return _back(view, view.may_go_on, "stopped while requests were copied")
    foreign = _foreign(view)
    if foreign is not None:
        return _back(view, Reason.FOREIGN_CHANGE, foreign)
    until_s = float(view.told("fed_since_s")) + SETTLE_S + float(view.told("lasts_s"))
    if view.now_s < until_s:
        return wait(view, min(JUDGE_S, until_s - view.now_s), Reason.PROBING, words)
    minutes = (view.now_s - float(view.told("fed_since_s"))) / 60.0
    passed = Verdict(VerdictKind.PASS, Reason.PROBING, f"{words} for {minutes:.0f} minutes")
    return _back(view, Reason.PROBING, passed.detail, passed)


def _foreign(view: View) -> str | None:
    """What somebody has set meanwhile, in words; what scales or is scheduled moves by itself."""
    if view.stage.state.size != view.before:
        return f"somebody set {view.stage.state.size}"
    kept = snapshot.by_name(view.kept.policies)
    now = snapshot.by_name(view.live.autoscaling.policies)
    same = kept.keys() == now.keys() and all(
        snapshot.same_policy(kept[name], now[name]) for name in kept
    )
    return None if same else "somebody changed the scaling policies"


# --- and back


def _back(view: View, reason: Reason, detail: str, verdict: Verdict | None = None) -> Step:
    """Turn round; from now on the shadow variant tells nothing that counts."""
    news = {"cause": reason.value}
    if view.told("fed_since_s"):
        news["ended_s"] = repr(view.now_s)
    judged = verdict or Verdict(VerdictKind.INCONCLUSIVE, reason, detail)
    progress = {**view.change.progress, **news}
    return Advance(ChangePhase.ROLLING_BACK, "going back", detail, progress, judged)


def _return(view: View) -> Step:
    if view.told("fed_since_s") and not view.told("ended_s"):
        # a person turned it round: what was seen until then counts
        ended_s = repr(view.change.updated_at_s)
        return remember(view, "ended", "copied requests no longer count", {"ended_s": ended_s})
    if view.busy:
        return busy(view)
    if may_have_changed(view):
        return wait(view, POLL_S, Reason.UPDATING, "the deployment does not show yet")
    target = view.told("config_target")
    if view.config == target and not view.broken:
        return _deploy_back(view, target)
    return clean_up(view, (target,)) or _close(view)


def _deploy_back(view: View, target: str) -> Step:
    """By the name of before, as often as it takes; where that name does not do, by a copy."""
    source, name = view.told("config"), view.told("back_config")
    if not name:
        kept_off = tries(view, source) >= MOST_TRIES and not announced(view, source)
        if source and not kept_off:
            return _deploy(view, source)
        key, before = view.stage.state.key, view.before
        made_from = (target, view.live.endpoint.config.fingerprint)
        copy = config_name(key.name, made_from, before.instance_type, view.live.desired_instances)
        return remember(view, "way back", f"by {copy}, a copy", {"back_config": copy})
    if not view.told(f"made:{name}"):
        return CreateConfig(name, target, view.variant)
    return _deploy(view, name)


def _deploy(view: View, name: str) -> Step:
    return DeployConfig(name) if announced(view, name) else announce(view, name, BACK_PAUSE_S)


def _close(view: View) -> Step:
    verdict = view.change.verdict
    if view.broken:
        detail = view.live.endpoint.failure_reason or view.live.endpoint.status
        return fail(view, Reason.ENDPOINT_FAILED, f"AWS: {detail}")
    if view.config not in {view.told("config"), view.told("back_config")}:
        return fail(view, Reason.FOREIGN_CHANGE, f"somebody deployed {view.config}")
    if verdict is not None and verdict.kind is VerdictKind.PASS:
        detail = f"{verdict.detail}; {view.config} is live again"
        return Advance(ChangePhase.VERIFIED, "verdict", detail, view.change.progress, verdict)
    why = "" if verdict is None else f": {verdict.detail}"
    detail = f"{view.config} is live as before{why}"
    return Advance(ChangePhase.ROLLED_BACK, "rolled back", detail, view.change.progress, verdict)
