"""Undoing a change of a serverless endpoint: the config of before, its limit, and no remains.

Traffic first. A config brings its own concurrency limit, which may be another than the one
that was set in place since; it is set again. Where somebody has deleted the config of before,
a copy of it is made from ours, which differs in nothing but the size.
"""

from controller.core.refusals import refused_since_s
from controller.kinds.serverless_endpoint.moves import (
    busy,
    clean_up,
    config_name,
    deploy,
    fail,
    foreign,
    gave_up,
    modified,
    remember,
    rolled_back,
    wait,
)
from controller.kinds.serverless_endpoint.view import View
from controller.model.change import Step
from controller.model.reason import Reason
from controller.model.sagemaker_steps import (
    CreateConfig,
    DeleteConfig,
    DeployConfig,
    SetConcurrency,
)

PATIENCE_S = 6 * 3600.0
"""So long a way back is tried that AWS keeps refusing …"""
PAUSE_S = 300.0
"""… beginning anew no sooner than so long after the last time."""
GONE_S = 300.0
"""A config that could not be deployed for so long is not late but gone."""


def roll_back(view: View) -> Step:
    """The next step of undoing."""
    if view.broken:
        return gave_up(view)
    if view.busy:
        return busy(view)
    target = view.told("config_target")
    if target and view.config == target:
        return _return(view, target)
    home = view.config in {view.told("config"), view.told("back_config")}
    if home and view.in_place and view.judged and view.size == view.target:
        return _reset(view)
    if home and view.told("deploying") == view.config and _limit_fell(view):
        warm = view.before.provisioned_concurrency
        return SetConcurrency(view.endpoint.variant, view.before.max_concurrency, warm or None)
    # Asked for and never confirmed may be there all the same.
    made = view.told("created_config") or view.told("asked") in {"CreateConfig", "DeleteConfig"}
    unused = _unused(view, target) if made else None
    if unused is not None:
        return unused
    if not home:
        return fail(view, foreign(view), f"somebody deployed {view.config}")
    if view.size != view.before:
        return fail(view, Reason.FOREIGN_CHANGE, f"somebody set {view.size}")
    return rolled_back(view)


def _unused(view: View, target: str) -> DeleteConfig | None:
    """What we made and nobody needs: the target, and the copy that was gone back to, or was to
    be, where somebody deployed something else."""
    return clean_up(view, target) or clean_up(view, view.told("back_config"))


def _reset(view: View) -> Step:
    """Set in place what was there; where AWS keeps refusing, the target stays, said aloud."""
    if view.now_s - float(view.told("back_since_s") or view.now_s) > PATIENCE_S:
        reason = view.endpoint.failure_reason or "AWS does not accept it"
        return fail(view, Reason.UPDATE_FAILED, f"cannot go back to {view.before}: {reason}")
    before = view.before
    return SetConcurrency(
        view.endpoint.variant, before.max_concurrency, before.provisioned_concurrency
    )


def _return(view: View, target: str) -> Step:
    """Deploy what was there; where AWS keeps refusing, the target stays, said aloud."""
    reason = view.endpoint.failure_reason or "AWS does not accept the deployment"
    name = view.told("back_config") or view.told("config")
    if view.now_s - float(view.told("back_since_s") or view.now_s) > PATIENCE_S:
        return fail(view, Reason.UPDATE_FAILED, f"cannot go back to {name}: {reason}")
    if view.told("deploying") == name and modified(view):
        again_s = float(view.told("deploy_since_s")) + PAUSE_S
        if view.now_s < again_s:
            return wait(view, again_s - view.now_s, Reason.UPDATE_FAILED, f"AWS: {reason}")
    step = deploy(view, name)
    if isinstance(step, DeployConfig) and name == view.told("config") and _gone(view):
        copy = config_name(
            view.stage.state.key.name, target, view.endpoint.config.fingerprint, view.before
        )
        message = f"config {name} cannot be deployed: going back to a copy of it"
        return remember(view, "way back", message, {"back_config": copy})
    copied = name in {view.told("config"), view.told("created_config")}
    if isinstance(step, DeployConfig) and not copied:
        return _copy(view, name, target)
    return step


def _gone(view: View) -> bool:
    since_s = refused_since_s(view.change)
    return since_s is not None and view.now_s - since_s > GONE_S


def _copy(view: View, name: str, source: str) -> CreateConfig:
    before = view.before
    return CreateConfig(
        name=name,
        source=source,
        variant=view.endpoint.variant,
        memory_mb=before.memory_mb,
        max_concurrency=before.max_concurrency,
        provisioned_concurrency=before.provisioned_concurrency,
    )


def _limit_fell(view: View) -> bool:
    """Whether the memory of before came back with another limit than was live then."""
    live, before = view.size, view.before
    settable = before.provisioned_concurrency > 0 or live.provisioned_concurrency == 0
    return live != before and live.memory_mb == before.memory_mb and settable
