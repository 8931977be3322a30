"""A change of a real-time endpoint while calls fail and others are at work."""

from typing import Any

import pytest
from realtime_account import (
    LARGE,
    NAME,
    Shop,
    asked_sizes,
    endpoint,
    policy,
    scaled,
    scaling_of,
)

from controller.model.change import ChangePhase, VerdictKind
from controller.model.policy import Rollout
from controller.model.reason import Reason
from controller.model.size import RealtimeSize
from controller.sandbox.faults import Fault, FaultKind

__all__ = ["asked_sizes"]
pytestmark = pytest.mark.slow

HOUR_S = 3600.0
LARGER = RealtimeSize(LARGE, 2, 6, 1800.0)
ALL_AT_ONCE = Rollout(canary_share=0.0, bake_s=240.0, max_bake_s=1200.0, min_requests=100)
MUTATIONS = (
    "CreateEndpointConfig",
    "PutMetricAlarm",
    "DeregisterScalableTarget",
    "UpdateEndpoint",
    "RegisterScalableTarget",
    "PutScalingPolicy",
    "PutScheduledAction",
    "DeleteAlarms",
)


def _shop(**extra: Any) -> Shop:
    seed = {"endpoints": [endpoint()], "scalable_targets": [scaled()], **extra}
    return Shop(seed, policy_=policy(rollout=ALL_AT_ONCE))


def _begin(shop: Shop) -> None:
    shop.app.engine.resync()
    shop.ask(LARGER)


def _end(shop: Shop, seconds: float = 4 * HOUR_S) -> None:
    shop.run(seconds, lambda: shop.settled)
    assert shop.settled, shop.change


def _names(shop: Shop) -> tuple[list[str], list[str]]:
    scaling = scaling_of(shop.world)
    return [one.name for one in scaling.policies], [one.name for one in scaling.actions]


def _hit(shop: Shop, kind: FaultKind, operation: str, **members: Any) -> Fault:
    return shop.faults.add(Fault(kind, operation=operation, **members))


@pytest.mark.parametrize("kind", [FaultKind.THROTTLE, FaultKind.BROKEN_REPLY])
@pytest.mark.parametrize("operation", MUTATIONS)
def test_a_call_that_fails_twice_is_made_again(operation: str, kind: FaultKind) -> None:
    """Throttled, or carried out with its answer lost."""
    shop = _shop()
    _hit(shop, kind, operation, times=2)
    _begin(shop)
    _end(shop)
    assert shop.change.phase is ChangePhase.VERIFIED, shop.change
    assert _names(shop) == (["cpu", "tt"], ["payday", "sale"])
    assert not shop.alarms_of_ours()


def test_nothing_is_lost_while_putting_back_is_denied() -> None:
    """For ten hours: the change stays open, says so, and ends as soon as it is allowed."""
    shop = _shop()
    fault = _hit(shop, FaultKind.DENIED, "PutScalingPolicy")
    _begin(shop)
    shop.run(10 * HOUR_S, lambda: shop.settled)
    assert shop.change.phase.open
    assert any("failed PutScalingPolicy" in e.what for e in shop.app.store.events(1))
    shop.faults.remove(fault.number)
    _end(shop, HOUR_S)
    assert shop.change.phase is ChangePhase.VERIFIED
    assert _names(shop) == (["cpu", "tt"], ["payday", "sale"])


def test_denied_to_take_it_out_nothing_happens() -> None:
    shop = _shop()
    before = scaling_of(shop.world)
    _hit(shop, FaultKind.DENIED, "DeregisterScalableTarget")
    _begin(shop)
    _end(shop)
    assert shop.change.phase is ChangePhase.ROLLED_BACK
    assert scaling_of(shop.world) == before
    assert shop.configs() == {f"{NAME}-config"}


def test_beyond_the_quota_it_is_undone_within_minutes() -> None:
    shop = _shop(endpoint_quotas={LARGE: 0})
    before, began_s = scaling_of(shop.world), shop.world.now_s()
    _begin(shop)
    _end(shop)
    assert shop.change.phase is ChangePhase.ROLLED_BACK
    assert scaling_of(shop.world) == before
    assert shop.world.now_s() - began_s < 900.0


@pytest.mark.parametrize(
    ("outcome", "reason", "phase"),
    [
        ("InsufficientCapacity", Reason.UPDATE_FAILED, ChangePhase.ROLLED_BACK),
        ("Failed", Reason.UPDATE_FAILED, ChangePhase.ROLLED_BACK),
        ("RollbackFailed", Reason.ENDPOINT_FAILED, ChangePhase.FAILED),
    ],
)
def test_a_deployment_that_fails(outcome: str, reason: Reason, phase: ChangePhase) -> None:
    shop = _shop(endpoint_update_faults=[{"endpoint": NAME, "outcome": outcome}])
    before = scaling_of(shop.world)
    _begin(shop)
    _end(shop)
    assert (shop.change.phase, shop.change.verdict and shop.change.verdict.reason) == (
        phase,
        reason,
    )
    assert scaling_of(shop.world) == before
    # Half deployed, the new config is in use: it must not be deleted.
    assert (shop.configs() == {f"{NAME}-config"}) is (phase is ChangePhase.ROLLED_BACK)


