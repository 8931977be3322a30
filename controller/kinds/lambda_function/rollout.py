"""How a memory change meets a live function: the next step, from what AWS shows now.

With an alias: update `$LATEST`, publish, send the canary's share to the new version, judge,
promote, judge again. Without: one guarded update, then judge. Every answer is derived from
the live state and the journalled change, never from what an earlier tick meant to do, so a
kill between any two steps converges. What is half done when a change may not go on is
undone; what is done is judged.
"""

from collections.abc import Mapping

from controller.core.contract import SETTLE_S, Stage
from controller.core.refusals import FOR_GOOD, PATIENCE_S, WORDS, refused_since_s, too_late
from controller.kinds.lambda_function.judging import judge_canary, judge_full
from controller.kinds.lambda_function.moves import back, fail, poll, rolled_back
from controller.kinds.lambda_function.view import View
from controller.model.change import (
    Advance,
    Change,
    ChangePhase,
    PointAlias,
    PublishVersion,
    Step,
    UpdateMemory,
)
from controller.model.endpoint import AliasConfig
from controller.model.reason import Reason
from controller.model.size import memory_mb_of


def next_step(stage: Stage) -> Step:
    """The one thing to do now. Total: every combination of journal and live state has one."""
    view = View(stage)
    phase = view.change.phase
    if phase is ChangePhase.PLANNED:
        return _start(view)
    if phase is ChangePhase.ROLLING_BACK:
        return _roll_back(view)
    before_version = view.change.progress.get("before_version")
    step = _latest_forward(view) if before_version is None else _alias_forward(view, before_version)
    why = _given_up(view) if isinstance(step, UpdateMemory | PublishVersion | PointAlias) else None
    return step if why is None else back(view, Reason.UPDATE_FAILED, why)


def watching_since_s(change: Change) -> float | None:
    """When the stage that is being judged began, settling time included; None before."""
    text = change.progress.get("full_since_s") or change.progress.get("canary_since_s")
    return None if text is None else float(text) + SETTLE_S


def _given_up(view: View) -> str | None:
    """Why no further call forward is made, if none is."""
    change = view.change
    words = change.progress.get(WORDS)
    if FOR_GOOD in change.progress:
        return f"AWS refused it: {words}"
    since_s = refused_since_s(change)
    refused = since_s is not None and view.now_s - since_s > PATIENCE_S
    if refused or (change.phase is ChangePhase.APPLYING and too_late(view.change, view.now_s)):
        return "AWS did not let it be carried out in an hour" + (f": {words}" if words else "")
    return None


def _start(view: View) -> Step:
    if view.may_go_on is not None:
        return fail(view, view.may_go_on, "not started")
    if too_late(view.change, view.now_s):
        return fail(view, Reason.UPDATE_FAILED, "not started within an hour of the decision")
    if view.alias_is_gone:
        return fail(view, Reason.FOREIGN_CHANGE, "the alias was deleted: not started")
    if view.live.latest.update_status == "InProgress":
        return poll(view, "an update is under way")
    memory = view.live.serving.memory_mb
    if memory != memory_mb_of(view.change.before) or _released(view):
        return fail(view, Reason.FOREIGN_CHANGE, "the function changed since the decision")
    alias = view.live.alias
    progress = {
        **view.change.progress,
        "latest_before_mb": str(view.live.latest.memory_mb),
    }
    if alias is not None:
        if alias.weights:
            return fail(view, Reason.FOREIGN_ROUTING, "the alias splits traffic already")
        progress |= {"before_version": alias.version}
    return Advance(ChangePhase.APPLYING, "start", "applying", progress)


def _released(view: View) -> bool:
    """Whether anything but memory differs from what was decided on."""
    live = view.live
    return view.fingerprint != live.serving.fingerprint or (
        live.alias is not None and live.latest.fingerprint != view.fingerprint
    )


# --- functions whose traffic uses $LATEST ---


def _latest_forward(view: View) -> Step:
    latest, change = view.live.latest, view.change
    if latest.update_status == "InProgress":
        return poll(view, "AWS is applying the new memory")
    if latest.memory_mb == memory_mb_of(change.target):
        if latest.update_status == "Failed":
            return back(view, Reason.UPDATE_FAILED, f"AWS: {latest.update_reason}")
        return judge_full(view)
    if latest.memory_mb != memory_mb_of(change.before):
        return back(view, Reason.FOREIGN_CHANGE, f"memory is {latest.memory_mb} MB now")
    if change.phase is not ChangePhase.APPLYING:
        return back(view, Reason.FOREIGN_CHANGE, "somebody put the old memory back")
    if latest.fingerprint != view.fingerprint:
        return back(view, Reason.UNRELEASED_CODE, "other code was released in between")
    if view.may_go_on is not None:
        return rolled_back(view, view.may_go_on)
    if latest.update_status == "Failed" and "asked" in change.progress:
        return back(view, Reason.UPDATE_FAILED, f"AWS: {latest.update_reason}")
    return UpdateMemory(memory_mb_of(change.target), latest.revision_id)


