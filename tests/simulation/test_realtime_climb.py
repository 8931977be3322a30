"""A real-time endpoint with too few instances: more are allowed, awaited, and judged fairly."""

from dataclasses import replace
from typing import Any

import pytest
from virtual_account import ACCOUNT, DAY_S, REGION, Account, policy

from controller.model.change import ChangePhase
from controller.model.demand import Attainment
from controller.model.endpoint import ALL_TRAFFIC, EndpointKey, Kind
from controller.model.policy import Bounds, Policy, Scope, Target

pytestmark = pytest.mark.slow

NAME = "tagger"
KEY = EndpointKey(ACCOUNT, REGION, Kind.REALTIME_ENDPOINT, NAME, ALL_TRAFFIC)


def _endpoint(**traffic: Any) -> dict[str, Any]:
    return {
        "name": NAME,
        "instance_type": "ml.c5.large",
        "instance_count": 2,
        "age_days": 3,
        "workload": {
            "machines": {"work_ms": 70.0, "fixed_ms": 5.0, "cores": 1.0},
            "cv": 0.2,
            "memory_mb": 900,
            "traffic": {"rps": 30.0, "daily_amplitude": 0.6, "peak_hour_utc": 13, **traffic},
        },
    }


def _policy() -> Policy:
    target = Target(Kind.REALTIME_ENDPOINT, Scope(REGION), name=NAME)
    limits = Bounds(min_instances=1, max_instances=10)
    return replace(policy(NAME, 160.0, bounds=limits), target=target)


@pytest.mark.parametrize("peak_hour", [2, 13])
def test_a_climb_is_judged_when_its_instances_are_there(peak_hour: int) -> None:
    """Neither the backlog of before nor the minutes of launching are blamed on it."""
    scaled = {
        "endpoint": NAME,
        "min": 1,
        "max": 2,
        "policies": [{"name": "invocations", "target_value": 900.0}],
    }
    account = Account(
        [],
        [_policy()],
        extra={"endpoints": [_endpoint(peak_hour_utc=peak_hour)], "scalable_targets": [scaled]},
    )
    account.run(1.5 * DAY_S)
    changes = list(account.app.store.changes(KEY))[::-1]
    told = [f"{c.before} -> {c.target} {c.reason} {c.phase} ({c.verdict})" for c in changes]
    assert changes, account.app.recorder.last(KEY)
    assert all(c.phase is ChangePhase.VERIFIED for c in changes), told
    assert len(changes) <= 3, told
    last = account.app.recorder.last(KEY)
    assert last is not None
    assert getattr(last.slo, "attainment", None) is Attainment.MET, last.sentence


def test_lower_bounds_are_judged_by_the_instances_that_they_leave() -> None:
    """Four instances for the work of one or two: the verdict comes after some have gone."""
    scaled = {
        "endpoint": NAME,
        "min": 4,
        "max": 8,
        "policies": [{"name": "invocations", "target_value": 900.0}],
    }
    idle = _endpoint(rps=6.0, daily_amplitude=0.1) | {"instance_count": 4}
    account = Account([], [_policy()], extra={"endpoints": [idle], "scalable_targets": [scaled]})
    account.run(0.5 * DAY_S)
    change = list(account.app.store.changes(KEY))[-1]
    assert change.phase is ChangePhase.VERIFIED, change
    assert change.finished_at_s is not None
    # Four were there and at rest at first, which was not taken for the end of it.
    assert change.progress["steady"] == "4"
    assert float(change.progress["arrived_s"]) > float(change.progress["steady_since_s"])
    adapter = account.app.adapters[Kind.REALTIME_ENDPOINT]
    assert adapter.observe(Scope(REGION), KEY).realtime.instances < 4
