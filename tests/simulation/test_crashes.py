"""Killed anywhere, started again, it converges: no double change, nothing half done.

One run without a kill lists every boundary: before and after each write to the journal of
changes and each call to AWS, from the decision until the change is closed. Then the same
world is lived once more, and at each boundary a copy of the process is killed and started anew.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from dying import Deaths
from virtual_account import (
    ACCOUNT,
    HOUR_S,
    REGION,
    Account,
    JournalUnderFire,
    Killed,
    KillSwitch,
    armed,
    differing,
    function,
    policy,
)

from controller.model.change import ChangePhase
from controller.model.policy import Cadence, Policy, Rollout
from controller.sandbox import foreign
from controller.sandbox.world import World

FAST = Rollout(canary_share=0.2, bake_s=300.0, max_bake_s=1800.0, min_requests=200)
SOON = Cadence(cooldown_up_s=6 * HOUR_S, cooldown_down_s=6 * HOUR_S, stabilization_s=6 * HOUR_S)

PIPELINE = foreign.Hand(ACCOUNT, REGION, "f", "pipeline")
DEED_S = 400.0


@dataclass(frozen=True)
class Scenario:
    """One change, and what must be true when it is over."""

    function: dict[str, Any]
    policy: Policy
    extra: dict[str, Any]
    phase: ChangePhase
    alias: str | None
    deed: Callable[[World], None] | None = None
    """What somebody else does while the canary is on."""


def _descent(alias: str | None) -> Scenario:
    return Scenario(
        function("f", 3008, rps=4.0, alias=alias, age_days=0.6),
        policy("f", 400.0, alias=alias, rollout=FAST, cadence=SOON),
        {},
        ChangePhase.VERIFIED,
        alias,
    )


def _climb() -> Scenario:
    return Scenario(
        function("f", 256, rps=4.0, ms_at_vcpu=80.0, age_days=0.4),
        policy("f", 350.0, rollout=FAST, cadence=SOON),
        {},
        ChangePhase.VERIFIED,
        "live",
    )


def _rollback(alias: str | None) -> Scenario:
    """Ten minutes after the decision the function itself becomes ten times slower."""
    slow = {"effect": "latency", "factor": 10.0, "from_in_s": 220.0}
    return Scenario(
        function("f", 3008, rps=4.0, alias=alias, age_days=0.6, disturbances=[slow]),
        policy("f", 400.0, alias=alias, rollout=FAST, cadence=SOON),
        {},
        ChangePhase.ROLLED_BACK,
        alias,
    )


def _failed_update() -> Scenario:
    return Scenario(
        function("f", 3008, rps=4.0, alias=None, age_days=0.6),
        policy("f", 400.0, alias=None, rollout=FAST, cadence=SOON),
        {"update_faults": [{"function": "f", "outcome": "Failed"}]},
        ChangePhase.ROLLED_BACK,
        None,
    )


def _deleted_alias() -> Scenario:
    def delete(world: World) -> None:
        foreign.call(world, PIPELINE, "DeleteAlias", {"FunctionName": "f", "Name": "live"})

    return replace(_descent("live"), phase=ChangePhase.FAILED, deed=delete)


SCENARIOS: dict[str, Callable[[], Scenario]] = {
    "descent through an alias": lambda: _descent("live"),
    "descent on $LATEST": lambda: _descent(None),
    "climb out of a breach": _climb,
    "rollback through an alias": lambda: _rollback("live"),
    "rollback on $LATEST": lambda: _rollback(None),
    "an update that AWS fails": _failed_update,
    "an alias deleted half way": _deleted_alias,
}


def _account(scenario: Scenario, store: Path, switch: KillSwitch) -> Account:
    account = Account(
        [scenario.function],
        [scenario.policy],
        store=store,
        extra=scenario.extra,
        wrap_store=lambda inner: JournalUnderFire(inner, switch),
    )
    if scenario.deed is not None:
        account.world.schedule(account.world.now_s() + DEED_S, "somebody else", scenario.deed)
    return account


def _settled(account: Account) -> bool:
    changes = account.app.store.changes()
    return bool(changes) and not changes[0].phase.open


def _live(account: Account) -> tuple[int, int, str, dict[str, float]]:
    """($LATEST memory, serving memory, alias version, weights), asked of the world."""
    function_ = account.world.region(ACCOUNT, REGION).functions["f"]
    alias = function_.aliases.get("live")
    latest = function_.latest.memory_mb
    if alias is None:
        return latest, latest, "", {}
    serving = function_.versions[alias.version].memory_mb
    return latest, serving, alias.version, dict(alias.weights)


@pytest.mark.parametrize("name", SCENARIOS)
@pytest.mark.slow
def test_killed_at_every_boundary_it_converges(name: str, tmp_path: Path) -> None:
    scenario = SCENARIOS[name]()
    switch = KillSwitch()
    calm = _account(scenario, tmp_path / "calm.db", switch)
    with armed(calm, switch):
        calm.run(4 * HOUR_S, lambda: _settled(calm))
    assert calm.app.store.changes()[0].phase is scenario.phase
    expected_size = _live(calm)[1]
    expected = switch.done
    first = next(i for i, where in enumerate(switch.where) if "plan_change" in where)
    points = differing(switch.where, ("_change", "Update", "Publish"), first)
    assert len(points) > 10

    deaths = Deaths(points)
    with deaths.lives():
        account = _lived(scenario, tmp_path / "dying.db", deaths)
        number = deaths.died_at
        told = "not killed" if number is None else f"killed {switch.where[number - 1]} ({number})"
        changes = account.app.store.changes()
        assert len(changes) == 1, f"{told}: {[(c.phase, c.detail) for c in changes]}"
        assert changes[0].phase is scenario.phase, f"{told}: {changes[0]}"
        latest, serving, version, weights = _live(account)
        assert serving == expected_size, told
        assert not weights, told
        assert latest == serving, told
        for operation in ("UpdateFunctionConfiguration", "UpdateAlias"):
            assert deaths.done[operation] == expected[operation], f"{told}: {operation}"
        versions = len(account.world.region(ACCOUNT, REGION).functions["f"].versions)
        assert versions <= 2, f"{told}: {version} of {versions} versions"


def _lived(scenario: Scenario, store: Path, deaths: Deaths) -> Account:
    account = _account(scenario, store, deaths)
    with armed(account, deaths):
        try:
            account.run(4 * HOUR_S, lambda: _settled(account))
        except Killed:
            deaths.reborn(account)
            account.run(4 * HOUR_S, lambda: _settled(account))
    return account
