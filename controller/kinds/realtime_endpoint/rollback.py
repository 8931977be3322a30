"""Undoing a change: back to the config of before, and every policy and action as it was.

Restoring comes before closing. If AWS refuses, the change stays open, loud, and tries again:
there is no end of a change with something of the user's missing. What somebody else has set
meanwhile is theirs and stays.
"""

from controller.kinds.realtime_endpoint import snapshot
from controller.kinds.realtime_endpoint.moves import (
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
from controller.kinds.realtime_endpoint.names import config_name
from controller.kinds.realtime_endpoint.view import View
from controller.model.change import Advance, ChangePhase, Step, Verdict, VerdictKind
from controller.model.reason import Reason
from controller.model.sagemaker_steps import (
    CreateConfig,
    DeployConfig,
    DeregisterTarget,
    SetInstanceCount,
)

MOST_TRIES = 4
PAUSE_S = 300.0
"""Between two deployments back: the old type may have no capacity for the moment."""


def roll_back(view: View) -> Step:
    """The next step of undoing."""
    if not view.retyped:
        return _restore(view, stuck=False)
    if view.busy:
        return busy(view)
    if may_have_changed(view):
        return wait(view, POLL_S, Reason.UPDATING, "the deployment does not show yet")
    if view.config != view.told("config_target"):
        return _restore(view, stuck=False)
    return _restore(view, stuck=True) if view.broken else _return(view)


# --- back to the old type


def _return(view: View) -> Step:
    """The new type is live: deploy the old one again, until that does not work either."""
    source, name = view.told("config"), view.told("back_config")
    if not name:
        return remember(view, "way back", "the way back", _way_back(view))
    if tries(view, name) >= MOST_TRIES and not announced(view, name):
        return _restore(view, stuck=True)
    if name != source and not view.told(f"made:{name}"):
        return CreateConfig(
            name=name,
            source=source,
            variant=view.variant,
            instance_type=view.before.instance_type,
            instance_count=int(view.told("back_count")),
        )
    return _detach(view) or _deploy(view, name)


def _way_back(view: View) -> dict[str, str]:
    """The config of before as it is, where that brings enough instances; else a copy of it."""
    needed, live = int(view.told("count_before")), view.live.desired_instances
    source, scaled = view.told("config"), view.kept.target is not None
    keep = live == needed or (scaled and live > needed)
    name = source
    if not keep and view.told("count_of_config") != str(needed):
        key = view.stage.state.key
        copied = (source, view.told("fingerprint"))
        name = config_name(key.name, copied, view.before.instance_type, needed)
    return {"back_config": name, "back_count": str(needed), "back_keep": "1" if keep else ""}


def _detach(view: View) -> Step | None:
    """Out of autoscaling once more; changes made by others meanwhile are kept too."""
    seen = view.live.autoscaling
    if seen.target is None:
        return None
    kept = snapshot.meanwhile(view.kept, view.goal, seen, bool(view.told("restored")))
    if kept != view.kept or not view.removed:
        text = snapshot.to_text(kept)
        news = {"kept": text, "detached": "1", "restored": "", "bounds": ""}
        return remember(view, "keep", "kept what is to be put back", news)
    return DeregisterTarget(view.variant)


def _deploy(view: View, name: str) -> Step:
    if not announced(view, name):
        return announce(view, name, PAUSE_S)
    return DeployConfig(name, keep_count=bool(view.told("back_keep")))


# --- what was there


def _restore(view: View, *, stuck: bool) -> Step:
    """Autoscaling as it was; where the new type has to stay, as that one needs it."""
    way = view.way(back=not stuck)
    step = way.next_step(view.live.autoscaling)
    if step is not None:
        return step
    return _count(view, stuck) or _clean_up(view) or _close(view, stuck)


def _count(view: View, stuck: bool) -> Step | None:
    """The number of instances, where nobody scales it and we have changed it."""
    fixed = view.kept.target is None and view.live.autoscaling.target is None
    ours = view.told("counted") or view.told("bounds") or view.told("back_config")
    if stuck or not fixed or not ours:
        return None
    before = int(view.told("count_before"))
    if view.live.desired_instances == before or view.told("counted") == str(before):
        return None
    if view.busy:
        return busy(view)
    return SetInstanceCount(view.variant, before)


def _clean_up(view: View) -> Step | None:
    configs = (view.told("config_target"), view.told("back_config"))
    return clean_up(view, (*view.told("alarms").split(), *configs))


def _close(view: View, stuck: bool) -> Step:
    if stuck:
        detail = f"AWS does not let it go back to {view.before.instance_type}: {refusal(view)}"
        return fail(view, Reason.UPDATE_FAILED, detail)
    if view.broken:
        detail = view.live.endpoint.failure_reason or view.live.endpoint.status
        return fail(view, Reason.ENDPOINT_FAILED, f"AWS: {detail}")
    if view.config not in {view.told("config"), view.told("back_config")}:
        return fail(view, Reason.FOREIGN_CHANGE, f"somebody deployed {view.config}")
    foreign = _foreign(view)
    if foreign is not None:
        return fail(view, Reason.FOREIGN_CHANGE, foreign)
    return _rolled_back(view)


def _foreign(view: View) -> str | None:
    """What is not as it was before, for somebody else has set it."""
    now, then = view.live.autoscaling.target, view.kept.target
    if now != then and not view.way(back=True).scheduled(view.live.autoscaling):
        return "somebody changed the autoscaling bounds meanwhile"
    if then is None and view.live.desired_instances != int(view.told("count_before")):
        return f"somebody set {view.live.desired_instances} instances meanwhile"
    return None


def _rolled_back(view: View) -> Step:
    cause = Reason(view.told("cause") or Reason.ROLLED_BACK)
    verdict = view.change.verdict or Verdict(
        VerdictKind.INCONCLUSIVE, cause, "undone before it took effect"
    )
    detail = f"back at {view.change.before}: {verdict.detail}"
    return Advance(ChangePhase.ROLLED_BACK, "rolled back", detail, view.change.progress, verdict)
