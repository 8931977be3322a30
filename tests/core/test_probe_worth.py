"""When a copy is measured before anything is changed, and when nothing may be."""

from dataclasses import replace
from typing import Any

import pytest
from given import (
    DAY_S,
    KEY,
    NOW_S,
    X86_PRICES,
    Truth,
    a_change,
    a_pause,
    a_policy,
    an_observed,
)

from controller.core.assess import Observed, assess, believe
from controller.core.periods import HOUR_S
from controller.core.probe_cost import Tariff
from controller.core.probe_lessons import impossible
from controller.core.probe_wish import memory_wish
from controller.core.probe_worth import Looking, consider
from controller.kinds.lambda_function.kind import LambdaSizing
from controller.model.decision import Assessment, Hold, Probe, Propose, Prospect
from controller.model.endpoint import Kind
from controller.model.estimate import Rejection
from controller.model.missing import Missing
from controller.model.policy import ChangeWindow, Mode
from controller.model.probe import ProbeKind, ProbeOutcome, ProbeRecord
from controller.model.probing import PayloadSource, ProbeBudget, Probing
from controller.model.reason import Reason
from controller.model.size import LambdaSize

PROBING = Probing((PayloadSource(inline="{}"),), shadows=True)
RATE = Tariff(1.0, 1.67e-5, 2e-7)
BIG = Truth(at_vcpu_ms=60.0, fixed_share=0.2, sigma=0.2)


def probed(**values: Any) -> ProbeRecord:
    """A probe of a copy with 512 MB an hour ago."""
    plain = ProbeRecord(
        id="one",
        key=KEY,
        kind=ProbeKind.SHADOW,
        size=LambdaSize(512),
        actor="controller",
        started_at_s=NOW_S - HOUR_S,
        ended_at_s=NOW_S - 3500.0,
        outcome=ProbeOutcome.SUCCEEDED,
        detail="",
        usd_estimated=0.001,
        usd=0.001,
        requests=200,
    )
    return replace(plain, **values)


def decided(observed: Observed, rate: Any = RATE) -> Assessment:
    """What a tick decides, probes included."""
    sizing = LambdaSizing(X86_PRICES)
    beliefs = believe(observed, sizing)
    assessment = assess(observed, sizing, beliefs)
    return consider(Looking(observed, assessment, beliefs, sizing), memory_wish, lambda _: rate)


def big(probing: Probing | None = PROBING, **values: Any) -> Observed:
    """A function with three times the memory that it needs, for days."""
    policy = values.pop("policy", a_policy(400.0))
    return an_observed(BIG, 3008, policy=replace(policy, probe=probing), **values)


@pytest.mark.parametrize("mode", [Mode.ENFORCE, Mode.RECOMMEND])
def test_a_decrease_waits_for_a_look_at_a_copy(mode: Mode) -> None:
    assessment = decided(big(policy=a_policy(400.0, mode=mode)))
    decision = assessment.decision
    assert isinstance(decision, Probe)
    assert decision.reason is Reason.PROBING
    assert decision.plan.kind is ProbeKind.SHADOW
    assert decision.plan.size == LambdaSize(3008), "first, whether our payloads are like users'"
    compared = big(policy=a_policy(400.0, mode=mode), probes=(probed(size=LambdaSize(3008)),))
    then = decided(compared).decision
    assert isinstance(then, Probe)
    assert then.plan.size < LambdaSize(3008)  # type: ignore[operator]
    assert isinstance(decision.plan.usd, float)
    assert 0.0 < decision.plan.usd < decision.plan.worth_usd
    assert "0." in assessment.sentence


