"""What `controller.ports.Store` promises, on the SQLite journal."""

import math
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from store_values import (
    EMBED,
    OCR,
    PLANNED,
    THUMBS,
    a_change,
    a_condition,
    an_event,
    an_observation,
)

from controller.model.change import Change, ChangePhase
from controller.model.condition import ConditionStatus, ConditionType, Pause
from controller.model.endpoint import EndpointKey, LambdaSize
from controller.model.errors import Conflict, StoreError, Terminal
from controller.model.missing import Missing
from controller.model.reason import Reason
from controller.model.window import MemoryUse
from controller.store.sqlite import SqliteStore

CLOSED = [phase for phase in ChangePhase if not phase.open]


@pytest.fixture(params=["file", "memory"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SqliteStore]:
    path = tmp_path / "journal.db" if request.param == "file" else ":memory:"
    opened = SqliteStore.open(path)
    yield opened
    opened.close()


def advanced(store: SqliteStore, change: Change, phase: ChangePhase) -> Change:
    return store.advance_change(replace(change, phase=phase), an_event(phase))


# changes


def test_a_planned_change_gets_an_id_and_is_open(store: SqliteStore) -> None:
    change = store.plan_change(a_change(), PLANNED)
    assert change.id > 0
    assert store.open_change(OCR) == change
    assert store.change(change.id) == change
    assert store.events(change.id) == [PLANNED]
    assert store.open_change(THUMBS) is None
    assert store.change(change.id + 1) is None


@pytest.mark.parametrize("phase", [phase for phase in ChangePhase if phase.open])
def test_one_open_change_per_endpoint(store: SqliteStore, phase: ChangePhase) -> None:
    first = store.plan_change(a_change(), PLANNED)
    advanced(store, first, phase)
    with pytest.raises(Conflict, match="already in flight"):
        store.plan_change(a_change(), PLANNED)
    assert len(store.changes()) == 1
    store.plan_change(a_change(THUMBS), PLANNED)


@pytest.mark.parametrize("phase", CLOSED)
def test_a_closed_change_makes_room_for_the_next(store: SqliteStore, phase: ChangePhase) -> None:
    first = store.plan_change(a_change(), PLANNED)
    closed = advanced(store, first, phase)
    assert store.open_change(OCR) is None
    second = store.plan_change(a_change(), PLANNED)
    assert second.id > closed.id
    with pytest.raises(Conflict, match="already in flight"):
        advanced(store, closed, ChangePhase.VERIFYING)


def test_advancing_compares_and_swaps(store: SqliteStore) -> None:
    seen = store.plan_change(a_change(), PLANNED)
    newer = advanced(store, seen, ChangePhase.APPLYING)
    assert newer.revision == seen.revision + 1
    with pytest.raises(Conflict, match="moved on"):
        advanced(store, seen, ChangePhase.FAILED)
    assert store.change(seen.id) == newer
    assert [event.phase for event in store.events(seen.id)] == [
        ChangePhase.PLANNED,
        ChangePhase.APPLYING,
    ]


def test_a_change_cannot_become_another_endpoints(store: SqliteStore) -> None:
    change = store.plan_change(a_change(), PLANNED)
    with pytest.raises(Conflict):
        store.advance_change(replace(change, key=THUMBS), PLANNED)
    with pytest.raises(Conflict):
        store.advance_change(replace(change, id=99), PLANNED)


def test_changes_are_listed_newest_first(store: SqliteStore) -> None:
    keys = [OCR, THUMBS, EMBED]
    for at_s, key in enumerate(keys):
        store.plan_change(a_change(key, planned_at_s=float(at_s)), PLANNED)
    assert [change.key for change in store.changes()] == [EMBED, THUMBS, OCR]
    assert [change.key for change in store.changes(limit=1)] == [EMBED]
    assert list(store.changes(limit=0)) == []
    assert [change.key for change in store.changes(since_s=1.0)] == [EMBED, THUMBS]
    assert [change.key for change in store.changes(THUMBS, since_s=0.0, limit=5)] == [THUMBS]
    assert [change.key for change in store.open_changes()] == sorted(keys)


# evidence


def test_evidence_comes_back_in_order_and_in_full(store: SqliteStore) -> None:
    late, early = an_observation(600.0), an_observation(0.0, met_ratio=Missing("no PR"))
    store.put_observations(OCR, [late, early])
    assert store.observations(OCR, -math.inf) == [early, late]
    assert store.observations(OCR, 300.0) == [late]
    assert store.observations(OCR, 299.0) == [early, late]
    assert store.observations(THUMBS, 0.0) == []


def test_evidence_of_the_same_interval_is_replaced(store: SqliteStore) -> None:
    store.put_observations(OCR, [an_observation(requests=1)])
    store.put_observations(OCR, [an_observation(requests=2, met_ratio=Missing("gone"))])
    store.put_observations(OCR, [an_observation(era="era-2"), an_observation(memory_mb=512)])
    rows = store.observations(OCR, 0.0)
    assert len(rows) == 3
    same = [row for row in rows if row.era == "era-1" and row.size == LambdaSize(1024)]
    assert [(row.requests, row.met_ratio) for row in same] == [(2, Missing("gone"))]


def test_memory_use_is_kept_by_size_and_start(store: SqliteStore) -> None:
    first = MemoryUse(0.0, 300.0, 1024, 700, 10, 1, 900.0, Missing("no INIT"))
    again = MemoryUse(0.0, 300.0, 1024, 710, 11, 1, Missing("no INIT"), 800.0)
    other = MemoryUse(0.0, 300.0, 512, 400, 5, 0, Missing("x"), Missing("y"))
    store.put_memory_use(OCR, [first])
    store.put_memory_use(OCR, [again, other])
    assert store.memory_use(OCR, 0.0) == [other, again]
    assert store.memory_use(OCR, 300.0) == []


def test_pruning_drops_old_evidence_and_nothing_else(store: SqliteStore) -> None:
    change = store.plan_change(a_change(planned_at_s=0.0), PLANNED)
    store.put_observations(OCR, [an_observation(0.0), an_observation(1000.0)])
    store.put_memory_use(OCR, [MemoryUse(0.0, 300.0, 512, 1, 1, 0, 1.0, 1.0)])
    assert store.prune(301.0) == 2
    assert [row.start_s for row in store.observations(OCR, -1.0)] == [1000.0]
    assert store.memory_use(OCR, -1.0) == []
    assert store.change(change.id) == change
    assert store.prune(301.0) == 0


# what is said of endpoints


def test_the_transition_time_moves_only_with_the_status(store: SqliteStore) -> None:
    true, false = ConditionStatus.TRUE, ConditionStatus.FALSE
    store.put_conditions(OCR, [a_condition(true, 10.0)])
    store.put_conditions(OCR, [a_condition(true, 20.0, message="still", observed_generation="g2")])
    (kept,) = store.conditions(OCR)[OCR]
    assert (kept.last_transition_s, kept.message, kept.observed_generation) == (10.0, "still", "g2")
    store.put_conditions(OCR, [a_condition(false, 30.0, reason=Reason.SLO_BREACHED)])
    (turned,) = store.conditions(OCR)[OCR]
    assert (turned.last_transition_s, turned.status, turned.reason) == (
        30.0,
        false,
        Reason.SLO_BREACHED,
    )


def test_conditions_not_given_stay(store: SqliteStore) -> None:
    paused = a_condition(ConditionStatus.TRUE, 1.0, type=ConditionType.PAUSED)
    store.put_conditions(OCR, [a_condition(ConditionStatus.TRUE, 1.0), paused])
    store.put_conditions(OCR, [a_condition(ConditionStatus.FALSE, 2.0)])
    store.put_conditions(THUMBS, [paused])
    assert [c.type for c in store.conditions()[OCR]] == [
        ConditionType.PAUSED,
        ConditionType.SLO_MET,
    ]
    assert list(store.conditions()) == sorted([OCR, THUMBS])
    assert store.conditions(EMBED) == {}


def test_only_the_last_assessment_is_kept(store: SqliteStore) -> None:
    store.put_assessment(OCR, 1.0, {"sentence": "hold"})
    store.put_assessment(OCR, 2.0, {"sentence": "change", "nested": {"x": [1, None]}})
    assert store.assessments() == {OCR: {"sentence": "change", "nested": {"x": [1, None]}}}


def test_forgetting_an_endpoint_keeps_its_journal(store: SqliteStore) -> None:
    change = store.plan_change(a_change(), PLANNED)
    store.put_observations(OCR, [an_observation()])
    for key in (OCR, THUMBS):
        store.put_conditions(key, [a_condition(ConditionStatus.TRUE, 1.0)])
        store.put_assessment(key, 1.0, {})
    store.forget_endpoint(OCR)
    assert list(store.conditions()) == [THUMBS]
    assert list(store.assessments()) == [THUMBS]
    assert store.change(change.id) == change
    assert len(store.observations(OCR, -1.0)) == 1


def test_pauses_and_checkpoints(store: SqliteStore) -> None:
    fleet = Pause("*", 1.0, None, "incident", "ana")
    one = Pause(str(OCR), 2.0, 3.0, "release", "ben")
    store.pause(one)
    store.pause(fleet)
    assert store.pauses() == [fleet, one]
    store.pause(Pause("*", 5.0, 9.0, "again", "ana"))
    assert store.pauses()[0].since_s == 5.0
    assert store.resume("*") is True
    assert store.resume("*") is False
    assert store.pauses() == [one]
    assert store.checkpoint("x") is None
    store.put_checkpoint("x", "1")
    store.put_checkpoint("x", "")
    assert store.checkpoint("x") == ""


# batches, threads, values that do not fit


def test_a_batch_is_kept_whole_or_not_at_all(store: SqliteStore) -> None:
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


def test_a_failed_part_of_a_batch_leaves_the_rest(store: SqliteStore) -> None:
    with store.batch():
        store.put_checkpoint("a", "1")
        with pytest.raises(Terminal):
            store.put_observations(OCR, [an_observation(), an_observation(300.0, mean_ms=math.nan)])
    assert store.checkpoint("a") == "1"
    assert store.observations(OCR, -1.0) == []


def test_a_change_is_never_journalled_in_a_batch(store: SqliteStore) -> None:
    change = store.plan_change(a_change(), PLANNED)
    with store.batch():
        with pytest.raises(Terminal, match="on disk before anything acts"):
            store.plan_change(a_change(THUMBS), PLANNED)
        with pytest.raises(Terminal, match="on disk before anything acts"):
            advanced(store, change, ChangePhase.APPLYING)
    assert list(store.changes()) == [change]


@pytest.mark.parametrize(
    "values",
    [{"mean_ms": math.nan}, {"met_ratio": math.nan}, {"requests": 2**70}, {"era": "\ud800"}],
)
def test_a_value_that_no_row_can_hold_is_refused(
    store: SqliteStore, values: dict[str, object]
) -> None:
    with pytest.raises(Terminal):
        store.put_observations(OCR, [an_observation(**values)])
    assert store.observations(OCR, -1.0) == []


def test_an_assessment_must_be_plain_json(store: SqliteStore) -> None:
    for document in ({"x": math.nan}, {"x": object()}):
        with pytest.raises(Terminal, match="not plain JSON"):
            store.put_assessment(OCR, 1.0, document)
    assert store.assessments() == {}


def test_threads_plan_one_change_per_endpoint(store: SqliteStore) -> None:
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


def test_threads_advance_a_change_one_at_a_time(store: SqliteStore) -> None:
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


def test_threads_share_the_journal_without_mixing_their_transactions(store: SqliteStore) -> None:
    def work(number: int) -> None:
        for at in range(60):
            with store.batch():
                store.put_checkpoint(f"{number}-{at}", "1")
                store.put_checkpoint(f"{number}", str(at))
            store.put_checkpoint(f"{number}-alone-{at}", "1")
            assert store.checkpoint(f"{number}") == str(at)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, range(4)))
    assert [store.checkpoint(f"{number}") for number in range(4)] == ["59"] * 4


def test_another_thread_waits_for_the_end_of_a_batch(store: SqliteStore) -> None:
    inside, seen = threading.Event(), []

    def look() -> None:
        inside.wait()
        seen.append(store.checkpoint("a"))

    looker = threading.Thread(target=look)
    looker.start()
    with store.batch():
        store.put_checkpoint("a", "half")
        inside.set()
        store.put_checkpoint("a", "whole")
    looker.join()
    assert seen == ["whole"]


def test_a_closed_store_says_so(store: SqliteStore) -> None:
    store.close()
    store.close()
    with pytest.raises(StoreError, match="has been closed"):
        store.pauses()
    with pytest.raises(StoreError, match="has been closed"):
        store.put_checkpoint("a", "1")
