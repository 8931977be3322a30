"""CloudWatch can be gone for hours; what is half done is undone all the same."""

from virtual_account import HOUR_S, Account, function, policy

from controller.model.change import ChangePhase
from controller.model.condition import Pause
from controller.sandbox.faults import Fault, FaultKind


def test_a_change_is_undone_while_cloudwatch_is_gone() -> None:
    account = Account([function("ocr", 3008)], [policy("ocr", 400.0)])
    account.run(HOUR_S, lambda: bool(account.app.store.open_changes()))
    open_change = next(iter(account.app.store.open_changes()))
    account.run(600.0)
    account.faults.add(Fault(kind=FaultKind.BROKEN, service="monitoring"))
    account.faults.add(Fault(kind=FaultKind.BROKEN, service="cloudwatch"))
    account.app.store.pause(Pause("*", 0.0, None, "a test", "somebody"))
    account.run(2 * HOUR_S)
    closed = account.app.store.change(open_change.id)
    assert closed is not None
    assert closed.phase is ChangePhase.ROLLED_BACK, closed.phase
    assert account.memory_mb("ocr") == 3008
