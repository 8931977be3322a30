"""Steps that both directions of a rollout share: wait, turn round, deploy, clean up, close."""

import hashlib
from collections.abc import Mapping

from controller.core.refusals import without_refusal
from controller.kinds.serverless_endpoint.view import View
from controller.model.change import Advance, ChangePhase, Step, Verdict, VerdictKind, Wait
from controller.model.reason import Reason
from controller.model.sagemaker_steps import DeleteConfig, DeployConfig
from controller.model.size import ServerlessSize

POLL_S = 15.0
"""How soon to look again at an update that AWS is carrying out."""
POLL_MOST_S = 300.0
SEEN_S = 120.0
"""So long after it was accepted, an update may not yet show in DescribeEndpoint."""
PREFIX = "rightsizer-"
_NAME_LENGTH = 63
"""Of a config: letters, digits, and hyphens between them (SageMaker API reference)."""


def config_name(endpoint: str, source: str, fingerprint: str, size: ServerlessSize) -> str:
    """The config that an endpoint gets: copied from `source`, with another size.

    Made from what is wanted, so that asking twice makes one; `fingerprint` tells two sources
    apart that had one name after the other.
    """
    text = "\n".join((endpoint, source, fingerprint, str(size)))
    tail = f"-{size.memory_mb}-{hashlib.sha256(text.encode()).hexdigest()[:10]}"
    room = _NAME_LENGTH - len(PREFIX) - len(tail)
    return f"{PREFIX}{endpoint[:room].rstrip('-')}{tail}"


def wait(view: View, seconds: float, why: Reason, detail: str) -> Wait:
    """Come back so many seconds later."""
    return Wait(view.now_s + seconds, why, detail)


def busy(view: View) -> Wait:
    """AWS is at work on the endpoint, for us or for somebody else: look again soon, and less
    often the longer it takes."""
    lasted_s = view.now_s - view.change.updated_at_s
    seconds = min(POLL_MOST_S, max(POLL_S, lasted_s / 4.0))
    return wait(view, seconds, Reason.UPDATING, f"the endpoint is {view.endpoint.status}")


def remember(view: View, what: str, message: str, news: Mapping[str, str]) -> Advance:
    """Journal something; the phase stays."""
    return Advance(view.change.phase, what, message, {**view.change.progress, **news})


def back(view: View, reason: Reason, detail: str, verdict: Verdict | None = None) -> Step:
    """Turn round: from now on what is half done is undone."""
    since = {"cause": reason.value, "back_since_s": repr(view.now_s)}
    progress = {**without_refusal(view.change.progress), **since}
    judged = verdict or Verdict(VerdictKind.INCONCLUSIVE, reason, detail)
    return Advance(ChangePhase.ROLLING_BACK, "roll back", detail, progress, judged)


def rolled_back(view: View) -> Step:
    """Close as undone; the verdict that turned it round stands."""
    cause = Reason(view.told("cause") or Reason.ROLLED_BACK)
    verdict = view.change.verdict or Verdict(
        VerdictKind.INCONCLUSIVE, cause, "undone before it took effect"
    )
    detail = f"back at {view.change.before}: {verdict.detail}"
    return Advance(ChangePhase.ROLLED_BACK, "rolled back", detail, view.change.progress, verdict)


def fail(view: View, reason: Reason, detail: str) -> Step:
    """Close where nothing is left to do, and neither size can be claimed."""
    verdict = Verdict(VerdictKind.INCONCLUSIVE, reason, detail)
    return Advance(ChangePhase.FAILED, "give up", detail, view.change.progress, verdict)


def foreign(view: View) -> Reason:
    """What it is called that somebody else deployed: a release, where it runs something else."""
    same = view.endpoint.config.fingerprint == view.told("fingerprint")
    return Reason.FOREIGN_CHANGE if same else Reason.UNRELEASED_CODE


def gave_up(view: View) -> Step:
    """AWS has given the endpoint up."""
    reason = view.endpoint.failure_reason or "no reason given"
    return fail(view, Reason.ENDPOINT_FAILED, f"{view.endpoint.status}: {reason}")


# --- deployments


def deploy(view: View, name: str) -> Step:
    """Deploy a config, after it is in the journal what AWS showed before: whether a
    deployment failed is told by what was modified since."""
    begun = view.told("deploying") == name
    if begun and not modified(view):
        if view.told("deployed_config") == name and _may_not_show(view):
            return wait(view, POLL_S, Reason.UPDATING, "the deployment does not show yet")
        return DeployConfig(name)
    news = {
        "deploying": name,
        "deploy_since_s": repr(view.now_s),
        "modified_before": repr(view.endpoint.modified_at_s),
        "deployed_config": "",
    }
    return remember(view, "deploy", f"deploying config {name}", news)


def modified(view: View) -> bool:
    """Whether AWS has changed the endpoint since the last deployment was begun."""
    before = view.told("modified_before")
    return bool(before) and repr(view.endpoint.modified_at_s) != before


def _may_not_show(view: View) -> bool:
    return view.now_s < float(view.told("deploy_since_s")) + SEEN_S


# --- configs that nobody needs


def clean_up(view: View, name: str) -> DeleteConfig | None:
    """Delete a config of ours, once; never the live one, nor the one that went before."""
    kept = {view.config, view.told("config"), view.endpoint.pending_config}
    if not name.startswith(PREFIX) or name in kept:
        return None
    if view.told(f"gone:{name}") or name in {view.told("deleted_config"), view.told("kept_config")}:
        return None
    return DeleteConfig(name)
