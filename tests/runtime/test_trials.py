"""What a change is compared with: the breach that it left, or the objective."""

from dataclasses import replace
from typing import Any

from given import NOW_S, a_change, a_policy, a_window

from controller.core.contract import KindRules
from controller.kinds.realtime_endpoint.kind import RealtimeRules
from controller.model.change import Baseline, Change, ChangePhase, Verdict, VerdictKind
from controller.model.missing import Missing
from controller.model.policy import Rollout
from controller.model.reason import Reason
from controller.model.size import RealtimeSize
from controller.runtime.samples import Samples
from controller.runtime.trials import verdict_on

RULES: KindRules = RealtimeRules()
FEW, MORE = RealtimeSize("ml.c5.large", 1, 2, 900.0), RealtimeSize("ml.c5.large", 2, 8, 600.0)


def _verdict(change: Change, slow_share: float, **window: Any) -> Verdict:
    """On an hour with so many slow requests."""
    since_s = NOW_S - 3600.0
    change = replace(
        change, phase=ChangePhase.VERIFYING, progress={"arrived_s": repr(since_s - 120.0)}
    )
    policy = a_policy(200.0, rollout=Rollout())
    trial = tuple(
        a_window(since_s + 60.0 * i, period_s=60.0, met_ratio=1.0 - slow_share, **window)
        for i in range(60)
    )
    samples = Samples(policy.slo, NOW_S, trial=trial)
    return verdict_on(change, policy, RULES, samples, NOW_S)


def _change(slow_before: int, reason: Reason, *, before: RealtimeSize = FEW) -> Change:
    base = Baseline(NOW_S - 9000.0, NOW_S - 5400.0, 1000, slow_before, 0, 400.0)
    target = MORE if before is FEW else FEW
    return a_change(before=before, target=target, reason=reason, baseline=base)


def test_a_climb_for_any_reason_is_compared_with_the_breach_that_it_left() -> None:
    verdict = _verdict(_change(500, Reason.DEMAND_CHANGED), slow_share=0.12)
    assert verdict.kind is VerdictKind.PASS
    assert "better than before" in verdict.detail


def test_a_climb_that_left_no_breach_is_compared_with_the_objective() -> None:
    verdict = _verdict(_change(10, Reason.DEMAND_CHANGED), slow_share=0.12)
    assert (verdict.kind, verdict.reason) == (VerdictKind.FAIL, Reason.MADE_WORSE)


def test_less_is_never_excused_by_a_breach() -> None:
    verdict = _verdict(_change(500, Reason.CHEAPER_SIZE, before=MORE), slow_share=0.12)
    assert verdict.kind is VerdictKind.FAIL


def test_minutes_whose_failures_are_not_known_verify_nothing() -> None:
    """A call that fails at once is fast: without its count, its speed says nothing."""
    change = _change(10, Reason.CHEAPER_SIZE, before=MORE)
    assert _verdict(change, slow_share=0.0).kind is VerdictKind.PASS
    unread = Missing("no Errors datapoint")
    verdict = _verdict(change, slow_share=0.0, errors=unread)
    assert (verdict.kind, verdict.reason) == (VerdictKind.INCONCLUSIVE, Reason.BAKING)
