"""The journal in a file and in memory: one promise, two places."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from controller.store.sqlite import SqliteStore


@pytest.fixture(params=["file", "memory"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SqliteStore]:
    path = tmp_path / "journal.db" if request.param == "file" else ":memory:"
    opened = SqliteStore.open(path)
    yield opened
    opened.close()
