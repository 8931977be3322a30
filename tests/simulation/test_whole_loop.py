"""The whole loop on one function at a time: what is too big shrinks, what breaches grows."""

from virtual_account import DAY_S, HOUR_S, Account, function, policy

from controller.model.change import ChangePhase
from controller.model.decision import Hold
from controller.model.reason import Reason


def test_an_overprovisioned_function_shrinks_through_a_canary_and_then_rests() -> None:
    account = Account([function("over", 3008, saturation_mb=1769.0)], [policy("over", 400.0)])
    account.run(4 * DAY_S)
    changes = account.app.store.changes()
    assert 1 <= len(changes) <= 2
    assert all(c.phase is ChangePhase.VERIFIED for c in changes)
    assert account.memory_mb("over") <= 1024
    events = [e.what for e in reversed(account.app.store.events(changes[-1].id))]
    assert "done PublishVersion" in events
    assert events.count("intent PointAlias") == 2, "canary, then everything"


def test_a_breaching_function_grows_at_once() -> None:
    account = Account([function("under", 256, ms_at_vcpu=80.0)], [policy("under", 350.0)])
    account.run(3 * HOUR_S)
    (change,) = account.app.store.changes()
    assert change.reason is Reason.SLO_BREACHED
    assert change.phase is ChangePhase.VERIFIED
    assert change.planned_at_s - account.world.start_s < 600.0
    assert account.memory_mb("under") == change.target.memory_mb > 256


def test_a_function_on_latest_changes_with_one_guarded_update() -> None:
    account = Account([function("direct", 3008, alias=None)], [policy("direct", 400.0, alias=None)])
    account.run(2 * DAY_S)
    assert account.memory_mb("direct", alias=None) < 3008
    assert account.mutations("PublishVersion", "UpdateAlias") == 0
    assert account.mutations("UpdateFunctionConfiguration") == len(account.app.store.changes())


def test_a_function_too_quiet_to_judge_is_left_alone() -> None:
    account = Account([function("quiet", 1024, rps=0.0005)], [policy("quiet", 300.0)])
    account.run(2 * DAY_S)
    decision = account.last("quiet").decision
    assert isinstance(decision, Hold)
    assert decision.reason is Reason.TOO_FEW_SAMPLES
    assert account.mutations() == 0


def test_memory_in_use_is_the_floor() -> None:
    account = Account(
        [function("floor", 1536, memory_used_mb=1200.0, saturation_mb=1024.0)],
        [policy("floor", 400.0)],
    )
    account.run(3 * DAY_S)
    assert account.memory_mb("floor") >= 1200 * 1.15


def test_the_live_value_is_the_proof_not_the_status_word() -> None:
    """The alias is moved by name, so what counts is the memory of the version it serves."""
    account = Account([function("over", 3008)], [policy("over", 400.0)])
    account.run(2 * DAY_S)
    change = account.app.store.changes()[-1]
    assert change.progress["published_version"] != change.progress["before_version"]
    assert account.memory_mb("over") == account.app.store.changes()[0].target.memory_mb
