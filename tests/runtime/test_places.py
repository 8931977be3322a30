"""A place that hangs is left one worker and long rests; the others keep theirs."""

from lease_keepers import Steady

from controller.model.policy import Scope
from controller.runtime.places import LONGEST_REST_S, Places

HERE, THERE = Scope("eu-west-1"), Scope("us-east-1")


def _known(workers: int = 4) -> tuple[Places, Steady]:
    clock = Steady(0.0)
    places = Places(workers, clock)
    for scope in (HERE, THERE):
        assert places.enter(scope) == 0.0
        places.leave(scope, 1.0)
    return places, clock


def test_a_place_never_has_all_workers_unless_it_is_the_only_one() -> None:
    places, _ = _known()
    assert [places.enter(HERE) for _ in range(3)] == [0.0] * 3
    assert places.enter(HERE) > 0.0
    assert places.enter(THERE) == 0.0
    alone = Places(4, Steady(0.0))
    assert [alone.enter(HERE) for _ in range(4)] == [0.0] * 4


def test_a_slow_place_rests_longer_each_time_and_recovers_at_once() -> None:
    places, clock = _known()
    rests = []
    for _ in range(7):
        assert places.enter(HERE) == 0.0
        rests.append(places.leave(HERE, 90.0))
        assert places.enter(HERE) == rests[-1]
        clock.at_s += rests[-1]
    assert rests == [15.0, 30.0, 60.0, 120.0, 240.0, LONGEST_REST_S, LONGEST_REST_S]
    assert places.enter(HERE) == 0.0
    assert places.enter(HERE) > 0.0, "one at a time while it is slow"
    assert places.enter(THERE) == 0.0
    assert places.leave(HERE, 1.0) == 0.0
    assert [places.enter(HERE), places.enter(HERE)] == [0.0, 0.0]


def test_a_place_that_is_alone_never_rests() -> None:
    places = Places(4, lambda: 0.0)
    only = Scope("eu-west-1", "123456789012")
    assert places.enter(only) == 0.0
    assert places.leave(only, 300.0) == 0.0
    assert [places.enter(only) for _ in range(4)] == [0.0] * 4
