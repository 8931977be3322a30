"""Conditions: all eight, every tick, and what each of them rests on."""

from dataclasses import replace

import pytest
from given import (
    KEY,
    NOW_S,
    UNREAD,
    X86_PRICES,
    Truth,
    a_change,
    a_pause,
    a_policy,
    a_state,
    a_verdict,
    an_observed,
    observed_worlds,
)
from hypothesis import given, settings

from controller.core.assess import Observed, assess, believe, unassessed
from controller.core.conditions import chosen_candidate, conditions, current_candidate
from controller.kinds.lambda_function.kind import LambdaSizing
from controller.model.change import ChangePhase
from controller.model.condition import Condition, ConditionStatus, ConditionType
from controller.model.decision import Assessment, Hold
from controller.model.policy import Mode, Policy
from controller.model.reason import Reason
from controller.model.size import LambdaSize

TRUE, FALSE, UNKNOWN = ConditionStatus.TRUE, ConditionStatus.FALSE, ConditionStatus.UNKNOWN
SIZING = LambdaSizing(X86_PRICES)
POLICY = a_policy()


def assessed(**values: object) -> Assessment:
    observed = an_observed(**values)  # type: ignore[arg-type]
    return assess(observed, SIZING, believe(observed, SIZING))


def said(assessment: Assessment, policy: Policy = POLICY) -> dict[ConditionType, Condition]:
    found = conditions(assessment, policy)
    assert len(found) == len(ConditionType)
    return {c.type: c for c in found}


@given(observed_worlds())
@settings(max_examples=25)
def test_every_assessment_has_all_eight_conditions(observed: Observed) -> None:
    assessment = assess(observed, SIZING, believe(observed, SIZING))
    found = said(assessment, observed.policy)
    assert set(found) == set(ConditionType)
    for condition in found.values():
        assert condition.message
        assert condition.observed_generation == observed.policy.generation
        assert condition.last_transition_s == NOW_S


def test_a_right_size_is_ready_and_everything_is_well() -> None:
    truth = Truth()
    policy = a_policy(truth.p95_ms(1769) * 1.02)
    found = said(assessed(truth=truth, memory_mb=1769, policy=policy), policy)
    assert {kind: c.status for kind, c in found.items()} == {
        ConditionType.READY: TRUE,
        ConditionType.PROGRESSING: FALSE,
        ConditionType.DEGRADED: FALSE,
        ConditionType.DATA_FRESH: TRUE,
        ConditionType.PAUSED: FALSE,
        ConditionType.DRIFTED: FALSE,
        ConditionType.SLO_MET: TRUE,
        ConditionType.WITHIN_BUDGET: TRUE,
    }


def test_a_broken_slo_is_said_in_counts() -> None:
    found = said(assessed(memory_mb=512))[ConditionType.SLO_MET]
    assert found.status is FALSE
    assert "requests were slower than 200 ms" in found.message


@pytest.mark.parametrize(
    "reason",
    [Reason.ACCESS_DENIED, Reason.CREDENTIALS, Reason.UNREACHABLE, Reason.NOT_FOUND, Reason.ERROR],
)
def test_an_endpoint_that_could_not_be_seen_is_degraded_and_nothing_else_is_known(
    reason: Reason,
) -> None:
    blind = unassessed(KEY, "ocr", NOW_S, Hold(reason, "GetFunctionConfiguration was refused"))
    found = said(blind, a_policy(budget_usd_per_month=1.0))
    assert found[ConditionType.READY].status is FALSE
    assert found[ConditionType.DEGRADED].status is TRUE
    assert found[ConditionType.DEGRADED].reason is reason
    assert found[ConditionType.SLO_MET].status is UNKNOWN
    assert found[ConditionType.WITHIN_BUDGET].status is UNKNOWN
    assert current_candidate(blind) is None
    assert chosen_candidate(blind) is None


def test_a_pause_and_drift_show_even_where_another_reason_comes_first() -> None:
    from given import a_change

    observed = an_observed(
        memory_mb=2048,
        policy=a_policy(mode=Mode.OBSERVE),
        pauses=[a_pause()],
        changes=[a_change(2048, 1024)],
        size_since_s=NOW_S - 600.0,
        state=a_state(2048),
    )
    assessment = assess(observed, SIZING, believe(observed, SIZING))
    found = said(assessment, observed.policy)
    assert found[ConditionType.PAUSED].status is TRUE
    assert "paused by ann" in found[ConditionType.PAUSED].message
    assert found[ConditionType.DRIFTED].status is TRUE
    assert found[ConditionType.READY].reason is Reason.MODE_OBSERVE


