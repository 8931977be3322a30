"""Mirrored probes in the simulated account: measured, ended early, killed anywhere, swept."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import structlog
from dying import Deaths
from permitted import denials, permit
from realtime_account import (
    KEY,
    LARGE,
    NAME,
    SMALL,
    Shop,
    asked_sizes,
    endpoint,
    policy,
    scaled,
    scaling_of,
)
from structlog.testing import capture_logs
from virtual_account import (
    ACCOUNT,
    HOUR_S,
    MODELS,
    REGION,
    JournalUnderFire,
    Killed,
    KillSwitch,
    armed,
)

from controller.aws.sessions import Connection, Keys, Sessions
from controller.clock import VirtualClock
from controller.core.probe_cost import tariff
from controller.model.change import Change, ChangePhase
from controller.model.condition import Pause
from controller.model.endpoint import Phase
from controller.model.errors import Conflict
from controller.model.estimate import Observation
from controller.model.missing import Missing
from controller.model.policy import Mode, Scope
from controller.model.probe import Mirroring, ProbeKind, ProbeOrder, ProbeOutcome, ProbeRecord
from controller.model.probing import Probing
from controller.model.reason import Reason
from controller.model.size import RealtimeSize
from controller.runtime.parting import Parting
from controller.runtime.probe_parts import Asked
from controller.runtime.requested import abandon
from controller.sandbox.inprocess_door import attach
from controller.sandbox.workload import Disturbance, Effect

__all__ = ["asked_sizes"]

PROBED = policy(probe=Probing((), mirrored=True))
LASTS_S = 1200.0


def _shop(**changes: Any) -> Shop:
    extra = {"endpoints": [endpoint()], "scalable_targets": [scaled()]}
    policy_ = changes.pop("policy", PROBED)
    shop = Shop({**extra, **changes.pop("extra", {})}, policy_=policy_, **changes)
    shop.app.engine.resync()
    return shop


def _begin(shop: Shop, *, lasts_s: float = LASTS_S) -> Change:
    state, size = shop.observe(), RealtimeSize(LARGE, 1, 1)
    mirroring = Mirroring(0.5, 1, lasts_s)
    order = ProbeOrder(ProbeKind.MIRRORED, size, (), 0, 0.13, why="asked", mirror=mirroring)
    hands, chosen = shop.app.hands, shop.policies.policies[0]
    assert chosen.probe is not None
    assert hands.desk is not None
    assert hands.desk.mirrors is not None
    assert hands.actuator is not None
    asked = Asked(
        key=KEY,
        scope=Scope(REGION),
        probing=chosen.probe,
        slo=chosen.slo,
        order=order,
        state=state,
        era=state.realtime.endpoint.config.fingerprint,
        rate=tariff(size, state, shop.app.prices, ProbeKind.SHADOW),
        actor="cli:test",
    )
    return hands.desk.mirrors.begin(hands.actuator, asked, chosen, ())


def _record(shop: Shop) -> ProbeRecord:
    (found,) = shop.app.store.probes(KEY)
    return found


def _ended(shop: Shop) -> bool:
    return shop.settled and _record(shop).ended_at_s is not None


def _rows(shop: Shop) -> list[Observation]:
    return [row for row in shop.app.store.observations(KEY, 0.0) if row.source == "mirrored"]


def _left(shop: Shop) -> tuple[object, ...]:
    state = shop.observe()
    config = state.realtime.endpoint.config
    return state.size, config.name, shop.configs(), shop.alarms_of_ours(), scaling_of(shop.world)


def test_users_requests_measure_a_type_and_everything_is_as_it_was() -> None:
    shop = _shop()
    before = _left(shop)
    _begin(shop)
    shop.run(3 * 3600.0, lambda: _ended(shop))
    assert _left(shop) == before
    assert shop.change.phase is ChangePhase.VERIFIED
    record, rows = _record(shop), _rows(shop)
    assert record.outcome is ProbeOutcome.SUCCEEDED
    assert (record.kind, record.size.instance_type) == (ProbeKind.MIRRORED, LARGE)
    # Half of 8 a second for a quarter of an hour, answered in some 20 ms instead of 25.
    assert record.requests == pytest.approx(3600, rel=0.1)
    assert not isinstance(record.p50_ms, Missing)
    assert record.p50_ms == pytest.approx(20.0, rel=0.1)
    assert [row.load_rps for row in rows] == pytest.approx([4.0] * 3, rel=0.1)
    assert {row.size.instance_type for row in rows} == {LARGE}
    assert {row.era for row in rows} == {shop.observe().realtime.endpoint.config.fingerprint}
    # One instance at 0.23 USD an hour, for 34 minutes.
    assert record.usd == pytest.approx(0.23 * 34 / 60, rel=0.05)
    assert shop.observe().realtime.instance_type == SMALL


def _lived(switch: KillSwitch, store: Path) -> Shop:
    """One probe in one world; with `Deaths`, a copy starts anew wherever it dies."""
    shop = _shop(store=store, wrap_store=lambda inner: JournalUnderFire(inner, switch))
    with armed(shop, switch):
        try:
            _begin(shop, lasts_s=300.0)
            shop.run(HOUR_S, lambda: _ended(shop))
        except Killed:
            assert isinstance(switch, Deaths)
            switch.reborn(shop)
            shop.run(HOUR_S, lambda: _ended(shop))
    return shop


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_killed_at_every_boundary_it_ends_as_it_would_have(tmp_path: Path) -> None:
    calm = KillSwitch()
    shop = _lived(calm, tmp_path / "calm.db")
    expected, done, requests = _left(shop), calm.done, _record(shop).requests
    first = next(i for i, at in enumerate(calm.where) if "plan_change" in at)
    changing = ("_change", "Create", "Delete", "Update")
    points = [
        number
        for number, at in enumerate(calm.where[first:], start=first + 1)
        if at.startswith("after") and any(word in at for word in changing)
    ]
    assert len(points) >= 18
    deaths = Deaths(points)
    with deaths.lives():
        shop = _lived(deaths, tmp_path / "dying.db")
        number = deaths.died_at
        told = "not killed" if number is None else f"killed {calm.where[number - 1]} ({number})"
        assert _left(shop) == expected, told
        assert shop.change.phase is ChangePhase.VERIFIED, told
        assert _record(shop).outcome is ProbeOutcome.SUCCEEDED, told
        assert _record(shop).requests == pytest.approx(requests, rel=0.3), told
        assert deaths.done["UpdateEndpoint"] == done["UpdateEndpoint"] == 2, told
        assert len(shop.app.store.changes()) == 1, told


def _mid_way(shop: Shop, act: Callable[[Shop], None]) -> None:
    """Something happens while requests are copied; then see the probe through."""

    def deed(_: object) -> None:
        assert shop.change.progress.get("fed_since_s"), "requests should be copied by now"
        act(shop)

    _begin(shop)
    shop.world.schedule(shop.world.now_s() + 900.0, "deed", deed)
    shop.run(3 * HOUR_S, lambda: _ended(shop))


def _slow(shop: Shop) -> None:
    present = shop.place.workloads[NAME]
    slower = Disturbance(Effect.LATENCY, 20.0, shop.world.now_s())
    shop.place.set_workload(NAME, replace(present, disturbances=(slower,)), shop.world.now_s())


def _pause(shop: Shop) -> None:
    shop.app.store.pause(Pause(str(KEY), shop.world.now_s(), None, "a release", "ann"))


def _user(shop: Shop) -> Any:
    """A client that is not the controller's."""
    sessions = Sessions(
        VirtualClock(shop.world.now_s(), shop.world.advance_to),
        Connection(keys=Keys(f"AKIA{ACCOUNT}USER", "secret"), max_attempts=1),
        hook=lambda session: attach(session, shop.world),
        models=MODELS,
    )
    return sessions.client(Scope(REGION), "sagemaker")


