"""The tables, and how an older file becomes a newer one.

`PRAGMA user_version` numbers the schema; `MIGRATIONS[n]` takes a file from version n to
n + 1 and never changes once released. All of them run in one immediate transaction, so a
crash or a second process in the middle leaves either the old file or the new one.
`PRAGMA application_id` marks the file as ours, so that another program's database is
refused instead of being filled with our tables.
"""

import sqlite3
from collections.abc import Callable, Sequence

from controller.store.refusals import refusal

APPLICATION_ID = 0x52535A52
"""`RSZR` in ASCII."""

Migration = Callable[[sqlite3.Connection], None]

_VERSION_1 = (
    """CREATE TABLE changes (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        endpoint TEXT NOT NULL,
        policy TEXT NOT NULL,
        phase TEXT NOT NULL,
        before TEXT NOT NULL,         -- JSON, tagged by kind
        target TEXT NOT NULL,         -- JSON, tagged by kind
        reason TEXT NOT NULL,
        detail TEXT NOT NULL,
        proposal TEXT,                -- JSON
        etag TEXT NOT NULL,
        baseline TEXT,                -- JSON
        actor TEXT NOT NULL,
        term INTEGER NOT NULL,
        planned_at_s REAL NOT NULL,
        updated_at_s REAL NOT NULL,
        progress TEXT NOT NULL,       -- JSON
        verdict TEXT,                 -- JSON
        finished_at_s REAL,
        revision INTEGER NOT NULL
    ) STRICT""",
    # the invariant "one change in flight per endpoint" is the database's, not the program's
    """CREATE UNIQUE INDEX one_open_change ON changes(endpoint)
        WHERE phase NOT IN ('Verified', 'RolledBack', 'Failed')""",
    "CREATE INDEX changes_by_endpoint ON changes(endpoint, planned_at_s)",
    "CREATE INDEX changes_by_time ON changes(planned_at_s)",
    """CREATE TABLE change_events (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        change_id INTEGER NOT NULL REFERENCES changes(id),
        at_s REAL NOT NULL,
        phase TEXT NOT NULL,
        what TEXT NOT NULL,
        message TEXT NOT NULL
    ) STRICT""",
    "CREATE INDEX events_by_change ON change_events(change_id, id)",
    # Clustered by endpoint and time, because that is how evidence is read. An index by end
    # would nearly double the file, for a pruning that scans 400,000 rows in 0.1 s without it.
    """CREATE TABLE observations (
        endpoint TEXT NOT NULL,
        start_s REAL NOT NULL,
        size TEXT NOT NULL,           -- JSON, tagged by kind
        era TEXT NOT NULL,
        end_s REAL NOT NULL,
        requests INTEGER NOT NULL,
        mean_ms REAL NOT NULL,
        p50_ms REAL NOT NULL,
        p95_ms REAL NOT NULL,
        met_ratio REAL,
        met_ratio_missing TEXT CHECK ((met_ratio IS NULL) <> (met_ratio_missing IS NULL)),
        threshold_ms REAL NOT NULL,
        source TEXT NOT NULL,
        PRIMARY KEY (endpoint, start_s, size, era)
    ) STRICT, WITHOUT ROWID""",
    """CREATE TABLE memory_use (
        endpoint TEXT NOT NULL,
        start_s REAL NOT NULL,
        memory_mb INTEGER NOT NULL,
        end_s REAL NOT NULL,
        max_used_mb INTEGER NOT NULL,
        invocations INTEGER NOT NULL,
        cold_starts INTEGER NOT NULL,
        init_p95_ms REAL,
        init_p95_missing TEXT CHECK ((init_p95_ms IS NULL) <> (init_p95_missing IS NULL)),
        init_mean_ms REAL,
        init_mean_missing TEXT CHECK ((init_mean_ms IS NULL) <> (init_mean_missing IS NULL)),
        PRIMARY KEY (endpoint, start_s, memory_mb)
    ) STRICT, WITHOUT ROWID""",
    """CREATE TABLE conditions (
        endpoint TEXT NOT NULL,
        type TEXT NOT NULL,
        status TEXT NOT NULL,
        reason TEXT NOT NULL,
        message TEXT NOT NULL,
        observed_generation TEXT NOT NULL,
        last_transition_s REAL NOT NULL,
        PRIMARY KEY (endpoint, type)
    ) STRICT, WITHOUT ROWID""",
    """CREATE TABLE assessments (
        endpoint TEXT PRIMARY KEY,
        at_s REAL NOT NULL,
        document TEXT NOT NULL        -- JSON
    ) STRICT""",
    "CREATE TABLE checkpoints (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID",
    """CREATE TABLE pauses (
        scope TEXT PRIMARY KEY,
        since_s REAL NOT NULL,
        until_s REAL,
        reason TEXT NOT NULL,
        actor TEXT NOT NULL
    ) STRICT, WITHOUT ROWID""",
)


