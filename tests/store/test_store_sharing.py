"""Batches and threads, and values that no row can hold."""

import math
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from store_values import (
    OCR,
    PLANNED,
    THUMBS,
    a_change,
    a_condition,
    advanced,
    an_observation,
)

from controller.model.change import ChangePhase
from controller.model.condition import ConditionStatus
from controller.model.endpoint import EndpointKey
from controller.model.errors import Conflict, StoreError, Terminal
from controller.store.opened import Journal
from controller.store.sqlite import SqliteStore


def test_a_batch_is_kept_whole_or_not_at_all(store: Journal) -> None:
    with store.batch():
        store.put_checkpoint("a", "1")
        with store.batch():
            store.put_checkpoint("b", "1")
    assert store.checkpoint("a") == "1"

    def fail_half_way() -> None:
        with store.batch():
            store.put_checkpoint("a", "2")
            store.put_conditions(OCR, [a_condition(ConditionStatus.TRUE, 1.0)])
            raise UnicodeError("mine")

    with pytest.raises(UnicodeError, match="mine"):
        fail_half_way()
    assert (store.checkpoint("a"), store.checkpoint("b")) == ("1", "1")
    assert store.conditions() == {}


def test_a_batch_sees_its_own_writes(sqlite_store: SqliteStore) -> None:
    with sqlite_store.batch():
        sqlite_store.put_checkpoint("a", "1")
        assert sqlite_store.checkpoint("a") == "1"


def test_a_failed_part_of_a_batch_leaves_the_rest(store: Journal) -> None:
    with store.batch():
        store.put_checkpoint("a", "1")
        with pytest.raises(Terminal):
            store.put_observations(OCR, [an_observation(), an_observation(300.0, mean_ms=math.nan)])
    assert store.checkpoint("a") == "1"
    assert store.observations(OCR, -1.0) == []


def test_a_change_is_never_journalled_in_a_batch(store: Journal) -> None:
    change = store.plan_change(a_change(), PLANNED)
    with store.batch():
        with pytest.raises(Terminal, match="on disk before anything acts"):
            store.plan_change(a_change(THUMBS), PLANNED)
        with pytest.raises(Terminal, match="on disk before anything acts"):
            advanced(store, change, ChangePhase.APPLYING)
    assert list(store.changes()) == [change]


@pytest.mark.parametrize(
    "values",
    [{"mean_ms": math.nan}, {"met_ratio": math.nan}],
)
def test_a_value_that_no_row_can_hold_is_refused(store: Journal, values: dict[str, object]) -> None:
    with pytest.raises(Terminal):
        store.put_observations(OCR, [an_observation(**values)])
    assert store.observations(OCR, -1.0) == []


@pytest.mark.parametrize("values", [{"requests": 2**70}, {"era": "\ud800"}])
def test_a_value_that_no_column_can_hold_is_refused(
    sqlite_store: SqliteStore, values: dict[str, object]
) -> None:
    with pytest.raises(Terminal):
        sqlite_store.put_observations(OCR, [an_observation(**values)])


def test_an_assessment_must_be_plain_json(store: Journal) -> None:
    for document in ({"x": math.nan}, {"x": object()}):
        with pytest.raises(Terminal, match="not plain JSON"):
            store.put_assessment(OCR, 1.0, document)
    assert store.assessments() == {}


def test_threads_plan_one_change_per_endpoint(store: Journal) -> None:
    barrier = threading.Barrier(8)

    def plan(key: EndpointKey) -> bool:
        barrier.wait()
        try:
            store.plan_change(a_change(key), PLANNED)
        except Conflict:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        planned = list(pool.map(plan, [OCR, THUMBS] * 4))
    assert sum(planned) == 2
    assert [change.key for change in store.open_changes()] == [OCR, THUMBS]


def test_threads_advance_a_change_one_at_a_time(store: Journal) -> None:
    change = store.plan_change(a_change(), PLANNED)
    barrier = threading.Barrier(8)

    def advance(_: int) -> bool:
        barrier.wait()
        try:
            advanced(store, change, ChangePhase.APPLYING)
        except Conflict:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(advance, range(8))) == 1
    assert len(store.events(change.id)) == 2


def test_threads_share_the_journal_without_mixing_their_transactions(
    sqlite_store: SqliteStore,
) -> None:
    def work(number: int) -> None:
        for at in range(60):
            with sqlite_store.batch():
                sqlite_store.put_checkpoint(f"{number}-{at}", "1")
                sqlite_store.put_checkpoint(f"{number}", str(at))
            sqlite_store.put_checkpoint(f"{number}-alone-{at}", "1")
            assert sqlite_store.checkpoint(f"{number}") == str(at)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, range(4)))
    assert [sqlite_store.checkpoint(f"{number}") for number in range(4)] == ["59"] * 4


def test_another_thread_waits_for_the_end_of_a_batch(sqlite_store: SqliteStore) -> None:
    inside, seen = threading.Event(), []

    def look() -> None:
        inside.wait()
        seen.append(sqlite_store.checkpoint("a"))

    looker = threading.Thread(target=look)
    looker.start()
    with sqlite_store.batch():
        sqlite_store.put_checkpoint("a", "half")
        inside.set()
        sqlite_store.put_checkpoint("a", "whole")
    looker.join()
    assert seen == ["whole"]


def test_a_closed_store_says_so(store: Journal) -> None:
    store.close()
    store.close()
    with pytest.raises(StoreError, match="has been closed"):
        store.pauses()
    with pytest.raises(StoreError, match="has been closed"):
        store.put_checkpoint("a", "1")
