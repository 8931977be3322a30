"""What endpoints of an account learn from one another, and when."""

import numpy as np
import pytest

from controller.core.neighbours import read, written
from controller.core.shards import owner
from controller.core.stats import Floats
from controller.model.endpoint import EndpointKey, Kind
from controller.runtime.neighbours import MOST, Neighbours
from controller.store.sqlite import SqliteStore

DAY_S = 86_400.0
LEARNT = np.full((4, 2), 0.125)
LESSON = np.zeros((4, 2))
LESSON[2, 1] = 1.0


def _key(name: str, account: str = "123456789012") -> EndpointKey:
    return EndpointKey(account, "eu-west-1", Kind.LAMBDA_FUNCTION, name, "live")


def _weight(neighbours: Neighbours, key: EndpointKey, now_s: float) -> float | None:
    prior = neighbours.of(key, now_s)
    return None if prior is None else float(np.exp(prior.log_weights[2, 1]))


@pytest.fixture
def store() -> SqliteStore:
    return SqliteStore.open(":memory:")


def _neighbours(store: SqliteStore) -> Neighbours:
    shared: dict[Kind, Floats | None] = {
        Kind.LAMBDA_FUNCTION: LEARNT,
        Kind.REALTIME_ENDPOINT: None,
    }
    return Neighbours(store, shared)


def test_nobody_learns_from_itself_or_from_another_account(store: SqliteStore) -> None:
    neighbours = _neighbours(store)
    neighbours.learn(_key("a"), LESSON)
    assert neighbours.of(_key("a"), 0.0) is None
    assert neighbours.of(_key("a", "210987654321"), 0.0) is None
    assert _weight(neighbours, _key("b"), 0.0) == pytest.approx((0.5 + 1.0) / 5.0)


def test_kinds_that_share_nothing_learn_nothing(store: SqliteStore) -> None:
    neighbours = _neighbours(store)
    key = EndpointKey("1", "eu-west-1", Kind.REALTIME_ENDPOINT, "x", "AllTraffic")
    neighbours.learn(key, LESSON)
    assert neighbours.of(key, 0.0) is None


def test_news_is_taken_up_once_a_day(store: SqliteStore) -> None:
    neighbours = _neighbours(store)
    neighbours.learn(_key("a"), LESSON)
    first = neighbours.of(_key("b"), 10.0)
    neighbours.learn(_key("c"), LESSON)
    assert neighbours.of(_key("b"), 50_000.0) is first
    assert _weight(neighbours, _key("b"), DAY_S) == pytest.approx((0.5 + 2.0) / 6.0)
    neighbours.learn(_key("a"), None)
    neighbours.learn(_key("c"), None)
    assert neighbours.of(_key("b"), 2 * DAY_S) is None


def test_a_new_process_foretells_the_same(store: SqliteStore) -> None:
    before = _neighbours(store)
    before.learn(_key("a"), LESSON)
    weight = _weight(before, _key("b"), DAY_S)
    assert weight is not None
    assert _weight(_neighbours(store), _key("b"), DAY_S + 60.0) == pytest.approx(weight)


@pytest.mark.parametrize("text", ["not JSON", "[]", '{"a": [[99, 1.0]]}', '{"a": [[0, 7.0]]}'])
def test_what_cannot_be_read_is_forgotten(store: SqliteStore, text: str) -> None:
    store.put_checkpoint("neighbours lambda_function 123456789012", text)
    assert _neighbours(store).of(_key("b"), 0.0) is None


def test_a_large_account_fills_no_journal(store: SqliteStore) -> None:
    neighbours = _neighbours(store)
    for number in range(MOST + 20):
        neighbours.learn(_key(f"f{number}"), LESSON)
    prior = neighbours.of(_key("other"), 0.0)
    assert prior is not None
    assert prior.functions == MOST


def test_an_endpoint_that_is_gone_teaches_nobody_from_the_next_day_on(store: SqliteStore) -> None:
    neighbours = _neighbours(store)
    neighbours.learn(_key("a"), LESSON)
    today = neighbours.of(_key("b"), 0.0)
    neighbours.forget(_key("a"))
    assert neighbours.of(_key("b"), 60.0) is today
    assert neighbours.of(_key("b"), DAY_S) is None
    assert _neighbours(store).of(_key("b"), DAY_S) is None, "the journal still teaches it"


def test_what_is_only_recalled_gives_way_where_there_is_no_room(store: SqliteStore) -> None:
    before = _neighbours(store)
    for number in range(MOST):
        before.learn(_key(f"f{number}"), LESSON)
    assert before.of(_key("other"), 0.0) is not None
    neighbours = _neighbours(store)
    other = np.zeros((4, 2))
    other[0, 0] = 1.0
    neighbours.learn(_key("f0"), LESSON)
    for number in range(MOST):
        neighbours.learn(_key(f"g{number}"), other)
    prior = neighbours.of(_key("other"), DAY_S)
    assert prior is not None
    assert prior.functions == MOST
    weight = float(np.exp(prior.log_weights[2, 1]))
    assert weight == pytest.approx((0.5 + 1.0) / (4.0 + MOST)), "f0 was looked at, and stays"


def test_a_replica_that_comes_to_lead_again_recalls_what_the_other_learnt(
    store: SqliteStore,
) -> None:
    mine, other = _neighbours(store), _neighbours(store)
    mine.learn(_key("a"), LESSON)
    assert _weight(mine, _key("b"), 0.0) is not None
    mine.forget(_key("a"), journalled=False)
    other.learn(_key("c"), LESSON)
    weight = _weight(other, _key("b"), DAY_S)
    assert _weight(mine, _key("b"), DAY_S + 60.0) == pytest.approx(weight)


def test_what_is_not_written_down_is_shared_out() -> None:
    lesson = np.asarray([[0.5, 0.4996], [0.0002, 0.0002], [0.0, 0.0], [0.0, 0.0]])
    again = read(written(lesson), LEARNT)
    assert again.sum() == pytest.approx(1.0)
    assert np.abs(again - lesson).max() < 1e-3


def test_shards_write_over_nothing_of_each_others_and_learn_from_one_another(
    store: SqliteStore,
) -> None:
    store.put_checkpoint("layout", '{"count": 2, "wanted": null}')
    keys = [_key(f"f{number}") for number in range(12)]
    mine, theirs = ([key for key in keys if owner(key, 2) == shard] for shard in (0, 1))
    first, second = _neighbours(store), _neighbours(store)
    for day in (0.0, DAY_S):
        for shard, ours in ((first, mine), (second, theirs)):
            for key in ours:
                shard.learn(key, LESSON)
            shard.of(ours[0], day)
    after = second.of(theirs[0], DAY_S)
    assert after is not None
    assert after.functions == len(keys) - 1, "all others, whoever keeps them"
    again = _neighbours(store).of(mine[0], DAY_S)
    assert again is not None
    assert again.functions == len(keys) - 1, "a restart forgets nobody's"
    first.forget(mine[1])
    first.of(mine[0], 2 * DAY_S)
    left = second.of(theirs[0], 2 * DAY_S)
    assert left is not None
    assert left.functions == len(keys) - 2, "what is gone there is gone here"