_VERSION_2 = (
    # real-time endpoints learn latency against load; rows of before have neither column
    "ALTER TABLE observations ADD COLUMN load_rps REAL",
    "ALTER TABLE observations ADD COLUMN load_rps_missing TEXT",
)

_VERSION_3 = (
    "DROP INDEX one_open_change",
    """CREATE UNIQUE INDEX one_open_change ON changes(endpoint)
        WHERE phase NOT IN ('Verified', 'Unverified', 'RolledBack', 'Failed')""",
)

_VERSION_4 = (
    """CREATE TABLE shadows (
        id TEXT PRIMARY KEY,
        created_at_s REAL NOT NULL,
        document TEXT NOT NULL        -- JSON
    ) STRICT, WITHOUT ROWID""",
    """CREATE TABLE probes (
        id TEXT PRIMARY KEY,
        endpoint TEXT NOT NULL,
        started_at_s REAL NOT NULL,
        document TEXT NOT NULL        -- JSON
    ) STRICT, WITHOUT ROWID""",
    "CREATE INDEX probes_by_endpoint ON probes(endpoint, started_at_s)",
    "CREATE INDEX probes_by_time ON probes(started_at_s)",
)


_VERSION_5 = (
    # each line of the journal says under which term of which shard's lease it was written
    "ALTER TABLE change_events ADD COLUMN term INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE change_events ADD COLUMN shard INTEGER NOT NULL DEFAULT 0",
    "CREATE TABLE fences (shard INTEGER PRIMARY KEY, term INTEGER NOT NULL) STRICT",
    """INSERT INTO fences (shard, term)
        SELECT 0, CAST(value AS INTEGER) FROM checkpoints WHERE name = 'term'""",
    "DELETE FROM checkpoints WHERE name = 'term'",
)


def _create_version_1(connection: sqlite3.Connection) -> None:
    for statement in _VERSION_1:
        connection.execute(statement)


def _add_load(connection: sqlite3.Connection) -> None:
    for statement in _VERSION_2:
        connection.execute(statement)


def _close_unverified(connection: sqlite3.Connection) -> None:
    for statement in _VERSION_3:
        connection.execute(statement)


def _add_probes(connection: sqlite3.Connection) -> None:
    for statement in _VERSION_4:
        connection.execute(statement)


def _add_terms(connection: sqlite3.Connection) -> None:
    for statement in _VERSION_5:
        connection.execute(statement)


MIGRATIONS: Sequence[Migration] = (
    _create_version_1,
    _add_load,
    _close_unverified,
    _add_probes,
    _add_terms,
)


def check_ours(connection: sqlite3.Connection, path: str, known: int = len(MIGRATIONS)) -> int:
    """The file's schema version (0: empty). Raises StoreError for a file we must not touch."""
    version, application, tables = _marks(connection)
    if application != APPLICATION_ID and (tables or version):
        raise refusal(path, "not_a_journal", "{path} is the database of another program")
    if version > known:
        sentence = (
            f"the journal {{path}} has schema {version}, but this program knows only up to {known}:"
            " run the newer version that wrote it"
        )
        raise refusal(path, "newer", sentence)
    return version


def _marks(connection: sqlite3.Connection) -> tuple[int, int, int]:
    """(user_version, application_id, number of tables), all of one instant: read one by one,
    a journal that another process is just making would look like somebody else's database."""
    alone = not connection.in_transaction
    if alone:
        connection.execute("BEGIN")
    try:
        version = int(connection.execute("PRAGMA user_version").fetchone()[0])
        application = int(connection.execute("PRAGMA application_id").fetchone()[0])
        tables = int(connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0])
    finally:
        if alone and connection.in_transaction:
            connection.execute("ROLLBACK")
    return version, application, tables


def migrate(
    connection: sqlite3.Connection, path: str, migrations: Sequence[Migration] = MIGRATIONS
) -> None:
    """Bring the file to the newest schema, all or nothing.

    Args:
        connection: in autocommit mode, with a busy timeout set.
        path: for messages.
        migrations: step n leads from version n to n + 1.

    Raises:
        StoreError: the file is another program's, or newer than `migrations`.
        sqlite3.Error: untranslated, from a step.
    """
    if check_ours(connection, path, len(migrations)) == len(migrations):
        return
    connection.execute("BEGIN IMMEDIATE")
    try:
        # asked again under the lock: another process may have been faster
        for step in migrations[check_ours(connection, path, len(migrations)) :]:
            step(connection)
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {len(migrations)}")
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
