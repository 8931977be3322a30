"""Killed anywhere while a serverless endpoint is changed, started again, it converges.

One run without a kill lists every boundary: before and after each write to the journal of
changes and each call to AWS. Then the same world is lived once more, and at each boundary a copy
of the process is killed and started anew: it must end with the same size, the same verdict and
the same configs, and with no deployment more than without the kill.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from dying import Deaths
from serverless_account import ServerlessAccount, endpoint, serverless_policy
from virtual_account import HOUR_S, JournalUnderFire, Killed, KillSwitch, armed, differing

from controller.model.change import ChangePhase
from controller.model.policy import Cadence, Policy, Rollout

FAST = Rollout(bake_s=300.0, max_bake_s=1800.0, min_requests=100)
SOON = Cadence(cooldown_up_s=6 * HOUR_S, cooldown_down_s=6 * HOUR_S, stabilization_s=6 * HOUR_S)


@dataclass(frozen=True)
class Scenario:
    """One change, and how it must end."""

    endpoint: dict[str, Any]
    policy: Policy
    phase: ChangePhase
    extra: dict[str, Any] = field(default_factory=dict)


def _policy(threshold_ms: float) -> Policy:
    return serverless_policy("e", threshold_ms, rollout=FAST, cadence=SOON)


def _descent() -> Scenario:
    """A new config cannot be seen by UpdateEndpoint for some seconds."""
    over = endpoint("e", 6144, age_days=0.6)
    lag = {"endpoint_config_lag_s": 10.0}
    return Scenario(over, _policy(400.0), ChangePhase.VERIFIED, lag)


def _climb() -> Scenario:
    slow = endpoint("e", 1024, work=400_000.0, saturation_mb=6144.0, age_days=0.4)
    return Scenario(slow, _policy(250.0), ChangePhase.VERIFIED)


def _limit() -> Scenario:
    busy = endpoint(
        "e", 2048, max_concurrency=3, rps=12.0, fixed_ms=60.0, work=400_000.0, age_days=0.4
    )
    return Scenario(busy, _policy(600.0), ChangePhase.VERIFIED)


def _rollback() -> Scenario:
    """While the new config is being deployed the model itself becomes much slower."""
    slow = {"effect": "latency", "factor": 12.0, "from_in_s": 200.0}
    over = endpoint("e", 6144, age_days=0.6, disturbances=[slow])
    return Scenario(over, _policy(400.0), ChangePhase.ROLLED_BACK)


def _silent_rollback() -> Scenario:
    faults = {"endpoint_update_faults": [{"endpoint": "e", "outcome": "Failed"}]}
    over = endpoint("e", 6144, age_days=0.6)
    return Scenario(over, _policy(400.0), ChangePhase.ROLLED_BACK, faults)


SCENARIOS: dict[str, Callable[[], Scenario]] = {
    "less memory": _descent,
    "more memory out of a breach": _climb,
    "a higher limit": _limit,
    "back after a verdict": _rollback,
    "back after a silent rollback": _silent_rollback,
}
DEPLOYING = ("UpdateEndpoint", "UpdateEndpointWeightsAndCapacities")


def _account(scenario: Scenario, store: Path, switch: KillSwitch) -> ServerlessAccount:
    return ServerlessAccount(
        [scenario.endpoint],
        [scenario.policy],
        store=store,
        extra=scenario.extra,
        wrap_store=lambda inner: JournalUnderFire(inner, switch),
    )


def _lived(scenario: Scenario, store: Path, switch: KillSwitch) -> ServerlessAccount:
    account = _account(scenario, store, switch)
    with armed(account, switch):
        try:
            account.run(4 * HOUR_S, account.settled)
        except Killed:
            assert isinstance(switch, Deaths)
            switch.reborn(account)
            account.run(4 * HOUR_S, account.settled)
    return account


@pytest.mark.parametrize("name", SCENARIOS)
@pytest.mark.slow
def test_killed_at_every_boundary_it_converges(name: str, tmp_path: Path) -> None:
    scenario = SCENARIOS[name]()
    switch = KillSwitch()
    calm = _lived(scenario, tmp_path / "calm.db", switch)
    assert calm.changes_of("e")[0].phase is scenario.phase
    first = next(i for i, at in enumerate(switch.where) if "plan_change" in at)
    points = differing(switch.where, ("_change", "Update", "Create", "Delete"), first)
    assert len(points) > 10
    deaths = Deaths(points)
    with deaths.lives():
        account = _lived(scenario, tmp_path / "dying.db", deaths)
        number = deaths.died_at
        told = "not killed" if number is None else f"killed {switch.where[number - 1]} ({number})"
        (change,) = account.changes_of("e")
        assert change.phase is scenario.phase, f"{told}: {change}"
        assert account.size("e") == calm.size("e"), told
        assert account.live("e").config_name == calm.live("e").config_name, told
        assert set(account.place.configs) == set(calm.place.configs), told
        for operation in DEPLOYING:
            assert deaths.done[operation] == switch.done[operation], f"{told}: {operation}"
