"""Plans as documents: what is written is read back, and what stands in the way is told apart."""

import json
from dataclasses import replace

import pytest
from given import KEY, NOW_S, a_policy, a_proposal, a_state
from hypothesis import given
from hypothesis import strategies as st

from controller.model.decision import Assessment, GuardVerdict, Hold, Propose
from controller.model.demand import Interval
from controller.model.estimate import Candidate, Estimate, Rejection
from controller.model.missing import Missing
from controller.model.reason import Reason
from controller.model.size import LambdaSize
from controller.runtime.oneshot import Seen
from controller.runtime.plans import (
    Action,
    PlanInvalid,
    action_of,
    parse_plan,
    plan_document,
    total_saving,
)
from controller.runtime.roster import Entry

API = "rightsizer.dev/v1alpha1"
ENTRY = Entry(KEY, a_policy())
UNKNOWN = Missing("not asked")

finite = st.floats(0.001, 1e9, allow_nan=False)
intervals = st.tuples(finite, finite, finite).map(sorted).map(lambda v: Interval(*v))
proposals = st.builds(
    lambda before, target, p_slo, values, saves: a_proposal(
        before,
        target,
        p_slo=p_slo,
        p95_after_ms=values[0],
        usd_per_month_before=values[1],
        usd_per_month_after=values[2],
        saves_usd_per_month=saves,
    ),
    st.integers(128, 10_240),
    st.integers(128, 10_240),
    st.floats(0.0, 1.0),
    st.tuples(intervals, intervals, intervals),
    intervals,
)


def an_assessment(wanted: Propose | Hold, *refused: Reason) -> Assessment:
    """What one tick concluded; each reason is one guard that says no."""
    guards = tuple(GuardVerdict(r.value, False, r, "no") for r in refused)
    decision = Hold(refused[0], "no") if refused else wanted
    before = wanted.proposal.before if isinstance(wanted, Propose) else LambdaSize(1024)
    cost = (
        wanted.proposal.usd_per_month_before
        if isinstance(wanted, Propose)
        else Interval(1.0, 2.0, 3.0)
    )
    estimate = Estimate(before, Interval(90.0, 100.0, 110.0), 0.99, cost, "measured here", 500)
    here = Candidate(estimate, Rejection.CURRENT, "kept")
    state = replace(a_state(before.memory_mb), etag="e-77")
    return Assessment(
        KEY, "ocr", NOW_S, state, UNKNOWN, UNKNOWN, (here,), wanted, guards, decision, "…"
    )


def document_of(*assessments: Assessment) -> str:
    seen = [Seen(ENTRY, assessment) for assessment in assessments]
    content = plan_document(seen, at_s=NOW_S, digest="d", failures=[], version="0")
    return json.dumps({"apiVersion": API, "kind": "Plan", **content})


@given(proposals)
def test_a_change_is_read_back_as_it_was_written(proposal: object) -> None:
    assessment = an_assessment(Propose(proposal))  # type: ignore[arg-type]
    plan = parse_plan(document_of(assessment), API)
    assert plan.created_at_s == NOW_S
    (planned,) = plan.changes
    assert (planned.key, planned.policy, planned.generation) == (KEY, "ocr", "g1")
    assert planned.etag == "e-77"
    read, written = planned.proposal, proposal
    assert isinstance(assessment.wanted, Propose)
    written = assessment.wanted.proposal
    assert (read.before, read.target, read.reason) == (
        written.before,
        written.target,
        written.reason,
    )
    assert read.p_slo == pytest.approx(written.p_slo, abs=1e-6)
    for one, other in (
        (read.saves_usd_per_month, written.saves_usd_per_month),
        (read.usd_per_month_after, written.usd_per_month_after),
    ):
        assert one.mid == pytest.approx(other.mid, rel=1e-5)


@pytest.mark.parametrize(
    ("refused", "action"),
    [
        ((), Action.CHANGE),
        ((Reason.MODE_RECOMMEND,), Action.CHANGE),
        ((Reason.COOLDOWN,), Action.WAIT),
        ((Reason.PAUSED, Reason.MODE_RECOMMEND), Action.WAIT),
        ((Reason.MODE_OBSERVE,), Action.KEEP),
    ],
)
def test_only_the_mode_does_not_keep_a_change_from_being_planned(
    refused: tuple[Reason, ...], action: Action
) -> None:
    assert action_of(an_assessment(Propose(a_proposal()), *refused)) is action


@pytest.mark.parametrize("reason", list(Reason))
def test_a_hold_is_never_a_change(reason: Reason) -> None:
    held = an_assessment(Hold(reason, "because"))
    assert action_of(held) is not Action.CHANGE
    assert parse_plan(document_of(held), API).changes == ()


def test_savings_add_up_and_their_spreads_do_so_less() -> None:
    one = Seen(ENTRY, an_assessment(Propose(a_proposal())))
    held = Seen(ENTRY, an_assessment(Propose(a_proposal()), Reason.COOLDOWN))
    assert total_saving([one, held]) == Interval(4.0, 5.0, 6.0)
    both = total_saving([one, one])
    assert both.mid == 10.0
    assert 8.0 < both.low < 9.0
    assert total_saving([]) == Interval(0.0, 0.0, 0.0)


@given(st.text(max_size=50) | st.just("{}") | st.just("null") | st.just('{"kind":"Plan"}'))
def test_whatever_is_no_plan_is_refused(text: str) -> None:
    with pytest.raises(PlanInvalid):
        parse_plan(text, API)
