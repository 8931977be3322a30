"""Changes and their events: what was intended, what was done, what came of it."""

# ruff: noqa: S608 - only names of our own columns are put into SQL text

import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import fields, replace
from functools import lru_cache
from typing import Any

from controller.model.change import Change, ChangeEvent
from controller.model.endpoint import EndpointKey
from controller.model.errors import Conflict
from controller.store import codec, fences

_JSON = frozenset({"before", "target", "proposal", "baseline", "progress", "verdict"})
_COLUMNS = tuple(
    "endpoint" if field.name == "key" else field.name
    for field in fields(Change)
    if field.name != "id"
)
_EVENT = tuple(field.name for field in fields(ChangeEvent))
_SELECT = f"SELECT id, {', '.join(_COLUMNS)} FROM changes"
_INSERT = (
    f"INSERT INTO changes ({', '.join(_COLUMNS)}) VALUES ({', '.join(f':{c}' for c in _COLUMNS)})"
)
_UPDATE = (
    f"UPDATE changes SET {', '.join(f'{c} = :{c}' for c in _COLUMNS)}"
    " WHERE id = :id AND endpoint = :endpoint AND revision = :seen_revision"
)
# word for word the condition of the index `one_open_change`, or SQLite would not use it
_OPEN = "phase NOT IN ('Verified', 'Unverified', 'RolledBack', 'Failed')"


def insert(
    connection: sqlite3.Connection, change: Change, event: ChangeEvent, after: int | None = None
) -> Change:
    """Journal a new change and its first event; returns it with its id.

    Raises Conflict, and NoLease where the writer has been replaced.
    """
    fences.pass_through(connection, event)
    if after is not None and newest_id(connection) != after:
        raise Conflict(f"{change.key} was not alone in planning a change", operation="plan_change")
    try:
        cursor = connection.execute(_INSERT, _row(change))
    except sqlite3.IntegrityError as error:
        raise _conflict_or(error, change) from error
    stored = replace(change, id=int(cursor.lastrowid or 0))
    insert_event(connection, stored.id, event)
    return stored


def update(connection: sqlite3.Connection, change: Change, event: ChangeEvent) -> Change:
    """Replace the row if nobody has since it was read. Raises Conflict and NoLease."""
    fences.pass_through(connection, event)
    advanced = replace(change, revision=change.revision + 1)
    row = _row(advanced) | {"id": change.id, "seen_revision": change.revision}
    try:
        replaced = connection.execute(_UPDATE, row).rowcount
    except sqlite3.IntegrityError as error:
        raise _conflict_or(error, change) from error
    if replaced == 0:
        raise Conflict(
            f"change {change.id} of {change.key} has moved on since it was read",
            operation="advance_change",
        )
    insert_event(connection, change.id, event)
    return advanced


def insert_event(connection: sqlite3.Connection, change_id: int, event: ChangeEvent) -> None:
    """Add one line to a change's history."""
    connection.execute(
        f"INSERT INTO change_events (change_id, {', '.join(_EVENT)}) VALUES (?, ?, ?, ?, ?, ?, ?)",
        (
            change_id,
            event.at_s,
            event.phase.value,
            event.what,
            event.message,
            event.term,
            event.shard,
        ),
    )


def planned_s(connection: sqlite3.Connection, since_s: float) -> Sequence[float]:
    """When changes were planned since an instant."""
    query = "SELECT planned_at_s FROM changes WHERE planned_at_s >= ?"
    return [row[0] for row in connection.execute(query, (since_s,))]


def newest_id(connection: sqlite3.Connection) -> int:
    """The id given out last, though its change may have left the journal since."""
    found = connection.execute("SELECT seq FROM sqlite_sequence WHERE name = 'changes'").fetchone()
    return 0 if found is None else int(found[0])


def by_id(connection: sqlite3.Connection, change_id: int) -> Change | None:
    """One change."""
    return _first(connection.execute(f"{_SELECT} WHERE id = ?", (change_id,)))


def open_of(connection: sqlite3.Connection, key: EndpointKey) -> Change | None:
    """The change in flight of one endpoint."""
    return _first(connection.execute(f"{_SELECT} WHERE endpoint = ? AND {_OPEN}", (str(key),)))


def all_open(connection: sqlite3.Connection) -> Sequence[Change]:
    """All changes in flight, by key."""
    changes = _changes(connection.execute(f"{_SELECT} WHERE {_OPEN}"))
    return sorted(changes, key=lambda change: change.key)


def select(
    connection: sqlite3.Connection,
    key: EndpointKey | None,
    since_s: float | None,
    limit: int | None,
) -> Sequence[Change]:
    """Changes, newest first: of one endpoint, planned at or after `since_s`, at most `limit`."""
    conditions: list[str] = []
    values: list[object] = []
    if key is not None:
        conditions.append("endpoint = ?")
        values.append(str(key))
    if since_s is not None:
        conditions.append("planned_at_s >= ?")
        values.append(since_s)
    where = f" WHERE {' AND '.join(conditions)}" if conditions else ""
    # a negative limit is SQLite's word for none
    values.append(-1 if limit is None else max(0, limit))
    order = " ORDER BY planned_at_s DESC, id DESC LIMIT ?"
    return _changes(connection.execute(f"{_SELECT}{where}{order}", values))


def events(connection: sqlite3.Connection, change_id: int) -> Sequence[ChangeEvent]:
    """A change's history, oldest first."""
    rows = connection.execute(
        f"SELECT {', '.join(_EVENT)} FROM change_events WHERE change_id = ? ORDER BY id",
        (change_id,),
    )
    return [codec.decode(ChangeEvent, dict(zip(_EVENT, row, strict=True))) for row in rows]


def prune(connection: sqlite3.Connection, before_s: float) -> int:
    """Delete closed changes that ended before `before_s`, but the newest of each endpoint."""
    old = (
        f"NOT ({_OPEN}) AND finished_at_s < ? AND id NOT IN"
        " (SELECT max(id) FROM changes GROUP BY endpoint)"
    )
    connection.execute(
        f"DELETE FROM change_events WHERE change_id IN (SELECT id FROM changes WHERE {old})",
        (before_s,),
    )
    return connection.execute(f"DELETE FROM changes WHERE {old}", (before_s,)).rowcount


def _row(change: Change) -> dict[str, Any]:
    document = codec.encode(change)
    assert isinstance(document, dict)
    document["endpoint"] = document.pop("key")
    return {
        name: codec.dumps(value) if name in _JSON and value is not None else value
        for name, value in document.items()
    }


def _changes(rows: Iterable[Sequence[Any]]) -> list[Change]:
    return [_change(row) for row in rows]


def _first(rows: Iterable[Sequence[Any]]) -> Change | None:
    return next((_change(row) for row in rows), None)


def _change(row: Sequence[Any]) -> Change:
    return _decoded(tuple(row))


@lru_cache(maxsize=4096)
def _decoded(row: tuple[Any, ...]) -> Change:
    """A tick reads the same few rows again and again; a change is a value, so it can be shared."""
    document = {
        name: codec.loads(value) if name in _JSON and value is not None else value
        for name, value in zip(("id", *_COLUMNS), row, strict=True)
    }
    document["key"] = document.pop("endpoint")
    return codec.decode(Change, document)


def _conflict_or(error: sqlite3.IntegrityError, change: Change) -> Exception:
    if "changes.endpoint" not in str(error):
        return error
    return Conflict(f"a change of {change.key} is already in flight", operation="plan_change")