def _release(shop: Shop) -> None:
    user = _user(shop)
    theirs = user.describe_endpoint_config(EndpointConfigName=f"{NAME}-config")
    user.create_endpoint_config(
        EndpointConfigName="release-2", ProductionVariants=theirs["ProductionVariants"]
    )
    user.update_endpoint(EndpointName=NAME, EndpointConfigName="release-2")


def _turn_round(shop: Shop) -> None:
    """As `rightsizer rollback` does, and Ctrl-C in the command that began it."""
    assert shop.app.actuator is not None
    abandon(shop.app.store, shop.app.actuator, shop.change, "cli:ann", "enough")


@pytest.mark.parametrize(
    ("act", "reason"),
    [(_slow, Reason.MADE_WORSE), (_pause, Reason.PAUSED), (_turn_round, Reason.REQUESTED)],
)
def test_it_is_ended_at_once_where_users_suffer_or_somebody_says_so(
    act: Callable[[Shop], None], reason: Reason
) -> None:
    shop = _shop()
    before = _left(shop)
    _mid_way(shop, act)
    assert _left(shop) == before
    assert shop.change.phase is ChangePhase.ROLLED_BACK
    assert shop.change.verdict is not None
    assert shop.change.verdict.reason is reason
    assert _record(shop).outcome is ProbeOutcome.ABORTED
    assert _rows(shop), "what was seen until then counts"


