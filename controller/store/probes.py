"""What is known of probes: copies that may still stand, and what each probe found and cost."""

# ruff: noqa: S608 - only words of our own are put into SQL text

import sqlite3
from collections.abc import Sequence

from controller.model.endpoint import EndpointKey
from controller.model.probe import ProbeRecord, Shadow
from controller.store import codec


def put_shadow(connection: sqlite3.Connection, shadow: Shadow) -> None:
    """Add a shadow, or replace it by id."""
    connection.execute(
        "INSERT INTO shadows (id, created_at_s, document) VALUES (?, ?, ?)"
        " ON CONFLICT (id) DO UPDATE SET document = excluded.document",
        (shadow.id, shadow.created_at_s, codec.dumps(codec.encode(shadow))),
    )


def shadows(connection: sqlite3.Connection) -> Sequence[Shadow]:
    """All shadows, oldest first."""
    rows = connection.execute("SELECT document FROM shadows ORDER BY created_at_s, id")
    return tuple(codec.decode(Shadow, codec.loads(text)) for (text,) in rows)


def forget_shadow(connection: sqlite3.Connection, shadow_id: str) -> None:
    """Drop a shadow's row."""
    connection.execute("DELETE FROM shadows WHERE id = ?", (shadow_id,))


def put_probe(connection: sqlite3.Connection, record: ProbeRecord) -> None:
    """Add a probe's record, or replace it by id."""
    connection.execute(
        "INSERT INTO probes (id, endpoint, started_at_s, document) VALUES (?, ?, ?, ?)"
        " ON CONFLICT (id) DO UPDATE SET document = excluded.document",
        (record.id, str(record.key), record.started_at_s, codec.dumps(codec.encode(record))),
    )


def probes(
    connection: sqlite3.Connection,
    key: EndpointKey | None,
    since_s: float | None,
    limit: int | None,
) -> Sequence[ProbeRecord]:
    """Probes, newest first."""
    wanted = {"endpoint = ?": None if key is None else str(key), "started_at_s >= ?": since_s}
    given = {clause: value for clause, value in wanted.items() if value is not None}
    where = f" WHERE {' AND '.join(given)}" if given else ""
    rows = connection.execute(
        f"SELECT document FROM probes{where} ORDER BY started_at_s DESC, id DESC LIMIT ?",
        (*given.values(), -1 if limit is None else limit),
    )
    return tuple(codec.decode(ProbeRecord, codec.loads(text)) for (text,) in rows)


def prune(connection: sqlite3.Connection, before_s: float) -> int:
    """Delete records of probes that began before `before_s`; returns their number."""
    return connection.execute("DELETE FROM probes WHERE started_at_s < ?", (before_s,)).rowcount