def test_a_deployment_that_hangs_for_hours() -> None:
    fault = {"endpoint": NAME, "outcome": "Hang", "hang_s": 3 * HOUR_S}
    shop = _shop(endpoint_update_faults=[fault])
    _begin(shop)
    _end(shop, 8 * HOUR_S)
    assert shop.change.phase is ChangePhase.VERIFIED
    assert _names(shop) == (["cpu", "tt"], ["payday", "sale"])


def test_a_config_that_cannot_be_seen_at_once() -> None:
    shop = _shop(endpoint_config_lag_s=20.0)
    _begin(shop)
    _end(shop)
    assert shop.change.phase is ChangePhase.VERIFIED


@pytest.mark.parametrize("at_s", [1.0, 60.0, 500.0, 700.0])
def test_maintenance_by_aws_is_waited_for(at_s: float) -> None:
    actor = {"actor": "endpoint_maintenance", "at_in_s": at_s, "endpoint": NAME, "seconds": 1200}
    shop = _shop(actors=[actor])
    _begin(shop)
    _end(shop)
    assert shop.change.phase is ChangePhase.VERIFIED
    assert _names(shop) == (["cpu", "tt"], ["payday", "sale"])


@pytest.mark.parametrize("at_s", [1.0, 5.0, 300.0, 700.0])
def test_a_release_in_between_is_left_alone(at_s: float) -> None:
    """Somebody deploys another config: theirs stays, and what is theirs is put back."""
    actor = {"actor": "endpoint_release", "at_in_s": at_s, "endpoint": NAME, "instance_count": 3}
    shop = _shop(actors=[actor])
    _begin(shop)
    _end(shop)
    live = shop.observe().realtime.endpoint.config
    if not live.name.startswith("rightsizer-"):
        assert shop.change.phase is ChangePhase.FAILED
        assert shop.change.verdict is not None
        assert shop.change.verdict.reason is Reason.FOREIGN_CHANGE
    assert _names(shop) == (["cpu", "tt"], ["payday", "sale"])
    assert not shop.alarms_of_ours()


def test_metrics_that_cannot_be_read_hold_nothing_up_for_ever() -> None:
    shop = _shop()
    fault = _hit(shop, FaultKind.BROKEN, "GetMetricData")
    _begin(shop)
    _end(shop, 2 * HOUR_S)
    shop.faults.remove(fault.number)
    assert shop.change.phase is ChangePhase.ROLLED_BACK
    assert shop.change.verdict is not None
    assert shop.change.verdict.kind is VerdictKind.INCONCLUSIVE
    assert _names(shop) == (["cpu", "tt"], ["payday", "sale"])


def test_what_was_asked_for_is_undone_when_a_person_says_so() -> None:
    from controller.runtime.requested import abandon

    shop = _shop()
    before = scaling_of(shop.world)
    _begin(shop)
    shop.run(200.0, lambda: shop.settled)
    assert shop.change.phase is ChangePhase.APPLYING
    assert shop.app.actuator is not None
    abandon(shop.app.store, shop.app.actuator, shop.change, "ann", "not today")
    _end(shop)
    assert shop.change.phase is ChangePhase.ROLLED_BACK
    assert shop.change.verdict is not None
    assert shop.change.verdict.kind is VerdictKind.INCONCLUSIVE
    assert scaling_of(shop.world) == before
    assert shop.configs() == {f"{NAME}-config"}


@pytest.mark.parametrize("every_s", [60.0, 300.0])
def test_somebody_who_registers_it_again_and_again(every_s: float) -> None:
    """Terraform in a loop: nothing is lost, and the change ends one way or the other."""
    actor = {
        "actor": "scaling",
        "at_in_s": 3.0,
        "every_s": every_s,
        "endpoint": NAME,
        "min": 2,
        "max": 6,
        "policy": {"name": "tt", "target_value": 900.0, "scale_in_cooldown_s": 600},
    }
    shop = _shop(actors=[actor])
    _begin(shop)
    _end(shop)
    assert _names(shop) == (["cpu", "tt"], ["payday", "sale"])
    assert not shop.alarms_of_ours()
    used = shop.observe().realtime.endpoint.config.name
    assert shop.configs() <= {f"{NAME}-config", used}
