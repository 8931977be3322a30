"""Judging begins when the instances that a change wants are there."""

from dataclasses import replace

import pytest
from given import NOW_S, a_change, a_fleet, a_policy
from realtime_variant import AFTER, BEFORE, KEY, Variant

from controller.core.contract import SETTLE_S, Stage
from controller.core.guard import Situation, endpoint_stable
from controller.core.history import Ownership
from controller.kinds.realtime_endpoint.arrival import LEAVING_S, LONGEST_S, STEADY_S, arriving
from controller.kinds.realtime_endpoint.rollout import watching_since_s
from controller.kinds.realtime_endpoint.view import View
from controller.model.change import Advance, Change, ChangePhase, Step, Verdict, VerdictKind, Wait
from controller.model.endpoint import EndpointState, Phase
from controller.model.policy import Rollout
from controller.model.reason import Reason
from controller.model.size import RealtimeSize

NOT_YET = Verdict(VerdictKind.INCONCLUSIVE, Reason.BAKING, "not yet")
MORE = RealtimeSize(BEFORE, 2, 8, 700.0)


def _change(target: RealtimeSize, reason: Reason = Reason.SLO_BREACHED, **told: str) -> Change:
    from controller.kinds.realtime_endpoint import snapshot

    kept = snapshot.to_text(Variant().scaling)
    progress = {"kept": kept, "full_since_s": repr(NOW_S), **told}
    before = RealtimeSize(BEFORE, 2, 6, 900.0)
    return a_change(
        phase=ChangePhase.VERIFYING,
        key=KEY,
        before=before,
        target=target,
        reason=reason,
        progress=progress,
    )


def _state(running: int, wanted: int) -> EndpointState:
    state = Variant(desired=wanted).state(NOW_S)
    return replace(state, live=replace(state.realtime, instances=running))


def _look(change: Change, running: int, wanted: int, after_s: float) -> tuple[Step | None, Change]:
    state = _state(running, wanted)
    stage = Stage(change, state, Rollout(), NOT_YET, None, NOW_S + after_s)
    step = arriving(View(stage))
    if isinstance(step, Advance):
        return step, replace(change, progress=step.progress)
    return step, change


def test_instances_that_still_launch_are_waited_for() -> None:
    step, change = _look(_change(MORE), running=2, wanted=4, after_s=60.0)
    assert isinstance(step, Wait)
    assert "2 of 4 instances" in step.detail
    assert watching_since_s(change) is None


def test_autoscaling_that_may_want_more_is_waited_for_from_its_last_wish() -> None:
    """Quiet at two instances, then it asks for four: the time begins anew."""
    _, change = _look(_change(MORE), 2, 2, 0.0)
    step, change = _look(change, 2, 2, STEADY_S - 1.0)
    assert isinstance(step, Wait)
    _, change = _look(change, 4, 4, STEADY_S)
    step, change = _look(change, 4, 4, 2 * STEADY_S - 1.0)
    assert isinstance(step, Wait)
    step, change = _look(change, 4, 4, 2 * STEADY_S)
    assert isinstance(step, Advance)
    assert watching_since_s(change) == NOW_S + 2 * STEADY_S + SETTLE_S
    assert _look(change, 3, 4, 9999.0)[0] is None


def test_after_an_hour_it_is_judged_as_it_is() -> None:
    step, change = _look(_change(MORE), 2, 9, LONGEST_S)
    assert isinstance(step, Advance)
    assert watching_since_s(change) is not None


def test_fewer_instances_are_judged_once_they_are_fewer() -> None:
    """Target tracking lets them go after a quarter of an hour; at the least, none can."""
    less = _change(RealtimeSize(BEFORE, 1, 3, 900.0), Reason.CHEAPER_SIZE)
    step, _ = _look(less, 6, 3, 1.0)
    assert isinstance(step, Wait)
    _, less = _look(less, 3, 3, 60.0)
    step, less = _look(less, 3, 3, 59.0 + LEAVING_S)
    assert isinstance(step, Wait)
    assert watching_since_s(less) is None
    step, less = _look(less, 1, 1, 60.0 + LEAVING_S)
    assert isinstance(step, Advance)
    assert watching_since_s(less) == NOW_S + 60.0 + LEAVING_S + SETTLE_S


@pytest.mark.parametrize(
    ("reason", "watched"), [(Reason.CHEAPER_SIZE, True), (Reason.SLO_BREACHED, False)]
)
def test_another_type_is_watched_at_once_but_for_a_climb(reason: Reason, watched: bool) -> None:
    change = _change(RealtimeSize(AFTER, 2, 6, 1800.0), reason, config_target="rightsizer-new")
    assert (watching_since_s(change) is not None) is watched


def test_instances_that_come_by_autoscaling_are_nobodys_update() -> None:
    scaling = replace(_state(running=2, wanted=4), phase=Phase.UPDATING)
    nobody = Ownership(False, False, None, "")
    situation = Situation(NOW_S, a_policy(), scaling, None, (), (), nobody, a_fleet(), None, {})
    refusal = endpoint_stable(situation)
    assert refusal is not None
    assert refusal[:2] == (Reason.UPDATING, "AWS is going from 2 to 4 instances")