@pytest.mark.parametrize(
    ("observed", "why"),
    [
        (big(None), "the policy has no `probe`"),
        (big(Probing(PROBING.payloads)), "does not allow copies"),
        (big(Probing((), shadows=True)), "no payloads"),
        (big(pauses=(a_pause(),)), "paused by"),
        (big(lease_held=False), "another replica leads"),
        (big(open_change=a_change()), "a change is under way"),
        (big(policy=a_policy(400.0, mode=Mode.OBSERVE)), "mode is Observe"),
        (
            big(policy=a_policy(400.0, change_windows=(ChangeWindow((5,), 0, 60, "UTC"),))),
            "not within a change window",
        ),
        (big(replace(PROBING, budget=ProbeBudget(usd_per_probe=1e-7))), "and a probe may cost"),
        (big(probes=(probed(usd=0.999999),), probing=PROBING), "of the day's 1.00 are spent"),
        (big(hours=12), "hour"),
    ],
    ids=[
        "no probe in the policy",
        "no copies allowed",
        "nothing to send",
        "paused",
        "another replica leads",
        "a change is open",
        "observe only",
        "outside the change window",
        "over the budget of a probe",
        "over the budget of a day",
        "too little history",
    ],
)
def test_nothing_is_probed_and_it_is_said_why(observed: Observed, why: str) -> None:
    assessment = decided(observed)
    assert not isinstance(assessment.decision, Probe)
    assert assessment.prospect is not None
    assert why in (assessment.prospect.refused or "")


def test_an_unknown_price_is_not_paid() -> None:
    assessment = decided(big(), Missing("no price"))
    assert not isinstance(assessment.decision, Probe)
    assert assessment.prospect is not None
    assert assessment.prospect.order is not None, "what would be measured is known"
    assert assessment.prospect.refused == "its price is not known: no price"


def test_what_comes_first_is_what_is_decided() -> None:
    assessment = decided(big())
    assert isinstance(assessment.decision, Probe)
    assert assessment.prospect == Prospect(assessment.decision.plan, None)


def test_a_breach_is_answered_and_not_studied() -> None:
    slow = replace(a_policy(120.0), probe=PROBING)
    decision = decided(an_observed(BIG, 512, policy=slow)).decision
    assert isinstance(decision, Propose)
    assert decision.proposal.reason is Reason.SLO_BREACHED


def test_deciding_twice_is_deciding_once() -> None:
    running = probed(ended_at_s=None, outcome=None, usd=Missing("it runs"))
    decision = decided(big(probes=(running,))).decision
    assert type(decision) is Hold
    assert decision.reason is Reason.PROBING


def test_it_ends() -> None:
    many = tuple(probed(id=str(i), started_at_s=NOW_S - i * HOUR_S) for i in range(1, 21))
    assert not isinstance(decided(big(probes=many)).decision, Probe)
    failed = tuple(probed(id=str(i), outcome=ProbeOutcome.FAILED) for i in range(2))
    assert not isinstance(decided(big(probes=failed)).decision, Probe)
    assert isinstance(decided(big(probes=failed[:1])).decision, Probe), "once is no reason"


def test_a_size_at_which_calls_failed_is_impossible_for_a_week() -> None:
    killed = probed(errors=180, broken=180)
    sizes = [LambdaSize(mb) for mb in (256, 512, 1024)]
    found = impossible([killed], sizes, NOW_S)
    assert list(found) == [LambdaSize(256), LambdaSize(512)], "with less it does no better"
    assert found[LambdaSize(512)][0] is Rejection.INFEASIBLE_BEFORE
    assert not impossible([killed], sizes, NOW_S + 7.5 * DAY_S)
    assert not impossible([probed(errors=10, broken=10)], sizes, NOW_S)
    assert not impossible([probed(errors=180)], sizes, NOW_S), "throttled, or broken off by us"
    once = probed(requests=1, errors=1, broken=1, outcome=ProbeOutcome.ABORTED)
    assert not impossible([once], sizes, NOW_S), "one call says nothing"
    observed = big(probes=(killed,))
    standing = {c.estimate.size: c.rejection for c in decided(observed).candidates}
    assert standing[LambdaSize(512)] is Rejection.INFEASIBLE_BEFORE
    assert observed.state.key.kind is Kind.LAMBDA_FUNCTION
