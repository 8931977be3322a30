"""The journal as commands open it: for reading, for writing, or as a copy to play with."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from controller.cli.exits import CommandError
from controller.cli.session import Session
from controller.settings import Settings
from controller.store.opened import Journal
from controller.store.sqlite import SqliteStore

if TYPE_CHECKING:
    from controller.store.dynamodb.connect import Table


@contextmanager
def reading(session: Session) -> Iterator[Journal]:
    """The journal, which must exist, for looking only."""
    settings = session.settings
    if settings.table is None and not settings.store.exists():
        raise CommandError(
            f"there is no journal at {settings.store}: start `rightsizer run`, or name another"
            " with --store"
        )
    store = _table(settings) or SqliteStore.open(settings.store, read_only=True)
    try:
        yield store
    finally:
        store.close()


@contextmanager
def writing(session: Session) -> Iterator[Journal]:
    """The journal, made with its directory where it does not exist yet."""
    store = opened(session.settings)
    try:
        yield store
    finally:
        store.close()


def opened(settings: Settings) -> Journal:
    """Open a journal for writing; a file's directory is made where it does not exist."""
    if (store := _table(settings)) is not None:
        return store
    path = settings.store
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        why = (error.strerror or str(error)).lower()
        raise CommandError(f"the journal's directory {path.parent} cannot be made: {why}") from None
    return SqliteStore.open(path)


def copied(session: Session) -> Journal:
    """A copy, empty where there is no journal yet: what is written to it is forgotten."""
    settings = session.settings
    if settings.table is not None:
        from controller.clock import SystemClock
        from controller.store.dynamodb.scratch import ScratchStore

        return ScratchStore.open(table_of(settings.table), SystemClock().monotonic_s)
    if not settings.store.exists():
        return SqliteStore.open(":memory:")
    store = SqliteStore.open(settings.store, read_only=True)
    try:
        return store.copy_in_memory()
    finally:
        store.close()


def table_of(address: str) -> "Table":
    """A table's address. Raises UsageError."""
    from controller.store.dynamodb.connect import parse_table

    try:
        return parse_table(address)
    except ValueError as error:
        raise click.UsageError(f"{error}.") from None


def _table(settings: Settings) -> Journal | None:
    if settings.table is None:
        return None
    from controller.clock import SystemClock
    from controller.store.dynamodb.store import DynamoStore

    return DynamoStore.open(table_of(settings.table), SystemClock().monotonic_s)
