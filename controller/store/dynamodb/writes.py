"""Writes at once, or at the end of a thread's batch."""

import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from controller.model.errors import Terminal
from controller.store.dynamodb.items import Item
from controller.store.dynamodb.table import Rows

Place = tuple[str, str]


@dataclass(slots=True)
class _Wanted:
    puts: list[Item] = field(default_factory=list)
    deletes: list[Place] = field(default_factory=list)


class _OfThread(threading.local):
    wanted: _Wanted | None = None


class Writes:
    """Puts and deletes on a table."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows
        self._thread = _OfThread()

    @property
    def in_batch(self) -> bool:
        """Whether this thread's writes are held back."""
        return self._thread.wanted is not None

    @contextmanager
    def batch(self) -> Iterator[None]:
        """Hold writes back until the end of the block, or for ever where it raises."""
        if self._thread.wanted is not None:
            yield
            return
        wanted = self._thread.wanted = _Wanted()
        try:
            yield
        finally:
            self._thread.wanted = None
        self._rows.write(wanted.puts, wanted.deletes)

    def put(self, *items: Item) -> None:
        """Add or replace."""
        if self._thread.wanted is None:
            self._rows.write(items)
        else:
            self._thread.wanted.puts += items

    def delete(self, places: Iterable[Place]) -> int:
        """Remove what is there; returns the number of places."""
        gone = list(places)
        if self._thread.wanted is None:
            self._rows.write(deletes=gone)
        else:
            self._thread.wanted.deletes += gone
        return len(gone)

    def must_not_batch(self) -> None:
        """Raises Terminal where this thread's writes are held back."""
        if self.in_batch:
            raise Terminal(
                "a change cannot be journalled inside a batch:"
                " it must be on disk before anything acts on it",
                operation="store",
            )
