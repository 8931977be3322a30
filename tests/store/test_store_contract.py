"""What `controller.ports.Store` promises, in SQLite and in DynamoDB alike."""

import math
from dataclasses import replace
from typing import Any

import pytest
from store_values import (
    EMBED,
    OCR,
    PLANNED,
    THUMBS,
    a_change,
    a_condition,
    a_probe,
    a_shadow,
    advanced,
    an_observation,
)

from controller.model.change import Change, ChangeEvent, ChangePhase
from controller.model.condition import ConditionStatus, ConditionType, Pause
from controller.model.errors import Conflict, NoLease
from controller.model.missing import Missing
from controller.model.probe import ShadowPhase
from controller.model.reason import Reason
from controller.model.size import LambdaSize
from controller.model.window import MemoryUse
from controller.store.opened import Journal

# changes


def test_a_planned_change_gets_an_id_and_is_open(store: Journal) -> None:
    change = store.plan_change(a_change(), PLANNED)
    assert change.id > 0
    assert store.open_change(OCR) == change
    assert store.change(change.id) == change
    assert store.events(change.id) == [PLANNED]
    assert store.open_change(THUMBS) is None
    assert store.change(change.id + 1) is None


@pytest.mark.parametrize("phase", [phase for phase in ChangePhase if phase.open])
def test_one_open_change_per_endpoint(store: Journal, phase: ChangePhase) -> None:
    first = store.plan_change(a_change(), PLANNED)
    advanced(store, first, phase)
    with pytest.raises(Conflict, match="already in flight"):
        store.plan_change(a_change(), PLANNED)
    assert len(store.changes()) == 1
    store.plan_change(a_change(THUMBS), PLANNED)


@pytest.mark.parametrize("phase", [phase for phase in ChangePhase if not phase.open])
def test_a_closed_change_makes_room_for_the_next(store: Journal, phase: ChangePhase) -> None:
    first = store.plan_change(a_change(), PLANNED)
    closed = advanced(store, first, phase)
    assert store.open_change(OCR) is None
    second = store.plan_change(a_change(), PLANNED)
    assert second.id > closed.id
    with pytest.raises(Conflict, match="already in flight"):
        advanced(store, closed, ChangePhase.VERIFYING)


def test_advancing_compares_and_swaps(store: Journal) -> None:
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


def test_a_change_cannot_become_another_endpoints(store: Journal) -> None:
    change = store.plan_change(a_change(), PLANNED)
    with pytest.raises(Conflict):
        store.advance_change(replace(change, key=THUMBS), PLANNED)
    with pytest.raises(Conflict):
        store.advance_change(replace(change, id=99), PLANNED)


def test_changes_are_listed_newest_first(store: Journal) -> None:
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


def test_evidence_comes_back_in_order_and_in_full(store: Journal) -> None:
    late, early = an_observation(600.0), an_observation(0.0, met_ratio=Missing("no PR"))
    store.put_observations(OCR, [late, early])
    assert store.observations(OCR, -math.inf) == [early, late]
    assert store.observations(OCR, 300.0) == [late]
    assert store.observations(OCR, 299.0) == [early, late]
    assert store.observations(THUMBS, 0.0) == []


def test_evidence_of_the_same_interval_is_replaced(store: Journal) -> None:
    store.put_observations(OCR, [an_observation(requests=1)])
    store.put_observations(OCR, [an_observation(requests=2, met_ratio=Missing("gone"))])
    store.put_observations(OCR, [an_observation(era="era-2"), an_observation(memory_mb=512)])
    rows = store.observations(OCR, 0.0)
    assert len(rows) == 3
    same = [row for row in rows if row.era == "era-1" and row.size == LambdaSize(1024)]
    assert [(row.requests, row.met_ratio) for row in same] == [(2, Missing("gone"))]


