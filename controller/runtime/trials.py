"""Whether an open change may go on: the verdict on it, from the one-minute windows since it went
live, and what policy and people say."""

from collections.abc import Sequence

from controller.core.assess import Observed
from controller.core.contract import KindRules
from controller.core.history import is_decrease
from controller.core.slo import CERTAIN, Counts, count
from controller.core.stats import share_at_most
from controller.core.verdict import Trial, judge
from controller.model.change import Change, Verdict, VerdictKind
from controller.model.missing import Missing
from controller.model.policy import Mode, Policy, Slo
from controller.model.reason import Reason
from controller.model.size import RealtimeSize, measured_as
from controller.model.window import Window
from controller.runtime.roster import Entry
from controller.runtime.samples import Samples

NOT_YET = Verdict(VerdictKind.INCONCLUSIVE, Reason.BAKING, "waiting for traffic to settle")


def verdict_on(
    change: Change, policy: Policy, rules: KindRules, samples: Samples | None, now_s: float
) -> Verdict:
    """Judge the stage that the change is in; inconclusive before it is live."""
    since_s = rules.watching_since_s(change)
    if since_s is None or samples is None:
        return NOT_YET
    threshold_ms = policy.slo.threshold_ms
    live, rival = _whole(samples.trial, since_s), _whole(samples.trial_against, since_s)
    trial = Trial(
        after=count(live, threshold_ms),
        before=count(rival, threshold_ms) if rival else _baseline(change),
        breaching_before=_left_a_breach(change, policy.slo),
        elapsed_s=max(0.0, now_s - since_s),
        canary=bool(rival),
        starving_before=change.reason is Reason.MEMORY_FLOOR,
        patience_s=policy.slo.window_s if _same_instances(change) else 0.0,
    )
    return judge(trial, policy.slo, policy.rollout)


def _whole(windows: Sequence[Window], since_s: float) -> list[Window]:
    """Windows that may be counted: a call that fails at once is fast, so where failures are not
    known, nothing is."""
    return [w for w in windows if w.start_s >= since_s and not isinstance(w.errors, Missing)]


def _left_a_breach(change: Change, slo: Slo) -> bool:
    """Whether the objective was broken before: a climb for whatever reason is then to help, and
    is compared with that, not with the objective."""
    if change.reason is Reason.SLO_BREACHED:
        return True
    base = _baseline(change)
    if is_decrease(change) or base.requests == 0:
        return False
    return share_at_most(1.0 - slo.percentile, base.slow, base.requests) <= 1.0 - CERTAIN


def _same_instances(change: Change) -> bool:
    """Whether only the number of instances differs: one serves as it did before."""
    return isinstance(change.target, RealtimeSize) and (
        measured_as(change.before) == measured_as(change.target)
    )


def _baseline(change: Change) -> Counts:
    base = change.baseline
    if base is None:
        return Counts()
    return Counts(base.requests, base.slow, base.errors, 1, base.start_s, base.end_s)


def may_go_on(entry: Entry, observed: Observed, change: Change) -> Reason | None:
    """Why an open change may take no further step forward, if it may not.

    What a person asked for goes on whatever the mode; nothing goes on while paused.
    """
    if entry.orphan or entry.policy.mode is Mode.OFF:
        return Reason.MODE_OFF
    for pause in observed.pauses:
        live = pause.until_s is None or pause.until_s > observed.now_s
        if live and pause.scope in {"*", str(entry.key)}:
            return Reason.PAUSED
    if entry.conflict is not None:
        return Reason.POLICY_CONFLICT
    if change.actor == "controller" and entry.policy.mode is not Mode.ENFORCE:
        return Reason.MODE_RECOMMEND
    return None
