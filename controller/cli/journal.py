"""The journal as commands open it: for reading, for writing, or as a copy to play with."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from controller.cli.exits import CommandError
from controller.cli.session import Session
from controller.store.sqlite import SqliteStore


@contextmanager
def reading(session: Session) -> Iterator[SqliteStore]:
    """The journal, which must exist, for looking only."""
    path = session.settings.store
    if not path.exists():
        raise CommandError(
            f"there is no journal at {path}: start `rightsizer run`, or name another with --store"
        )
    store = SqliteStore.open(path, read_only=True)
    try:
        yield store
    finally:
        store.close()


@contextmanager
def writing(session: Session) -> Iterator[SqliteStore]:
    """The journal, made with its directory where it does not exist yet."""
    store = opened(session.settings.store)
    try:
        yield store
    finally:
        store.close()


def opened(path: Path) -> SqliteStore:
    """Open a journal for writing; its directory is made where it does not exist."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        why = (error.strerror or str(error)).lower()
        raise CommandError(f"the journal's directory {path.parent} cannot be made: {why}") from None
    return SqliteStore.open(path)


def copied(session: Session) -> SqliteStore:
    """A copy in memory, empty where there is no journal yet: what is written to it is forgotten."""
    path = session.settings.store
    if not path.exists():
        return SqliteStore.open(":memory:")
    with reading(session) as store:
        return store.copy_in_memory()
