"""The fleet's budget holds over all shards: each says what its endpoints cost."""

from controller.clock import VirtualClock
from controller.core.shards import WHOLE, Shard
from controller.model.missing import Missing
from controller.runtime.shared_cost import SharedCost
from controller.store.sqlite import SqliteStore


def test_the_parts_add_up_once_all_are_known_and_while_they_are_fresh() -> None:
    store, clock = SqliteStore.open(":memory:"), VirtualClock(1000.0)
    first, second = (SharedCost(store, Shard(at, 2), clock) for at in range(2))
    early = first.whole(10.0)
    assert isinstance(early, Missing)
    assert "shard 1/2" in early.reason
    assert second.whole(5.0) == 15.0
    assert first.whole(10.0) == 15.0
    assert isinstance(second.whole(Missing("not looked at")), Missing)
    clock.advance_to(1030.0)
    second.whole(7.0)
    assert first.whole(10.0) == 15.0, "said once a minute"
    clock.advance_to(1000.0 + 3601.0)
    assert isinstance(first.whole(10.0), Missing)
    assert second.whole(7.0) == 17.0
    store.close()


def test_a_part_that_is_dated_tomorrow_is_not_known() -> None:
    store = SqliteStore.open(":memory:")
    ahead = SharedCost(store, Shard(1, 2), VirtualClock(90_000.0))
    ahead.whole(5.0)
    assert isinstance(SharedCost(store, Shard(0, 2), VirtualClock(1000.0)).whole(10.0), Missing)
    store.close()


def test_where_there_is_one_process_nothing_is_said() -> None:
    store = SqliteStore.open(":memory:")
    assert SharedCost(store, WHOLE, VirtualClock(0.0)).whole(3.0) == 3.0
    assert store.checkpoint("cost:0/1") is None
    store.close()
