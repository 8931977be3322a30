"""The journal on one SQLite file: `controller.ports.Store`, and what only a file offers."""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, TextIO

from controller.model.change import Change, ChangeEvent
from controller.model.condition import Condition, Pause
from controller.model.endpoint import EndpointKey
from controller.model.estimate import Observation
from controller.model.probe import ProbeRecord, Shadow
from controller.model.window import MemoryUse
from controller.store import daemon_lock, evidence, export, fences, journal, probes, status
from controller.store.daemon_lock import DaemonLock
from controller.store.database import MEMORY, Database


class SqliteStore:
    """A journal that several threads, and a second process, may use at the same time.

    Every method raises StoreError where the file cannot be used, and Terminal for a value
    that no row can hold (NaN, text that is not Unicode). See `controller.ports.Store` for
    what each method promises; only what this one adds is said here.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._daemon_lock: DaemonLock | None = None

    @classmethod
    def open(
        cls,
        path: Path | str,
        *,
        read_only: bool = False,
        busy_timeout_s: float = 5.0,
        max_bytes: int | None = None,
    ) -> "SqliteStore":
        """Open or create the journal at `path` (`:memory:` for none that lasts).

        Args:
            path: the file; its directory must exist.
            read_only: for looking only; the file must exist.
            busy_timeout_s: how long to wait for another process' transaction.
            max_bytes: refuse to grow beyond this; None: until the disk is full.

        Raises:
            StoreError: one sentence that says why the file cannot be used.
        """
        return cls(
            Database(
                str(path), read_only=read_only, busy_timeout_s=busy_timeout_s, max_bytes=max_bytes
            )
        )

    @property
    def path(self) -> str:
        """The file, or `:memory:`."""
        return self._database.path

    def acquire_daemon_lock(self) -> None:
        """Claim this journal for one daemon until `close` or the end of the process.

        Raises StoreError, naming the other process, where another daemon has it.
        """
        if self._daemon_lock is None and self.path != MEMORY:
            self._daemon_lock = DaemonLock(Path(self.path))

    def daemon_running(self) -> bool:
        """Whether a daemon (this one included) holds this journal."""
        return self.path != MEMORY and daemon_lock.daemon_running(Path(self.path))

    def batch(self) -> AbstractContextManager[None]:
        """Join the writes of a block into one transaction: all are kept, or none.

        Other threads wait for the end of the block, so nothing slow belongs in it. Changes
        may not be journalled in a batch: they must be on disk before anything acts on them.
        """
        return self._database.batch()

    def open_change(self, key: EndpointKey) -> Change | None:
        """The change in flight, if there is one."""
        with self._database.read() as connection:
            return journal.open_of(connection, key)

    def open_changes(self) -> Sequence[Change]:
        """All changes in flight, by key."""
        with self._database.read() as connection:
            return journal.all_open(connection)

    def plan_change(self, change: Change, event: ChangeEvent, after: int | None = None) -> Change:
        """Record a new change, on disk on return. Raises Conflict if one is open for the key."""
        with self._database.write_through() as connection:
            return journal.insert(connection, change, event, after)

    def planned_s(self, since_s: float) -> Sequence[float]:
        """When changes were planned, at or after an instant."""
        with self._database.read() as connection:
            return journal.planned_s(connection, since_s)

    def newest_change_id(self) -> int:
        """The id of the change planned last; 0 where there was none."""
        with self._database.read() as connection:
            return journal.newest_id(connection)

    def newest_term(self, shard: int = 0) -> int:
        """The newest term that was seen of a shard's lease."""
        with self._database.read() as connection:
            return fences.newest(connection, shard)

    def raise_term(self, term: int, shard: int = 0) -> None:
        """Shut out everything older, on disk on return. Raises NoLease if this is older."""
        with self._database.write_through() as connection:
            fences.lift(connection, term, shard)

    def advance_change(self, change: Change, event: ChangeEvent) -> Change:
        """Replace the row, on disk on return. Raises Conflict if its revision has moved on."""
        with self._database.write_through() as connection:
            return journal.update(connection, change, event)

    def change(self, change_id: int) -> Change | None:
        """One change by id."""
        with self._database.read() as connection:
            return journal.by_id(connection, change_id)

    def changes(
        self, key: EndpointKey | None = None, since_s: float | None = None, limit: int | None = None
    ) -> Sequence[Change]:
        """Changes, newest first."""
        with self._database.read() as connection:
            return journal.select(connection, key, since_s, limit)

    def events(self, change_id: int) -> Sequence[ChangeEvent]:
        """A change's history, oldest first."""
        with self._database.read() as connection:
            return journal.events(connection, change_id)

    def put_observations(self, key: EndpointKey, rows: Iterable[Observation]) -> None:
        """Add or replace evidence."""
        with self._database.write() as connection:
            evidence.put_observations(connection, key, rows)

    def observations(self, key: EndpointKey, since_s: float) -> Sequence[Observation]:
        """Evidence that ends after `since_s`, oldest first."""
        with self._database.read() as connection:
            return evidence.observations(connection, key, since_s)

    def put_memory_use(self, key: EndpointKey, rows: Iterable[MemoryUse]) -> None:
        """Add or replace REPORT evidence."""
        with self._database.write() as connection:
            evidence.put_memory_use(connection, key, rows)

    def memory_use(self, key: EndpointKey, since_s: float) -> Sequence[MemoryUse]:
        """REPORT evidence that ends after `since_s`, oldest first."""
        with self._database.read() as connection:
            return evidence.memory_use(connection, key, since_s)

    def put_conditions(self, key: EndpointKey, conditions: Iterable[Condition]) -> None:
        """Replace the conditions given; `last_transition_s` stays while the status does."""
        with self._database.write() as connection:
            status.put_conditions(connection, key, conditions)

    def conditions(
        self, key: EndpointKey | None = None
    ) -> Mapping[EndpointKey, Sequence[Condition]]:
        """Current conditions; an endpoint without any is absent."""
        with self._database.read() as connection:
            return status.conditions(connection, key)

    def put_assessment(self, key: EndpointKey, at_s: float, document: Mapping[str, Any]) -> None:
        """Keep the last assessment: plain JSON data, as `codec.encode` makes it."""
        with self._database.write() as connection:
            status.put_assessment(connection, key, at_s, document)

    def assessment(self, key: EndpointKey) -> Mapping[str, Any] | None:
        """The last assessment of one endpoint, or None."""
        with self._database.read() as connection:
            return status.assessment(connection, key)

    def assessments(self) -> Mapping[EndpointKey, Mapping[str, Any]]:
        """The last assessment of every endpoint."""
        with self._database.read() as connection:
            return status.assessments(connection)

    def forget_endpoint(self, key: EndpointKey) -> None:
        """Drop conditions and assessment; changes and evidence stay."""
        with self._database.write() as connection:
            status.forget(connection, key)

    def put_checkpoint(self, name: str, value: str) -> None:
        """Remember how far something got."""
        with self._database.write() as connection:
            status.put_checkpoint(connection, name, value)

    def checkpoint(self, name: str) -> str | None:
        """What was remembered, or None."""
        with self._database.read() as connection:
            return status.checkpoint(connection, name)

    def pause(self, pause: Pause) -> None:
        """Stop an endpoint or the fleet; replaces an earlier pause of the same scope."""
        with self._database.write() as connection:
            status.put_pause(connection, pause)

    def resume(self, scope: str) -> bool:
        """Lift a pause; False if there was none."""
        with self._database.write() as connection:
            return status.delete_pause(connection, scope)

    def pauses(self) -> Sequence[Pause]:
        """All pauses, by scope, expired ones included."""
        with self._database.read() as connection:
            return status.pauses(connection)

    def put_shadow(self, shadow: Shadow) -> None:
        """Record a shadow, on disk on return."""
        with self._database.write_through() as connection:
            probes.put_shadow(connection, shadow)

    def shadows(self) -> Sequence[Shadow]:
        """All shadows of which something may be left, oldest first."""
        with self._database.read() as connection:
            return probes.shadows(connection)

    def forget_shadow(self, shadow_id: str) -> None:
        """Nothing of it is left. An unknown id is no error."""
        with self._database.write_through() as connection:
            probes.forget_shadow(connection, shadow_id)

    def put_probe(self, record: ProbeRecord) -> None:
        """Add a probe's record, or replace it by id; on disk on return."""
        with self._database.write_through() as connection:
            probes.put_probe(connection, record)

    def probes(
        self, key: EndpointKey | None = None, since_s: float | None = None, limit: int | None = None
    ) -> Sequence[ProbeRecord]:
        """Probes, newest first."""
        with self._database.read() as connection:
            return probes.probes(connection, key, since_s, limit)

    def prune(self, before_s: float) -> int:
        """Delete evidence that ended before `before_s`; returns the number of rows."""
        with self._database.write() as connection:
            return evidence.prune(connection, before_s)

    def prune_journal(self, before_s: float) -> int:
        """Delete changes closed before `before_s`, but the newest of each endpoint."""
        with self._database.write() as connection:
            gone = journal.prune(connection, before_s)
            status.prune_checkpoints(connection)
            probes.prune(connection, before_s)
            return gone

    def export_json_lines(self, out: TextIO) -> int:
        """Write everything as JSON lines, from one consistent state; returns their number.

        Other threads wait meanwhile: export from a process of its own, opened read-only.
        """
        with self._database.snapshot() as connection:
            return export.write_json_lines(connection, out)

    def copy_in_memory(self) -> "SqliteStore":
        """A copy of everything that may be written to without touching the file."""
        return SqliteStore(self._database.copy_in_memory())

    def close(self) -> None:
        """Flush and release the file and the daemon's lock; may be called twice."""
        self._database.close()
        if self._daemon_lock is not None:
            self._daemon_lock.release()
            self._daemon_lock = None
