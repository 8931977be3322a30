"""One SQLite connection for the whole process: its pragmas, its lock, its transactions.

All threads share the connection under one re-entrant lock; every use is short. Writes are
`BEGIN IMMEDIATE`, so a second process (the command line beside the daemon) waits its turn
for at most the busy timeout instead of failing in the middle. `synchronous=FULL` makes
each commit reach the disk before it returns: what is recorded before acting must still be
there after a power cut.
"""

import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from controller.model.errors import Terminal
from controller.store.codec import CodecError
from controller.store.refusals import primary_code, refusal, translating, unreadable
from controller.store.schema import MIGRATIONS, check_ours, migrate

MEMORY = ":memory:"
_JOURNAL_SIZE_LIMIT_BYTES = 16 * 2**20
"""What is left of the write-ahead log's file after a checkpoint."""


class Database:
    """A connection that is safe to share between threads.

    Args:
        path: a file, or `:memory:`.
        read_only: never writes, and needs no write access to the file.
        busy_timeout_s: how long to wait for another process' transaction.
        max_bytes: refuse to grow beyond this; None: until the disk is full.

    Raises:
        StoreError: the file cannot be used; the message is one sentence that says why.
    """

    def __init__(
        self,
        path: str,
        *,
        read_only: bool = False,
        busy_timeout_s: float = 5.0,
        max_bytes: int | None = None,
    ) -> None:
        self.path = path
        self._lock = threading.RLock()
        self._in_batch = False
        _check_file(path, read_only=read_only)
        with translating(path):
            self._connection = _connected(path, read_only, busy_timeout_s)
            try:
                if read_only:
                    self._check_readable()
                else:
                    self._prepare(max_bytes)
            except BaseException:
                self._connection.close()
                raise

    def _prepare(self, max_bytes: int | None) -> None:
        connection = self._connection
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute(f"PRAGMA journal_size_limit = {_JOURNAL_SIZE_LIMIT_BYTES}")
        self._check_pages()
        migrate(connection, self.path)
        _prefer_wal(connection)
        if max_bytes is not None:
            page_bytes = int(connection.execute("PRAGMA page_size").fetchone()[0])
            connection.execute(f"PRAGMA max_page_count = {max(1, max_bytes // page_bytes)}")

    def _check_readable(self) -> None:
        version = check_ours(self._connection, self.path)
        if version < len(MIGRATIONS):
            sentence = (
                f"the journal {{path}} has the older schema {version}:"
                " start the controller on it once, which brings it up to date"
            )
            raise refusal(self.path, "older", sentence)

    def _check_pages(self) -> None:
        # finds torn and foreign pages; leaves out the costly comparison of indexes and tables
        found = self._connection.execute("PRAGMA quick_check(1)").fetchone()[0]
        if found != "ok":
            sentence = (
                "the journal {path} is corrupt; restore a copy, or move it away to begin anew"
            )
            raise refusal(self.path, "corrupt", sentence)

    @contextmanager
    def read(self) -> Iterator[sqlite3.Connection]:
        """For queries. Within, a row that does not decode is a StoreError."""
        with self._lock, translating(self.path):
            try:
                yield self._connection
            except CodecError as error:
                raise unreadable(self.path, error) from error

    @contextmanager
    def snapshot(self) -> Iterator[sqlite3.Connection]:
        """For several queries that must see one and the same state."""
        with self.read() as connection:
            if connection.in_transaction:
                yield connection
                return
            connection.execute("BEGIN")
            try:
                yield connection
            finally:
                _roll_back(connection)

    @contextmanager
    def write(self) -> Iterator[sqlite3.Connection]:
        """One transaction: all of the block is kept, or, where it raises, none of it.

        Inside `batch` it is a part of the batch's transaction, with the same promise.
        """
        with self._lock, translating(self.path):
            if self._in_batch:
                with _savepoint(self._connection, self.path):
                    yield self._connection
                return
            with _transaction(self._connection):
                yield self._connection

    @contextmanager
    def batch(self) -> Iterator[None]:
        """Join the writes of this thread into one transaction; other threads wait meanwhile."""
        with self._lock:
            if self._in_batch:
                yield
                return
            with translating(self.path):
                self._connection.execute("BEGIN IMMEDIATE")
            self._in_batch = True
            try:
                # the block is the caller's: its own errors are not ours to translate
                yield
                with translating(self.path):
                    self._connection.execute("COMMIT")
            finally:
                self._in_batch = False
                _roll_back(self._connection)

    @contextmanager
    def write_through(self) -> Iterator[sqlite3.Connection]:
        """As `write`, and on disk when the block ends: refused inside a batch."""
        with self._lock:
            if self._in_batch:
                raise Terminal(
                    "a change cannot be journalled inside a batch:"
                    " it must be on disk before anything acts on it",
                    operation="store",
                )
            with self.write() as connection:
                yield connection

    def copy_in_memory(self) -> "Database":
        """The same content in memory, as of one instant; neither sees the other's changes."""
        copy = Database(MEMORY)
        with self._lock, translating(self.path):
            self._connection.backup(copy._connection)
        return copy

    def close(self) -> None:
        """Wait for the transaction under way, then release the file."""
        with self._lock:
            self._connection.close()


