"""A journal that cannot be used is refused in one sentence that says why."""

import sqlite3
from pathlib import Path

import pytest
from store_values import OCR, PLANNED, a_change, an_observation

from controller.model.errors import StoreError
from controller.store.schema import MIGRATIONS
from controller.store.sqlite import SqliteStore

NEWEST = len(MIGRATIONS)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.db"


@pytest.fixture
def used(path: Path) -> Path:
    """A journal with something in it, closed."""
    store = SqliteStore.open(path)
    store.plan_change(a_change(), PLANNED)
    store.put_observations(OCR, [an_observation(300.0 * n) for n in range(500)])
    store.close()
    return path


def refused(path: Path | str, code: str, **options: bool) -> str:
    with pytest.raises(StoreError) as caught:
        SqliteStore.open(path, **options)
    assert caught.value.code == code
    sentence = str(caught.value)
    assert "\n" not in sentence
    assert "Traceback" not in sentence
    return sentence


def execute(path: Path, *statements: str) -> None:
    connection = sqlite3.connect(path, isolation_level=None)
    for statement in statements:
        connection.execute(statement)
    connection.close()


@pytest.mark.parametrize("read_only", [False, True])
def test_a_file_that_is_no_database(path: Path, read_only: bool) -> None:
    path.write_bytes(b"not a database at all\n" * 200)
    before = path.read_bytes()
    sentence = refused(path, "not_a_journal", read_only=read_only)
    assert sentence == f"{path} is not a journal: it is no SQLite database"
    assert path.read_bytes() == before


@pytest.mark.parametrize("read_only", [False, True])
def test_another_programs_database(path: Path, read_only: bool) -> None:
    execute(path, "CREATE TABLE bookmarks (url TEXT)")
    sentence = refused(path, "not_a_journal", read_only=read_only)
    assert sentence == f"{path} is the database of another program"
    with sqlite3.connect(path) as connection:
        tables = connection.execute("SELECT name FROM sqlite_schema").fetchall()
    assert tables == [("bookmarks",)]


@pytest.mark.parametrize("read_only", [False, True])
def test_a_newer_journal(used: Path, read_only: bool) -> None:
    execute(used, f"PRAGMA user_version = {NEWEST + 1}")
    sentence = refused(used, "newer", read_only=read_only)
    assert f"schema {NEWEST + 1}" in sentence
    assert "newer version" in sentence


def test_a_corrupt_journal(used: Path) -> None:
    damaged = bytearray(used.read_bytes())
    for page in range(2, len(damaged) // 4096):
        damaged[page * 4096 : page * 4096 + 512] = b"\xaa" * 512
    used.write_bytes(damaged)
    assert "is corrupt" in refused(used, "corrupt")


def test_a_truncated_journal(used: Path) -> None:
    used.write_bytes(used.read_bytes()[: used.stat().st_size // 2])
    refused(used, "corrupt")


def test_a_missing_directory(tmp_path: Path) -> None:
    sentence = refused(tmp_path / "no" / "journal.db", "cannot_open")
    assert sentence == f"the directory {tmp_path / 'no'} for the journal does not exist"


def test_a_directory_in_place_of_the_file(tmp_path: Path) -> None:
    assert "is a directory" in refused(tmp_path, "cannot_open")


def test_an_unwritable_directory(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # tests may run as root, whom no mode stops; what the system would answer stands in
    monkeypatch.setattr("os.access", lambda *_: False)
    assert "is not writable" in refused(path, "read_only")


def test_no_journal_to_look_at(path: Path) -> None:
    sentence = refused(path, "cannot_open", read_only=True)
    assert sentence == f"there is no journal at {path}"
    assert not path.exists()


def test_an_older_journal_is_not_migrated_by_looking(path: Path) -> None:
    path.touch()
    assert "start the controller" in refused(path, "older", read_only=True)
    assert path.stat().st_size == 0


def test_looking_changes_nothing(used: Path) -> None:
    store = SqliteStore.open(used, read_only=True)
    assert len(store.changes()) == 1
    with pytest.raises(StoreError) as caught:
        store.put_checkpoint("a", "1")
    assert caught.value.code == "read_only"
    store.close()


def test_looking_while_the_daemon_writes(used: Path) -> None:
    daemon = SqliteStore.open(used)
    looker = SqliteStore.open(used, read_only=True)
    daemon.put_checkpoint("a", "1")
    assert looker.checkpoint("a") == "1"
    with daemon.batch():
        daemon.put_checkpoint("a", "2")
        assert looker.checkpoint("a") == "1"
    assert looker.checkpoint("a") == "2"
    looker.close()
    daemon.close()


def test_a_locked_journal(used: Path) -> None:
    store = SqliteStore.open(used, busy_timeout_s=0.05)
    other = sqlite3.connect(used, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreError, match="locked by another process") as caught:
        store.put_checkpoint("a", "1")
    assert caught.value.code == "locked"
    assert store.checkpoint("a") is None
    other.execute("ROLLBACK")
    store.put_checkpoint("a", "1")
    assert store.checkpoint("a") == "1"
    other.close()
    store.close()


def test_a_batch_that_reads_first_still_gets_to_write(used: Path) -> None:
    store = SqliteStore.open(used)
    other = SqliteStore.open(used, busy_timeout_s=0.05)
    with store.batch():
        assert store.checkpoint("a") is None
        # were the other let in now, our snapshot would be too old to write from
        with pytest.raises(StoreError, match="locked by another process"):
            other.put_checkpoint("a", "theirs")
        store.put_checkpoint("a", "ours")
    assert other.checkpoint("a") == "ours"
    other.close()
    store.close()


def _until_full(store: SqliteStore) -> None:
    for at in range(10_000):
        store.put_observations(OCR, [an_observation(300.0 * (at * 50 + n)) for n in range(50)])


def test_a_full_disk_keeps_what_was_there(path: Path) -> None:
    store = SqliteStore.open(path, max_bytes=256 * 1024)
    change = store.plan_change(a_change(), PLANNED)
    with pytest.raises(StoreError, match="is full") as caught:
        _until_full(store)
    assert caught.value.code == "full"
    rows = len(store.observations(OCR, -1.0))
    assert rows % 50 == 0
    assert store.open_change(OCR) == change
    store.prune(1e9)
    store.put_checkpoint("a", "1")
    store.close()
    assert path.stat().st_size <= 256 * 1024
    reopened = SqliteStore.open(path)
    assert reopened.checkpoint("a") == "1"
    reopened.close()


def test_a_full_disk_undoes_a_whole_batch(path: Path) -> None:
    store = SqliteStore.open(path, max_bytes=256 * 1024)

    def fill() -> None:
        with store.batch():
            store.put_checkpoint("a", "1")
            _until_full(store)

    with pytest.raises(StoreError):
        fill()
    assert store.checkpoint("a") is None
    store.put_checkpoint("a", "2")
    assert store.checkpoint("a") == "2"
    store.close()


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE changes SET phase = 'Exploded'",
        'UPDATE changes SET before = \'{"kind":"toaster"}\'',
        "UPDATE changes SET progress = '{'",
        "UPDATE changes SET endpoint = 'nonsense'",
    ],
)
def test_a_row_that_does_not_decode(used: Path, statement: str) -> None:
    execute(used, statement)
    store = SqliteStore.open(used)
    with pytest.raises(StoreError, match="holds a row that this program cannot read") as caught:
        store.changes()
    assert caught.value.code == "corrupt"
    store.close()