def test_a_release_in_the_middle_stays_and_ends_it() -> None:
    shop = _shop()
    _mid_way(shop, _release)
    assert shop.change.phase is ChangePhase.FAILED
    assert "somebody deployed release-2" in str(shop.change.verdict)
    assert shop.observe().realtime.endpoint.config.name == "release-2"
    assert shop.configs() == {f"{NAME}-config", "release-2"}
    assert _record(shop).outcome is ProbeOutcome.FAILED


def test_aws_that_has_no_instance_leaves_everything_as_it_was() -> None:
    fault = {"endpoint": "*", "outcome": "InsufficientCapacity", "times": 1}
    shop = _shop(extra={"endpoint_update_faults": [fault]})
    before = _left(shop)
    _begin(shop)
    with pytest.raises(Conflict, match="in flight"):
        _begin(shop)
    shop.run(3 * HOUR_S, lambda: _ended(shop))
    assert _left(shop) == before
    assert shop.change.phase is ChangePhase.ROLLED_BACK
    assert "InsufficientInstanceCapacity" in _record(shop).detail


def test_what_no_journal_knows_of_is_removed_once_it_has_expired(tmp_path: Path) -> None:
    """With the permissions of a policy that changes nothing by itself: a person asked for it."""
    shop = _shop(store=tmp_path / "lost.db", policy=replace(PROBED, mode=Mode.RECOMMEND))
    guard, before = permit(shop), _left(shop)
    _begin(shop)
    shop.run(900.0)
    shop.app.close()
    for file in tmp_path.glob("lost.db*"):
        file.unlink()
    shop.start()
    shop.run(1800.0)
    assert shop.observe().realtime.endpoint.config.mirrored_until_s is not None
    shop.run(3 * HOUR_S, lambda: shop.settled)
    assert _left(shop) == before
    assert not denials(guard)


def _stop(shop: Shop) -> str:
    """As the daemon ends at SIGTERM; the last that it says, and how loudly."""
    assert shop.app.actuator is not None
    structlog.reset_defaults()  # tests of this folder are quiet
    parting = Parting(shop.app.engine, shop.app.store, shop.app.actuator, shop.app.clock)
    with capture_logs() as lines:
        parting.leave(shop.clock.monotonic_s() + 20.0, alone=True)
    return f"{lines[-1]['log_level']}: {lines[-1]['event']}"


def test_a_controller_that_ends_for_good_leaves_no_shadow_variant(tmp_path: Path) -> None:
    shop = _shop(store=tmp_path / "kept.db")
    before = _left(shop)
    _begin(shop)
    shop.run(HOUR_S, lambda: bool(shop.change.progress.get("fed_since_s")))
    shop.run(400.0)
    said = _stop(shop)
    assert said.startswith("info: change 1, a mirrored probe of ml.c5.xlarge"), said
    shop.clock.advance_to(shop.clock.now_s() + 1800.0)
    assert _left(shop)[:2] == before[:2], "AWS removes it without us"
    shop.app.close()
    shop.start()
    shop.run(HOUR_S, lambda: _ended(shop))
    assert _left(shop) == before
    assert (shop.change.phase, _record(shop).outcome) == (
        ChangePhase.ROLLED_BACK,
        ProbeOutcome.ABORTED,
    )


def test_where_aws_takes_nothing_now_it_is_said_what_stays_and_how_it_ends(tmp_path: Path) -> None:
    shop = _shop(store=tmp_path / "kept.db")
    before = _left(shop)
    _begin(shop)
    shop.run(HOUR_S, lambda: shop.observe().phase is Phase.UPDATING)
    said = _stop(shop)
    assert said == (
        "warning: change 1, a mirrored probe of ml.c5.xlarge beside realtime eu-west-1/shop, could "
        "not be turned back yet, so its shadow variant stays at 0.23 USD an hour until the next "
        f"start of the controller, or: rightsizer rollback {KEY} --policies POLICIES"
    )
    assert shop.change.phase is ChangePhase.ROLLING_BACK, "in the journal, for whoever comes"
    shop.app.close()
    shop.start()
    shop.run(HOUR_S, lambda: _ended(shop))
    assert _left(shop) == before