def test_stale_data_shows_even_where_another_reason_comes_first() -> None:
    late = an_observed(pauses=[a_pause()], requests=5000)
    late = replace(late, now_s=NOW_S + 2 * 3600.0)
    assessment = assess(late, SIZING, believe(late, SIZING))
    assert isinstance(assessment.decision, Hold)
    assert assessment.decision.reason is Reason.PAUSED
    assert said(assessment)[ConditionType.DATA_FRESH].status is FALSE


def test_no_data_is_not_fresh_data() -> None:
    none = an_observed(hours=0, requests=[2000])
    none = replace(none, windows=replace(none.windows, recent=(), hourly=()))
    assessment = assess(none, SIZING, believe(none, SIZING))
    assert said(assessment)[ConditionType.DATA_FRESH].status is FALSE


@pytest.mark.parametrize(("budget", "status"), [(None, TRUE), (1000.0, TRUE), (1.0, FALSE)])
def test_the_budget_is_compared_with_what_the_present_size_costs(
    budget: float | None, status: ConditionStatus
) -> None:
    policy = a_policy(budget_usd_per_month=budget)
    assert said(assessed(policy=policy), policy)[ConditionType.WITHIN_BUDGET].status is status


def test_the_cost_is_unknown_without_a_price() -> None:
    observed = an_observed(policy=a_policy(budget_usd_per_month=5.0))
    blind = LambdaSizing(UNREAD)
    assessment = assess(observed, blind, believe(observed, blind))
    assert said(assessment)[ConditionType.WITHIN_BUDGET].status is TRUE  # POLICY has no budget
    budgeted = said(assessment, observed.policy)[ConditionType.WITHIN_BUDGET]
    assert budgeted.status is UNKNOWN


def test_the_candidates_that_pages_show() -> None:
    assessment = assessed(memory_mb=512)
    assert not isinstance(assessment.wanted, Hold)
    current, chosen = current_candidate(assessment), chosen_candidate(assessment)
    assert current is not None
    assert current.estimate.size == LambdaSize(512)
    assert chosen is not None
    assert chosen.estimate.size == assessment.wanted.proposal.target


# --- each condition says its own reason ---


def reasons(found: dict[ConditionType, Condition]) -> dict[ConditionType, Reason]:
    return {kind: condition.reason for kind, condition in found.items()}


def test_where_all_is_well_only_ready_carries_the_decisions_reason() -> None:
    truth = Truth()
    policy = a_policy(truth.p95_ms(1769) * 1.02)
    found = said(assessed(truth=truth, memory_mb=1769, policy=policy), policy)
    expected = dict.fromkeys(ConditionType, Reason.AS_EXPECTED)
    decision = assessed(truth=truth, memory_mb=1769, policy=policy).decision
    assert isinstance(decision, Hold)
    assert reasons(found) == {**expected, ConditionType.READY: decision.reason}


def test_a_broken_slo_and_budget_say_so_themselves() -> None:
    policy = a_policy(budget_usd_per_month=0.5, mode=Mode.RECOMMEND)
    found = reasons(said(assessed(memory_mb=512, policy=policy), policy))
    assert found[ConditionType.SLO_MET] is Reason.SLO_BREACHED
    assert found[ConditionType.WITHIN_BUDGET] is Reason.OVER_BUDGET
    assert found[ConditionType.PAUSED] is Reason.AS_EXPECTED


@pytest.mark.parametrize(
    ("phase", "reason"),
    [
        (ChangePhase.UNVERIFIED, Reason.UNVERIFIED),
        (ChangePhase.VERIFIED, Reason.VERIFIED),
        (ChangePhase.ROLLED_BACK, Reason.MADE_WORSE),
    ],
)
def test_how_the_last_change_ended_stays_to_be_seen(phase: ChangePhase, reason: Reason) -> None:
    ended = a_change(512, 1024, phase, verdict=a_verdict(reason=reason, detail="37 of 200"))
    paused = assessed(changes=[ended], memory_mb=1024, pauses=[a_pause()])
    found = said(paused)[ConditionType.PROGRESSING]
    assert found.status is FALSE
    assert found.reason is reason
    assert found.message == f"the last change: 512 MB -> 1024 MB {phase}: 37 of 200"


def test_an_open_change_progresses() -> None:
    change = a_change(1024, 512, ChangePhase.VERIFYING)
    found = said(assessed(open_change=change, changes=[change]))[ConditionType.PROGRESSING]
    assert found.status is TRUE
    assert found.reason is Reason.CHANGE_IN_PROGRESS
