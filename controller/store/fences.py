"""Terms: whoever was replaced writes nothing more, though it may not know of it yet.

The database's own transaction makes the comparison and the write one.
"""

import sqlite3

from controller.model.change import ChangeEvent
from controller.model.errors import NoLease


def newest(connection: sqlite3.Connection, shard: int) -> int:
    """The newest term seen of a shard's lease; 0 where there was none."""
    row = connection.execute("SELECT term FROM fences WHERE shard = ?", (shard,)).fetchone()
    return 0 if row is None else int(row[0])


def lift(connection: sqlite3.Connection, term: int, shard: int) -> None:
    """From now on nothing older may write. Raises NoLease where this is older itself."""
    known = newest(connection, shard)
    if term < known:
        raise outdated(term, known, shard)
    if term > known:
        connection.execute(
            "INSERT OR REPLACE INTO fences (shard, term) VALUES (?, ?)", (shard, term)
        )


def pass_through(connection: sqlite3.Connection, event: ChangeEvent) -> None:
    """Let a write to the journal pass whose term is the newest, or newer. Raises NoLease."""
    lift(connection, event.term, event.shard)


def outdated(term: int, newest_term: int, shard: int) -> NoLease:
    """The refusal of a writer that another one has replaced."""
    return NoLease(
        f"the journal takes no more from term {term} of shard {shard}:"
        f" term {newest_term} has begun since",
        operation="store",
        code="fenced",
    )
