"""Killed anywhere in a change of a real-time endpoint: the user's autoscaling is never lost.

One run without a kill lists every boundary: before and after each write to the journal of
changes and each call to AWS. Then the same world is lived once more, and at each boundary a copy
of the process is killed and started anew, at once or hours later.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from dying import Deaths
from realtime_account import (
    LARGE,
    SMALL,
    USERS_POLICIES,
    Case,
    Shop,
    asked_sizes,
    endpoint,
    live,
    policy,
    scaled,
    scaling_of,
)
from virtual_account import KillSwitch

from controller.model.change import ChangePhase
from controller.model.policy import Rollout
from controller.model.sagemaker import Autoscaling
from controller.model.size import RealtimeSize, ScheduledBounds

__all__ = ["asked_sizes"]

SLOW_LARGE = {
    "traffic": {"rps": 8.0},
    "machines": {
        "table": {
            SMALL: {"service_ms": 25.0, "servers": 2},
            LARGE: {"service_ms": 400.0, "servers": 8},
        }
    },
}
SCHEDULE = (
    ScheduledBounds("cron(0 20 ? * MON-FRI *)", "UTC", 1, 4),
    ScheduledBounds("cron(0 7 ? * MON-FRI *)", "UTC", 3, 8),
)
WATCHED = Rollout(canary_share=0.5, bake_s=480.0, max_bake_s=1200.0, min_requests=100)
"""Alarms need some minutes of the canary."""
ALL_AT_ONCE = Rollout(canary_share=0.0, bake_s=240.0, max_bake_s=1200.0, min_requests=100)
NO_CAPACITY = [{"endpoint": "*", "outcome": "InsufficientCapacity", "times": 1}]


def _retype() -> Case:
    return Case(
        {"endpoints": [endpoint()], "scalable_targets": [scaled()]},
        RealtimeSize(LARGE, 2, 6, 1800.0),
    )


def _too_slow(rollout: Rollout) -> Case:
    """The new type breaks the SLO: AWS rolls back by the alarms, or we do by our verdict."""
    case = _retype()
    slow = {"endpoints": [endpoint(workload=SLOW_LARGE)], "scalable_targets": [scaled()]}
    return replace(case, extra=slow, policy=policy(rollout=rollout))


def _no_capacity() -> Case:
    case = _retype()
    return replace(case, extra={**case.extra, "endpoint_update_faults": NO_CAPACITY})


def _no_way_back() -> Case:
    """Too slow, and the old type has no capacity any more at the first attempt to go back."""
    case = _too_slow(ALL_AT_ONCE)

    def prepare(shop: Shop) -> None:
        from controller.sandbox.sagemaker.seeding import endpoint_fault_from

        def soon(world: object) -> None:
            shop.place.faults.append(endpoint_fault_from(NO_CAPACITY[0]))

        shop.world.schedule(shop.world.now_s() + 600.0, "no capacity", soon)

    return replace(case, prepare=prepare)


def _bounds() -> Case:
    return Case(
        {"endpoints": [endpoint()], "scalable_targets": [scaled(scheduled_actions=[])]},
        RealtimeSize(SMALL, 1, 8, 700.0, SCHEDULE),
    )


def _bounds_too_tight() -> Case:
    """One instance is not enough: what was there comes back."""
    slow = {
        "traffic": {"rps": 60.0},
        "machines": {"table": {SMALL: {"service_ms": 45.0, "servers": 2}}},
    }
    return Case(
        {
            "endpoints": [endpoint(instance_count=4, workload=slow)],
            "scalable_targets": [scaled(min=4, scheduled_actions=[], policies=[USERS_POLICIES[1]])],
        },
        RealtimeSize(SMALL, 1, 1, 9000.0),
    )


def _fixed_retype() -> Case:
    return Case({"endpoints": [endpoint()]}, RealtimeSize(LARGE, 1, 1))


def _fixed_too_slow() -> Case:
    return Case(
        {"endpoints": [endpoint(workload=SLOW_LARGE)]},
        RealtimeSize(LARGE, 1, 1),
    )


def _begin_scaling() -> Case:
    return Case({"endpoints": [endpoint()]}, RealtimeSize(SMALL, 1, 4, 800.0, ()))


WHOLE = {"another type"}
"""Killed at every boundary; the others, and those that stay dead for hours, at some."""
SOME, FEW = 8, 16
CASES: dict[str, tuple[Callable[[], Case], ChangePhase]] = {
    "another type": (_retype, ChangePhase.VERIFIED),
    "another type, too slow: alarms": (lambda: _too_slow(WATCHED), ChangePhase.ROLLED_BACK),
    "another type, too slow: verdict": (lambda: _too_slow(ALL_AT_ONCE), ChangePhase.ROLLED_BACK),
    "another type, no capacity": (_no_capacity, ChangePhase.ROLLED_BACK),
    "another type, no capacity to go back": (_no_way_back, ChangePhase.ROLLED_BACK),
    "another type, fixed": (_fixed_retype, ChangePhase.VERIFIED),
    "another type, fixed, too slow": (_fixed_too_slow, ChangePhase.ROLLED_BACK),
    "bounds, target, schedule": (_bounds, ChangePhase.VERIFIED),
    "bounds too tight": (_bounds_too_tight, ChangePhase.ROLLED_BACK),
    "autoscaling begun": (_begin_scaling, ChangePhase.VERIFIED),
}


def _boundaries(where: list[str]) -> Iterator[int]:
    """Boundaries at which something has just changed, in the journal or at AWS.

    A process that dies keeps nothing: dying later, before the next change, is the same death.
    """
    first = next(i for i, at in enumerate(where) if "plan_change" in at)
    changing = ("_change", "Create", "Put", "Delete", "Register", "Deregister", "Update")
    for number, at in enumerate(where[first:], start=first + 1):
        if at.startswith("after") and any(word in at for word in changing):
            yield number


def _left(shop: Shop) -> tuple[object, ...]:
    """What a change leaves behind, asked of the world."""
    state = shop.observe()
    return (
        state.size,
        state.realtime.endpoint.config.name,
        shop.configs(),
        shop.alarms_of_ours(),
        scaling_of(shop.world),
    )


def _unharmed(before: Autoscaling, after: Autoscaling, phase: ChangePhase) -> None:
    """Byte by byte; of a verified change, but for the value that moves with the size."""
    if before.target is not None and after.target is not None:
        assert after.target.tags == before.target.tags
    if phase is not ChangePhase.VERIFIED:
        assert after == before
        return
    theirs = [one for one in after.actions if not one.name.startswith("rightsizer-")]
    assert theirs == list(before.actions)
    now = {one.name: one for one in after.policies}
    for policy_ in before.policies:
        assert policy_.name in now
        if policy_.target_per_instance is None:
            assert now[policy_.name] == policy_
        else:
            text = now[policy_.name].document.replace(
                f"{now[policy_.name].target_per_instance}", f"{policy_.target_per_instance}"
            )
            assert text == policy_.document


@pytest.mark.parametrize("dead_s", [0.0, 7200.0], ids=["at once", "after two hours"])
@pytest.mark.parametrize("name", CASES)
@pytest.mark.timeout(900)
@pytest.mark.slow
def test_killed_at_every_boundary_it_converges(name: str, dead_s: float, tmp_path: Path) -> None:
    make, phase = CASES[name]
    switch = KillSwitch()
    before = scaling_of(Shop(make().extra).world)
    calm = live(make(), tmp_path / "calm.db", switch)
    assert calm.change.phase is phase, calm.change
    _unharmed(before, scaling_of(calm.world), phase)
    expected, done = _left(calm), switch.done
    points = list(_boundaries(switch.where))
    assert len(points) >= 10
    points = points[:: FEW if dead_s else 1 if name in WHOLE else SOME]

    deaths = Deaths(points)
    with deaths.lives():
        shop = live(make(), tmp_path / "dying.db", deaths, dead_s)
        number = deaths.died_at
        told = "not killed" if number is None else f"killed {switch.where[number - 1]} ({number})"
        told = f"{told}: {shop.change}"
        _unharmed(before, scaling_of(shop.world), shop.change.phase)
        assert not shop.alarms_of_ours(), told
        assert len(shop.app.store.changes()) == 1, told
        if not dead_s:
            assert shop.change.phase is phase, told
            assert _left(shop) == expected, told
            for operation in ("UpdateEndpoint", "DeregisterScalableTarget"):
                assert deaths.done[operation] <= done[operation], f"{told}: {operation}"
