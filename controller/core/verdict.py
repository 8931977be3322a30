"""After against before, on live requests: pass, fail, or not yet.

A sequential test (Wald) on slow requests ends early either way; errors are compared with
the baseline's. 'No measurement' is inconclusive and never success.

A canary on thin traffic would never see enough requests. Where the size of before is known
to break the SLO, one that is no worse so far may have the rest of the requests too, and is
judged by them (docs/designs/0004-thin-traffic.md).
"""

import math
from dataclasses import dataclass

from controller.core.slo import Counts
from controller.core.stats import share_at_most, share_exceeds
from controller.model.change import Verdict, VerdictKind
from controller.model.policy import Rollout, Slo
from controller.model.reason import Reason

GOOD_SHARE = 0.6
BAD_SHARE = 1.2
"""The test tells a share of slow requests of 0.6 budgets from one of 1.2 budgets."""
FALSE_PASS = 0.01
FALSE_FAIL = 0.05
SURE = 0.99
"""Posterior probability from which 'worse' or 'better than before' counts."""
FEW = 5
"""Requests of a canary from which 'not worse so far' may be said: it answers, and in time."""


@dataclass(frozen=True, slots=True)
class Trial:
    """Counts of the candidate and of what it is compared with."""

    after: Counts
    before: Counts
    breaching_before: bool
    """The SLO was broken before: the change is to help, and may pass without mending all."""
    elapsed_s: float
    canary: bool = False
    """Whether `before` serves beside `after` at this moment."""
    starving_before: bool = False
    """Calls failed for want of memory before: that too is left on little evidence."""
    patience_s: float = 0.0
    """Slow requests are held against the change only after so long: where only the number of
    instances differs, a burst is slow whatever was changed."""


def judge(trial: Trial, slo: Slo, rollout: Rollout) -> Verdict:
    """Verdict on a candidate, by the policy's rollout rules."""
    worse = _worse(trial, slo)
    if worse is not None:
        return worse
    after = trial.after
    if trial.elapsed_s < rollout.bake_s or after.requests < rollout.min_requests:
        return _too_early(trial, rollout)
    decided = _decided(trial, slo)
    if decided is not None:
        return decided
    if trial.elapsed_s < rollout.max_bake_s:
        detail = f"{after.slow:,} of {after.requests:,} requests slow: not decided yet"
        return Verdict(VerdictKind.INCONCLUSIVE, Reason.BAKING, detail)
    return _at_the_end(trial, slo)


def _too_early(trial: Trial, rollout: Rollout) -> Verdict:
    after, before = trial.after, trial.before
    if _too_thin(trial, rollout) and _not_worse(trial):
        detail = (
            f"{after.slow:,} of {after.requests:,} requests slow, {before.slow:,} of "
            f"{before.requests:,} beside it: not worse, and too few for a verdict"
        )
        return Verdict(VerdictKind.INCONCLUSIVE, Reason.NOT_WORSE, detail)
    detail = (
        f"{after.requests:,} of {rollout.min_requests:,} requests, "
        f"{trial.elapsed_s / 60.0:.0f} of {rollout.bake_s / 60.0:.0f} minutes"
    )
    return Verdict(VerdictKind.INCONCLUSIVE, Reason.BAKING, detail)


def _too_thin(trial: Trial, rollout: Rollout) -> bool:
    """Whether a baked canary would, at its present pace, not get enough requests in time."""
    if not trial.canary or trial.elapsed_s < rollout.bake_s or trial.elapsed_s <= 0.0:
        return False
    return trial.after.requests * rollout.max_bake_s < rollout.min_requests * trial.elapsed_s


def _not_worse(trial: Trial) -> bool:
    """Of a climb out of a breach or of failing calls: slow and failed requests are no larger
    shares than beside it."""
    after, before = trial.after, trial.before
    left_for_cause = trial.breaching_before or trial.starving_before
    if not left_for_cause or after.requests < FEW or before.requests < FEW:
        return False
    slower = after.slow * before.requests > before.slow * after.requests
    failing = after.errors * before.requests > before.errors * after.requests
    return not slower and not failing


def _worse(trial: Trial, slo: Slo) -> Verdict | None:
    """Failures that end a trial at any time."""
    after, before = trial.after, trial.before
    if after.requests == 0:
        return None
    errors_up = share_exceeds(after.errors, after.requests, before.errors, before.requests)
    if before.requests > 0 and after.errors >= 3 and errors_up >= SURE:
        detail = f"{after.errors:,} of {after.requests:,} requests failed, more than before"
        return Verdict(VerdictKind.FAIL, Reason.MADE_WORSE, detail)
    if trial.breaching_before:
        slower = share_exceeds(after.slow, after.requests, before.slow, before.requests)
        if after.requests >= 50 and slower >= SURE:
            return _fail(after, "more than before", Reason.MADE_WORSE)
        return None
    if trial.elapsed_s < trial.patience_s:
        return None
    if log_likelihood_ratio(after, slo) >= math.log((1.0 - FALSE_PASS) / FALSE_FAIL):
        return _fail(after, "the SLO is broken", Reason.MADE_WORSE)
    return None


def _decided(trial: Trial, slo: Slo) -> Verdict | None:
    """What a long enough trial shows."""
    after, before = trial.after, trial.before
    if _mostly_failing(after):
        return None
    shown = f"{after.slow:,} of {after.requests:,} requests slow"
    if log_likelihood_ratio(after, slo) <= math.log(FALSE_PASS / (1.0 - FALSE_FAIL)):
        return Verdict(VerdictKind.PASS, Reason.VERIFIED, f"{shown}: the SLO is met")
    if trial.breaching_before:
        faster = share_exceeds(before.slow, before.requests, after.slow, after.requests)
        if faster >= SURE:
            return Verdict(VerdictKind.PASS, Reason.VERIFIED, f"{shown}: better than before")
    return None


def _at_the_end(trial: Trial, slo: Slo) -> Verdict:
    """Time is up: met as likely as not passes, a climb that helped nobody does not."""
    after = trial.after
    if _mostly_failing(after):
        detail = f"{after.errors:,} of {after.requests:,} requests failed: their speed says nothing"
        return Verdict(VerdictKind.FAIL, Reason.MADE_WORSE, detail)
    budget = 1.0 - slo.percentile
    if share_at_most(budget, after.slow, after.requests) >= 0.5:
        detail = f"{after.slow:,} of {after.requests:,} requests slow: within the SLO"
        return Verdict(VerdictKind.PASS, Reason.VERIFIED, detail)
    reason = Reason.NO_BENEFIT if trial.breaching_before else Reason.MADE_WORSE
    return _fail(after, "no better than before" if trial.breaching_before else "over", reason)


def _mostly_failing(after: Counts) -> bool:
    """A call that fails at once is no fast call: no trial passes on failures."""
    return after.errors > 0.5 * after.requests


def _fail(after: Counts, why: str, reason: Reason) -> Verdict:
    detail = f"{after.slow:,} of {after.requests:,} requests slow: {why}"
    return Verdict(VerdictKind.FAIL, reason, detail)


def log_likelihood_ratio(after: Counts, slo: Slo) -> float:
    """Wald's statistic: log P(counts | bad) - log P(counts | good)."""
    budget = 1.0 - slo.percentile
    good, bad = GOOD_SHARE * budget, BAD_SHARE * budget
    fast = after.requests - after.slow
    return after.slow * math.log(bad / good) + fast * math.log((1.0 - bad) / (1.0 - good))
