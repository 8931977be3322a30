"""What is said of endpoints now: conditions, the last assessment, pauses, checkpoints."""

# ruff: noqa: S608 - only names of our own columns are put into SQL text

import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from typing import Any

from controller.model.condition import Condition, ConditionType, Pause
from controller.model.endpoint import EndpointKey
from controller.store import codec

_PUT_CONDITION = """
    INSERT INTO conditions
        (endpoint, type, status, reason, message, observed_generation, last_transition_s)
        VALUES (?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT (endpoint, type) DO UPDATE SET
        last_transition_s =
            iif(status = excluded.status, last_transition_s, excluded.last_transition_s),
        status = excluded.status,
        reason = excluded.reason,
        message = excluded.message,
        observed_generation = excluded.observed_generation
"""


def prune_checkpoints(connection: sqlite3.Connection) -> int:
    """Delete what was remembered of endpoints of which nothing else is known any more."""
    known = " UNION ".join(
        f"SELECT endpoint FROM {table}" for table in ("assessments", "changes", "observations")
    )
    return connection.execute(
        "DELETE FROM checkpoints WHERE name LIKE '%:%/%/%/%'"  # of an endpoint, not of the process
        f" AND substr(name, instr(name, ':') + 1) NOT IN ({known})"
    ).rowcount


def put_conditions(
    connection: sqlite3.Connection, key: EndpointKey, conditions: Iterable[Condition]
) -> None:
    """Replace the conditions given. The transition time stays while the status does."""
    connection.executemany(
        _PUT_CONDITION,
        (
            (
                str(key),
                condition.type.value,
                condition.status.value,
                condition.reason.value,
                condition.message,
                condition.observed_generation,
                condition.last_transition_s,
            )
            for condition in conditions
        ),
    )


def conditions(
    connection: sqlite3.Connection, key: EndpointKey | None
) -> Mapping[EndpointKey, Sequence[Condition]]:
    """Conditions of one endpoint or of all, keys sorted, types in the order of the enum."""
    where, values = ("", ()) if key is None else (" WHERE endpoint = ?", (str(key),))
    rows = connection.execute(
        "SELECT endpoint, type, status, reason, message, observed_generation, last_transition_s"
        f" FROM conditions{where}",
        values,
    )
    found: dict[EndpointKey, list[Condition]] = defaultdict(list)
    names = [field.name for field in fields(Condition)]
    for endpoint, *row in rows:
        condition = codec.decode(Condition, dict(zip(names, row, strict=True)))
        found[codec.decode(EndpointKey, endpoint)].append(condition)
    order = list(ConditionType)
    return {
        owner: sorted(found[owner], key=lambda condition: order.index(condition.type))
        for owner in sorted(found)
    }


def put_assessment(
    connection: sqlite3.Connection, key: EndpointKey, at_s: float, document: Mapping[str, Any]
) -> None:
    """Keep the last assessment only, so that the journal does not grow with time."""
    connection.execute(
        "INSERT OR REPLACE INTO assessments (endpoint, at_s, document) VALUES (?, ?, ?)",
        (str(key), at_s, codec.dumps(document)),
    )


def assessment(connection: sqlite3.Connection, key: EndpointKey) -> Mapping[str, Any] | None:
    """The last assessment of one endpoint, or None."""
    row = connection.execute(
        "SELECT document FROM assessments WHERE endpoint = ?", (str(key),)
    ).fetchone()
    return None if row is None else dict(codec.loads(row[0]))


def assessments(connection: sqlite3.Connection) -> Mapping[EndpointKey, Mapping[str, Any]]:
    """The last assessment of every endpoint, keys sorted."""
    rows = connection.execute("SELECT endpoint, document FROM assessments")
    found = {codec.decode(EndpointKey, endpoint): codec.loads(text) for endpoint, text in rows}
    return {key: found[key] for key in sorted(found)}


def forget(connection: sqlite3.Connection, key: EndpointKey) -> None:
    """Drop conditions and assessment; changes and evidence stay."""
    connection.execute("DELETE FROM conditions WHERE endpoint = ?", (str(key),))
    connection.execute("DELETE FROM assessments WHERE endpoint = ?", (str(key),))


def put_checkpoint(connection: sqlite3.Connection, name: str, value: str) -> None:
    """Remember how far something got."""
    connection.execute(
        "INSERT OR REPLACE INTO checkpoints (name, value) VALUES (?, ?)", (name, value)
    )


def checkpoint(connection: sqlite3.Connection, name: str) -> str | None:
    """What was remembered, or None."""
    row = connection.execute("SELECT value FROM checkpoints WHERE name = ?", (name,)).fetchone()
    return None if row is None else str(row[0])


def put_pause(connection: sqlite3.Connection, pause: Pause) -> None:
    """Add or replace the pause of a scope."""
    connection.execute(
        "INSERT OR REPLACE INTO pauses (scope, since_s, until_s, reason, actor)"
        " VALUES (?, ?, ?, ?, ?)",
        (pause.scope, pause.since_s, pause.until_s, pause.reason, pause.actor),
    )


def delete_pause(connection: sqlite3.Connection, scope: str) -> bool:
    """Lift a pause; False if there was none."""
    return connection.execute("DELETE FROM pauses WHERE scope = ?", (scope,)).rowcount > 0


def pauses(connection: sqlite3.Connection) -> Sequence[Pause]:
    """All pauses, by scope."""
    rows = connection.execute(
        "SELECT scope, since_s, until_s, reason, actor FROM pauses ORDER BY scope"
    )
    return [Pause(*row) for row in rows]