def _check_file(path: str, *, read_only: bool) -> None:
    """Refuse by name what SQLite would only call `unable to open database file`."""
    if path == MEMORY:
        return
    directory = Path(path).absolute().parent
    if not directory.is_dir():
        sentence = f"the directory {directory} for the journal does not exist"
        raise refusal(path, "cannot_open", sentence)
    if Path(path).is_dir():
        raise refusal(path, "cannot_open", "{path} is a directory, not a journal")
    if read_only and not Path(path).exists():
        raise refusal(path, "cannot_open", "there is no journal at {path}")
    # SQLite keeps its write-ahead log beside the file, so the directory must be writable too
    if not read_only and not os.access(directory, os.W_OK):
        sentence = f"the directory {directory} for the journal is not writable"
        raise refusal(path, "read_only", sentence)


def _connected(path: str, read_only: bool, busy_timeout_s: float) -> sqlite3.Connection:
    if not read_only or path == MEMORY:
        return _connection(path, busy_timeout_s, uri=False)
    # percent-encoded by as_uri, so a `?` in the name is no parameter
    uri = Path(path).absolute().as_uri()
    connection = _connection(f"{uri}?mode=ro", busy_timeout_s, uri=True)
    try:
        connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    except sqlite3.DatabaseError as error:
        connection.close()
        if primary_code(error) != sqlite3.SQLITE_CANTOPEN or Path(f"{path}-wal").exists():
            raise
        # a cleanly closed journal on a read-only disk: nobody can change it under us
        return _connection(f"{uri}?immutable=1", busy_timeout_s, uri=True)
    return connection


def _connection(name: str, busy_timeout_s: float, *, uri: bool) -> sqlite3.Connection:
    return sqlite3.connect(
        name, timeout=busy_timeout_s, isolation_level=None, check_same_thread=False, uri=uri
    )


def _prefer_wal(connection: sqlite3.Connection) -> None:
    """Readers and the writer do not wait for each other in WAL mode.

    The mode is a property of the file. Where another process is switching it at this very
    moment, or the file system cannot do it, the old mode stays: slower, and as safe.
    """
    try:
        connection.execute("PRAGMA journal_mode = WAL")
    except sqlite3.OperationalError as error:
        if primary_code(error) != sqlite3.SQLITE_BUSY:
            raise


@contextmanager
def _transaction(connection: sqlite3.Connection) -> Iterator[None]:
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    finally:
        _roll_back(connection)


@contextmanager
def _savepoint(connection: sqlite3.Connection, path: str) -> Iterator[None]:
    if not connection.in_transaction:
        # a full disk, for one, makes SQLite roll the whole transaction back by itself
        raise refusal(path, "sqlite", "an earlier error undid this batch of the journal {path}")
    connection.execute("SAVEPOINT part")
    try:
        yield
        connection.execute("RELEASE part")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK TO part")
            connection.execute("RELEASE part")
        raise


def _roll_back(connection: sqlite3.Connection) -> None:
    """Undo what is not committed; nothing to do after a commit."""
    # the error that led here is the one to report, not one of the rollback
    with suppress(sqlite3.Error):
        if connection.in_transaction:
            connection.execute("ROLLBACK")
