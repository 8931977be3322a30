"""A type that a probe measured is migrated to as any other: canary, verdict, and the way back."""

from dataclasses import replace
from typing import Any

import pytest
from virtual_account import ACCOUNT, DAY_S, HOUR_S, REGION, Account, policy

from controller.core.evidence import evidence
from controller.kinds.realtime_endpoint.types import Beliefs
from controller.model.change import Change, ChangePhase
from controller.model.endpoint import ALL_TRAFFIC, EndpointKey, Kind
from controller.model.estimate import Observation, Rejection
from controller.model.policy import Bounds, Policy, Rollout, Scope, Slo, Target
from controller.model.probe import ProbeOutcome
from controller.model.probing import PayloadSource, Probing
from controller.model.size import RealtimeSize
from controller.runtime.book import EvidenceBook
from controller.sandbox.sagemaker.machines import TableMachines
from controller.sandbox.sagemaker_state import SageMakerPlace, sagemaker_of
from controller.store.sqlite import SqliteStore

NAME, SMALL, LARGE = "shop", "ml.c5.large", "ml.c5.xlarge"
KEY = EndpointKey(ACCOUNT, REGION, Kind.REALTIME_ENDPOINT, NAME, ALL_TRAFFIC)
PROBING = Probing((PayloadSource(inline="{}"),), shadows=True, max_in_flight=100)
SLO_MS = 120.0
NOW_S = 1_800_000_123.0


def _endpoint() -> dict[str, Any]:
    table = {
        SMALL: {"service_ms": 32.0, "servers": 2},
        LARGE: {"service_ms": 30.0, "servers": 4},
    }
    return {
        "name": NAME,
        "instance_type": LARGE,
        "instance_count": 2,
        "age_days": 3,
        "workload": {
            "traffic": {"rps": 16.0, "daily_amplitude": 0.2},
            "machines": {"table": table},
            "memory_mb": 900,
        },
    }


def _policy() -> Policy:
    target = Target(Kind.REALTIME_ENDPOINT, Scope(REGION), name=NAME, qualifier=ALL_TRAFFIC)
    bounds = Bounds(instance_types=(SMALL, LARGE), min_instances=2, max_instances=2)
    made = policy(NAME, SLO_MS, bounds=bounds, probe=PROBING, rollout=Rollout(canary_share=0.5))
    return replace(made, target=target)


def _account(calls: list[Any]) -> Account:
    account = Account(
        [], [_policy()], extra={"endpoints": [_endpoint()]}, probing=True, record=calls
    )
    assert account.app.rounds is not None
    account.app.rounds.step_s = 20.0
    return account


def _changes(account: Account) -> list[Change]:
    return list(account.app.store.changes(KEY))[::-1]


def _settled(account: Account) -> bool:
    changes = _changes(account)
    return bool(changes) and not changes[-1].phase.open


def _place(account: Account) -> SageMakerPlace:
    return sagemaker_of(account.world, account.world.region(ACCOUNT, REGION))


def _measured(account: Account, name: str) -> list[str]:
    rows = account.app.store.observations(KEY, 0.0)
    return [r.source for r in rows if getattr(r.size, "instance_type", "") == name]


@pytest.mark.slow
def test_a_measured_type_is_entered_behind_a_canary_and_both_types_are_known() -> None:
    calls: list[tuple[str, Any]] = []
    account = _account(calls)
    account.run(8 * HOUR_S, until=lambda: _settled(account))
    (change,) = _changes(account)
    assert isinstance(change.target, RealtimeSize)
    assert (change.phase, change.target.instance_type) == (ChangePhase.VERIFIED, SMALL)
    probes = account.app.store.probes(KEY)
    assert {p.outcome for p in probes} == {ProbeOutcome.SUCCEEDED}
    assert probes[-1].ended_at_s is not None
    assert probes[-1].ended_at_s <= change.planned_at_s
    updates = [params for name, params in calls if name == "UpdateEndpoint"]
    routing = updates[0]["DeploymentConfig"]["BlueGreenUpdatePolicy"]
    assert routing["TrafficRoutingConfiguration"]["Type"] == "CANARY"
    assert set(_measured(account, SMALL)) >= {"probe"}
    account.run(2 * HOUR_S)
    assert set(_measured(account, SMALL)) == {"probe", "cloudwatch"}
    assert set(_measured(account, LARGE)) == {"cloudwatch"}
    assert set(_place(account).endpoints) == {NAME}, "no copy is left"


@pytest.mark.slow
def test_what_the_probe_did_not_show_is_undone() -> None:
    """Users' requests are heavier than our payload, on the small type only."""
    account = _account([])
    account.run(8 * HOUR_S, until=lambda: bool(_changes(account)))
    place = _place(account)
    heavy = TableMachines({SMALL: (110.0, 2), LARGE: (30.0, 4)})
    place.set_workload(NAME, replace(place.workloads[NAME], machines=heavy), account.clock.now_s())
    account.run(3 * HOUR_S, until=lambda: _settled(account))
    (change,) = _changes(account)
    assert change.phase is ChangePhase.ROLLED_BACK, change
    variant = place.endpoints[NAME].variants["AllTraffic"]
    assert (variant.instance_type, variant.current_instance_count) == (LARGE, 2)
    account.run(3 * HOUR_S)
    last = account.app.recorder.last(KEY)
    assert last is not None
    assert len(_changes(account)) == 1, last.sentence
    found = {c.rejection for c in last.candidates if c.estimate.size == change.target}
    assert found == {Rejection.QUARANTINED}


def test_what_a_probe_showed_is_forgotten_after_two_weeks_and_with_the_code() -> None:
    size = RealtimeSize(SMALL, 1, 1)
    row = Observation(
        size, "v1", NOW_S, NOW_S + 60.0, 500, 30.0, 29.0, 45.0, 1.0, SLO_MS, "probe", 8.0
    )
    book = EvidenceBook(SqliteStore.open(":memory:"))
    book.add(KEY, [row], NOW_S)

    def requests(era: str, age_s: float) -> int:
        rows = book.observations(KEY, NOW_S + age_s)
        belief = Beliefs.of(evidence(rows, era), Slo(SLO_MS), 0.95).about(SMALL)
        return 0 if belief is None else belief.requests

    assert requests("v1", DAY_S) == 500
    assert requests("v2", DAY_S) == 0
    newer = replace(row, size=RealtimeSize(LARGE, 2, 2), start_s=NOW_S + 15 * DAY_S)
    book.add(KEY, [newer], NOW_S + 15 * DAY_S)
    assert requests("v1", 15 * DAY_S) == 0
