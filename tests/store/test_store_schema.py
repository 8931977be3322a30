"""Schema versions: an older file becomes a newer one, whole or not at all."""

import re
import sqlite3
from pathlib import Path

import pytest
from store_values import OCR, PLANNED, a_change

from controller.model.change import ChangePhase
from controller.model.errors import StoreError
from controller.store.schema import MIGRATIONS, Migration, migrate
from controller.store.sqlite import SqliteStore


@pytest.fixture
def used(tmp_path: Path) -> Path:
    """A closed journal with one open change, at the newest schema."""
    path = tmp_path / "journal.db"
    store = SqliteStore.open(path)
    store.plan_change(a_change(), PLANNED)
    store.close()
    return path


def _add_team(connection: sqlite3.Connection) -> None:
    connection.execute("ALTER TABLE changes ADD COLUMN team TEXT NOT NULL DEFAULT 'none'")


def _add_team_and_fail(connection: sqlite3.Connection) -> None:
    _add_team(connection)
    connection.execute("INSERT INTO no_such_table VALUES (1)")


def _migrated(path: Path, *more: Migration) -> None:
    connection = sqlite3.connect(path, isolation_level=None)
    try:
        migrate(connection, str(path), [*MIGRATIONS, *more])
    finally:
        connection.close()


def _ask(path: Path, query: str) -> list[tuple[object, ...]]:
    connection = sqlite3.connect(path)
    try:
        return connection.execute(query).fetchall()
    finally:
        connection.close()


def test_an_older_journal_becomes_a_newer_one_with_its_rows(used: Path) -> None:
    _migrated(used, _add_team)
    assert _ask(used, "PRAGMA user_version") == [(len(MIGRATIONS) + 1,)]
    assert _ask(used, "SELECT endpoint, team FROM changes") == [(str(OCR), "none")]
    with pytest.raises(StoreError, match="newer version"):
        SqliteStore.open(used)


def test_migrating_twice_is_migrating_once(used: Path) -> None:
    _migrated(used, _add_team)
    _migrated(used, _add_team)
    assert _ask(used, "SELECT count(*) FROM changes") == [(1,)]


def test_a_step_that_fails_leaves_the_older_journal(used: Path) -> None:
    with pytest.raises(sqlite3.OperationalError, match="no_such_table"):
        _migrated(used, _add_team_and_fail)
    assert _ask(used, "PRAGMA user_version") == [(len(MIGRATIONS),)]
    store = SqliteStore.open(used)
    assert store.open_change(OCR) is not None
    store.close()


def test_only_the_steps_that_are_missing_run(tmp_path: Path) -> None:
    ran: list[int] = []
    steps: list[Migration] = [lambda _, n=n: ran.append(n) for n in range(3)]  # type: ignore[misc]
    connection = sqlite3.connect(tmp_path / "journal.db", isolation_level=None)
    migrate(connection, "journal.db", steps[:2])
    migrate(connection, "journal.db", steps)
    assert ran == [0, 1, 2]
    connection.close()


def test_the_open_phases_of_the_index_are_those_of_the_model(used: Path) -> None:
    ((sql,),) = _ask(used, "SELECT sql FROM sqlite_schema WHERE name = 'one_open_change'")
    closed = re.findall(r"'(\w+)'", str(sql))
    assert set(closed) == {phase.value for phase in ChangePhase if not phase.open}


def test_open_changes_are_found_by_their_index(used: Path) -> None:
    plan = _ask(
        used,
        "EXPLAIN QUERY PLAN SELECT id FROM changes WHERE endpoint = 'x'"
        " AND phase NOT IN ('Verified', 'Unverified', 'RolledBack', 'Failed')",
    )
    assert "one_open_change" in str(plan)


def test_every_table_is_strict(used: Path) -> None:
    tables = _ask(used, "SELECT name, strict FROM pragma_table_list WHERE schema = 'main'")
    ours = {name: strict for name, strict in tables if not str(name).startswith("sqlite_")}
    assert len(ours) == 11
    assert set(ours.values()) == {1}


def test_a_journal_is_marked_as_ours_and_kept_in_wal_mode(used: Path) -> None:
    assert _ask(used, "PRAGMA application_id") == [(int.from_bytes(b"RSZR", "big"),)]
    assert _ask(used, "PRAGMA journal_mode") == [("wal",)]
