"""Versions of ours that nothing needs are removed where that was asked for, and only those."""

from dataclasses import replace
from typing import Any

from given import a_change
from virtual_account import ACCOUNT, REGION, Account, function, key_of, policy

from controller.model.change import Change, ChangeEvent, ChangePhase
from controller.model.policy import Mode
from controller.runtime.housekeeping import Housekeeper, Limits
from controller.sandbox import foreign
from controller.sandbox.faults import Fault, FaultKind

HAND = foreign.Hand(ACCOUNT, REGION, "f", "pipeline")


def _account(count: int, **changes: Any) -> Account:
    """A function whose versions 2 … count + 1 a journal calls ours; the alias is on the last."""
    account = Account([function("f", 1024)], [policy("f", 400.0, **changes)])
    account.app.engine.resync()
    for number in range(2, count + 2):
        planned_at_s = account.clock.now_s()
        foreign.set_memory(account.world, HAND, 1000 + number, "live")
        account.clock.advance_to(planned_at_s + 600.0)
        _journalled(account, number, planned_at_s)
    return account


def _journalled(account: Account, number: int, planned_at_s: float) -> None:
    change: Change = a_change(
        1000 + number - 1,
        1000 + number,
        ChangePhase.PLANNED,
        id=0,
        key=key_of("f"),
        planned_at_s=planned_at_s,
        progress={
            "latest_before_mb": str(1000 + number - 1),
            "published_version": str(number),
            "before_version": str(number - 1),
        },
    )
    store = account.app.store
    term = store.newest_term(0)
    event = ChangeEvent(planned_at_s, change.phase, "planned", "", term)
    planned = store.plan_change(change, event)
    ended = replace(planned, phase=ChangePhase.VERIFIED, finished_at_s=account.clock.now_s())
    closed = ChangeEvent(account.clock.now_s(), ended.phase, "verdict", "", term)
    store.advance_change(ended, closed)


def _housekeeper(account: Account, keep: int | None = 3) -> Housekeeper:
    app = account.app
    return Housekeeper(app.store, app.adapters, app.actuator, account.clock, Limits(400, keep))


def _versions(account: Account) -> list[str]:
    return sorted(account.world.region(ACCOUNT, REGION).functions["f"].versions, key=int)


def _clean(account: Account, keep: int | None = 3) -> list[str]:
    _housekeeper(account, keep).clean(account.app.engine.entries())
    return _versions(account)


def test_old_versions_of_ours_go_and_it_is_on_record() -> None:
    account = _account(7)
    assert _versions(account) == ["1", "2", "3", "4", "5", "6", "7", "8"]
    assert _clean(account) == ["1", "6", "7", "8"], "version 1 is not ours"
    removed = account.app.store.changes(key_of("f"))[-1]
    told = [event.what for event in account.app.store.events(removed.id)]
    assert told[-2:] == ["intent RemoveVersion", "done RemoveVersion"]
    calls = account.mutations("DeleteFunction")
    assert _clean(account) == ["1", "6", "7", "8"]
    assert account.mutations("DeleteFunction") == calls, "done once is done"


def test_nothing_is_removed_unless_asked_for() -> None:
    account = _account(5)
    assert len(_clean(account, keep=None)) == 6


def test_a_version_that_another_alias_names_is_left() -> None:
    account = _account(6)
    params = {"FunctionName": "f", "Name": "blue", "FunctionVersion": "3"}
    foreign.call(account.world, HAND, "CreateAlias", params)
    assert "3" in _clean(account)


def test_a_version_older_than_our_change_is_left() -> None:
    """A function created anew counts its versions from 1 again."""
    account = _account(5)
    store = account.app.store
    oldest = store.changes(key_of("f"))[-1]
    moved = replace(oldest, planned_at_s=oldest.planned_at_s + 599.0)
    store.advance_change(moved, ChangeEvent(0.0, moved.phase, "moved", "", store.newest_term(0)))
    assert "2" in _clean(account)


def test_without_the_permission_it_is_said_once_and_the_rest_goes_on() -> None:
    account = _account(6)
    account.faults.add(Fault(FaultKind.DENIED, "lambda", "DeleteFunction"))
    housekeeper = _housekeeper(account)
    for _ in range(3):
        housekeeper.clean(account.app.engine.entries())
    asked = [c for c in account.calls.calls("lambda") if c.operation == "DeleteFunction"]
    assert len(asked) == 1
    assert len(_versions(account)) == 7


def test_what_may_not_be_changed_is_not_tidied_either() -> None:
    assert len(_clean(_account(6, mode=Mode.RECOMMEND))) == 7