def test_memory_use_is_kept_by_size_and_start(store: Journal) -> None:
    first = MemoryUse(0.0, 300.0, 1024, 700, 10, 1, 900.0, Missing("no INIT"))
    again = MemoryUse(0.0, 300.0, 1024, 710, 11, 1, Missing("no INIT"), 800.0)
    other = MemoryUse(0.0, 300.0, 512, 400, 5, 0, Missing("x"), Missing("y"))
    store.put_memory_use(OCR, [first])
    store.put_memory_use(OCR, [again, other])
    assert store.memory_use(OCR, 0.0) == [other, again]
    assert store.memory_use(OCR, 300.0) == []


def test_pruning_drops_old_evidence_and_nothing_else(store: Journal) -> None:
    change = store.plan_change(a_change(planned_at_s=0.0), PLANNED)
    store.put_observations(OCR, [an_observation(0.0), an_observation(1000.0)])
    store.put_memory_use(OCR, [MemoryUse(0.0, 300.0, 512, 1, 1, 0, 1.0, 1.0)])
    assert store.prune(301.0) == 2
    assert [row.start_s for row in store.observations(OCR, -1.0)] == [1000.0]
    assert store.memory_use(OCR, -1.0) == []
    assert store.change(change.id) == change
    assert store.prune(301.0) == 0


def _closed(store: Journal, at_s: float, **values: Any) -> Change:
    change = store.plan_change(a_change(planned_at_s=at_s, **values), PLANNED)
    ended = replace(change, phase=ChangePhase.VERIFIED, finished_at_s=at_s)
    return store.advance_change(ended, ChangeEvent(at_s, ended.phase, "verdict", "fine"))


def test_pruning_the_journal_keeps_what_is_open_young_or_an_endpoints_newest(
    store: Journal,
) -> None:
    old, young, newest = (_closed(store, at_s) for at_s in (100.0, 500.0, 600.0))
    only = _closed(store, 100.0, key=EMBED)
    open_ = store.plan_change(a_change(THUMBS, planned_at_s=0.0), PLANNED)
    assert store.prune_journal(400.0) == 1
    assert store.change(old.id) is None
    assert store.events(old.id) == []
    assert [change.id for change in store.changes(OCR)] == [newest.id, young.id]
    assert len(store.events(young.id)) == 2
    assert store.change(only.id) == only, "what was last done to an endpoint is always known"
    assert store.open_change(THUMBS) == open_
    assert store.prune_journal(400.0) == 0


def test_pruning_the_journal_forgets_checkpoints_of_endpoints_that_nobody_knows(
    store: Journal,
) -> None:
    _closed(store, 100.0)
    store.put_observations(EMBED, [an_observation(0.0)])
    for key in (OCR, EMBED, THUMBS):
        store.put_checkpoint(f"seen:{key}", "1")
        store.put_checkpoint(f"accepted:{key}", "1")
    store.put_checkpoint("term", "3")
    store.prune_journal(400.0)
    kept = [key for key in (OCR, EMBED, THUMBS) if store.checkpoint(f"seen:{key}")]
    assert kept == [OCR, EMBED]
    assert store.checkpoint(f"accepted:{THUMBS}") is None
    assert store.checkpoint("term") == "3"


def test_an_endpoint_of_which_nothing_is_left_is_forgotten_whole(store: Journal) -> None:
    store.put_observations(OCR, [an_observation(0.0)])
    store.put_conditions(OCR, [a_condition(ConditionStatus.TRUE, 0.0)])
    store.put_assessment(OCR, 0.0, {"a": 1})
    store.put_checkpoint(f"seen:{OCR}", "1")
    store.prune_journal(400.0)
    assert store.checkpoint(f"seen:{OCR}") == "1"
    store.forget_endpoint(OCR)
    store.prune(1e6)
    store.prune_journal(400.0)
    store.prune_journal(400.0)  # what this process has touched since is looked at the next time
    assert store.checkpoint(f"seen:{OCR}") is None
    store.put_conditions(OCR, [a_condition(ConditionStatus.TRUE, 0.0)])
    assert list(store.conditions()) == [OCR], "it is known again when it comes back"


# what is said of endpoints


def test_the_transition_time_moves_only_with_the_status(store: Journal) -> None:
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


def test_conditions_not_given_stay(store: Journal) -> None:
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


