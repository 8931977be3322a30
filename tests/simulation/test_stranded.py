"""A change under way is never left behind, whatever becomes of its policy."""

from dataclasses import replace
from pathlib import Path

import pytest
from virtual_account import ACCOUNT, HOUR_S, REGION, Account, function, policy

from controller.model.change import ChangePhase
from controller.model.decision import Hold
from controller.model.policy import FleetLimits, Mode, PolicySet
from controller.model.reason import Reason
from controller.sandbox import foreign
from controller.sandbox.wire.contract import RequestContext


def _in_a_canary(store: Path) -> Account:
    account = Account(
        [function("f", 3008, rps=4.0, age_days=3.0)], [policy("f", 400.0)], store=store
    )
    account.run(HOUR_S, lambda: bool(_weights(account)))
    assert _weights(account)
    return account


def _weights(account: Account) -> dict[str, float]:
    return dict(account.world.region(ACCOUNT, REGION).functions["f"].aliases["live"].weights)


@pytest.mark.parametrize("restarted", [False, True])
@pytest.mark.parametrize("what", ["off", "gone"])
def test_its_canary_is_taken_back(what: str, restarted: bool, tmp_path: Path) -> None:
    account = _in_a_canary(tmp_path / "journal.db")
    kept = [] if what == "gone" else [replace(policy("f", 400.0), mode=Mode.OFF)]
    account.policies = PolicySet(tuple(kept), FleetLimits(), "another")
    if restarted:
        account.start()
    else:
        account.app.engine.use(account.policies)
    account.run(HOUR_S)
    assert not _weights(account)
    assert account.memory_mb("f") == 3008
    (change,) = account.app.store.changes()
    assert change.phase is ChangePhase.ROLLED_BACK
    account.run(2 * HOUR_S)
    assert len(account.app.store.changes()) == 1


def test_a_function_deleted_during_a_change_closes_it(tmp_path: Path) -> None:
    account = _in_a_canary(tmp_path / "journal.db")
    account.app.sessions.lambda_writes(policy("f", 1.0).target.scope).delete_function(
        FunctionName="f"
    )
    account.run(HOUR_S)
    (change,) = account.app.store.changes()
    assert change.phase is ChangePhase.FAILED
    assert change.verdict is not None
    assert change.verdict.reason is Reason.NOT_FOUND


def test_an_alias_deleted_during_a_change_leaves_no_memory_of_ours(tmp_path: Path) -> None:
    account = _in_a_canary(tmp_path / "journal.db")
    function_ = account.world.region(ACCOUNT, REGION).functions["f"]
    assert function_.latest.memory_mb != 3008
    hand = foreign.Hand(ACCOUNT, REGION, "f", "pipeline")
    foreign.call(account.world, hand, "DeleteAlias", {"FunctionName": "f", "Name": "live"})
    account.run(HOUR_S)
    (change,) = account.app.store.changes()
    assert change.phase is ChangePhase.FAILED
    assert change.verdict is not None
    assert change.verdict.detail == "the alias was deleted; $LATEST is left with 3008 MB"
    assert function_.latest.memory_mb == 3008
    told = [event.what for event in account.app.store.events(change.id)]
    assert told[-3:] == ["intent UpdateMemory", "done UpdateMemory", "give up"]
    decision = account.last("f").decision
    assert isinstance(decision, Hold)
    assert decision.reason is Reason.NOT_FOUND, "from then on there is nothing to keep"


def test_an_alias_deleted_just_before_a_call_is_looked_at_again(tmp_path: Path) -> None:
    """The call finds no alias: that does not mean that the whole function is gone."""
    account = _in_a_canary(tmp_path / "journal.db")
    function_ = account.world.region(ACCOUNT, REGION).functions["f"]
    hand = foreign.Hand(ACCOUNT, REGION, "f", "pipeline")

    def race(moment: str, ctx: RequestContext) -> None:
        if moment == "before" and ctx.operation == "UpdateAlias":
            account.faults.hooks.clear()
            foreign.call(account.world, hand, "DeleteAlias", {"FunctionName": "f", "Name": "live"})

    account.faults.hooks.append(race)
    account.run(2 * HOUR_S)
    (change,) = account.app.store.changes()
    assert change.phase is ChangePhase.FAILED
    assert "refused PointAlias" in [event.what for event in account.app.store.events(change.id)]
    assert function_.latest.memory_mb == 3008


def test_an_outage_that_fails_fast_never_shrinks_a_function() -> None:
    """A hundred percent of errors at a fiftieth of the latency is not a faster function."""
    outage = [
        {"effect": "errors", "factor": 1.0, "from_in_s": 0.0, "to_in_s": 30 * HOUR_S},
        {"effect": "latency", "factor": 0.02, "from_in_s": 0.0, "to_in_s": 30 * HOUR_S},
    ]
    account = Account(
        [function("f", 704, rps=2.0, alias=None, disturbances=outage)],
        [policy("f", 300.0, alias=None)],
    )
    account.run(36 * HOUR_S)
    truth = account.world.truth("f", account.memory_mb("f", None), threshold_ms=300.0)
    assert truth.met_ratio is not None
    assert truth.met_ratio >= 0.95
