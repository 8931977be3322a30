"""The journal against a model of plain dictionaries, through any sequence of uses."""

import math
import shutil
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, rule
from moto import mock_aws
from store_tables import Account
from store_values import (
    KEYS,
    changes,
    conditions,
    events,
    instants,
    json_documents,
    memory_uses,
    observations,
    pauses,
    words,
)

from controller.model.change import Change, ChangeEvent
from controller.model.condition import Condition, ConditionType, Pause
from controller.model.endpoint import EndpointKey
from controller.model.errors import Conflict
from controller.model.estimate import Observation
from controller.model.window import MemoryUse
from controller.ports import Store
from controller.store.sqlite import SqliteStore

known_keys = st.sampled_from(KEYS)


class Journal(RuleBasedStateMachine):
    """Rules use the store and the model alike; the invariants compare all that can be read."""

    stored = Bundle("stored")

    @initialize()
    def begin(self) -> None:
        self.open_new()
        self.changes: dict[int, Change] = {}
        self.events: dict[int, list[ChangeEvent]] = {}
        self.observations: dict[tuple[Any, ...], Observation] = {}
        self.memory: dict[tuple[Any, ...], MemoryUse] = {}
        self.conditions: dict[tuple[EndpointKey, ConditionType], Condition] = {}
        self.assessments: dict[EndpointKey, dict[str, Any]] = {}
        self.checkpoints: dict[str, str] = {}
        self.pauses: dict[str, Pause] = {}

    def open_new(self) -> None:
        self.directory = Path(tempfile.mkdtemp(prefix="journal-"))
        self.store: Store = SqliteStore.open(self.directory / "journal.db")

    def open_again(self) -> None:
        self.store = SqliteStore.open(self.directory / "journal.db")

    def teardown(self) -> None:
        if hasattr(self, "store"):
            self.store.close()
        if hasattr(self, "directory"):
            shutil.rmtree(self.directory)

    def _busy(self, key: EndpointKey, besides: int = 0) -> bool:
        return any(
            change.key == key and change.phase.open and change.id != besides
            for change in self.changes.values()
        )

    @rule(target=stored, change=changes, key=known_keys, event=events)
    def plan(self, change: Change, key: EndpointKey, event: ChangeEvent) -> Change:
        change = replace(change, key=key)
        try:
            planned = self.store.plan_change(change, event)
        except Conflict:
            assert change.phase.open
            assert self._busy(key)
            return change
        assert not (change.phase.open and self._busy(key))
        assert planned.id not in self.changes
        assert planned == replace(change, id=planned.id)
        self.changes[planned.id] = planned
        self.events[planned.id] = [event]
        return planned

    @rule(target=stored, seen=stored, content=changes, event=events)
    def advance(self, seen: Change, content: Change, event: ChangeEvent) -> Change:
        wanted = replace(
            content,
            id=seen.id,
            key=seen.key,
            planned_at_s=seen.planned_at_s,
            revision=seen.revision,
        )
        current = self.changes.get(seen.id)
        fits = current is not None and current.revision == seen.revision
        blocked = wanted.phase.open and self._busy(seen.key, besides=seen.id)
        try:
            advanced = self.store.advance_change(wanted, event)
        except Conflict:
            assert not fits or blocked
            return seen
        assert fits
        assert not blocked
        assert advanced == replace(wanted, revision=seen.revision + 1)
        self.changes[seen.id] = advanced
        self.events[seen.id].append(event)
        return advanced

    @rule(key=known_keys, rows=st.lists(observations, max_size=4))
    def observe(self, key: EndpointKey, rows: list[Observation]) -> None:
        self.store.put_observations(key, iter(rows))
        for row in rows:
            self.observations[key, row.start_s, row.size, row.era] = row

    @rule(key=known_keys, rows=st.lists(memory_uses, max_size=4))
    def remember_memory(self, key: EndpointKey, rows: list[MemoryUse]) -> None:
        self.store.put_memory_use(key, iter(rows))
        for row in rows:
            self.memory[key, row.start_s, row.memory_mb] = row

    @rule(key=known_keys, given_=st.lists(conditions, max_size=3))
    def condition(self, key: EndpointKey, given_: list[Condition]) -> None:
        self.store.put_conditions(key, given_)
        for condition in given_:
            before = self.conditions.get((key, condition.type), condition)
            moved = before.status is not condition.status
            since_s = condition.last_transition_s if moved else before.last_transition_s
            self.conditions[key, condition.type] = replace(condition, last_transition_s=since_s)

    @rule(key=known_keys, document=json_documents)
    def assess(self, key: EndpointKey, document: dict[str, Any]) -> None:
        self.store.put_assessment(key, 1.0, document)
        self.assessments[key] = document

    @rule(key=known_keys)
    def forget(self, key: EndpointKey) -> None:
        self.store.forget_endpoint(key)
        self.assessments.pop(key, None)
        self.conditions = {at: kept for at, kept in self.conditions.items() if at[0] != key}

    @rule(name=words, value=words)
    def check(self, name: str, value: str) -> None:
        assert self.store.checkpoint(name) == self.checkpoints.get(name)
        self.store.put_checkpoint(name, value)
        self.checkpoints[name] = value

    @rule(pause=pauses)
    def pause(self, pause: Pause) -> None:
        self.store.pause(pause)
        self.pauses[pause.scope] = pause

    @rule(scope=st.sampled_from(["*", *map(str, KEYS)]))
    def resume(self, scope: str) -> None:
        assert self.store.resume(scope) is (self.pauses.pop(scope, None) is not None)

    @rule(before_s=instants)
    def prune(self, before_s: float) -> None:
        kept = {at: row for at, row in self.observations.items() if row.end_s >= before_s}
        used = {at: row for at, row in self.memory.items() if row.end_s >= before_s}
        gone = len(self.observations) + len(self.memory) - len(kept) - len(used)
        assert self.store.prune(before_s) == gone
        self.observations, self.memory = kept, used

    @rule(name=words)
    def fail_in_a_batch(self, name: str) -> None:
        try:
            with self.store.batch():
                self.store.put_checkpoint(name, "never kept")
                self.store.prune(math.inf)
                raise InterruptedError
        except InterruptedError:
            pass

    @rule()
    def reopen(self) -> None:
        self.store.close()
        self.open_again()

    @invariant()
    def the_journal_is_the_same(self) -> None:
        newest = sorted(self.changes.values(), key=lambda c: (c.planned_at_s, c.id), reverse=True)
        assert list(self.store.changes()) == newest
        for number, history in self.events.items():
            assert list(self.store.events(number)) == history
        in_flight = [change for change in self.changes.values() if change.phase.open]
        assert list(self.store.open_changes()) == sorted(in_flight, key=lambda c: c.key)
        for key in KEYS:
            mine = [change for change in in_flight if change.key == key]
            assert self.store.open_change(key) == (mine[0] if mine else None)

    @invariant()
    def the_evidence_is_the_same(self) -> None:
        for key in KEYS:
            for since_s in (-1.0, 1000.0):
                rows = [row for at, row in self.observations.items() if at[0] == key]
                expected = [row for row in rows if row.end_s > since_s]
                found = self.store.observations(key, since_s)
                assert sorted(found, key=repr) == sorted(expected, key=repr)
                assert [row.start_s for row in found] == sorted(row.start_s for row in found)
                used = [row for at, row in self.memory.items() if at[0] == key]
                expected_use = [row for row in used if row.end_s > since_s]
                found_use = self.store.memory_use(key, since_s)
                assert sorted(found_use, key=repr) == sorted(expected_use, key=repr)

    @invariant()
    def what_is_said_is_the_same(self) -> None:
        said = {
            (key, condition.type): condition
            for key, given_ in self.store.conditions().items()
            for condition in given_
        }
        assert said == self.conditions
        assert dict(self.store.assessments()) == self.assessments
        assert {pause.scope: pause for pause in self.store.pauses()} == self.pauses
        for name, value in self.checkpoints.items():
            assert self.store.checkpoint(name) == value


class DynamoJournal(Journal):
    """The same in a table."""

    def open_new(self) -> None:
        self.aws = mock_aws()
        self.aws.start()
        self.account = Account()
        self.table = self.account.table()
        self.open_again()

    def open_again(self) -> None:
        self.store = self.account.store(self.table)

    def teardown(self) -> None:
        super().teardown()
        if hasattr(self, "aws"):
            self.aws.stop()


TestJournal = pytest.mark.slow(Journal.TestCase)
TestJournal.settings = settings(max_examples=100, stateful_step_count=30, deadline=None)

TestDynamoJournal = pytest.mark.slow(DynamoJournal.TestCase)
# what fails is not made shorter: that would take minutes
TestDynamoJournal.settings = settings(
    max_examples=6,
    stateful_step_count=20,
    deadline=None,
    phases=(Phase.explicit, Phase.generate),
)