def test_only_the_last_assessment_is_kept(store: Journal) -> None:
    store.put_assessment(OCR, 1.0, {"sentence": "hold"})
    store.put_assessment(OCR, 2.0, {"sentence": "change", "nested": {"x": [1, None]}})
    assert store.assessments() == {OCR: {"sentence": "change", "nested": {"x": [1, None]}}}


def test_forgetting_an_endpoint_keeps_its_journal(store: Journal) -> None:
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


def test_pauses_and_checkpoints(store: Journal) -> None:
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


# probes and what they make


def test_shadows_are_replaced_by_id_and_forgotten(store: Journal) -> None:
    later = a_shadow(id="rightsizer-probe-0", created_at_s=200.0)
    store.put_shadow(later)
    store.put_shadow(a_shadow())
    ready = a_shadow(phase=ShadowPhase.READY, resources={"function": "rightsizer-probe-1"})
    store.put_shadow(ready)
    assert list(store.shadows()) == [ready, later]
    store.forget_shadow(ready.id)
    store.forget_shadow("unknown")
    assert list(store.shadows()) == [later]


def test_probes_newest_first_by_endpoint_and_start(store: Journal) -> None:
    running = a_probe(ended_at_s=None, outcome=None)
    store.put_probe(running)
    store.put_probe(a_probe())
    store.put_probe(a_probe(THUMBS, id="p2", started_at_s=300.0, usd=0.5))
    store.put_probe(a_probe(id="p3", started_at_s=200.0))
    assert [probe.id for probe in store.probes()] == ["p2", "p3", "p1"]
    assert list(store.probes(OCR, since_s=150.0)) == [a_probe(id="p3", started_at_s=200.0)]
    assert [probe.id for probe in store.probes(OCR, limit=1)] == ["p3"]
    assert list(store.probes(OCR))[-1] == a_probe()
    store.prune_journal(250.0)
    assert [probe.id for probe in store.probes()] == ["p2"]


# terms


def _under(term: int, shard: int = 0) -> ChangeEvent:
    return replace(PLANNED, term=term, shard=shard)


def test_whoever_was_replaced_writes_nothing_more(store: Journal) -> None:
    store.raise_term(3)
    change = store.plan_change(a_change(), _under(3))
    store.raise_term(4)
    with pytest.raises(NoLease, match="term 4 has begun"):
        store.advance_change(change, _under(3))
    with pytest.raises(NoLease):
        store.plan_change(a_change(THUMBS), _under(3))
    with pytest.raises(NoLease):
        store.raise_term(3)
    assert list(store.changes()) == [change]
    assert store.advance_change(change, _under(4)).revision == 1
    assert [event.term for event in store.events(change.id)] == [3, 4]


def test_a_newer_term_shuts_out_older_ones_by_writing_alone(store: Journal) -> None:
    change = store.plan_change(a_change(), _under(7))
    assert store.newest_term() == 7
    with pytest.raises(NoLease):
        store.advance_change(change, _under(6))


def test_each_shard_has_terms_of_its_own(store: Journal) -> None:
    store.raise_term(9, shard=1)
    assert (store.newest_term(), store.newest_term(1)) == (0, 9)
    change = store.plan_change(a_change(), _under(1, shard=0))
    with pytest.raises(NoLease):
        store.advance_change(change, _under(8, shard=1))
    assert store.advance_change(change, _under(9, shard=1)).revision == 1


def test_a_change_is_planned_only_if_nobody_planned_one_since_it_was_counted(
    store: Journal,
) -> None:
    assert store.newest_change_id() == 0
    first = store.plan_change(a_change(), PLANNED, after=0)
    with pytest.raises(Conflict, match="not alone"):
        store.plan_change(a_change(THUMBS), PLANNED, after=0)
    assert store.newest_change_id() == first.id
    store.plan_change(a_change(THUMBS), PLANNED, after=first.id)
    assert sorted(store.planned_s(-math.inf)) == [first.planned_at_s] * 2
    assert list(store.planned_s(first.planned_at_s + 1.0)) == []
