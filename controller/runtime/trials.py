"""The verdict on an open change, from the one-minute windows since it went live."""

from controller.core.contract import KindRules
from controller.core.history import is_decrease
from controller.core.slo import CERTAIN, Counts, count
from controller.core.stats import share_at_most
from controller.core.verdict import Trial, judge
from controller.model.change import Change, Verdict, VerdictKind
from controller.model.policy import Policy, Slo
from controller.model.reason import Reason
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
    live = [w for w in samples.trial if w.start_s >= since_s]
    rival = [w for w in samples.trial_against if w.start_s >= since_s]
    trial = Trial(
        after=count(live, threshold_ms),
        before=count(rival, threshold_ms) if rival else _baseline(change),
        breaching_before=_left_a_breach(change, policy.slo),
        elapsed_s=max(0.0, now_s - since_s),
        canary=bool(rival),
        starving_before=change.reason is Reason.MEMORY_FLOOR,
    )
    return judge(trial, policy.slo, policy.rollout)


def _left_a_breach(change: Change, slo: Slo) -> bool:
    """Whether the objective was broken before: a climb for whatever reason is then to help, and
    is compared with that, not with the objective."""
    if change.reason is Reason.SLO_BREACHED:
        return True
    base = _baseline(change)
    if is_decrease(change) or base.requests == 0:
        return False
    return share_at_most(1.0 - slo.percentile, base.slow, base.requests) <= 1.0 - CERTAIN


def _baseline(change: Change) -> Counts:
    base = change.baseline
    if base is None:
        return Counts()
    return Counts(base.requests, base.slow, base.errors, 1, base.start_s, base.end_s)
