"""How a change ends once its instances are there: more of the same is never taken back."""

import pytest
from given import NOW_S, a_change
from realtime_variant import AFTER, BEFORE, KEY, Variant

from controller.core.contract import Stage
from controller.kinds.realtime_endpoint import snapshot
from controller.kinds.realtime_endpoint.judging import judge
from controller.kinds.realtime_endpoint.view import View
from controller.model.change import Advance, ChangePhase, Step, Verdict, VerdictKind
from controller.model.policy import Rollout
from controller.model.reason import Reason
from controller.model.size import RealtimeSize

SLOW = Verdict(VerdictKind.FAIL, Reason.MADE_WORSE, "900 of 1000 requests slow")
NOW = RealtimeSize(BEFORE, 2, 6, 900.0)


def ended(target: RealtimeSize, reason: Reason) -> Step:
    progress = {
        "kept": snapshot.to_text(Variant().scaling),
        "full_since_s": repr(NOW_S),
        "arrived_s": repr(NOW_S),
        "config": Variant().state(NOW_S).realtime.endpoint.config.name,
    }
    change = a_change(
        phase=ChangePhase.VERIFYING,
        key=KEY,
        before=NOW,
        target=target,
        reason=reason,
        progress=progress,
    )
    stage = Stage(change, Variant().state(NOW_S), Rollout(), SLOW, None, NOW_S + 900.0)
    return judge(View(stage))


@pytest.mark.parametrize("reason", [Reason.SLO_BREACHED, Reason.DEMAND_CHANGED])
@pytest.mark.parametrize(
    "more",
    [
        RealtimeSize(BEFORE, 3, 6, 900.0),
        RealtimeSize(BEFORE, 2, 9, 900.0),
        RealtimeSize(BEFORE, 2, 6, 700.0),
    ],
    ids=["min", "max", "target"],
)
def test_a_burst_does_not_take_instances_back(more: RealtimeSize, reason: Reason) -> None:
    step = ended(more, reason)
    assert isinstance(step, Advance)
    assert step.phase is ChangePhase.UNVERIFIED
    assert step.verdict is not None
    assert "900 of 1000" in step.verdict.detail


@pytest.mark.parametrize(
    "other",
    [
        RealtimeSize(BEFORE, 1, 6, 900.0),
        RealtimeSize(BEFORE, 2, 6, 1200.0),
        RealtimeSize(AFTER, 2, 6, 900.0),
    ],
    ids=["fewer", "looser", "another type"],
)
def test_less_and_another_type_are_taken_back(other: RealtimeSize) -> None:
    step = ended(other, Reason.CHEAPER_SIZE)
    assert isinstance(step, Advance)
    assert step.phase is ChangePhase.ROLLING_BACK
