"""Limits over the fleet hold for what is journalled, however many workers look at once."""

from typing import Any

import pytest
from virtual_account import OURS, REGION, Account, function, key_of, policy

from controller.model.decision import Propose
from controller.model.policy import FleetLimits, Mode, PolicySet, Scope
from controller.sandbox.wire.contract import RequestContext

FIRST, SECOND = "f0", "f1"


def _ready(limits: FleetLimits) -> Account:
    """Two functions that are both to be made smaller; nothing has been changed yet."""
    names = (FIRST, SECOND)
    account = Account(
        [function(name, 3008, rps=4.0, age_days=4.0) for name in names],
        [policy(name, 400.0, mode=Mode.RECOMMEND) for name in names],
        limits=limits,
    )
    account.run(900.0)
    enforcing = tuple(policy(name, 400.0) for name in names)
    account.app.engine.use(PolicySet(enforcing, limits, "enforcing"))
    account.app.engine.resync()
    for name in names:
        assert isinstance(account.last(name).wanted, Propose), account.last(name).sentence
    return account


def _look_while(account: Account) -> None:
    """Work on the first; while it looks a second time, another worker does all of the second."""
    engine = account.app.engine
    entries = engine.entries()
    engine.sample(Scope(REGION), entries)
    looks: list[str] = []

    def other_worker(moment: str, ctx: RequestContext) -> None:
        if moment == "after" and ctx.operation == "GetAlias" and ctx.principal == OURS:
            looks.append(ctx.operation)
            if len(looks) == 1:
                engine.work(key_of(SECOND))

    account.faults.hooks.append(other_worker)
    engine.work(key_of(FIRST))
    account.faults.hooks.remove(other_worker)
    assert looks


@pytest.mark.parametrize(
    ("limits", "changes"),
    [
        ({"max_concurrent_changes": 1}, 1),
        ({"max_concurrent_changes": 2}, 2),
        ({"max_concurrent_changes": None, "max_changes_per_hour": 1}, 1),
        ({"max_concurrent_changes": None, "max_changes_per_day": 1}, 1),
    ],
)
def test_a_place_that_another_worker_took_meanwhile_is_taken(
    limits: dict[str, Any], changes: int
) -> None:
    account = _ready(FleetLimits(**limits))
    _look_while(account)
    assert len(account.app.store.changes()) == changes


def test_who_came_too_late_comes_again_soon() -> None:
    account = _ready(FleetLimits(max_concurrent_changes=1))
    now_s = account.clock.now_s()
    _look_while(account)
    (change,) = account.app.store.changes()
    waiting = key_of(FIRST if change.key == key_of(SECOND) else SECOND)
    due_s = account.app.engine.due_at_s(waiting)
    assert due_s is not None
    assert due_s - now_s <= 300.0
