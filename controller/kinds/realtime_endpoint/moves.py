"""Steps of the journal that both directions of a rollout share."""

from collections.abc import Iterable, Mapping

from controller.core.refusals import FOR_GOOD, STEP, WORDS, refused_since_s
from controller.core.step_words import describe
from controller.kinds.realtime_endpoint.names import is_ours
from controller.kinds.realtime_endpoint.view import View
from controller.model.change import (
    Advance,
    ChangePhase,
    Step,
    Verdict,
    VerdictKind,
    Wait,
)
from controller.model.reason import Reason
from controller.model.sagemaker_steps import DeleteConfig, DeleteGuardAlarms, SageMakerStep

POLL_S = 30.0
"""How soon to look again at what AWS is carrying out: a new instance takes some five minutes."""
JUDGE_S = 60.0
"""How soon to look again at a trial."""
CLEAN_UP_S = 1800.0
"""What AWS refuses to delete for so long is left: it costs next to nothing and is tagged ours."""
SEEN_S = 120.0
"""So long after it was accepted, an update may not yet show in DescribeEndpoint."""
READY = "ready to deploy"
"""Stands in `asked`, where the last call's name stands, once a deployment is announced."""


def remember(view: View, what: str, message: str, news: Mapping[str, str]) -> Advance:
    """Journal something; the phase stays."""
    progress = {**view.change.progress, **news}
    return Advance(view.change.phase, what, message, progress)


def wait(view: View, seconds: float, why: Reason, detail: str) -> Wait:
    """Come back later."""
    return Wait(view.now_s + seconds, why, detail)


def busy(view: View) -> Wait:
    """AWS is at work on the endpoint."""
    status = view.live.endpoint.status
    return wait(view, POLL_S, Reason.UPDATING, f"the endpoint is {status}")


def back(view: View, reason: Reason, detail: str, verdict: Verdict | None = None) -> Step:
    """Turn round."""
    progress = {**view.change.progress, "cause": reason.value}
    judged = verdict or Verdict(VerdictKind.INCONCLUSIVE, reason, detail)
    return Advance(ChangePhase.ROLLING_BACK, "roll back", detail, progress, judged)


def fail(view: View, reason: Reason, detail: str) -> Step:
    """Give up; nothing of the user's may be missing any more."""
    verdict = Verdict(VerdictKind.INCONCLUSIVE, reason, detail)
    return Advance(ChangePhase.FAILED, "give up", detail, view.change.progress, verdict)


def may_have_changed(view: View) -> bool:
    """Whether an update that was accepted may still not show."""
    since_s = view.told("try_since_s")
    accepted = bool(view.told("accepted")) and bool(since_s)
    return accepted and view.now_s < float(since_s) + SEEN_S


def tries(view: View, config: str) -> int:
    """Deployments of a config that have begun."""
    return int(view.told(f"tries:{config}") or "0")


def announced(view: View, config: str) -> bool:
    """Whether the next deployment is in the journal already, and not yet asked for."""
    return view.told("asked") == f"{READY} {config}"


def announce(view: View, config: str, pause_s: float) -> Step:
    """Write down that a deployment begins: what the next look finds is told by it."""
    number, since_s = tries(view, config), view.told("try_since_s")
    if number > 0 and view.now_s < float(since_s) + pause_s:
        detail = f"AWS did not deploy {config}: {refusal(view)}"
        return Wait(float(since_s) + pause_s, Reason.UPDATE_FAILED, detail)
    news = {
        f"tries:{config}": str(number + 1),
        "try_since_s": repr(view.now_s),
        "accepted": "",
        "asked": f"{READY} {config}",
    }
    return remember(view, "deploy", f"deploying {config}, attempt {number + 1}", news)


def clean_up(view: View, names: Iterable[str]) -> Step | None:
    """Delete alarms and configs of ours, each once; never the live config, the one that went
    before it, nor one that we did not make. What AWS does not let go for long is left."""
    used = {view.config, view.told("config"), view.live.endpoint.pending_config}
    for name in names:
        if not is_ours(name) or name in used or view.told(f"gone:{name}"):
            continue
        alarm = name in view.told("alarms").split()
        step = DeleteGuardAlarms((name,)) if alarm else DeleteConfig(name)
        if not _refused_for_long(view, name, step):
            return step
        return _leave(view, name)
    return None


def _leave(view: View, name: str) -> Advance:
    """Ask a last time, for some of the hours may be ones in which we did not run; then leave it."""
    if not view.told(f"last:{name}"):
        return remember(view, "clean up", f"a last attempt to delete {name}", {f"last:{name}": "1"})
    words = f"{name} is left behind: {view.told(WORDS)}"
    return remember(view, "leave", words, {f"gone:{name}": "left"})


def _refused_for_long(view: View, name: str, step: SageMakerStep) -> bool:
    since_s = refused_since_s(view.change)
    if since_s is None or view.told(STEP) != describe(step):
        return False
    last = view.told(FOR_GOOD) or view.told(f"last:{name}")
    return bool(last) or view.now_s - since_s > CLEAN_UP_S


def refusal(view: View) -> str:
    """Why a deployment did not come through, as far as AWS says."""
    told = view.live.endpoint.failure_reason or view.told(WORDS)
    return told or "it was not accepted (the journal says why)"
