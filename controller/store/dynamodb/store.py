"""`controller.ports.Journal` in one DynamoDB table."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, Self, TextIO

from controller.model.change import Change, ChangeEvent
from controller.model.condition import Condition, Pause
from controller.model.endpoint import EndpointKey
from controller.model.estimate import Observation
from controller.model.probe import ProbeRecord, Shadow
from controller.model.window import MemoryUse
from controller.store.dynamodb import connect
from controller.store.dynamodb.connect import Table
from controller.store.dynamodb.evidence import Evidence
from controller.store.dynamodb.export import records
from controller.store.dynamodb.journal import Changes
from controller.store.dynamodb.probes import SHADOW, Probed
from controller.store.dynamodb.remembered import Remembered
from controller.store.dynamodb.status import KNOWN, PAUSE, Status, known_item
from controller.store.dynamodb.table import Rows
from controller.store.dynamodb.writes import Writes
from controller.store.export import write_records


class DynamoStore:
    """A journal that replicas on several machines share. Safe from several threads.

    Every method raises StoreError where the table cannot be used. See `controller.ports.Store`
    for what each promises; only what differs is said here.

    Args:
        rows: the table.
        steady_s: for how long what others seldom change (pauses, the count of changes) is
            remembered: a few seconds.
    """

    def __init__(self, rows: Rows, steady_s: Callable[[], float]) -> None:
        self._rows = rows
        self._changes, self._evidence = Changes(rows), Evidence(rows)
        self._status, self._probed = Status(rows), Probed(rows)
        self._remembered = Remembered(steady_s)
        self._known: set[EndpointKey] = set()
        self._writes = Writes(rows)

    @classmethod
    def open(cls, table: Table, steady_s: Callable[[], float]) -> Self:
        """Raises StoreError where there is no such table, or it is another program's."""
        client = connect.client_of(table)
        connect.check(client, table)
        return cls(Rows(client, table), steady_s)

    @property
    def path(self) -> str:
        """The table's address."""
        return str(self._rows.table)

    def acquire_daemon_lock(self) -> None:
        """Nothing to lock: replicas share the table, and a lease says who acts."""

    def daemon_running(self) -> bool:
        """Whether a controller may be running on the table: always, for none can be locked out.

        So commands journal what is wanted, and leave it to the one that leads.
        """
        return True

    def batch(self) -> AbstractContextManager[None]:
        """Write at the end of the block, or, where it raises, not at all.

        Each row is then kept by itself: a process that dies at that moment may leave some of
        them unwritten. Reads within the block do not see its writes.
        """
        return self._writes.batch()

    def _know(self, key: EndpointKey) -> None:
        if key not in self._known:
            self._writes.put(known_item(key))
            if not self._writes.in_batch:
                self._known.add(key)

    def open_change(self, key: EndpointKey) -> Change | None:
        """The change in flight, if there is one."""
        return self._changes.open_of(key)

    def open_changes(self) -> Sequence[Change]:
        """All changes in flight, by key; another process' are seen within seconds."""
        return self._remembered.of("open", self._changes.all_open)

    def plan_change(self, change: Change, event: ChangeEvent, after: int | None = None) -> Change:
        """Record a new change; with `after`, none planned by anybody since goes unseen."""
        self._writes.must_not_batch()
        try:
            return self._changes.plan(change, event, after)
        finally:
            self._remembered.forget()

    def newest_change_id(self) -> int:
        """The id of the change planned last. What is counted after this call is counted anew."""
        self._remembered.forget()
        return self._changes.newest_id()

    def advance_change(self, change: Change, event: ChangeEvent) -> Change:
        """Replace the row, durably on return. Raises Conflict if its revision has moved on."""
        self._writes.must_not_batch()
        try:
            return self._changes.advance(change, event)
        finally:
            self._remembered.forget()

    def newest_term(self, shard: int = 0) -> int:
        """The newest term that was seen of a shard's lease."""
        return self._changes.newest_term(shard)

    def raise_term(self, term: int, shard: int = 0) -> None:
        """Shut out everything older. Raises NoLease if this is older."""
        self._changes.lift(term, shard)

    def change(self, change_id: int) -> Change | None:
        """One change by id."""
        return self._changes.by_id(change_id)

    def changes(
        self, key: EndpointKey | None = None, since_s: float | None = None, limit: int | None = None
    ) -> Sequence[Change]:
        """Changes, newest first."""
        return self._changes.select(key, since_s, limit)

    def planned_s(self, since_s: float) -> Sequence[float]:
        """When changes were planned since an instant; another process' are seen in seconds."""
        kept = self._remembered.of(f"planned {since_s // 60}", lambda: self._planned(since_s))
        return [at_s for at_s in kept if at_s >= since_s]

    def _planned(self, since_s: float) -> Sequence[float]:
        return self._changes.planned_s(since_s // 60 * 60)

    def events(self, change_id: int) -> Sequence[ChangeEvent]:
        """A change's history, oldest first."""
        return self._changes.events(change_id)

    def put_observations(self, key: EndpointKey, rows: Iterable[Observation]) -> None:
        """Add or replace evidence."""
        if items := self._evidence.put_observations(key, rows):
            self._know(key)
            self._writes.put(*items)

    def observations(self, key: EndpointKey, since_s: float) -> Sequence[Observation]:
        """Evidence that ends after `since_s`, oldest first."""
        return self._evidence.observations(key, since_s)

    def put_memory_use(self, key: EndpointKey, rows: Iterable[MemoryUse]) -> None:
        """Add or replace REPORT evidence."""
        if items := self._evidence.put_memory_use(key, rows):
            self._know(key)
            self._writes.put(*items)

    def memory_use(self, key: EndpointKey, since_s: float) -> Sequence[MemoryUse]:
        """REPORT evidence that ends after `since_s`, oldest first."""
        return self._evidence.memory_use(key, since_s)

    def put_conditions(self, key: EndpointKey, conditions: Iterable[Condition]) -> None:
        """Replace the conditions given; `last_transition_s` stays while the status does."""
        self._know(key)
        self._writes.put(*self._status.merged(key, conditions))

    def conditions(
        self, key: EndpointKey | None = None
    ) -> Mapping[EndpointKey, Sequence[Condition]]:
        """Current conditions; an endpoint without any is absent."""
        return self._status.conditions(key)

    def put_assessment(self, key: EndpointKey, at_s: float, document: Mapping[str, Any]) -> None:
        """Keep the last assessment: plain JSON data, as `codec.encode` makes it."""
        items = self._status.assessed(key, at_s, document)
        self._know(key)
        self._writes.put(*items)

    def assessment(self, key: EndpointKey) -> Mapping[str, Any] | None:
        """The last assessment of one endpoint, or None."""
        return self._status.assessment(key)

    def assessments(self) -> Mapping[EndpointKey, Mapping[str, Any]]:
        """The last assessment of every endpoint."""
        return self._status.assessments()

    def forget_endpoint(self, key: EndpointKey) -> None:
        """Drop conditions and assessment; changes and evidence stay."""
        self._writes.delete(self._status.said_of(key))

    def put_checkpoint(self, name: str, value: str) -> None:
        """Remember how far something got."""
        self._writes.put(self._status.put_checkpoint(name, value))

    def checkpoint(self, name: str) -> str | None:
        """What was remembered, or None."""
        return self._status.checkpoint(name)

    def pause(self, pause: Pause) -> None:
        """Stop an endpoint or the fleet; replaces an earlier pause of the same scope."""
        self._writes.put(self._status.put_pause(pause))
        self._remembered.forget()

    def resume(self, scope: str) -> bool:
        """Lift a pause; False if there was none."""
        there = self._rows.get(PAUSE, scope) is not None
        self._writes.delete([(PAUSE, scope)])
        self._remembered.forget()
        return there

    def pauses(self) -> Sequence[Pause]:
        """All pauses, by scope; another process' are seen within seconds."""
        return self._remembered.of("pauses", self._status.pauses)

    def put_shadow(self, shadow: Shadow) -> None:
        """Record a shadow, durably on return."""
        self._writes.must_not_batch()
        self._writes.put(self._probed.put_shadow(shadow))

    def shadows(self) -> Sequence[Shadow]:
        """All shadows of which something may be left, oldest first."""
        return self._probed.shadows()

    def forget_shadow(self, shadow_id: str) -> None:
        """Nothing of it is left. An unknown id is no error."""
        self._writes.delete([(SHADOW, shadow_id)])

    def put_probe(self, record: ProbeRecord) -> None:
        """Add a probe's record, or replace it by id; durably on return."""
        self._writes.must_not_batch()
        self._writes.put(self._probed.put_probe(record))

    def probes(
        self, key: EndpointKey | None = None, since_s: float | None = None, limit: int | None = None
    ) -> Sequence[ProbeRecord]:
        """Probes, newest first."""
        return self._probed.probes(key, since_s, limit)

    def prune(self, before_s: float) -> int:
        """Delete evidence that ended before `before_s`, what has expired by itself left out."""
        known = self._status.known()
        return self._writes.delete(
            place for key in known for place in self._evidence.older(str(key), before_s)
        )

    def prune_journal(self, before_s: float) -> int:
        """Delete changes closed before `before_s`, but the newest of each endpoint."""
        gone = self._changes.prune(before_s)
        known = self._changes.endpoints() | {str(key) for key in self._still_known()}
        self._writes.delete(self._status.idle_checkpoints(known))
        self._writes.delete(self._probed.older(before_s))
        return gone

    def _still_known(self) -> Sequence[EndpointKey]:
        """Endpoints of which there is anything; the others' names go. What this process has
        written since the last time stays, for it would not write the name again."""
        listed, touched = self._status.known(), self._known
        self._known = set()
        idle = {
            key
            for key in listed
            if key not in touched and not self._status.says(key) and not self._evidence.has(key)
        }
        self._writes.delete((KNOWN, str(key)) for key in sorted(idle))
        return [key for key in listed if key not in idle]

    def export_json_lines(self, out: TextIO) -> int:
        """Write everything as JSON lines; what changes meanwhile may be in it or not."""
        name = self._rows.table.name
        rows = records(name, self._changes, self._evidence, self._status, self._probed)
        return write_records(rows, out)

    def close(self) -> None:
        """Release connections; may be called twice."""
        self._rows.close()
