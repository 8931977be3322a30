"""What AWS keeps refusing is asked for less and less often, said once, and undone or called out."""

from collections.abc import Iterator
from contextlib import contextmanager

from virtual_account import ACCOUNT, HOUR_S, OURS, REGION, Account, function, policy

from controller.model.change import Change, ChangePhase
from controller.model.condition import ConditionStatus, ConditionType
from controller.model.decision import Hold
from controller.model.reason import Reason
from controller.model.size import memory_mb_of
from controller.sandbox.faults import Fault, FaultKind
from controller.sandbox.lambda_common import user_error
from controller.sandbox.wire.contract import AwsError, RequestContext


def _hold(account: Account) -> Hold:
    decision = account.last("f").decision
    assert isinstance(decision, Hold)
    return decision


def _told(account: Account, change: Change) -> list[str]:
    return [event.what for event in account.app.store.events(change.id)]


def _calls(account: Account, operation: str) -> int:
    return sum(
        1
        for call in account.calls.calls("lambda")
        if call.operation == operation and call.principal == OURS
    )


@contextmanager
def _refusing(account: Account, operation: str, error: AwsError) -> Iterator[None]:
    """Every call of ours of an operation is answered with an error."""

    def refuse(moment: str, ctx: RequestContext) -> None:
        if moment == "before" and ctx.operation == operation and ctx.principal == OURS:
            raise error

    account.faults.hooks.append(refuse)
    yield
    account.faults.hooks.remove(refuse)


def test_a_denied_update_is_given_up_within_the_hour_and_not_tried_at_every_tick() -> None:
    account = Account([function("f", 3008, age_days=3.0)], [policy("f", 400.0)])
    account.faults.add(Fault(FaultKind.DENIED, "lambda", "UpdateFunctionConfiguration"))
    account.run(0.5 * HOUR_S)
    assert _hold(account).reason is Reason.ACCESS_DENIED
    account.run(5 * HOUR_S)
    (change,) = account.app.store.changes()
    assert change.phase is ChangePhase.ROLLED_BACK
    assert change.verdict is not None
    assert change.verdict.reason is Reason.UPDATE_FAILED
    assert "allow lambda:UpdateFunctionConfiguration" in change.verdict.detail
    assert account.memory_mb("f") == 3008
    assert account.mutations() == 0
    assert _told(account, change).count("failed UpdateMemory") == 1
    assert _calls(account, "UpdateFunctionConfiguration") <= 15
    assert _hold(account).reason in {Reason.QUARANTINED, Reason.STABILIZING}


def test_a_canary_that_can_neither_go_on_nor_back_calls_for_a_person() -> None:
    account = Account([function("f", 3008, rps=4.0, age_days=3.0)], [policy("f", 400.0)])
    functions = account.world.region(ACCOUNT, REGION).functions
    account.run(HOUR_S, lambda: bool(functions["f"].aliases["live"].weights))
    denied = account.faults.add(Fault(FaultKind.DENIED, "lambda", "UpdateAlias"))
    tried = _calls(account, "UpdateAlias")
    account.run(12 * HOUR_S)
    (change,) = account.app.store.changes()
    assert change.phase is ChangePhase.ROLLING_BACK, "it is no longer wanted after an hour"
    hold = _hold(account)
    assert hold.reason is Reason.STUCK
    assert "going back to 3008 MB" in hold.detail
    assert "allow lambda:UpdateAlias" in hold.detail
    conditions = {c.type: c for c in account.app.store.conditions()[change.key]}
    assert conditions[ConditionType.DEGRADED].status is ConditionStatus.TRUE
    assert conditions[ConditionType.DEGRADED].reason is Reason.STUCK
    assert conditions[ConditionType.READY].status is ConditionStatus.FALSE
    assert _calls(account, "UpdateAlias") - tried <= 70, "a quarter of an hour between two tries"
    assert _told(account, change).count("failed PointAlias") == 2, "once forward and once back"

    account.faults.remove(denied.number)
    account.run(HOUR_S)
    (change,) = account.app.store.changes()
    assert change.phase is ChangePhase.ROLLED_BACK
    assert account.memory_mb("f") == 3008
    done = [e for e in account.app.store.events(change.id) if e.what == "done PointAlias"]
    assert "times before" in done[-1].message, "how often it was refused is on record"


def test_conflicts_without_end_are_asked_less_and_less_often() -> None:
    account = Account([function("f", 3008, age_days=3.0)], [policy("f", 400.0)])
    busy = user_error("ResourceConflictException", "The operation cannot be performed", 409)
    with _refusing(account, "UpdateFunctionConfiguration", busy):
        account.run(3 * HOUR_S)
    (change,) = account.app.store.changes()
    assert change.phase is ChangePhase.ROLLED_BACK
    assert _calls(account, "UpdateFunctionConfiguration") <= 15
    assert _told(account, change) == [
        "planned",
        "start",
        "intent UpdateMemory",
        "refused UpdateMemory",
        "roll back",
        "rolled back",
    ]


def test_an_update_that_never_ends_calls_for_a_person() -> None:
    account = Account(
        [function("f", 3008, age_days=3.0, alias=None)],
        [policy("f", 400.0, alias=None)],
        extra={"update_faults": [{"function": "f", "outcome": "Hang"}]},
    )
    account.run(8 * HOUR_S)
    (change,) = account.app.store.changes()
    assert change.phase.open
    decision = account.last("f", None).decision
    assert isinstance(decision, Hold)
    assert decision.reason is Reason.STUCK
    assert "carrying out an update for" in decision.detail
    looks = _calls(account, "GetFunctionConfiguration")
    account.run(HOUR_S)
    assert _calls(account, "GetFunctionConfiguration") - looks <= 15, "every five minutes"


def test_the_most_memory_that_aws_gives_is_learnt_from_its_refusal() -> None:
    """A new account is capped at 3,008 MB; the SLO would need more."""
    account = Account(
        [function("f", 2048, rps=4.0, ms_at_vcpu=400.0, saturation_mb=8000.0, age_days=0.4)],
        [policy("f", 270.0)],
        extra={"max_memory_mb": 3008},
    )
    account.run(10 * HOUR_S)
    *later, first = account.app.store.changes()
    assert memory_mb_of(first.target) > 3008
    assert first.phase is ChangePhase.ROLLED_BACK
    assert first.verdict is not None
    assert "at most 3008 MB" in first.verdict.detail
    assert _told(account, first).count("intent UpdateMemory") == 1, "not repeated"
    assert later
    assert all(memory_mb_of(change.target) <= 3008 for change in later)
    assert account.memory_mb("f") > 2048, "what can be had is taken"