# --- functions behind an alias ---


def _alias_forward(view: View, before: str) -> Step:
    live, change = view.live, view.change
    alias, published = live.alias, change.progress.get("published_version")
    if alias is None:
        return back(view, Reason.FOREIGN_CHANGE, "the alias was deleted")
    if alias.version not in {before, published} or not _ours(alias.weights, published):
        released = live.serving.fingerprint != view.fingerprint
        reason = Reason.UNRELEASED_CODE if released else Reason.FOREIGN_CHANGE
        return back(view, reason, f"the alias points to {_pointed(alias)} now")
    if published is None:
        return _until_published(view)
    if alias.version == published and not alias.weights:
        return judge_full(view)
    if alias.weights:
        return judge_canary(view, published)
    if change.phase is not ChangePhase.APPLYING:
        return back(view, Reason.FOREIGN_CHANGE, "somebody pointed the alias back")
    if view.may_go_on is not None:
        return back(view, view.may_go_on, "stopped before traffic moved")
    return _open_canary(view, published)


def _ours(weights: Mapping[str, float], published: str | None) -> bool:
    return set(weights) <= {published}


def _pointed(alias: AliasConfig) -> str:
    return ", ".join([f"version {alias.version}", *sorted(alias.weights)])


def _until_published(view: View) -> Step:
    latest, change = view.live.latest, view.change
    if latest.update_status == "InProgress":
        return poll(view, "AWS is applying the new memory")
    if latest.fingerprint != view.fingerprint:
        return back(view, Reason.UNRELEASED_CODE, "$LATEST holds other code now")
    if latest.update_status == "Failed" and "asked" in change.progress:
        return back(view, Reason.UPDATE_FAILED, f"AWS: {latest.update_reason}")
    if view.may_go_on is not None:
        return back(view, view.may_go_on, "stopped before publishing")
    if latest.memory_mb == memory_mb_of(change.target):
        return PublishVersion(latest.code_sha256, latest.revision_id)
    if change.progress.get("asked") == PublishVersion.__name__:
        return back(view, Reason.FOREIGN_CHANGE, "somebody put the old memory back")
    if latest.memory_mb == int(change.progress["latest_before_mb"]):
        return UpdateMemory(memory_mb_of(change.target), latest.revision_id)
    return back(view, Reason.FOREIGN_CHANGE, f"$LATEST has {latest.memory_mb} MB now")


def _open_canary(view: View, published: str) -> Step:
    """Send the canary's share, or all at once where the policy wants no canary."""
    alias, share = view.live.alias, view.rollout.canary_share
    assert alias is not None, "there is no canary without an alias"
    if share <= 0.0:
        return PointAlias(alias.name, published, {}, alias.revision_id)
    return PointAlias(alias.name, alias.version, {published: share}, alias.revision_id)


# --- undoing ---


def _roll_back(view: View) -> Step:
    """Undo in reverse: traffic first, then `$LATEST`; touch nothing that is not ours."""
    live, change = view.live, view.change
    before = change.progress.get("before_version")
    traffic = None if before is None or live.alias is None else _traffic_back(view, before)
    if traffic is not None:
        return traffic
    if live.latest.update_status == "InProgress":
        return poll(view, "AWS is applying an update")
    restore_mb = int(change.progress.get("latest_before_mb", memory_mb_of(change.before)))
    if live.latest.memory_mb == memory_mb_of(change.target) and restore_mb != live.latest.memory_mb:
        return UpdateMemory(restore_mb, live.latest.revision_id)
    if before is not None and live.alias is None:
        detail = f"the alias was deleted; $LATEST is left with {live.latest.memory_mb} MB"
        return fail(view, Reason.FOREIGN_CHANGE, detail)
    if live.serving.memory_mb != memory_mb_of(change.before):
        return fail(view, Reason.FOREIGN_CHANGE, f"memory is {live.serving.memory_mb} MB now")
    reason = Reason(change.progress.get("cause", Reason.ROLLED_BACK))
    return rolled_back(view, reason)


def _traffic_back(view: View, before: str) -> PointAlias | None:
    """Send all requests to the version of before, if it is us who sent them elsewhere."""
    alias, published = view.live.alias, view.change.progress.get("published_version")
    assert alias is not None, "there is no traffic to send back without an alias"
    ours = alias.version in {before, published} and _ours(alias.weights, published)
    if not ours or (alias.version == before and not alias.weights):
        return None
    return PointAlias(alias.name, before, {}, alias.revision_id)
