"""Mirrored probes in the simulated account: measured, ended early, killed anywhere, swept."""

from typing import Any

import pytest
from realtime_account import (
    KEY,
    LARGE,
    SMALL,
    Shop,
    asked_sizes,
    endpoint,
    policy,
    scaled,
    scaling_of,
)
from virtual_account import REGION

from controller.core.probe_cost import tariff
from controller.model.change import Change, ChangePhase
from controller.model.estimate import Observation
from controller.model.missing import Missing
from controller.model.policy import Scope
from controller.model.probe import Mirroring, ProbeKind, ProbeOrder, ProbeOutcome, ProbeRecord
from controller.model.probing import Probing
from controller.model.size import RealtimeSize
from controller.runtime.probe_parts import Asked

__all__ = ["asked_sizes"]

PROBED = policy(probe=Probing((), mirrored=True))
LASTS_S = 1200.0


def _shop(**changes: Any) -> Shop:
    extra = {"endpoints": [endpoint()], "scalable_targets": [scaled()]}
    shop = Shop({**extra, **changes.pop("extra", {})}, policy_=PROBED, **changes)
    shop.app.engine.resync()
    return shop


def _begin(shop: Shop, *, share: float = 0.5) -> Change:
    state, size = shop.observe(), RealtimeSize(LARGE, 1, 1)
    mirroring = Mirroring(share, 1, LASTS_S)
    order = ProbeOrder(ProbeKind.MIRRORED, size, (), 0, 0.13, why="asked", mirror=mirroring)
    hands, chosen = shop.app.hands, shop.policies.policies[0]
    assert chosen.probe is not None
    assert hands.mirrors is not None
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
    return hands.mirrors.begin(hands.actuator, asked, chosen, ())


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
