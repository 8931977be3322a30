"""A change that AWS keeps refusing is given up, undone and left alone for a while."""

from virtual_account import HOUR_S, Account, function, policy

from controller.model.change import ChangePhase
from controller.model.decision import Hold
from controller.model.reason import Reason
from controller.sandbox.faults import Fault, FaultKind


def test_a_denied_update_is_given_up_within_the_hour_and_not_tried_at_every_tick() -> None:
    account = Account([function("f", 3008, age_days=3.0)], [policy("f", 400.0)])
    account.faults.add(Fault(FaultKind.DENIED, "lambda", "UpdateFunctionConfiguration"))
    account.run(0.5 * HOUR_S)
    decision = account.last("f").decision
    assert isinstance(decision, Hold)
    assert decision.reason is Reason.ACCESS_DENIED
    account.run(5 * HOUR_S)
    (change,) = account.app.store.changes()
    assert change.phase is ChangePhase.ROLLED_BACK
    assert change.verdict is not None
    assert change.verdict.reason is Reason.UPDATE_FAILED
    assert account.memory_mb("f") == 3008
    assert account.mutations() == 0
    decision = account.last("f").decision
    assert isinstance(decision, Hold)
    assert decision.reason in {Reason.QUARANTINED, Reason.STABILIZING}
